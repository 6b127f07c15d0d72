"""Passages and ledger lines as rows of the SQLite base, inside a transaction that is open.

Knows the tables; begins and ends no transaction.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import numpy as np

from .errors import IngestError
from .records import Chunk, SourceRecord, Vector
from .sql_filters import facets
from .sqlite_database import Transaction

__all__ = [
    "CHUNK_COLUMNS",
    "StoredChunk",
    "batches",
    "delete_chunks",
    "insert_chunks",
    "read_chunk",
    "read_records",
    "read_text",
    "read_texts",
    "read_vector",
    "stored_chunks",
    "update_chunks",
    "write_record",
]

BATCH = 500  # values in one statement

CHUNK_COLUMNS = (
    'id, source, title, position, start, "end", text, heading, page, updated_at, '
    "language, tokens, hash, metadata"
)
RECORD_COLUMNS = (
    "source, path, sha256, fingerprint, title, ingested_at, updated_at, chunk_ids, languages, fields"
)
INSERT = f"""INSERT INTO chunks(number, tenant, generation, {CHUNK_COLUMNS}, vector)
    VALUES ({", ".join("?" * 18)})"""
# A vector that stays keeps its generation, so that the matrix in memory need not read it again.
UPDATE = """UPDATE chunks SET generation = CASE WHEN vector IS ?17 THEN generation ELSE ?2 END,
    source = ?4, title = ?5, position = ?6, start = ?7, "end" = ?8, text = ?9, heading = ?10, page = ?11,
    updated_at = ?12, language = ?13, tokens = ?14, hash = ?15, metadata = ?16, vector = ?17
    WHERE number = ?1 AND id = ?3"""

Item = TypeVar("Item")


class StoredChunk(NamedTuple):
    """What must be known of a row to change or delete it with all that hangs on it."""

    number: int
    tokens: str
    metadata: str


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """The items in lists that fit one statement."""
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch


def stored_chunks(transaction: Transaction, source: str) -> dict[str, StoredChunk]:
    """The rows of a source by chunk id."""
    rows = transaction.connection.execute(
        "SELECT id, number, tokens, metadata FROM chunks WHERE tenant = ? AND source = ?",
        (transaction.tenant, source),
    )
    return {id: StoredChunk(*rest) for id, *rest in rows}


def insert_chunks(transaction: Transaction, chunks: Sequence[Chunk]) -> None:
    """Add passages whose ids are new."""
    (last,) = transaction.connection.execute("SELECT coalesce(max(number), 0) FROM chunks").fetchone()
    numbers = range(last + 1, last + 1 + len(chunks))
    rows = [_values(chunk) for chunk in chunks]
    transaction.connection.executemany(
        INSERT,
        (
            (number, transaction.tenant, transaction.generation, *row)
            for number, row in zip(numbers, rows, strict=True)
        ),
    )
    for number, chunk in zip(numbers, chunks, strict=True):
        _index_words(transaction, number, chunk.tokens)
        _insert_facets(transaction, number, chunk.metadata)


def update_chunks(
    transaction: Transaction, chunks: Sequence[Chunk], stored: Mapping[str, StoredChunk]
) -> None:
    """Bring passages whose ids stay to their new values; what is equal is not indexed again."""
    for chunk in chunks:
        old, row = stored[chunk.id], _values(chunk)
        transaction.connection.execute(UPDATE, (old.number, transaction.generation, *row))
        if chunk.tokens != old.tokens:
            _unindex_words(transaction, [old])
            _index_words(transaction, old.number, chunk.tokens)
        if row[-2] != old.metadata:
            transaction.connection.execute("DELETE FROM facets WHERE chunk = ?", (old.number,))
            _insert_facets(transaction, old.number, chunk.metadata)


def delete_chunks(transaction: Transaction, stored: Sequence[StoredChunk]) -> None:
    """Take rows away, with their words and facets."""
    _unindex_words(transaction, stored)
    numbers = [(row.number,) for row in stored]
    transaction.connection.executemany("DELETE FROM facets WHERE chunk = ?", numbers)
    transaction.connection.executemany("DELETE FROM chunks WHERE number = ?", numbers)


def _index_words(transaction: Transaction, number: int, tokens: str) -> None:
    table = f"words_{transaction.tenant}"
    transaction.connection.execute(f"INSERT INTO {table}(rowid, tokens) VALUES (?, ?)", (number, tokens))


def _unindex_words(transaction: Transaction, stored: Sequence[StoredChunk]) -> None:
    table = f"words_{transaction.tenant}"
    transaction.connection.executemany(  # a contentless table wants to be told what it indexed
        f"INSERT INTO {table}({table}, rowid, tokens) VALUES ('delete', ?, ?)",
        ((row.number, row.tokens) for row in stored),
    )


def _insert_facets(transaction: Transaction, number: int, metadata: Mapping[str, Any]) -> None:
    transaction.connection.executemany(
        "INSERT INTO facets(tenant, field, kind, value, chunk) VALUES (?, ?, ?, ?, ?)",
        ((transaction.tenant, *facet, number) for facet in facets(metadata)),
    )


def _values(chunk: Chunk) -> tuple[Any, ...]:
    return (
        chunk.id,
        chunk.source,
        chunk.title,
        chunk.position,
        chunk.start,
        chunk.end,
        chunk.text,
        chunk.heading,
        chunk.page,
        chunk.updated_at,
        chunk.language,
        chunk.tokens,
        chunk.hash,
        _metadata_json(chunk),
        None if chunk.vector is None else np.asarray(chunk.vector, dtype="<f4").tobytes(),
    )


def _metadata_json(chunk: Chunk) -> str:
    try:
        return json.dumps(dict(chunk.metadata))  # ASCII: even half a surrogate pair comes back
    except (TypeError, ValueError) as error:
        raise IngestError(
            f"The metadata of {chunk.source!r} cannot be kept: {error}.",
            remedy="Use texts, numbers, true, false, null, lists and dicts with text keys.",
        ) from error


def read_chunk(row: Sequence[Any], vector: Vector | None = None) -> Chunk:
    """The passage of a row of `CHUNK_COLUMNS`."""
    *values, metadata = row
    return Chunk(*(*values, json.loads(metadata), vector))


def read_vector(blob: bytes) -> Vector:
    """The vector of a blob, as it came in."""
    return np.frombuffer(blob, dtype="<f4").astype(np.float32)


def write_record(transaction: Transaction, record: SourceRecord, text: str) -> None:
    """Put a line of the ledger and the extracted text in place of what was there."""
    lists = [json.dumps(list(names)) for names in (record.chunk_ids, record.languages, record.fields)]
    compressed = zlib.compress(text.encode(), 1)  # level 6 saves a tenth and takes three times as long
    transaction.connection.execute(
        f"INSERT OR REPLACE INTO sources(tenant, {RECORD_COLUMNS}, text) VALUES ({', '.join('?' * 12)})",
        (
            transaction.tenant,
            record.source,
            record.path,
            record.sha256,
            record.fingerprint,
            record.title,
            record.ingested_at,
            record.updated_at,
            *lists,
            compressed,
        ),
    )


def read_records(transaction: Transaction) -> list[SourceRecord]:
    """The ledger, by source name."""
    rows = transaction.connection.execute(
        f"SELECT {RECORD_COLUMNS} FROM sources WHERE tenant = ? ORDER BY source", (transaction.tenant,)
    )
    return [SourceRecord(*row[:7], *(tuple(json.loads(names)) for names in row[7:])) for row in rows]


def read_text(transaction: Transaction, source: str) -> str | None:
    """The extracted text of a source; None where it is unknown."""
    row = transaction.connection.execute(
        "SELECT text FROM sources WHERE tenant = ? AND source = ?", (transaction.tenant, source)
    ).fetchone()
    return None if row is None else zlib.decompress(row[0]).decode()


def read_texts(transaction: Transaction, sources: Iterable[str]) -> dict[str, str]:
    """The extracted texts of the sources that are known."""
    texts: dict[str, str] = {}
    for batch in batches(sources):
        marks = ", ".join("?" * len(batch))
        rows = transaction.connection.execute(
            f"SELECT source, text FROM sources WHERE tenant = ? AND source IN ({marks})",
            (transaction.tenant, *batch),
        )
        texts |= {source: zlib.decompress(packed).decode() for source, packed in rows}
    return texts
