"""Keys and values of requests that run side by side, each row of another length.

All rows end in the same column, so that a step writes one column and reads one window, without a copy; a
row's earlier columns are masked. Knows tensors only: no request, no adapter.

    row 0   . . . a a a a a|      start 3
    row 1   b b b b b b b b|      start 0       column = 8: where the next token of every row goes
    row 2   . . . . . . c c|      start 6
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin

__all__ = ["KVRows", "LayerKV"]

LayerKV = tuple[Tensor, Tensor]  # keys and values of one layer, [heads, tokens, head size]
COLUMNS = 256  # of a new buffer
HEADROOM = 64  # columns before the first row, for a longer one to come


class _RowsLayer(CacheLayerMixin):  # type: ignore[no-untyped-call]  # transformers' hook for subclasses
    """One layer's buffers: keys and values [rows, heads, columns, head size]."""

    is_sliding = False

    def __init__(self, owner: KVRows, key_rows: Tensor, value_rows: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.owner = owner
        self.key_rows = key_rows
        self.value_rows = value_rows
        self.is_initialized = True

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Buffers exist from the first prompt on."""

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> LayerKV:
        """Write one column for every row; the window that the rows look at."""
        rows = slice(0, len(self.owner.starts))
        column = self.owner.column
        window = slice(self.owner.low, column + 1)
        self.key_rows[rows, :, column] = key_states[:, :, 0]
        self.value_rows[rows, :, column] = value_states[:, :, 0]
        return self.key_rows[rows, :, window], self.value_rows[rows, :, window]

    def get_seq_length(self) -> int:
        """Columns in the window."""
        return self.owner.column - self.owner.low

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Length and offset of the window."""
        return self.get_seq_length() + query_length, 0

    def get_max_length(self) -> int:
        """No maximum: buffers grow."""
        return -1


class KVRows(Cache):
    """The cache of a running batch, for a forward of one token a row."""

    def __init__(self, rows: int) -> None:
        self.buffers: list[_RowsLayer] = []
        super().__init__(layers=[])
        self.capacity = rows
        self.column = 0
        self.starts: list[int] = []
        self._bias: Tensor | None = None  # [rows, columns], what masks a row's earlier columns

    @property
    def low(self) -> int:
        """The first column that any row looks at."""
        return min(self.starts, default=self.column)

    @property
    def is_level(self) -> bool:
        """Whether all rows are of one length."""
        return len(set(self.starts)) < 2

    @property
    def lengths(self) -> list[int]:
        """Tokens of each row."""
        return [self.column - start for start in self.starts]

    @property
    def nbytes(self) -> int:
        """Bytes of the buffers."""
        return sum(layer.key_rows.nbytes + layer.value_rows.nbytes for layer in self.buffers)

    def append(self, prompt: Sequence[LayerKV]) -> int:
        """Add a row that has seen a prompt; its index."""
        length = prompt[0][0].shape[1]
        if len(self.starts) == self.capacity:
            raise IndexError(f"all {self.capacity} rows are taken")
        if not self.starts:
            self.column = max(length, HEADROOM)
            if self._bias is not None and self.column >= self._bias.shape[1]:
                self._let_go()
        if not self.buffers:
            self._allocate(prompt, max(COLUMNS, 2 * self.column))
        self.make_room(length=length)
        row = len(self.starts)
        start = self.column - length
        for layer, (keys, values) in zip(self.buffers, prompt, strict=True):
            layer.key_rows[row, :, start : self.column] = keys
            layer.value_rows[row, :, start : self.column] = values
        self.starts.append(start)
        self._mask_row(row)
        return row

    def remove(self, row: int) -> None:
        """Free a row: the last row takes its index."""
        last = len(self.starts) - 1
        span, freed = slice(self.starts[last], self.column), slice(self.starts[row], self.column)
        for layer in self.buffers:
            for rows in (layer.key_rows, layer.value_rows):
                rows[row, :, freed] = 0  # it may be NaN, and the next one's masked columns count 0 * NaN
                if row != last:
                    rows[row, :, span] = rows[last, :, span]
                    rows[last, :, span] = 0
        if row != last:
            self.starts[row] = self.starts[last]
            self._mask_row(row)
        self.starts.pop()
        if not self.starts:
            self.column = 0
            if self._bias is not None and self._bias.shape[1] > 4 * COLUMNS:
                self._let_go()  # a long answer's memory goes back

    def read(self, row: int) -> list[LayerKV]:
        """What a row has seen, layer by layer."""
        span = slice(self.starts[row], self.column)
        return [(layer.key_rows[row, :, span], layer.value_rows[row, :, span]) for layer in self.buffers]

    def write_column(self, row: int, alone: KVRows) -> None:
        """Take over the column that a row, run alone, has just written."""
        for layer, other in zip(self.buffers, alone.buffers, strict=True):
            layer.key_rows[row, :, self.column] = other.key_rows[0, :, alone.column]
            layer.value_rows[row, :, self.column] = other.value_rows[0, :, alone.column]

    def make_room(self, *, length: int = 0) -> None:
        """Have a column to write, and at least `length` columns before it.

        Where memory is short it raises, and everything is as before.
        """
        if self._bias is None:
            return
        columns = self._bias.shape[1]
        shift = max(length - self.column, 0)
        if not shift and self.column < columns:
            return
        low, width = self.low, self.column - self.low
        if not shift and 2 * max(width, length) <= columns:
            target, wide = max(0, length - width), columns
        else:
            target, wide = low + shift, columns
            while target + width >= wide:
                wide *= 2
        here, there = slice(low, low + width), slice(target, target + width)
        if wide != columns:
            self._grow(wide, here, there)
        else:
            self._move(here, there)
        self.starts = [start + target - low for start in self.starts]
        self.column += target - low
        for row in range(len(self.starts)):
            self._mask_row(row)

    def mask(self, window: int | None = None) -> Tensor:
        """What is added to the scores of the next step, [rows, 1, 1, columns in the window].

        `window`: how many tokens back a sliding layer looks.
        """
        assert self._bias is not None
        bias = self._bias[: len(self.starts), self.low : self.column + 1]
        if window is not None and self.column + 1 - self.low > window:
            bias = bias.clone()
            bias[:, : self.column + 1 - self.low - window] = torch.finfo(bias.dtype).min
        return bias[:, None, None]

    def advance(self) -> None:
        """The column written last holds; the next one is free."""
        self.column += 1

    def _allocate(self, prompt: Sequence[LayerKV], columns: int) -> None:
        def buffer(like: Tensor) -> Tensor:
            return like.new_zeros((self.capacity, like.shape[0], columns, like.shape[2]))

        self._hold([_RowsLayer(self, buffer(keys), buffer(values)) for keys, values in prompt])
        self._bias = prompt[0][0].new_zeros((self.capacity, columns))

    def _grow(self, columns: int, here: slice, there: slice) -> None:
        assert self._bias is not None
        bias = self._bias.new_zeros((self.capacity, columns))
        grown = [
            (_grown(layer.key_rows, columns, here, there), _grown(layer.value_rows, columns, here, there))
            for layer in self.buffers
        ]
        for layer, (keys, values) in zip(self.buffers, grown, strict=True):
            layer.key_rows, layer.value_rows = keys, values
        self._bias = bias

    def _move(self, here: slice, there: slice) -> None:
        tensors = [tensor for layer in self.buffers for tensor in (layer.key_rows, layer.value_rows)]
        spare = {tensor.shape: torch.empty_like(tensor[:, :, here]) for tensor in tensors}
        for tensor in tensors:
            held = spare[tensor.shape].copy_(tensor[:, :, here])
            tensor[:, :, here] = 0
            tensor[:, :, there] = held

    def _let_go(self) -> None:
        self._hold([])
        self._bias = None

    def _hold(self, buffers: list[_RowsLayer]) -> None:
        self.buffers = buffers
        self.layers = [*buffers]  # where transformers looks

    def _mask_row(self, row: int) -> None:
        assert self._bias is not None
        self._bias[row, : self.starts[row]] = torch.finfo(self._bias.dtype).min
        self._bias[row, self.starts[row] :] = 0


def _grown(buffer: Tensor, columns: int, here: slice, there: slice) -> Tensor:
    """A buffer of more columns, with those of `here` at `there`."""
    wide = buffer.new_zeros((*buffer.shape[:2], columns, buffer.shape[3]))
    wide[:, :, there] = buffer[:, :, here]
    return wide
