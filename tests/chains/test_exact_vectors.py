"""Exact cosine against a plain computation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ragweave.chains.exact_vectors import VectorTable


def table(vectors: NDArray[np.float32], start: int = 0) -> VectorTable:
    numbers = range(start, start + len(vectors))
    blobs = [vector.tobytes() for vector in vectors]
    return VectorTable.of(numbers, [f"id {number:03}" for number in numbers], blobs, vectors.shape[1])


def random_vectors(rows: int) -> NDArray[np.float32]:
    return np.random.default_rng(rows).normal(size=(rows, 8)).astype(np.float32)


@pytest.mark.parametrize("limit", [1, 10, 199, 200, 500])
def test_hits_are_the_best_by_cosine_whatever_the_lengths(limit: int) -> None:
    vectors, query = random_vectors(200), random_vectors(1)[0] * 3
    cosines = vectors @ query / np.linalg.norm(vectors, axis=1) / np.linalg.norm(query)
    expected = np.argsort(-cosines)[:limit]

    hits = table(vectors).search(query, limit)

    assert [id for id, _ in hits] == [f"id {number:03}" for number in expected]
    assert [score for _, score in hits] == pytest.approx(cosines[expected].tolist(), abs=1e-5)


def test_equal_vectors_tie_in_order_of_the_id_wherever_they_stand() -> None:
    vectors = np.repeat(random_vectors(3), 67, axis=0)

    hits = table(vectors).search(vectors[0], 30)

    assert [id for id, _ in hits] == [f"id {number:03}" for number in range(30)]
    assert len({score for _, score in hits}) == 1


def test_only_allowed_rows_are_found() -> None:
    vectors = random_vectors(50)
    allowed = np.arange(50) % 10 == 3

    hits = table(vectors).search(vectors[0], 100, allowed)

    assert sorted(id for id, _ in hits) == ["id 003", "id 013", "id 023", "id 033", "id 043"]


def test_zeros_have_no_direction_and_break_nothing() -> None:
    vectors = random_vectors(3)
    vectors[1] = 0

    hits = dict(table(vectors).search(vectors[0], 5))
    none = dict(table(vectors).search(np.zeros(8, dtype=np.float32), 5))

    assert hits["id 001"] == 0
    assert set(none.values()) == {0}


def test_an_update_equals_a_table_made_anew() -> None:
    vectors = random_vectors(30)
    before = table(vectors[:20])
    after = vectors.copy()
    after[5] = random_vectors(1)[0]
    changed: list[Any] = [5, *range(20, 30)]
    alive = np.array([number for number in range(30) if number not in (0, 7)], dtype=np.int64)
    ids = [f"id {number:03}" for number in changed]

    updated = before.updated(
        alive, VectorTable.of(changed, ids, [after[number].tobytes() for number in changed], 8)
    )

    order = np.argsort(updated.numbers)
    np.testing.assert_array_equal(updated.numbers[order], alive)
    expected = table(after)
    np.testing.assert_array_equal(updated.matrix[order], expected.matrix[alive])
    assert updated.ids[order].tolist() == expected.ids[alive].tolist()
