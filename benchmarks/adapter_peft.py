"""peft's adapters in the step loop that our own slots run in."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import nn

from ragweave.adapters.runner import Runner


class NoSlots:
    """In the place of our slots where peft chooses."""

    def begin(self, slots: Sequence[int]) -> None:
        """peft is told by `PeftInLoop`."""

    def end(self) -> None:
        """Nothing was begun."""


class PeftInLoop(nn.Module):
    """A model with peft's adapters, called as the runner calls any model."""

    def __init__(self, model: Any, folders: Sequence[Path], *, rows: int) -> None:
        super().__init__()
        from peft import PeftModel

        self.config = model.config
        self.rows = rows
        accepted = inspect.signature(model.forward)
        self.adapted: Any = PeftModel.from_pretrained(model, str(folders[0]), adapter_name="1")
        for number, folder in enumerate(folders[1:], start=2):
            self.adapted.load_adapter(str(folder), adapter_name=str(number))
        self.adapted.eval()
        self.names: list[str] | None = None
        self.forward.__func__.__signature__ = accepted  # type: ignore[attr-defined]  # where the runner looks

    def forward(self, **arguments: Any) -> Any:
        if self.names is not None:
            arguments["adapter_names"] = self.names
        return self.adapted(**arguments)

    def runner(self, names: Sequence[str] | None) -> Runner:
        """A runner whose rows are `names`; None: all rows are the active adapter's."""
        self.names = None if names is None else list(names)
        return Runner(self, NoSlots(), rows=self.rows)  # type: ignore[arg-type]  # begin and end are all it calls
