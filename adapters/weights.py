"""An adapter's weights as the slots take them, whatever file they came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["AdapterWeights", "LoraPair"]


@dataclass(frozen=True, slots=True)
class LoraPair:
    """The two factors on one module: output += scaling * (x @ a.T) @ b.T.

    Shapes: `a` [rank, in], `b` [out, rank], on the CPU in the file's own dtype, possibly memory-mapped. On an
    embedding `in` is the vocabulary and x a one-hot row. `scaling` is alpha / rank, or alpha / sqrt(rank) for
    rsLoRA (Kalajdzievski 2023), already looked up in rank and alpha patterns.
    """

    a: Tensor
    b: Tensor
    scaling: float

    @property
    def rank(self) -> int:
        """The inner dimension."""
        return int(self.a.shape[0])


@dataclass(frozen=True, slots=True)
class AdapterWeights:
    """Everything of one adapter version that computing needs.

    Keys are the module names of the base model as `named_modules()` gives them
    (`model.layers.0.self_attn.q_proj`). `exclusive` is "" where slots can carry all of it, else the reason
    why not (DoRA, modules_to_save, ...); `lane` says that a lane of its own can, with peft's layers.
    """

    linear: Mapping[str, LoraPair] = field(default_factory=dict)
    embedding: Mapping[str, LoraPair] = field(default_factory=dict)
    exclusive: str = ""
    lane: bool = False

    def copied(self) -> AdapterWeights:
        """The same in memory of its own, not in a mapped file."""

        def copy(pairs: Mapping[str, LoraPair]) -> dict[str, LoraPair]:
            return {name: LoraPair(p.a.clone(), p.b.clone(), p.scaling) for name, p in pairs.items()}

        return AdapterWeights(copy(self.linear), copy(self.embedding), self.exclusive, self.lane)

    @property
    def nbytes(self) -> int:
        """Bytes of all factors."""
        pairs = (*self.linear.values(), *self.embedding.values())
        return sum(pair.a.nbytes + pair.b.nbytes for pair in pairs)
