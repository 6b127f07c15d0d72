"""Which slot each row of a forward belongs to. Knows slot numbers; no layer, adapter or request."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

__all__ = ["BASE_SLOT", "Run", "SlotState", "StepSlots"]

BASE_SLOT = 0


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring rows `start` to `stop` of one slot."""

    start: int
    stop: int
    slot: int

    def tokens(self, width: int) -> slice:
        """Their tokens, where every row has `width` of them."""
        return slice(self.start * width, self.stop * width)


@dataclass(slots=True)
class StepSlots:
    """Which slot each row of the current forward belongs to.

    How many tokens a row has is seen in each layer: prompts have many, of which the last layer sees fewer.
    """

    rows: tuple[int, ...]
    device: torch.device
    active: frozenset[int] = field(init=False)  # all slots but the base's
    runs: tuple[Run, ...] = field(init=False)
    single: int | None = field(init=False)  # the one slot of every row
    ranks: dict[str, int] = field(default_factory=dict, init=False)  # largest of any row, by module
    _on_device: Tensor | None = field(default=None, init=False)
    _bags: dict[tuple[int, int], tuple[Tensor, Tensor]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.active = frozenset(self.rows) - {BASE_SLOT}
        starts = [row for row, slot in enumerate(self.rows) if not row or self.rows[row - 1] != slot]
        stops = [*starts[1:], len(self.rows)]
        self.runs = tuple(
            Run(start, stop, self.rows[start]) for start, stop in zip(starts, stops, strict=True)
        )
        self.single = self.rows[0] if len(self.runs) == 1 else None

    def by_row(self, tokens: int) -> bool:
        """Whether rows are served one by one: a token each, and not sorted into few runs.

        Measured on 8 to 32 rows: two to four matrix products beat a sum for each row, more do not.
        """
        return tokens == len(self.rows) and 4 * len(self.runs) > tokens

    def bag(self, width: int, take: int) -> tuple[Tensor, Tensor]:
        """Table rows that each row sums over, slot * width + 0 .. take - 1, and where each row's begin."""
        found = self._bags.get((width, take))
        if found is None:
            slots = torch.tensor(self.rows, dtype=torch.int32)
            rows = slots[:, None] * width + torch.arange(take, dtype=torch.int32)
            found = rows.view(-1), torch.arange(0, rows.numel(), take, dtype=torch.int32)
            self._bags[(width, take)] = found
        return found

    @property
    def on_device(self) -> Tensor:
        """The slot of each row, as indices."""
        if self._on_device is None:
            self._on_device = torch.tensor(self.rows, device=self.device)
        return self._on_device


@dataclass(slots=True)
class SlotState:
    """What all layers of a base model share: how many slots there are, and whose turn it is."""

    slots: int
    step: StepSlots | None = None  # of the current forward; None: the base model's alone
