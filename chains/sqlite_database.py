"""The SQLite file of a knowledge base: schema, connections, transactions, and errors in our words.

Knows no passage and no search.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from .errors import ChainError, StoreMismatch, StoreUnavailable
from .records import EmbedderIdentity
from .store import SCHEMA_VERSION

__all__ = ["Database", "Transaction"]

BUSY_SECONDS = 30.0  # how long a writer waits for another one; readers wait for nobody

SCHEMA = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE tenants(number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, generation INTEGER NOT NULL);
CREATE TABLE sources(
    tenant INTEGER NOT NULL REFERENCES tenants, source TEXT NOT NULL, path TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    fingerprint TEXT NOT NULL, title TEXT NOT NULL, ingested_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    chunk_ids TEXT NOT NULL, languages TEXT NOT NULL, fields TEXT NOT NULL, text BLOB NOT NULL,
    UNIQUE(tenant, source));
CREATE TABLE chunks(
    number INTEGER PRIMARY KEY, tenant INTEGER NOT NULL REFERENCES tenants, generation INTEGER NOT NULL,
    id TEXT NOT NULL, source TEXT NOT NULL, title TEXT NOT NULL, position INTEGER NOT NULL,
    start INTEGER NOT NULL, "end" INTEGER NOT NULL, text TEXT NOT NULL, heading TEXT NOT NULL, page INTEGER,
    updated_at TEXT NOT NULL, language TEXT NOT NULL, tokens TEXT NOT NULL, hash TEXT NOT NULL,
    metadata TEXT NOT NULL, vector BLOB, UNIQUE(tenant, id));
CREATE INDEX chunks_by_source ON chunks(tenant, source, position);
CREATE INDEX chunks_by_hash ON chunks(tenant, hash);
CREATE INDEX chunks_by_generation ON chunks(tenant, generation);
CREATE TABLE facets(
    tenant INTEGER NOT NULL, field BLOB NOT NULL, kind TEXT NOT NULL, value BLOB NOT NULL,
    chunk INTEGER NOT NULL REFERENCES chunks, PRIMARY KEY(tenant, field, kind, value, chunk)) WITHOUT ROWID;
CREATE INDEX facets_by_chunk ON facets(chunk);
"""

# One index of words (and a view of its vocabulary) per tenant, so that scores tell nothing of others' texts.
# Contentless: the tokens stand in `chunks`. The analyser has folded and cut already, so every character but
# white space belongs to a token and nothing more is taken off (a second folding of case remains, on documents
# and questions alike).
WORDS = """
CREATE VIRTUAL TABLE words_{number} USING fts5(
    tokens, content='', tokenize="unicode61 remove_diacritics 0 categories 'L* M* N* P* S* C*'");
CREATE VIRTUAL TABLE vocabulary_{number} USING fts5vocab(words_{number}, 'row');
"""


@dataclass(frozen=True, slots=True)
class Transaction:
    """An open transaction of one tenant; `generation` grows with every write of the tenant."""

    connection: sqlite3.Connection
    tenant: int
    generation: int


class Database:
    """One file and its connections; a connection serves one thread at a time and is then used again."""

    def __init__(self, path: Path, *, tenant: str | None) -> None:
        self.path = path
        self._tenant = tenant
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._file: tuple[int, int] | None = None  # device and inode that the idle connections are open on
        self._closed = False

    @contextmanager
    def reading(self) -> Iterator[Transaction | None]:
        """A consistent view of the tenant; None where the base, or the tenant in it, is not there."""
        with self._translated(), self._connection() as connection:
            transaction = self._begin(connection, "BEGIN") if connection else None
            try:
                yield transaction
            finally:
                if connection:
                    _rollback(connection)

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """A transaction kept whole when the block ends, and not at all when it raises or is killed."""
        with self._translated(), self._connection() as connection:
            transaction = self._begin(connection, "BEGIN IMMEDIATE") if connection else None
            if connection is None or transaction is None:
                raise StoreUnavailable(
                    f"There is no knowledge base in {str(self.path.parent)!r} to write to.",
                    remedy="Call bind() first; it makes one.",
                )
            try:
                connection.execute(
                    "UPDATE tenants SET generation = ? WHERE number = ?",
                    (transaction.generation + 1, transaction.tenant),
                )
                yield Transaction(connection, transaction.tenant, transaction.generation + 1)
                connection.execute("COMMIT")
            finally:
                _rollback(connection)

    def bind(self, identity: EmbedderIdentity) -> None:
        """Make folder, file, schema and tenant where they are missing; refuse another embedder."""
        with self._translated():
            self._check_open()
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._connection() as connection:
                if connection and self._is_made_by(connection, identity):
                    return
            self._create(identity)

    def _is_made_by(self, connection: sqlite3.Connection, identity: EmbedderIdentity) -> bool:
        """Whether the tenant is there; `StoreMismatch` where another embedder made the base."""
        try:
            found = self._begin(connection, "BEGIN") is not None
            if found:
                _check_identity(connection, identity, self.path)
            return found
        finally:
            _rollback(connection)

    def exists(self) -> bool:
        """Whether the base is there."""
        with self._translated(), self._connection() as connection:
            return connection is not None

    def close(self) -> None:
        """Close what is idle now and what is in use when its thread is done with it."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _begin(self, connection: sqlite3.Connection, statement: str) -> Transaction | None:
        connection.execute(statement)
        row = connection.execute(
            "SELECT number, generation FROM tenants WHERE name = ?", (self._tenant or "",)
        ).fetchone()
        return Transaction(connection, *row) if row else None

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection | None]:
        """A connection to a base that is there and is ours; None where there is none."""
        connection = self._take()
        try:
            yield connection
        finally:
            if connection is not None:
                self._give(connection)

    def _take(self) -> sqlite3.Connection | None:
        self._check_open()
        try:
            status = self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        file = (status.st_dev, status.st_ino)
        with self._lock:
            stale: list[sqlite3.Connection] = []
            if file != self._file:  # deleted and made anew, or put back from a copy, while we had it open
                stale, self._idle, self._file = self._idle, [], file
            connection = self._idle.pop() if self._idle else None
        for old in stale:
            old.close()
        return connection or self._open()

    def _give(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def _open(self) -> sqlite3.Connection | None:
        connection = self._connect("rw")
        try:
            there = _is_ours(connection, self.path)
            if there:
                self._check_tenancy(connection)
        except BaseException:
            connection.close()
            raise
        if there:
            return connection
        connection.close()
        return None

    def _connect(self, mode: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,  # transactions are ours to begin
            check_same_thread=False,  # the pool sees to it that one thread at a time has it
        )
        connection.execute("PRAGMA synchronous = NORMAL")  # with WAL: whole after a power cut, too
        return connection

    def _create(self, identity: EmbedderIdentity) -> None:
        connection = self._connect("rwc")
        try:
            _use_wal(connection)
            connection.execute("BEGIN IMMEDIATE")
            if not _is_ours(connection, self.path):
                _make_schema(connection, identity, tenancy=self._tenant is not None)
            self._check_tenancy(connection)
            _check_identity(connection, identity, self.path)
            # From the clock, so that a base deleted and made anew never meets a cache of the old one.
            row = connection.execute(
                "INSERT INTO tenants(name, generation) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING number",
                (self._tenant or "", time.time_ns()),
            ).fetchone()
            if row:
                _execute_all(connection, WORDS.format(number=row[0]))
            connection.execute("COMMIT")
        finally:
            connection.close()

    def _check_tenancy(self, connection: sqlite3.Connection) -> None:
        with_tenants = _meta(connection, "tenancy") == "true"
        if with_tenants == (self._tenant is not None):
            return
        built, asked = ("with", "without a tenant") if with_tenants else ("without", f"for {self._tenant!r}")
        raise StoreMismatch(
            f"The knowledge base in {str(self.path.parent)!r} was built {built} tenants, but opened {asked}.",
            remedy="Name its tenant."
            if with_tenants
            else "Open it without a tenant, or ingest into a new one.",
        )

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailable(
                f"The knowledge base in {str(self.path.parent)!r} was closed.", remedy="Open it again."
            )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise _translation(error, self.path) from error


def _is_ours(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the file is a base of ours; False where it is empty (made, but not yet finished)."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
    if not tables:
        return False
    version = _meta(connection, "schema") if "meta" in tables else None
    if version == str(SCHEMA_VERSION):
        return True
    found = f"schema {version}" if version else "another program's tables"
    raise StoreMismatch(
        f"{str(path)!r} holds {found}; this version of Ragweave reads schema {SCHEMA_VERSION}.",
        remedy="Use the version of Ragweave that built it, or ingest into a new knowledge base.",
    )


def _meta(connection: sqlite3.Connection, key: str) -> str | None:
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def _execute_all(connection: sqlite3.Connection, script: str) -> None:
    for statement in script.split(";\n"):  # `executescript` would commit first
        connection.execute(statement)


def _make_schema(connection: sqlite3.Connection, identity: EmbedderIdentity, *, tenancy: bool) -> None:
    _execute_all(connection, SCHEMA)
    values = {
        "schema": str(SCHEMA_VERSION),
        "tenancy": json.dumps(tenancy),
        "embedder": json.dumps(asdict(identity)),
    }
    connection.executemany("INSERT INTO meta VALUES (?, ?)", values.items())


def _check_identity(connection: sqlite3.Connection, identity: EmbedderIdentity, path: Path) -> None:
    built = EmbedderIdentity(**json.loads(_meta(connection, "embedder") or "{}"))
    if built != identity:
        raise StoreMismatch(
            f"The knowledge base in {str(path.parent)!r} was built with {built}, not with {identity}.",
            remedy="Open it with the embedder it was built with, or ingest into a new knowledge base.",
        )


def _use_wal(connection: sqlite3.Connection) -> None:
    """Readers beside a writer. The switch does not wait for others by itself, so it is tried again."""
    end = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


def _rollback(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        with suppress(sqlite3.Error):  # the first error is the one to tell
            connection.execute("ROLLBACK")


REMEDIES = {
    "SQLITE_BUSY": "Another process is writing for long; try again when it is done.",
    "SQLITE_FULL": "Free space on its disk and run the same command again; nothing was lost.",
    "SQLITE_READONLY": "Give this user the right to write in the folder.",
    "SQLITE_CANTOPEN": "Give this user the right to read and write in the folder.",
    "SQLITE_NOTADB": "Check the path; put the file back from a copy, or delete it and ingest again.",
    "SQLITE_CORRUPT": "Put the file back from a copy, or delete it and ingest again.",
    "SQLITE_IOERR": "Check the disk, and that the folder is still there.",
}


def _translation(error: sqlite3.Error | OSError, path: Path) -> ChainError:
    name = getattr(error, "sqlite_errorname", "") or ""
    remedy = next((text for start, text in REMEDIES.items() if name.startswith(start)), "")
    return StoreUnavailable(
        f"The knowledge base {str(path)!r} cannot be used: {error}.",
        remedy=remedy or "Check the folder and the rights of this user on it.",
    )
