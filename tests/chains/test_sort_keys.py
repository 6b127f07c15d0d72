from __future__ import annotations

import math
import random
from itertools import pairwise
from typing import Any

import pytest

from ragweave.chains.sort_keys import sort_key


def key_of(value: Any) -> bytes:
    found = sort_key(value)
    assert found is not None
    return found[1]


def test_numbers_of_any_size_sort_as_their_bytes_do() -> None:
    chance = random.Random(1)
    numbers: list[Any] = [0, -0.0, 1, 255, 256, 2**53, 2**53 + 1, 2**63, 10**400, -(10**400), 5e-324, -5e-324]
    numbers += [1.7976931348623157e308, math.inf, -math.inf, 0.1, 1 / 3, 2**1024, 2.0**1000, 2**1000 + 1]
    numbers += [chance.randrange(-(2**70), 2**70) for _ in range(200)]
    numbers += [chance.uniform(-10, 10) for _ in range(200)]
    numbers += [math.ldexp(chance.uniform(-1, 1), chance.randrange(-1070, 1020)) for _ in range(200)]
    numbers += [-number for number in numbers]

    numbers.sort()

    for one, other in pairwise(numbers):
        assert (key_of(one) < key_of(other)) == (one < other), (one, other)
        assert (key_of(one) == key_of(other)) == (one == other), (one, other)


def test_texts_sort_by_code_points() -> None:
    texts = ["", "\x00", "a", "a\x00", "aa", "z", "é", "\ud800", "\uffff", "🎉"]

    assert sorted(reversed(texts), key=key_of) == sorted(texts) == texts


@pytest.mark.parametrize("value", [None, [], {}, math.nan])
def test_what_equals_nothing_has_no_key(value: Any) -> None:
    assert sort_key(value) is None
