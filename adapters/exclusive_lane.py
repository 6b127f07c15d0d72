"""A lane of its own for an adapter that slots cannot carry: peft's layers on a second set of modules.

The modules are copied, the weights are shared: a lane costs its adapter's bytes, and no hook or layer of it
can be met by a request of another adapter. Knows peft; knows no request.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from .errors import AdapterError
from .slot_pool import SlotPool
from .slot_store import AdapterVersion, SlotStore

__all__ = ["LaneStore", "adapted_twin"]


def adapted_twin(pool: SlotPool, folder: str | Path) -> Any:
    """The base model once more, with an adapter of any kind that peft knows on it.

    Raises `AdapterError` where peft cannot load the adapter.
    """
    from peft import PeftModel

    twin: Any = pool.twin()
    shared = [*twin.parameters(), *twin.buffers()]
    before = _versions(shared)
    try:
        adapted: Any = PeftModel
        adapted.from_pretrained(twin, str(folder), is_trainable=False, autocast_adapter_dtype=False)
    except (ValueError, RuntimeError, KeyError, TypeError) as error:  # peft's, for files that do not fit
        raise AdapterError(
            f"peft cannot load the adapter at {str(folder)!r}: {error}",
            remedy="Save it again with the peft version that is installed here.",
        ) from error
    if _versions(shared) != before:
        raise AdapterError(
            f"The adapter at {str(folder)!r} wrote into the base model's own weights.",
            remedy="Load the model anew, and merge this adapter into a base of its own "
            "(ragweave adapters export --merge).",
        )
    twin.eval().requires_grad_(False)
    return twin


def _versions(tensors: Sequence[torch.Tensor]) -> list[int]:
    """How often each tensor was written to, by torch's count."""
    return [tensor._version for tensor in tensors]


class LaneStore:
    """What a lane's scheduler asks for in place of slots: its one adapter is always there."""

    def __init__(self, store: SlotStore) -> None:
        self._store = store

    def fetch(self, version: AdapterVersion) -> bool:
        """It is there."""
        return True

    def resident(self, version: AdapterVersion) -> bool:
        """It is there."""
        return True

    def place(self, version: AdapterVersion) -> bool:
        """It is there."""
        return True

    def start(self, version: AdapterVersion) -> int:
        """The slot of the lane's rows: the model itself is adapted, and its pool is empty."""
        return 0

    def stop(self, version: AdapterVersion) -> None:
        """Nothing to count."""

    def release(self, version: AdapterVersion) -> None:
        """Give the version up."""
        self._store.release(version)

    def sweep(self) -> None:
        """Nothing to give back."""
