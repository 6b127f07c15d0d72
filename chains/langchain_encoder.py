"""Any LangChain `Embeddings` as an encoder: its vectors checked and brought to unit length.

Knows no store.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .embeddings import once_per_question
from .errors import ChainError
from .records import EmbedderIdentity, Vector

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings

__all__ = ["LangChainEncoder", "unit_vectors"]

USUAL_WINDOW = 254  # of encoders that do not say theirs: 256, less two special tokens
PROBE = "dimension"
NAMES = ("model", "model_name", "model_id", "deployment")  # where Embeddings keep the name of their model


class LangChainEncoder:
    """Any LangChain `Embeddings` as an encoder: its vectors checked and brought to unit length.

    The name of its model stands for its identity, so a model that is exchanged under the same name is not
    noticed. Tokens are counted as MiniLM counts them.
    """

    def __init__(self, embeddings: Embeddings) -> None:
        self._embeddings = embeddings

    def identity(self) -> EmbedderIdentity:
        """Embeds a word to learn the dimension."""
        return EmbedderIdentity(
            model=_model_name(self._embeddings),
            revision=str(getattr(self._embeddings, "revision", None) or ""),
            dimension=self._dimension,
            normalised=True,
        )

    @property
    def window(self) -> int:
        """What the model says, else 254 tokens."""
        for owner in (self._embeddings, getattr(self._embeddings, "_client", None)):
            length = getattr(owner, "max_seq_length", None)
            if isinstance(length, int) and length > 2:
                return length - 2
        return USUAL_WINDOW

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Offsets of MiniLM's tokens."""
        from .minilm import MiniLM

        return MiniLM().token_spans(text)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, in the order given; `ChainError` where the model gives none."""
        if not texts:
            return np.empty((0, self._dimension), np.float32)
        given = self._embeddings.embed_documents(list(texts))
        return unit_vectors(given, _model_name(self._embeddings), shape=(len(texts), self._dimension))

    @once_per_question
    def encode_query(self, text: str) -> Vector:
        """The unit vector of a question."""
        given = [self._embeddings.embed_query(text)]
        vector: Vector = unit_vectors(given, _model_name(self._embeddings), shape=(1, self._dimension))[0]
        return vector

    @cached_property
    def _dimension(self) -> int:
        return len(self._embeddings.embed_documents([PROBE])[0])


def unit_vectors(given: Any, model: str, *, shape: tuple[int, int]) -> NDArray[np.float32]:
    """What a model gave, as vectors of unit length.

    Raises:
        ChainError: If the shape is another one, or a vector is zero or not finite.
    """
    lengths = {len(vector) for vector in given}
    if len(given) != shape[0] or lengths != {shape[1]}:
        found = f"{len(given)} vectors of {', '.join(map(str, sorted(lengths)))} numbers"
        raise ChainError(
            f"The embedding model {model} gave {found} for {shape[0]} texts, not {shape[0]} of {shape[1]}.",
            remedy="Check the model, or give another one as embeddings=.",
        )
    vectors = np.asarray(given, np.float32)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (np.isfinite(norms).all() and (norms > 0).all()):
        row = int(np.flatnonzero(~(np.isfinite(norms) & (norms > 0)))[0])
        raise ChainError(
            f"The embedding model {model} gave a vector of length {norms[row, 0]} for text {row + 1} of "
            f"{shape[0]}; only finite vectors other than zero can be compared.",
            remedy="Check the model, or give another one as embeddings=.",
        )
    unit: NDArray[np.float32] = vectors / norms
    return unit


def _model_name(embeddings: object) -> str:
    for name in NAMES:
        value = getattr(embeddings, name, None)
        if isinstance(value, str) and value:
            return value
    kind = type(embeddings)
    return f"{kind.__module__}.{kind.__qualname__}"
