"""Plain text: the text as it stands."""

from __future__ import annotations

from .decoding import decode
from .extraction import Extraction

__all__ = ["read_text"]


def read_text(data: bytes, name: str) -> Extraction:
    """The text of a plain text file, unchanged but for line ends; raises IngestError where it is no text."""
    return Extraction(decode(data, name), reader="text 1")
