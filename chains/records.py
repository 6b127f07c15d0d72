"""What a store keeps: passages (`Chunk`), the ledger of sources (`SourceRecord`), the encoder's name.

Plain values; knows no database, no file and no model.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if (
    TYPE_CHECKING
):  # NumPy takes a tenth of a second to import, and a record holds vectors without looking at them
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["NAMESPACE", "Chunk", "EmbedderIdentity", "SourceInfo", "SourceRecord", "Vector", "chunk_id"]

Vector: TypeAlias = "NDArray[np.float32]"  # shape (dimension,), unit length

NAMESPACE = uuid.UUID("6f6c5a5e-2f0b-5b7e-9a53-6d0c7f1f2b11")
SEPARATOR = "\x1f"  # cannot occur in a name, so that ("a", "bc") and ("ab", "c") differ


def chunk_id(source: str, text_hash: str, occurrence: int) -> str:
    """The id of a passage: the same source and text give the same id, wherever the passage stands.

    `occurrence` counts equal texts within one source from 0.

    >>> chunk_id("a.md", "ff", 0) == chunk_id("a.md", "ff", 0) != chunk_id("a.md", "ff", 1)
    True
    """
    return str(uuid.uuid5(NAMESPACE, SEPARATOR.join((source, text_hash, str(occurrence)))))


@dataclass(frozen=True, slots=True)
class EmbedderIdentity:
    """What must not change under a knowledge base: vectors of two encoders cannot be compared."""

    model: str
    revision: str
    dimension: int
    normalised: bool


@dataclass(frozen=True, slots=True)
class Chunk:
    """One passage as a store keeps it; `text == extracted_text[start:end]`."""

    id: str
    source: str
    title: str
    position: int  # within its source, from 0
    start: int  # offsets in characters into the extracted text
    end: int
    text: str
    heading: str  # path of headings, "A > B", or ""
    page: int | None  # from 1
    updated_at: str  # ISO 8601
    language: str  # Snowball's name, e.g. "english"
    tokens: str  # the analyser's tokens of title, heading and text, separated by one blank
    hash: str  # sha256 of the indexed text (title, heading, text): the key of its embedding
    metadata: Mapping[str, Any] = field(default_factory=dict)  # the caller's own, as it came in
    vector: Vector | None = None  # not given back by every read

    def filterable(self) -> dict[str, Any]:
        """What a filter is compared with: the caller's keys, and Ragweave's own in front of them."""
        own = ("source", "title", "start", "end", "page", "heading", "updated_at")
        return {
            **self.metadata,
            "chunk": self.position,
            **{name: getattr(self, name) for name in own},
        }


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """One line of the ledger: the truth about a source, kept in the store itself."""

    source: str
    path: str  # absolute path of the file, "" where the source is no file
    sha256: str  # of the bytes (file) or of contents and metadata (Documents)
    fingerprint: str  # of the pipeline that made the chunks: reader, splitter, analyser, embedder
    title: str
    ingested_at: str  # ISO 8601
    updated_at: str  # ISO 8601
    chunk_ids: tuple[str, ...]  # in order
    languages: tuple[str, ...]  # of its chunks
    fields: tuple[str, ...]  # keys of its chunks' metadata that a filter can name


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What `KnowledgeBase.sources()` tells of one source."""

    source: str
    title: str
    chunks: int
    sha256: str
    ingested_at: str
    updated_at: str
