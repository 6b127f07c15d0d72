"""What every store must do: values to store, and the checks, which know no store.

Run on each store by `test_store_contract.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ragweave.chains.filters import parse_filter
from ragweave.chains.records import Chunk, EmbedderIdentity, SourceRecord, Vector, chunk_id
from ragweave.chains.store import Store

DIMENSION = 4
IDENTITY = EmbedderIdentity("test-model", "1", DIMENSION, True)

Opener = Callable[..., Store]  # (base="a name", tenant=None) -> an open store; the same name is the same base


def unit(*values: float) -> Vector:
    """A unit vector of the given direction, filled up with zeros."""
    vector = np.zeros(DIMENSION, dtype=np.float32)
    vector[: len(values)] = values
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def passage(
    source: str,
    text: str,
    position: int = 0,
    *,
    tokens: str | None = None,
    vector: Vector | None = None,
    metadata: Mapping[str, Any] | None = None,
    **other: Any,
) -> Chunk:
    """A chunk of `source`; its tokens are the words of the text where none are given."""
    hash = hashlib.sha256(text.encode()).hexdigest()
    values: dict[str, Any] = {
        "title": "Title",
        "start": 100 * position,
        "end": 100 * position + len(text),
        "heading": "",
        "page": None,
        "updated_at": "2026-01-01T00:00:00+00:00",
        "language": "english",
        **other,
    }
    return Chunk(
        id=chunk_id(source, hash, 0),
        source=source,
        position=position,
        text=text,
        tokens=" ".join(text.lower().split()) if tokens is None else tokens,
        hash=hash,
        metadata=metadata or {},
        vector=unit(1) if vector is None else vector,
        **values,
    )


def record(source: str, chunks: Sequence[Chunk], **other: Any) -> SourceRecord:
    """The ledger line that goes with the chunks."""
    values: dict[str, Any] = {
        "path": f"/somewhere/{source}",
        "sha256": "ab" * 32,
        "fingerprint": "pipeline 1",
        "title": "Title",
        "ingested_at": "2026-01-02T00:00:00+00:00",
        "updated_at": "2026-01-01T00:00:00+00:00",
        **other,
    }
    return SourceRecord(
        source=source,
        chunk_ids=tuple(chunk.id for chunk in chunks),
        languages=tuple(sorted({chunk.language for chunk in chunks})),
        fields=tuple(sorted({key for chunk in chunks for key in chunk.metadata})),
        **values,
    )


def put(store: Store, source: str, chunks: Sequence[Chunk], text: str = "the whole text") -> None:
    """Bind and replace in one."""
    store.bind(IDENTITY)
    store.replace(record(source, chunks), text, chunks)


def put_one(store: Store, source: str, text: str, **other: Any) -> Chunk:
    """Store a source of one passage; the passage."""
    chunk = passage(source, text, **other)
    put(store, source, [chunk])
    return chunk


def plain(chunk: Chunk) -> dict[str, Any]:
    """The values of a chunk, comparable; the vector left out."""
    names = (name for name in Chunk.__dataclass_fields__ if name != "vector")
    return {name: getattr(chunk, name) for name in names}


def ids(hits: Sequence[tuple[str, float]]) -> list[str]:
    """The ids of a leg's hits, in order."""
    return [id for id, _ in hits]


def whole_state(store: Store, words: Sequence[str]) -> dict[str, Any]:
    """All that can be read from a store, comparable: two states that differ anywhere differ here."""
    ledger = store.records()
    chunks = [chunk for line in ledger for chunk in store.chunks(line.source)]
    legs = store.search([], unit(1, 1), limit=1000)
    return {
        "ledger": ledger,
        "texts": {line.source: store.text(line.source) for line in ledger},
        "chunks": [
            (plain(chunk), None if chunk.vector is None else chunk.vector.tolist()) for chunk in chunks
        ],
        "by id": sorted(store.get([id for line in ledger for id in line.chunk_ids])),
        "by hash": {key: value.tolist() for key, value in store.vectors([c.hash for c in chunks]).items()},
        "keyword": {word: ids(store.search([word], None, limit=1000).keyword) for word in words},
        "vector": legs.vector,
        "filtered": {
            key: sorted(
                ids(store.search([], unit(1, 1), limit=1000, where=parse_filter({key: {"gte": ""}})).vector)
            )
            for key in ("team", "source")
        },
        "rest": (store.count(), store.fields(), store.languages(), store.unfinished()),
    }
