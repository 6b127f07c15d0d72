"""Keys and values of rows of different lengths, against a list of what each row has seen."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch
from torch import Tensor

from ragweave.adapters.kv_rows import COLUMNS, HEADROOM, KVRows, LayerKV

HEADS, SIZE, LAYERS = 2, 3, 2


def column(token: int, layer: int) -> Tensor:
    """The key that stands for a token in a layer, [heads, size]."""
    return torch.full((HEADS, SIZE), float(token + 100_000 * layer))


def prompt(tokens: list[int]) -> list[LayerKV]:
    """What a forward of these tokens would leave; values are the keys' negatives."""
    keys = [torch.stack([column(token, layer) for token in tokens], dim=1) for layer in range(LAYERS)]
    return [(each, -each) for each in keys]


def step(kv: KVRows, tokens: list[int]) -> list[list[int]]:
    """Write one column for every row; the tokens that each row then sees, the same in every layer."""
    kv.make_room()
    mask = kv.mask()[:, 0, 0]
    seen: list[list[int]] = []
    for layer, buffer in enumerate(kv.buffers):
        states = torch.stack([column(token, layer) for token in tokens])[:, :, None]
        window = mask.shape[1]
        assert buffer.get_mask_sizes(1) == (window, 0)
        keys, values = buffer.update(states, -states)
        assert torch.equal(keys, -values)
        assert keys.shape == (len(tokens), HEADS, window, SIZE)
        assert torch.equal(keys, keys[:, :1, :, :1].expand_as(keys))
        numbers = keys[:, 0, :, 0] - 100_000 * layer
        found = [numbers[row][mask[row] == 0].int().tolist() for row in range(len(tokens))]
        assert layer == 0 or found == seen
        seen = found
    return seen


def filled(*lengths: int, rows: int = 4) -> tuple[KVRows, list[list[int]]]:
    """Rows that have seen prompts of these lengths, and those prompts."""
    kv = KVRows(rows)
    prompts = [list(range(1000 * row + 1, 1000 * row + 1 + length)) for row, length in enumerate(lengths)]
    for tokens in prompts:
        kv.append(prompt(tokens))
    return kv, prompts


@pytest.mark.parametrize("seed", range(8))
def test_each_row_sees_its_own_tokens_whatever_comes_and_goes(seed: int) -> None:
    chance = random.Random(seed)
    kv = KVRows(4)
    rows: list[list[int]] = []
    token = 0

    for _ in range(80):
        action = chance.choice(["append", "append", "remove", *["step"] * 6])
        if action == "append" and len(rows) < 4:
            length = chance.choice([1, 2, 7, 40, 90, 300, 600])
            tokens = list(range(token, token + length))
            token += length
            assert kv.append(prompt(tokens)) == len(rows)
            rows.append(tokens)
        elif action == "remove" and rows:
            row = chance.randrange(len(rows))
            kv.remove(row)
            rows[row] = rows[-1]
            rows.pop()
        elif rows:
            for _ in range(chance.choice([1, 3, 40])):
                new = list(range(token, token + len(rows)))
                token += len(rows)
                assert step(kv, new) == [[*seen, one] for seen, one in zip(rows, new, strict=True)]
                if chance.random() < 0.9:  # else the step failed and nobody counts it
                    kv.advance()
                    for tokens, one in zip(rows, new, strict=True):
                        tokens.append(one)

        assert kv.lengths == [len(row) for row in rows]
        for row, tokens in enumerate(rows):
            for layer, (keys, values) in enumerate(kv.read(row)):
                assert (keys[0, :, 0] - 100_000 * layer).int().tolist() == tokens
                assert torch.equal(keys, -values)


def test_no_more_rows_than_the_capacity_are_taken() -> None:
    kv, prompts = filled(3, 3, rows=2)

    with pytest.raises(IndexError, match="all 2 rows are taken"):
        kv.append(prompt([1]))

    assert step(kv, [8, 9]) == [[*prompts[0], 8], [*prompts[1], 9]]


def test_a_longer_prompt_shifts_the_rows_that_run() -> None:
    kv, prompts = filled(5, HEADROOM + 40)

    assert kv.lengths == [5, HEADROOM + 40]
    assert kv.low == 0
    assert step(kv, [8, 9]) == [[*prompts[0], 8], [*prompts[1], 9]]


def test_buffers_grow_when_a_row_comes_to_their_end() -> None:
    kv, (tokens,) = filled(5)

    for token in range(COLUMNS + 50):
        tokens.append(token)
        assert step(kv, [token]) == [tokens]
        kv.advance()

    assert kv.buffers[0].key_rows.shape[2] == 2 * COLUMNS


def test_rows_move_to_the_front_rather_than_grow_where_they_are_short() -> None:
    kv, (_, tokens) = filled(5, 2)
    size = kv.nbytes
    for _ in range(COLUMNS):  # a row of a few tokens after another, at the end of ever more columns
        step(kv, [0] * 2)
        kv.advance()
        kv.remove(1)
        tokens = [1, 2]
        kv.append(prompt(tokens))
        kv.remove(0)
        kv.append(prompt(tokens))

    assert kv.nbytes == size
    assert step(kv, [8, 9]) == [[*tokens, 8], [*tokens, 9]]


@pytest.mark.parametrize("length", [COLUMNS - 1, COLUMNS, COLUMNS + 1, 4 * COLUMNS])
def test_a_first_prompt_may_be_longer_than_buffers_that_are_there(length: int) -> None:
    kv, _ = filled(5)
    kv.remove(0)
    tokens = list(range(length))

    kv.append(prompt(tokens))

    assert step(kv, [7]) == [[*tokens, 7]]


def test_a_sliding_layer_sees_the_last_tokens_of_its_window_only() -> None:
    kv, _ = filled(12, 3)

    wide, narrow = kv.mask()[:, 0, 0], kv.mask(8)[:, 0, 0]

    assert (wide == 0).sum(dim=-1).tolist() == [13, 4]  # the next token's own column included
    assert (narrow == 0).sum(dim=-1).tolist() == [8, 4]
    assert torch.equal(narrow[:, -8:], wide[:, -8:])
    assert torch.equal(kv.mask()[:, 0, 0], wide)  # the narrow one is a copy


def test_a_row_run_alone_hands_its_column_over() -> None:
    kv, prompts = filled(5, 9)
    alone = KVRows(1)
    alone.append(kv.read(1))

    assert step(alone, [77]) == [[*prompts[1], 77]]
    kv.make_room()
    kv.write_column(1, alone)
    kv.advance()

    keys, values = kv.read(1)[0]
    assert keys[0, :, 0].int().tolist() == [*prompts[1], 77]
    assert torch.equal(keys, -values)


def test_the_memory_of_a_long_answer_is_given_back() -> None:
    kv, _ = filled(5, 8 * COLUMNS)
    kv.remove(1)
    assert kv.nbytes > 0

    kv.remove(0)

    assert kv.nbytes == 0
    tokens = [1, 2, 3]
    kv.append(prompt(tokens))
    assert step(kv, [4]) == [[1, 2, 3, 4]]


def poisoned(tokens: list[int]) -> list[LayerKV]:
    """What a forward leaves whose numbers overflowed."""
    return [(keys * torch.nan, values * torch.nan) for keys, values in prompt(tokens)]


@pytest.mark.parametrize("shift", [0, HEADROOM + 36], ids=["in place", "shifted"])
def test_nothing_of_a_row_that_was_not_numbers_is_left_for_the_next(shift: int) -> None:
    kv, _ = filled(40, 3)
    kv.append(poisoned([1] * 50))
    if shift:
        kv.append(prompt([2] * shift))
        kv.remove(0)
    kv.remove(2)

    kv.append(prompt([5]))

    window = slice(kv.low, kv.column)
    for layer in kv.buffers:  # a masked column has the weight 0, and 0 * NaN is NaN
        assert layer.key_rows[:3, :, window].isfinite().all()
        assert layer.value_rows[:3, :, window].isfinite().all()


class Full:
    """Stands for a tensor that finds no memory for a larger one."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tensor, name)

    def __getitem__(self, index: Any) -> Tensor:
        return self.tensor[index]

    def new_zeros(self, *shape: Any) -> Tensor:
        raise MemoryError("no memory")


@pytest.mark.parametrize("last", ["key_rows", "value_rows"])
def test_rows_stay_as_they_are_where_no_memory_is_left_to_grow(last: str) -> None:
    kv, (tokens,) = filled(20)
    whole = getattr(kv.buffers[-1], last)
    setattr(kv.buffers[-1], last, Full(whole))

    with pytest.raises(MemoryError):
        kv.append(prompt([5] * 2 * COLUMNS))  # a longer one: rows would move to the right and grow
    setattr(kv.buffers[-1], last, whole)

    assert kv.lengths == [len(tokens)]
    assert step(kv, [4]) == [[*tokens, 4]]


def test_a_prompt_longer_than_the_rows_finds_room_where_the_buffer_is_full() -> None:
    kv, _ = filled(4)
    for _ in range(COLUMNS - HEADROOM - 1):  # a row comes and goes at each step, as in service
        step(kv, [0])
        kv.advance()
        kv.append(prompt([7, 8, 9]))
        kv.remove(0)
    step(kv, [0])
    kv.advance()
    long = list(range(1, 53))

    kv.append(prompt(long))

    assert kv.column < COLUMNS == kv.buffers[0].key_rows.shape[2]
    assert step(kv, [5, 6])[1] == [*long, 6]


def test_rows_are_level_while_they_are_of_one_length() -> None:
    equal, _ = filled(4, 4)
    other, _ = filled(4, 3)

    assert equal.is_level
    assert not other.is_level
    assert (other.mask() < 0).any()
    assert not (equal.mask() < 0).any()
