"""Encoders: the packaged MiniLM, any LangChain `Embeddings`, any sentence-transformers folder or hub id.

Knows no store. Loads nothing before the first text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .records import EmbedderIdentity, Vector

__all__ = ["Encoder", "open_encoder"]


class Encoder(Protocol):
    """What the chain asks of an encoder; `open_encoder` makes one from any LangChain `Embeddings`."""

    def identity(self) -> EmbedderIdentity:
        """Model, revision, dimension, normalisation; may load the model."""

    @property
    def window(self) -> int:
        """Tokens that fit, special ones not counted."""

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Offsets of each token in the text; needs the tokenizer only, not the model."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, shape (len(texts), dimension), in the order given."""

    def encode_query(self, text: str) -> Vector:
        """The unit vector of a question, shape (dimension,)."""


def open_encoder(embeddings: object | None = None) -> Encoder:
    """The encoder for a LangChain `Embeddings`, a folder or hub id, or None: the packaged MiniLM."""
    if embeddings is None:
        from .minilm import MiniLM

        return MiniLM()
    raise NotImplementedError
