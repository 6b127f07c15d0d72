"""Any sentence-transformers model, by folder or hub id, as an encoder.

Knows no store. PyTorch and the model are loaded at the first text.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .embeddings import once_per_question
from .errors import ChainError
from .langchain_encoder import unit_vectors
from .records import EmbedderIdentity, Vector

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["SentenceTransformerEncoder"]

BATCH = 16  # texts; also what a question waits for at most while a large ingest runs
WEIGHTS = ("*.safetensors", "*.bin", "config*.json", "modules.json")


class SentenceTransformerEncoder:
    """A sentence-transformers folder or hub id, with the prompts that the model brings for questions.

    Use it for documents in other languages than English, or where a larger model pays. Safe to use from
    several threads: texts are encoded in turns of 16, and a question goes before the next turn.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._loading = threading.Lock()
        self._turns = _Turns()

    def identity(self) -> EmbedderIdentity:
        """The folder's or model's name, and its commit or the hash of its files."""
        dimension = self._model.get_embedding_dimension()
        return EmbedderIdentity(
            model=Path(self._name).name if Path(self._name).is_dir() else self._name,
            revision=self._revision,
            dimension=int(dimension or 0),
            normalised=True,
        )

    @property
    def window(self) -> int:
        """Tokens that the model takes, special ones not counted."""
        special = self._tokenizer.num_special_tokens_to_add()
        return int(self._model.max_seq_length or 512) - int(special)

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Offsets of the model's own tokens."""
        with self._turns.take(urgent=False):  # a tokenizer must not be used by two threads at once
            found = self._tokenizer(
                text, add_special_tokens=False, return_offsets_mapping=True, truncation=False, verbose=False
            )
        return [(start, end) for start, end in found["offset_mapping"]]

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, in the order given."""
        dimension = self.identity().dimension
        vectors = np.empty((len(texts), dimension), np.float32)
        rows = sorted(range(len(texts)), key=lambda row: -len(texts[row]))
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            with self._turns.take(urgent=False):
                given = self._model.encode_document(
                    [texts[row] for row in batch], batch_size=BATCH, show_progress_bar=False
                )
            vectors[batch] = unit_vectors(given, self._name, shape=(len(batch), dimension))
        return vectors

    @once_per_question
    def encode_query(self, text: str) -> Vector:
        """The unit vector of a question."""
        vector: Vector = self.encode_queries([text])[0]
        return vector

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The unit vectors of several questions, with the model's own prompt for them."""
        dimension = self.identity().dimension
        with self._turns.take(urgent=True):
            given = self._model.encode_query(list(texts), show_progress_bar=False)
        return unit_vectors(given, self._name, shape=(len(texts), dimension))

    @property
    def _model(self) -> SentenceTransformer:
        with self._loading:
            return self._loaded

    @cached_property
    def _loaded(self) -> SentenceTransformer:
        from sentence_transformers import SentenceTransformer

        try:
            return SentenceTransformer(self._name)
        except (OSError, ValueError) as error:
            raise ChainError(
                f"The embedding model {self._name!r} cannot be loaded: {str(error).splitlines()[0]}",
                remedy="Give a folder with a sentence-transformers model, or a hub id that is in the local "
                "cache or can be downloaded from here.",
            ) from error

    @property
    def _tokenizer(self) -> Any:
        return self._model.tokenizer

    @cached_property
    def _revision(self) -> str:
        folder = Path(self._name)
        if folder.is_dir():
            return _content_hash(folder)
        config = getattr(getattr(self._model[0], "auto_model", None), "config", None)
        return str(getattr(config, "_commit_hash", None) or "")[:12]


def _content_hash(folder: Path) -> str:
    """Of the files that vectors depend on; the folder may lie elsewhere on another machine."""
    whole = hashlib.sha256()
    for path in sorted({path for pattern in WEIGHTS for path in folder.rglob(pattern)}):
        with path.open("rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()[:12]


class _Turns:
    """One at a time; who is urgent goes before all others that wait."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._taken = False
        self._urgent = 0

    @contextmanager
    def take(self, *, urgent: bool) -> Iterator[None]:
        with self._changed:
            self._urgent += urgent
            self._changed.wait_for(lambda: not self._taken and (urgent or not self._urgent))
            self._urgent -= urgent
            self._taken = True
        try:
            yield
        finally:
            with self._changed:
                self._taken = False
                self._changed.notify_all()
