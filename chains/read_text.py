"""Plain text: the text as it stands."""

from __future__ import annotations

from .decoding import decode
from .extraction import Extraction
from .extraction_builder import clean

__all__ = ["read_text"]


def read_text(data: bytes, name: str) -> Extraction:
    """The text of a plain text file, without control characters; raises IngestError where it is no text."""
    return Extraction(clean(decode(data, name)), reader="text 1")
