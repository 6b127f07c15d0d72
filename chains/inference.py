"""A natural-language-inference model: does a passage entail a claim, or contradict it?

Any sentence-transformers cross-encoder, by folder or hub id, or an object with its `predict`. PyTorch and
the model are loaded at the first pair. Knows no answer.
"""

from __future__ import annotations

import math
import threading
from functools import cached_property
from os import PathLike
from typing import Any

from .errors import ChainError

__all__ = ["InferenceModel"]

CONTRADICTED = 0.5  # probability from which a contradiction is one


class InferenceModel:
    """Wraps the model; safe to use from several threads, one pair at a time."""

    def __init__(self, model: str | PathLike[str] | Any) -> None:
        self._given = model
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """What the trace calls it."""
        named = isinstance(self._given, (str, PathLike))
        return str(self._given) if named else type(self._given).__name__

    def judge(self, premise: str, claim: str) -> tuple[float, bool]:
        """The probability that the premise entails the claim, and whether it contradicts it."""
        with self._lock:
            scores = self._model.predict([(premise, claim)])[0]
        values = [float(score) for score in (scores if hasattr(scores, "__len__") else [scores])]
        if len(values) == 1:  # one score: trained to be a probability, or a logit
            return values[0] if 0 <= values[0] <= 1 else 1 / (1 + math.exp(-values[0])), False
        names = [str(name).lower() for name in self._labels(len(values))]
        entails = next((n for n, name in enumerate(names) if name.startswith("entail")), None)
        if entails is None:
            raise ChainError(
                f"{self.name} has the labels {names}, none of which is entailment.",
                remedy="Give a cross-encoder trained on natural-language inference, or leave `model` out.",
            )
        highest = max(values)
        odds = [math.exp(value - highest) for value in values]
        contradicts = next((n for n, name in enumerate(names) if name.startswith("contra")), None)
        against = odds[contradicts] / sum(odds) if contradicts is not None else 0.0
        return odds[entails] / sum(odds), against >= CONTRADICTED

    @cached_property
    def _model(self) -> Any:
        if not isinstance(self._given, (str, PathLike)):
            return self._given
        from sentence_transformers import CrossEncoder

        return CrossEncoder(str(self._given))

    def _labels(self, count: int) -> list[str]:
        config = getattr(getattr(self._model, "model", self._model), "config", None)
        labels = getattr(config, "id2label", None) or {}
        return [labels.get(number, "") for number in range(count)]
