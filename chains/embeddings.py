"""Encoders: the packaged MiniLM, any LangChain `Embeddings`, any sentence-transformers folder or hub id.

Knows no store. Loads nothing before the first text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from os import PathLike
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from .errors import ChainError
from .records import EmbedderIdentity, Vector

if TYPE_CHECKING:  # NumPy takes a tenth of a second to import
    import numpy as np
    from langchain_core.embeddings import Embeddings
    from numpy.typing import NDArray

__all__ = ["Encoder", "encode_queries", "once_per_question", "open_encoder"]

QUESTIONS = 64  # whose vectors an encoder keeps
T = TypeVar("T")


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
    """The encoder for a LangChain `Embeddings`, a folder or hub id, or None: the packaged MiniLM.

    An encoder is given back as it is. Nothing is loaded here.

    Raises:
        ChainError: If `embeddings` is none of these.
    """
    if embeddings is None:
        from .minilm import MiniLM

        return MiniLM()
    if isinstance(embeddings, (str, PathLike)):
        from .sentence_transformer import SentenceTransformerEncoder

        return SentenceTransformerEncoder(str(embeddings))
    if _has(embeddings, "identity", "encode", "encode_query", "token_spans"):
        return cast(Encoder, embeddings)
    if _has(embeddings, "embed_documents", "embed_query"):
        from .langchain_encoder import LangChainEncoder

        return LangChainEncoder(cast("Embeddings", embeddings))
    raise ChainError(
        f"{embeddings!r} is no embedding model: it lacks embed_documents and embed_query.",
        remedy="Give a LangChain Embeddings object, a sentence-transformers folder or hub id, or nothing.",
    )


def encode_queries(encoder: Encoder, texts: Sequence[str]) -> list[Vector]:
    """The unit vectors of several questions, in one batch where the encoder has `encode_queries`.

    `encode_query` knows them afterwards.
    """
    batch = getattr(encoder, "encode_queries", None)
    if not callable(batch):
        return [encoder.encode_query(text) for text in texts]
    vectors: list[Vector] = list(batch(texts))
    for text, vector in zip(texts, vectors, strict=True):
        _keep(encoder, text, vector)
    return vectors


def _has(value: object, *methods: str) -> bool:
    return all(callable(getattr(value, method, None)) for method in methods)


def once_per_question(encode: Callable[[T, str], Vector]) -> Callable[[T, str], Vector]:
    """Makes an `encode_query` keep the vectors of its last questions, read-only.

    One turn asks for the same vector in the search, in the reading and, without scores, in the judging.
    """

    @wraps(encode)
    def recall(self: T, text: str) -> Vector:
        vector: Vector | None = vars(self).get("_kept", {}).get(text)
        return _keep(self, text, encode(self, text)) if vector is None else vector

    return recall


def _keep(encoder: object, text: str, vector: Vector) -> Vector:
    kept: dict[str, Vector] = vars(encoder).setdefault("_kept", {})
    vector.flags.writeable = False
    kept[text] = vector
    for oldest in list(kept)[:-QUESTIONS]:
        kept.pop(oldest, None)  # another thread may have been here first
    return vector
