"""Layers that hold many adapters side by side: output += x @ A[slot] @ B[slot], a slot for each row.

Knows tensors, module names and slot numbers; neither adapter names, files nor requests. Everything here
belongs to the one thread that owns the model.

Slot 0 is the base model: zeros. A layer is wrapped when the first adapter needs it, once. Modules that read
the same tensor (q, k, v; gate, up) share one table of A factors, so that their A product is computed once:

    A [slots, in, ranks of all members]      B of each member [slots, rank, out], scaling folded in
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .weights import AdapterWeights, LoraPair

__all__ = ["BASE_SLOT", "SlotPool", "StepSlots"]

BASE_SLOT = 0
RANK_STEP = 8  # ranks are padded to a multiple of it


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
    _on_device: Tensor | None = field(default=None, init=False)
    _bags: dict[tuple[int, int], Tensor] = field(default_factory=dict, init=False)

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

    def bag(self, width: int, take: int) -> Tensor:
        """The table rows that each row sums over: slot * width + 0 .. take - 1."""
        found = self._bags.get((width, take))
        if found is None:
            slots = torch.tensor(self.rows, dtype=torch.int32)
            found = slots[:, None] * width + torch.arange(take, dtype=torch.int32)
            self._bags[(width, take)] = found
        return found

    @property
    def on_device(self) -> Tensor:
        """The slot of each row, as indices."""
        if self._on_device is None:
            self._on_device = torch.tensor(self.rows, device=self.device)
        return self._on_device


class SharedInput:
    """The modules that read one tensor, and the A factors of all of them in one table."""

    def __init__(self, pool: SlotPool, names: Sequence[str], in_features: int) -> None:
        self.pool = pool
        self.names = tuple(names)
        self.in_features = in_features
        self.offsets: dict[str, int] = {}
        self.ranks: dict[str, int] = dict.fromkeys(names, 0)
        self.table: Tensor | None = None  # [slots, in, sum of ranks]
        self.slot_ranks: dict[int, dict[str, int]] = {}  # only slots whose adapter has a factor here
        self._input: Tensor | None = None
        self._product: Tensor | None = None

    def make_room(self, ranks: Mapping[str, int], like: Tensor) -> None:
        """Widen the table where a member needs a larger rank; keeps what it holds, also without memory."""
        wanted = {name: max(self.ranks[name], _padded(ranks.get(name, 0))) for name in self.names}
        if wanted == self.ranks:
            return
        offsets, width = dict[str, int](), 0
        for name in self.names:
            offsets[name] = width
            width += wanted[name]
        # Zeros in every slot: one that holds no factor here takes part in a step all the same.
        table = like.new_zeros((self.pool.slots + 1, self.in_features, width))
        if self.table is not None:
            for name, rank in self.ranks.items():
                old, new = self.offsets[name], offsets[name]
                for slot in self.slot_ranks:
                    table[slot, :, new : new + rank] = self.table[slot, :, old : old + rank]
        self.table, self.offsets, self.ranks = table, offsets, wanted
        self.forget()

    def write(self, slot: int, pairs: Mapping[str, LoraPair]) -> None:
        """Put an adapter's A factors into a slot; no pairs clears it."""
        if self.table is None:
            return
        held = sum(pair.rank for pair in pairs.values())
        if held < self.table.shape[2]:
            self.table[slot].zero_()
        for name, pair in pairs.items():
            start = self.offsets[name]
            self.table[slot, :, start : start + pair.rank].copy_(pair.a.T)
        self.slot_ranks.pop(slot, None)
        if pairs:
            self.slot_ranks[slot] = {name: pair.rank for name, pair in pairs.items()}

    def used(self, step: StepSlots) -> bool:
        """Whether any token of this step has a factor here."""
        return not step.active.isdisjoint(self.slot_ranks)

    def product(self, x: Tensor, step: StepSlots) -> Tensor:
        """x @ A of each token's slot, [tokens, ranks]; computed once for all members."""
        if self._input is x and self._product is not None:
            return self._product
        assert self.table is not None
        flat = x.reshape(-1, self.in_features)
        if step.single is not None:
            product = flat @ self.table[step.single]
        elif step.by_row(flat.shape[0]):
            product = _rows_times_slots(flat, self.table, step)
        else:
            product = flat.new_zeros((flat.shape[0], self.table.shape[2]))
            width = flat.shape[0] // len(step.rows)
            for run in step.runs:
                if run.slot in self.slot_ranks:
                    tokens = run.tokens(width)
                    torch.mm(flat[tokens], self.table[run.slot], out=product[tokens])
        self._input, self._product = x, product
        return product

    def forget(self) -> None:
        """Let go of the last input."""
        self._input = self._product = None


class SlotLinear(nn.Module):
    """A linear layer of the base model with a factor pair for each slot."""

    def __init__(self, base: nn.Module, name: str, shared: SharedInput) -> None:
        super().__init__()
        self.base = base
        self.name = name
        self.shared = shared
        self.table: Tensor | None = None  # [slots, rank, out]

    def __getattr__(self, name: str) -> Any:
        """What models ask of a layer beside calling it (`weight`, `bias`, `in_features`): the base's."""
        if name in ("weight", "bias", "in_features", "out_features", "nf"):
            return getattr(super().__getattr__("base"), name)
        return super().__getattr__(name)

    def forward(self, x: Tensor) -> Tensor:
        """The base's output, and each token's own adapter's share on top."""
        y: Tensor = self.base(x)
        step = self.shared.pool.step
        if step is None or self.table is None or not self.shared.used(step):
            return y
        rank = self._rank(step)
        if rank:
            start = self.shared.offsets[self.name]
            product = self.shared.product(x, step)[:, start : start + rank]
            _add(y, product, self.table, step, self.shared.slot_ranks)
        return y

    def _rank(self, step: StepSlots) -> int:
        ranks = self.shared.slot_ranks
        return max((ranks[slot].get(self.name, 0) for slot in step.active if slot in ranks), default=0)

    def make_room(self, rank: int, like: Tensor) -> None:
        """Widen the table to this rank; keeps what it holds."""
        pool = self.shared.pool
        self.table = _widened(self.table, rank, pool.slots + 1, pool.out_features(self.name), like)

    def write(self, slot: int, pair: LoraPair | None) -> None:
        """Put a B factor into a slot. Ranks that it lacks are zero in A: only never NaN here."""
        if self.table is not None:
            _write_b(self.table, slot, pair)


class SlotEmbedding(nn.Module):
    """The embedding of the base model with a factor pair for each slot."""

    def __init__(self, base: nn.Embedding, name: str, pool: SlotPool) -> None:
        super().__init__()
        self.base = base
        self.name = name
        self.pool = pool
        self.rows: Tensor | None = None  # [slots, vocabulary, rank]
        self.table: Tensor | None = None  # [slots, rank, dimension]
        self.slot_ranks: dict[int, dict[str, int]] = {}

    def __getattr__(self, name: str) -> Any:
        """What models ask of an embedding beside calling it: the base's."""
        if name in ("weight", "num_embeddings", "embedding_dim", "padding_idx", "embed_scale"):
            return getattr(super().__getattr__("base"), name)
        return super().__getattr__(name)

    def forward(self, ids: Tensor) -> Tensor:
        """The base's embeddings, and each token's own adapter's share on top."""
        y: Tensor = self.base(ids)
        step = self.pool.step
        if step is None or self.rows is None or step.active.isdisjoint(self.slot_ranks):
            return y
        assert self.table is not None
        slots = step.on_device.repeat_interleave(ids.numel() // len(step.rows))
        product = self.rows[slots, ids.reshape(-1)]
        scale = getattr(self.base, "embed_scale", None)  # Gemma scales inside its embedding
        if scale is not None:
            product = product * scale
        _add(y, product, self.table, step, self.slot_ranks)
        return y

    def make_room(self, rank: int, like: Tensor) -> None:
        """Widen both tables to this rank; keeps what they hold."""
        count = self.pool.slots + 1
        self.table = _widened(self.table, rank, count, self.base.embedding_dim, like)
        rank = self.table.shape[1]
        if self.rows is None or self.rows.shape[2] < rank:
            old = self.rows
            self.rows = like.new_zeros((count, self.base.num_embeddings, rank))
            if old is not None:
                self.rows[:, :, : old.shape[2]] = old

    def write(self, slot: int, pair: LoraPair | None) -> None:
        """Put an adapter's factors into a slot; None clears it."""
        self.slot_ranks.pop(slot, None)
        if self.rows is None or self.table is None:
            return
        self.rows[slot].zero_()
        if pair is not None:
            self.rows[slot, :, : pair.rank].copy_(pair.a.T)
            self.slot_ranks[slot] = {self.name: pair.rank}
        _write_b(self.table, slot, pair)


class SlotPool:
    """The slots of one base model: writes adapters into them and says which serve the current forward.

    Args:
        slots: how many adapters are resident at once, beside the base.
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.step: StepSlots | None = None
        self._groups: dict[str, SharedInput] = {}
        self._linear: dict[str, SlotLinear] = {}
        self._embedding: dict[str, SlotEmbedding] = {}
        self._model: nn.Module | None = None

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

    def out_features(self, name: str) -> int:
        """The width of a linear module's output."""
        return _features(self._linear[name].base)[1]

    @torch.inference_mode()
    def write(self, slot: int, weights: AdapterWeights) -> None:
        """Put an adapter into a slot, whatever stood there before."""
        if not 1 <= slot <= self.slots:
            raise IndexError(f"slot {slot} is not one of 1 to {self.slots}")
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
        self.step = StepSlots(tuple(slots), self._like.device) if any(slots) else None

    def end(self) -> None:
        """Leave nothing behind, whatever happened."""
        self.step = None
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
                self._embedding[name] = SlotEmbedding(layer, name, self)
                _replace(self.model, name, self._embedding[name])

    def _wrap_linear(self, name: str) -> SlotLinear:
        if name not in self._linear:
            layer = self.model.get_submodule(name)
            group = self._groups.get(name)
            if group is None:
                names = self._group_names.get(name, (name,))
                group = SharedInput(self, names, _features(layer)[0])
                self._groups.update(dict.fromkeys(names, group))
            self._linear[name] = SlotLinear(layer, name, group)
            _replace(self.model, name, self._linear[name])
        return self._linear[name]


# -- the arithmetic ----------------------------------------------------------------------------------------


def _rows_times_slots(flat: Tensor, table: Tensor, step: StepSlots) -> Tensor:
    """flat[i] @ table[slot of row i, : columns of flat]: [rows, columns of the table].

    On the CPU a bag of embeddings is exactly this sum, without a copy of the table's slots (measured on eight
    rows of a 168M model: 6.8 ms for all layers, against 17.7 ms for gather and bmm).
    """
    take = flat.shape[1]
    if flat.device.type != "cpu":
        return torch.bmm(flat[:, None], table[step.on_device, :take]).squeeze(1)
    return functional.embedding_bag(
        step.bag(table.shape[1], take),
        table.view(-1, table.shape[2]),
        mode="sum",
        per_sample_weights=flat.contiguous(),
    )


def _add(y: Tensor, product: Tensor, table: Tensor, step: StepSlots, ranked: Container[int]) -> None:
    """y += product @ table[slot], in place; `ranked` are the slots that have a factor here."""
    flat, rank = y.view(-1, y.shape[-1]), product.shape[1]
    if step.single is not None:
        flat.addmm_(product, table[step.single, :rank])
    elif step.by_row(flat.shape[0]):
        flat += _rows_times_slots(product, table, step)
    else:
        width = flat.shape[0] // len(step.rows)
        for run in step.runs:
            if run.slot in ranked:
                tokens = run.tokens(width)
                flat[tokens].addmm_(product[tokens], table[run.slot, :rank])


def _padded(rank: int) -> int:
    return -(-rank // RANK_STEP) * RANK_STEP


def _widened(table: Tensor | None, rank: int, count: int, out: int, like: Tensor) -> Tensor:
    if table is not None and table.shape[1] >= rank:
        return table
    wide = like.new_zeros((count, _padded(rank), out))
    if table is not None:
        wide[:, : table.shape[1]] = table
    return wide


def _write_b(table: Tensor, slot: int, pair: LoraPair | None) -> None:
    rank = 0 if pair is None else pair.rank
    table[slot, rank:].zero_()
    if pair is not None:
        target = table[slot, :rank]
        if pair.b.dtype == target.dtype and pair.b.device == target.device:
            torch.mul(pair.b.T, pair.scaling, out=target)
        else:
            target.copy_(pair.b.T.to(torch.float32) * pair.scaling)


# -- the base model's modules ------------------------------------------------------------------------------


def _features(layer: nn.Module) -> tuple[int, int]:
    """Width of input and output; transformers' Conv1D (GPT-2) keeps its weight transposed."""
    if isinstance(layer, nn.Linear):
        return layer.in_features, layer.out_features
    nx: int = layer.nx  # type: ignore[assignment]  # Conv1D, the only other kind that base_model.py admits
    nf: int = layer.nf  # type: ignore[assignment]
    return nx, nf


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
