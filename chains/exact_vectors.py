"""Exact cosine over vectors held in memory, one matrix for all of them.

Plain arrays in, hits out. Knows no database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .records import Vector

__all__ = ["VectorTable"]

# Equal vectors can differ in the last bit of their product, by their place in the matrix; ties must not.
DECIMALS = 6


@dataclass(frozen=True, slots=True)
class VectorTable:
    """Unit vectors with the row numbers and ids of their passages, in any order."""

    numbers: NDArray[np.int64]  # shape (rows,)
    ids: NDArray[np.object_]  # shape (rows,)
    matrix: NDArray[np.float32]  # shape (rows, dimension)

    @classmethod
    def of(
        cls, numbers: Sequence[int], ids: Sequence[str], blobs: Sequence[bytes], dimension: int
    ) -> VectorTable:
        """The table of vectors as they stand in the database: little-endian float32, of any length."""
        matrix = np.frombuffer(b"".join(blobs), dtype="<f4").reshape(len(blobs), dimension)
        norms = np.linalg.norm(matrix, axis=1, keepdims=True).astype(np.float32)
        return cls(
            np.asarray(numbers, dtype=np.int64),
            np.asarray(ids, dtype=np.object_),
            np.divide(matrix, np.where(norms == 0, 1, norms), dtype=np.float32),
        )

    def updated(self, alive: NDArray[np.int64], changed: VectorTable) -> VectorTable:
        """This table with only the rows in `alive`, those in `changed` new or replaced."""
        keep = np.isin(self.numbers, alive) & ~np.isin(self.numbers, changed.numbers)
        return VectorTable(
            np.concatenate([self.numbers[keep], changed.numbers]),
            np.concatenate([self.ids[keep], changed.ids]),
            np.concatenate([self.matrix[keep], changed.matrix]),
        )

    def search(
        self, vector: Vector, limit: int, allowed: NDArray[np.bool_] | None = None
    ) -> list[tuple[str, float]]:
        """The best `limit` rows as (id, cosine), ties in order of the id; of those allowed, if given."""
        scores, ids = self.matrix @ _unit(vector), self.ids
        if allowed is not None:
            scores, ids = scores[allowed], ids[allowed]
        scores = scores.round(DECIMALS)
        if len(scores) > limit:
            lowest = np.partition(scores, len(scores) - limit)[len(scores) - limit]
            best = np.flatnonzero(scores >= lowest)  # all that tie with the last one
            scores, ids = scores[best], ids[best]
        hits = sorted(zip(ids.tolist(), scores.tolist(), strict=True), key=lambda hit: (-hit[1], hit[0]))
        return hits[:limit]


def _unit(vector: Vector) -> Vector:
    norm = np.linalg.norm(vector)
    return np.asarray(vector / norm if norm else vector, dtype=np.float32)
