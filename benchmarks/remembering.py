"""An encoder that encodes each text once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray

from ragweave.chains import EmbedderIdentity, open_encoder

__all__ = ["RememberingEncoder"]


class RememberingEncoder(Embeddings):
    """The packaged encoder behind a table of vectors; with a path, `save` keeps it for the next run."""

    def __init__(self, path: Path | None = None) -> None:
        self._encoder = open_encoder()
        self._path = path
        self._vectors: dict[str, NDArray[np.float32]] = {}
        if path and path.exists():
            with np.load(path, allow_pickle=False) as kept:
                self._vectors = dict(zip(kept["texts"].tolist(), kept["vectors"], strict=True))

    def save(self) -> None:
        if self._path is None:
            return
        texts = np.array(list(self._vectors), dtype=np.str_)
        np.savez(self._path, texts=texts, vectors=np.stack(list(self._vectors.values())))

    def identity(self) -> EmbedderIdentity:
        return self._encoder.identity()

    @property
    def window(self) -> int:
        return self._encoder.window

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        vectors: list[list[float]] = self.encode(texts).tolist()
        return vectors

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        return self._encoder.token_spans(text)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        if new:
            self._vectors.update(zip(new, self._encoder.encode(new), strict=True))
        return np.stack([self._vectors[text] for text in texts])

    def encode_query(self, text: str) -> NDArray[np.float32]:
        vector: NDArray[np.float32] = self.encode([text])[0]
        return vector
