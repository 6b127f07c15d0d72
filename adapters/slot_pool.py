"""The slots of one base model: its layers wrapped, adapters written into them, a turn begun and ended.

Everything here belongs to the one thread that owns the model. A layer is wrapped when the first adapter needs
it, once. Knows module names and weights; neither adapter names, files nor requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from .slot_layers import SharedInput, SlotEmbedding, SlotLinear, features
from .step_slots import SlotState, StepSlots
from .weights import AdapterWeights

__all__ = ["SlotPool"]


class SlotPool:
    """The slots of one base model: writes adapters into them and says which serve the current forward.

    Args:
        slots: how many adapters are resident at once, beside the base.
    """

    def __init__(self, slots: int) -> None:
        self.state = SlotState(slots)
        self._groups: dict[str, SharedInput] = {}
        self._linear: dict[str, SlotLinear] = {}
        self._embedding: dict[str, SlotEmbedding] = {}
        self._model: nn.Module | None = None
        self._last: StepSlots | None = None  # most steps have the rows of the step before

    @property
    def slots(self) -> int:
        """How many adapters are resident at once."""
        return self.state.slots

    @property
    def step(self) -> StepSlots | None:
        """Whose turn it is; None between forwards, and for the base model's alone."""
        return self.state.step

    def wrap(self, model: nn.Module) -> None:
        """Serve this base model; its layers are wrapped in place when the first adapter needs them."""
        self._model = model
        device = next(model.parameters()).device
        self._like = torch.empty(0, dtype=_computing_dtype(model), device=device)
        self._group_names = _sharing_one_input(model)

    @property
    def model(self) -> nn.Module:
        """The base model."""
        assert self._model is not None, "`wrap` comes first"
        return self._model

    def twin(self) -> nn.Module:
        """The base model once more, unwrapped: modules of its own on the same weights."""
        shared: dict[int, Any] = {
            id(held): held for held in (*self.model.parameters(), *self.model.buffers())
        }
        layers: list[SlotLinear | SlotEmbedding] = [*self._linear.values(), *self._embedding.values()]
        for layer in layers:
            shared[id(layer)] = deepcopy(layer.base, shared)
        return deepcopy(self.model, shared)

    @torch.inference_mode()
    def write(self, slot: int, weights: AdapterWeights) -> None:
        """Put an adapter into a slot, whatever stood there before."""
        if not 1 <= slot <= self.slots:
            raise IndexError(f"slot {slot} is not one of 1 to {self.slots}")
        self._last = None
        self._wrap(weights)
        touched = {id(self._groups[name]): self._groups[name] for name in weights.linear}
        for group in touched.values():
            pairs = {name: weights.linear[name] for name in group.names if name in weights.linear}
            group.make_room({name: pair.rank for name, pair in pairs.items()}, self._like)
            for name in group.names:
                if group.ranks[name]:
                    self._wrap_linear(name).make_room(group.ranks[name], self._like)
            group.write(slot, pairs)
            for name, pair in pairs.items():
                self._linear[name].write(slot, pair)
        for group in {id(group): group for group in self._groups.values()}.values():
            if id(group) not in touched and slot in group.slot_ranks:
                group.write(slot, {})
        for name, embedding in self._embedding.items():
            given = weights.embedding.get(name)
            if given is not None:
                embedding.make_room(given.rank, self._like)
            if given is not None or slot in embedding.slot_ranks:
                embedding.write(slot, given)

    def clear(self) -> None:
        """Give all tables back; for when no adapter is left."""
        self._last = None
        for group in self._groups.values():
            group.table, group.slot_ranks, group.ranks = None, {}, dict.fromkeys(group.names, 0)
            group.forget()
        for layer in self._linear.values():
            layer.table = None
        for embedding in self._embedding.values():
            embedding.rows, embedding.table, embedding.slot_ranks = None, None, {}

    @property
    def nbytes(self) -> int:
        """Bytes that the tables take."""
        groups = {id(group): group for group in self._groups.values()}.values()
        tables = [group.table for group in groups]
        tables += [layer.table for layer in self._linear.values()]
        for embedding in self._embedding.values():
            tables += [embedding.rows, embedding.table]
        return sum(table.nbytes for table in tables if table is not None)

    # -- which slot serves which token ---------------------------------------------------------------------

    def begin(self, slots: Sequence[int]) -> None:
        """Say whose turn the next forward is: a slot for each row."""
        rows = tuple(slots)
        if not any(rows):
            self.state.step = None
            return
        if self._last is None or self._last.rows != rows:
            self._last = StepSlots(rows, self._like.device)
        self.state.step = self._last

    def end(self) -> None:
        """Leave nothing behind, whatever happened."""
        self.state.step = None
        for group in self._groups.values():
            group.forget()

    # -- wrapping ------------------------------------------------------------------------------------------

    def _wrap(self, weights: AdapterWeights) -> None:
        for name in weights.linear:
            self._wrap_linear(name)
        for name in weights.embedding:
            if name not in self._embedding:
                layer = self.model.get_submodule(name)
                assert isinstance(layer, nn.Embedding)
                self._embedding[name] = SlotEmbedding(layer, name, self.state)
                _replace(self.model, name, self._embedding[name])

    def _wrap_linear(self, name: str) -> SlotLinear:
        if name not in self._linear:
            layer = self.model.get_submodule(name)
            group = self._groups.get(name)
            if group is None:
                names = self._group_names.get(name, (name,))
                group = SharedInput(self.state, names, features(layer)[0])
                self._groups.update(dict.fromkeys(names, group))
            self._linear[name] = SlotLinear(layer, name, group)
            _replace(self.model, name, self._linear[name])
        return self._linear[name]


# -- the base model's modules ------------------------------------------------------------------------------


def _replace(model: nn.Module, name: str, layer: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(model.get_submodule(parent), last, layer)


def _computing_dtype(model: nn.Module) -> torch.dtype:
    """The dtype of activations: of the norms and embeddings, as quantised weights have none."""
    embedding: nn.Module = model.get_input_embeddings()  # type: ignore[operator]  # transformers' method
    weight: Tensor = embedding.weight  # type: ignore[assignment]
    return weight.dtype


def _sharing_one_input(model: nn.Module) -> dict[str, tuple[str, ...]]:
    """Which linear modules are handed the very same tensor: name -> all names, in the order of calls.

    Seen in a forward of two tokens, so that it holds for any architecture.
    """
    calls: list[tuple[str, Tensor]] = []
    hooks = [
        module.register_forward_pre_hook(
            lambda module, args, name=name: calls.append((name, args[0])) if args else None
        )
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) or type(module).__name__ == "Conv1D"
    ]
    try:
        with torch.inference_mode():
            device = next(model.parameters()).device
            model(input_ids=torch.tensor([[0, 1]], device=device), use_cache=False)
    finally:
        for hook in hooks:
            hook.remove()
    seen: dict[int, list[str]] = {}
    for name, tensor in calls:  # calls keeps every tensor alive, so that no id is met twice
        seen.setdefault(id(tensor), []).append(name)
    groups = [tuple(dict.fromkeys(names)) for names in seen.values()]
    return {name: group for group in groups for name in group}
