"""Stand-ins for unit tests: an encoder that counts words, chat models that say what they are told."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ragweave.chains.records import EmbedderIdentity, Vector

WORD = re.compile(r"\w+|[^\w\s]")
DIMENSION = 256


class WordEncoder:
    """Texts that share words are close; `encoded` counts the texts it was given."""

    def __init__(self, model: str = "words", window: int = 64) -> None:
        self.model = model
        self.window = window
        self.encoded: list[str] = []

    def identity(self) -> EmbedderIdentity:
        return EmbedderIdentity(self.model, "1", DIMENSION, True)

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in WORD.finditer(text)]

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.encoded.extend(texts)
        return np.stack([_vector(text) for text in texts])

    def encode_query(self, text: str) -> Vector:
        return _vector(text)


def _vector(text: str) -> Vector:
    vector = np.zeros(DIMENSION, dtype=np.float32)
    for word in WORD.findall(text.lower()):
        vector[
            int.from_bytes(hashlib.sha256(word.encode(errors="replace")).digest()[:4], "big") % DIMENSION
        ] += 1
    vector[0] += 1e-3  # an empty text has a direction too
    return vector / np.linalg.norm(vector)
