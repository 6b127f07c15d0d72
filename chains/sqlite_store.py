"""The embedded store: one SQLite file with full-text index, vectors, texts and the ledger of sources.

Knows SQL and NumPy; no reader, no analyser, no encoder.
"""

from __future__ import annotations

import json
import logging
import math
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import IngestError, StoreMismatch
from .exact_vectors import VectorTable
from .filters import Expression
from .records import Chunk, EmbedderIdentity, SourceRecord, Vector
from .sql_filters import filter_sql
from .sqlite_database import Database, Transaction
from .sqlite_rows import (
    CHUNK_COLUMNS,
    batches,
    delete_chunks,
    insert_chunks,
    read_chunk,
    read_records,
    read_text,
    read_texts,
    read_vector,
    stored_chunks,
    update_chunks,
    write_record,
)
from .store import Legs

__all__ = ["SqliteStore"]

logger = logging.getLogger("ragweave")

FILE = "knowledge.sqlite3"
COMFORTABLE_CHUNKS = 100_000  # more take tens of milliseconds a search, and 150 MB of memory per 100,000
MOST_TOKENS = 256  # of one question; a page of pasted text has fewer
UNREAD = (0, VectorTable.of((), (), (), 1))


class SqliteStore:
    """A knowledge base in a folder, with nothing to install: for up to about 100,000 chunks.

    Beyond that use Weaviate. Several threads and processes may have one base open; writers wait for each
    other. With `tenant` everything read and written is that tenant's alone.
    """

    def __init__(self, folder: Path, *, tenant: str | None = None) -> None:
        self._database = Database(Path(folder) / FILE, tenant=tenant)
        self._lock = threading.Lock()
        self._vectors = UNREAD  # with their generation
        self._names: tuple[int, frozenset[str], frozenset[str]] | None = None  # generation, fields, languages
        self._warned = False

    def bind(self, identity: EmbedderIdentity) -> None:
        """Make the base if it is not there; raise `StoreMismatch` if another embedder built it."""
        self._database.bind(identity)

    def exists(self) -> bool:
        """Whether the base is there; every read of one that is not finds nothing."""
        return self._database.exists()

    def replace(self, record: SourceRecord, text: str, chunks: Sequence[Chunk]) -> None:
        """Make `record`, its extracted `text` and `chunks` all there is of `record.source`.

        One transaction: whoever reads, or is killed, has the old state or the new one, whole.
        """
        with _encodable(record.source), self._database.writing() as transaction:
            _check_vectors(transaction, chunks)
            old = stored_chunks(transaction, record.source)
            insert_chunks(transaction, [chunk for chunk in chunks if chunk.id not in old])
            update_chunks(transaction, [chunk for chunk in chunks if chunk.id in old], old)
            gone = old.keys() - {chunk.id for chunk in chunks}
            delete_chunks(transaction, [old[id] for id in sorted(gone)])
            write_record(transaction, record, text)
        if not self._warned:
            self._warn_if_large(self.count())

    def remove(self, sources: Sequence[str]) -> None:
        """Delete the sources with their chunks, text and ledger lines; unknown names are no error."""
        with self._database.reading() as found:
            if found is None:
                return
        with self._database.writing() as transaction:
            for source in _encoded(sources):
                delete_chunks(transaction, list(stored_chunks(transaction, source).values()))
                transaction.connection.execute(
                    "DELETE FROM sources WHERE tenant = ? AND source = ?", (transaction.tenant, source)
                )

    def unfinished(self) -> list[str]:
        """Always empty: a write that was cut off never happened, for it was one transaction."""
        self.exists()  # tells of a mismatch as every other method does
        return []

    def records(self) -> list[SourceRecord]:
        """The ledger, by source name."""
        with self._database.reading() as transaction:
            return read_records(transaction) if transaction else []

    def text(self, source: str) -> str | None:
        """The extracted text of a source; None where it is unknown."""
        with self._database.reading() as transaction:
            return read_text(transaction, source) if transaction and _encoded([source]) else None

    def texts(self, sources: Sequence[str]) -> dict[str, str]:
        """The extracted texts of several sources; unknown ones are left out."""
        with self._database.reading() as transaction:
            return read_texts(transaction, _encoded(sources)) if transaction else {}

    def change_token(self) -> str:
        """Another one after every write of this tenant; "" where the base is not there."""
        with self._database.reading() as transaction:
            return str(transaction.generation) if transaction else ""

    def chunks(self, source: str) -> list[Chunk]:
        """The chunks of a source, in order, with vectors."""
        with self._database.reading() as transaction:
            if transaction is None or not _encoded([source]):
                return []
            rows = transaction.connection.execute(
                f"SELECT {CHUNK_COLUMNS}, vector FROM chunks "
                "WHERE tenant = ? AND source = ? ORDER BY position",
                (transaction.tenant, source),
            )
            return [read_chunk(row, None if blob is None else read_vector(blob)) for *row, blob in rows]

    def around(self, source: str, first: int, last: int) -> list[Chunk]:
        """The chunks of a source from one position to another, both included, in order, without vectors."""
        with self._database.reading() as transaction:
            if transaction is None or not _encoded([source]):
                return []
            rows = transaction.connection.execute(
                f"SELECT {CHUNK_COLUMNS} FROM chunks "
                "WHERE tenant = ? AND source = ? AND position BETWEEN ? AND ? ORDER BY position",
                (transaction.tenant, source, first, last),
            )
            return [read_chunk(row) for row in rows]

    def get(self, ids: Sequence[str]) -> dict[str, Chunk]:
        """The chunks with these ids, without vectors; missing ones are left out."""
        with self._database.reading() as transaction:
            found = _rows_in(transaction, CHUNK_COLUMNS, "id", ids)
            by_id = {row[0]: read_chunk(row) for row in found}
        return {id: by_id[id] for id in ids if id in by_id}

    def vectors(self, hashes: Iterable[str]) -> Mapping[str, Vector]:
        """Stored vectors by `Chunk.hash`, as many as are known."""
        with self._database.reading() as transaction:
            found = _rows_in(transaction, "hash, vector", "hash", hashes)
            return {hash: read_vector(blob) for hash, blob in found if blob is not None}

    def search(
        self, tokens: Sequence[str], vector: Vector | None, *, limit: int, where: Expression = ()
    ) -> Legs:
        """The best `limit` hits of each leg: BM25 over any of `tokens`, exact cosine to `vector`."""
        with self._database.reading() as transaction:
            if transaction is None or limit < 1:
                return Legs((), ())
            return Legs(
                _keyword_hits(transaction, tokens, limit, where),
                () if vector is None else self._vector_hits(transaction, vector, limit, where),
            )

    def count(self) -> int:
        """Number of chunks."""
        with self._database.reading() as transaction:
            return _count(transaction) if transaction else 0

    def fields(self) -> frozenset[str]:
        """Metadata keys that at least one chunk has."""
        return self._ledger_names()[0]

    def languages(self) -> frozenset[str]:
        """Languages of the chunks."""
        return self._ledger_names()[1]

    def close(self) -> None:
        """Release what is held, from any thread; a second call does nothing."""
        self._database.close()
        self._vectors = UNREAD

    def _ledger_names(self) -> tuple[frozenset[str], frozenset[str]]:
        with self._database.reading() as transaction:
            if transaction is None:
                return frozenset(), frozenset()
            known = self._names
            if known is None or known[0] != transaction.generation:
                fields, languages = (
                    frozenset(name for (names,) in rows for name in json.loads(names))
                    for rows in (
                        transaction.connection.execute(
                            f"SELECT DISTINCT {column} FROM sources WHERE tenant = ?", (transaction.tenant,)
                        )
                        for column in ("fields", "languages")
                    )
                )
                known = self._names = (transaction.generation, fields, languages)
            return known[1], known[2]

    def _vector_hits(
        self, transaction: Transaction, vector: Vector, limit: int, where: Expression
    ) -> list[tuple[str, float]]:
        table = self._vector_table(transaction)
        if not len(table.numbers):
            return []
        if table.matrix.shape[1] != len(vector):
            raise _dimension_mismatch(table.matrix.shape[1], len(vector))
        allowed = None
        for rows in filter_sql(where, transaction.tenant):
            found = np.isin(table.numbers, _numbers(transaction, rows.sql, rows.values), invert=rows.inverted)
            allowed = found if allowed is None else allowed & found
        return table.search(vector, limit, allowed)

    def _vector_table(self, transaction: Transaction) -> VectorTable:
        """The vectors as this transaction sees them: what changed since the last look is read, no more."""
        with self._lock:
            generation, table = self._vectors
            if generation > transaction.generation:  # the base was put back from a copy
                generation, table = UNREAD
            if generation < transaction.generation:
                changed = _changed_vectors(transaction, since=generation)
                if generation:
                    sql = "SELECT number FROM chunks INDEXED BY chunks_by_generation WHERE tenant = ?"
                    table = table.updated(_numbers(transaction, sql, [transaction.tenant]), changed)
                else:
                    table = changed
                self._vectors = (transaction.generation, table)
                self._warn_if_large(len(table.numbers))
            return table

    def _warn_if_large(self, chunks: int) -> None:
        if chunks > COMFORTABLE_CHUNKS and not self._warned:
            self._warned = True
            logger.warning(
                "%d chunks are more than the embedded store searches fast (%d): use Weaviate from here on, "
                "with a knowledge base URL like weaviate://host:8080?grpc=50051&collection=Docs.",
                chunks,
                COMFORTABLE_CHUNKS,
            )


def _keyword_hits(
    transaction: Transaction, tokens: Sequence[str], limit: int, where: Expression
) -> list[tuple[str, float]]:
    """BM25 with Lucene's and Weaviate's idf: log(1 + (N - n + .5) / (n + .5)) for n of N passages.

    FTS5's own idf is next to 0 for a word in half of the passages and more, which in a small base is many a
    word that matters. So each word is matched by itself, and FTS5's idf in its score exchanged for Lucene's.
    """
    words = f"words_{transaction.tenant}"
    holders = _holders(transaction, _encoded(dict.fromkeys(token.lower() for token in tokens)))
    if not holders:
        return []
    passages = _count(transaction)
    weights = [_lucene_idf(passages, count) / _fts5_idf(passages, count) for count in holders.values()]
    phrases = ['"' + token.replace('"', '""') + '"' for token in holders]
    filters = filter_sql(where, transaction.tenant)
    only = "".join(f" AND number {'NOT' if rows.inverted else ''} IN ({rows.sql})" for rows in filters)
    each = f"SELECT rowid AS number, -rank * ? AS score FROM {words} WHERE {words} MATCH ?"
    sql = f"""SELECT chunks.id, hits.score FROM (
            SELECT number, round(sum(score), 9) AS score FROM ({" UNION ALL ".join([each] * len(phrases))})
            WHERE true{only} GROUP BY number ORDER BY score DESC LIMIT ?) AS hits
        CROSS JOIN chunks ON chunks.number = hits.number"""
    scored = [value for pair in zip(weights, phrases, strict=True) for value in pair]
    bound = (*scored, *(value for rows in filters for value in rows.values))
    wanted = limit + 1
    while True:
        hits: list[tuple[str, float]] = transaction.connection.execute(sql, (*bound, wanted)).fetchall()
        hits.sort(key=lambda hit: (-hit[1], hit[0]))
        if len(hits) < wanted or hits[-1][1] != hits[limit - 1][1]:
            return hits[:limit]
        wanted *= 4  # the last place is shared; those who share it are ranked by id, so all must be seen


def _holders(transaction: Transaction, tokens: Sequence[str]) -> dict[str, int]:
    """How many passages hold each word that any holds; of a pasted book, the words that tell most."""
    counts = {
        term: count
        for batch in batches(tokens)
        for term, count in transaction.connection.execute(
            f"SELECT term, doc FROM vocabulary_{transaction.tenant} WHERE term IN ({_marks(batch)})", batch
        )
    }
    if len(counts) <= MOST_TOKENS:
        return {token: counts[token] for token in tokens if token in counts}
    return dict(sorted(counts.items(), key=lambda term: (term[1], term[0]))[:MOST_TOKENS])


def _lucene_idf(passages: int, holders: int) -> float:
    return math.log(1 + (passages - holders + 0.5) / (holders + 0.5))


def _fts5_idf(passages: int, holders: int) -> float:
    """As in SQLite's fts5_aux.c."""
    idf = math.log((passages - holders + 0.5) / (holders + 0.5))
    return idf if idf > 0 else 1e-6


def _changed_vectors(transaction: Transaction, *, since: int) -> VectorTable:
    rows = transaction.connection.execute(
        "SELECT number, id, vector FROM chunks WHERE tenant = ? AND generation > ? AND vector IS NOT NULL "
        "ORDER BY number",
        (transaction.tenant, since),
    ).fetchall()
    numbers, ids, blobs = zip(*rows, strict=True) if rows else ((), (), ())
    return VectorTable.of(numbers, ids, blobs, _dimension(transaction))


def _numbers(transaction: Transaction, sql: str, values: Sequence[Any]) -> NDArray[np.int64]:
    rows = transaction.connection.execute(sql, values).fetchall()
    return np.fromiter((number for (number,) in rows), dtype=np.int64, count=len(rows))


def _count(transaction: Transaction) -> int:
    row = transaction.connection.execute(
        "SELECT count(*) FROM chunks WHERE tenant = ?", (transaction.tenant,)
    ).fetchone()
    return int(row[0])


def _rows_in(
    transaction: Transaction | None, columns: str, key: str, values: Iterable[str]
) -> Iterator[tuple[Any, ...]]:
    if transaction is None:
        return
    for batch in batches(_encoded(dict.fromkeys(values))):
        yield from transaction.connection.execute(
            f"SELECT {columns} FROM chunks WHERE tenant = ? AND {key} IN ({_marks(batch)})",
            (transaction.tenant, *batch),
        )


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _dimension(transaction: Transaction) -> int:
    (identity,) = transaction.connection.execute("SELECT value FROM meta WHERE key = 'embedder'").fetchone()
    return int(json.loads(identity)["dimension"])


def _check_vectors(transaction: Transaction, chunks: Sequence[Chunk]) -> None:
    dimension = _dimension(transaction)
    for chunk in chunks:
        if chunk.vector is not None and len(chunk.vector) != dimension:
            raise _dimension_mismatch(dimension, len(chunk.vector))


def _dimension_mismatch(built: int, given: int) -> StoreMismatch:
    return StoreMismatch(
        f"The knowledge base holds vectors of {built} numbers, not of {given}.",
        remedy="Open it with the embedder it was built with, or ingest into a new knowledge base.",
    )


def _encoded(names: Iterable[str]) -> list[str]:
    """Those that a database can hold: no name with half a surrogate pair is stored, so none is found."""
    return [name for name in names if name.isascii() or name.encode("utf-8", "ignore").decode() == name]


@contextmanager
def _encodable(source: str) -> Iterator[None]:
    try:
        yield
    except UnicodeEncodeError as error:
        raise IngestError(
            f"{source!r} holds a character that UTF-8 cannot express: {error}.",
            remedy="Save the document, or name the file, in UTF-8.",
        ) from error
