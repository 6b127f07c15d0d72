"""Processes that write to a SQLite base: killed at each statement, or side by side.

Run by `test_sqlite_store.py` as `python -m tests.chains.sqlite_processes`, for a process that is to be killed
must not be the one that runs the tests.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ragweave.chains.records import Chunk
from ragweave.chains.sqlite_store import SqliteStore

from .store_contract import IDENTITY, passage, record, unit

OLD_WORDS, NEW_WORDS, STAYING = ["alpha", "beta"], ["gamma", "delta"], ["stays"]
WORDS = [*OLD_WORDS, *NEW_WORDS, *STAYING, "untouched"]


def old_chunks() -> list[Chunk]:
    return [
        passage("a.md", "stays the same", 0, metadata={"team": "old"}, vector=unit(1, 2)),
        passage("a.md", "alpha goes", 1, metadata={"team": "old", "only old": 1}, vector=unit(3, 1)),
        passage("a.md", "beta goes", 2, metadata={"team": ["old", "x"]}, vector=unit(0, 1, 1)),
    ]


def new_chunks() -> list[Chunk]:
    return [
        passage("a.md", "gamma comes", 0, metadata={"team": "new"}, vector=unit(2, 2, 1)),
        passage(
            "a.md", "stays the same", 1, metadata={"team": "new"}, tokens="stays gamma", vector=unit(1, 2)
        ),
        passage("a.md", "delta comes", 2, metadata={"only new": 1}, language="french", vector=unit(0, 0, 1)),
    ]


def build(folder: Path) -> None:
    """The state before: the source to change, and another one."""
    store = SqliteStore(folder)
    store.bind(IDENTITY)
    store.replace(record("a.md", old_chunks()), "the old text", old_chunks())
    other = [passage("b.md", "untouched", vector=unit(0, 0, 0, 1), metadata={"team": "b"})]
    store.replace(record("b.md", other), "the other text", other)
    store.close()


def replace(folder: Path) -> None:
    store = SqliteStore(folder)
    store.replace(record("a.md", new_chunks(), sha256="cd" * 32), "the new text", new_chunks())
    store.close()


def remove(folder: Path) -> None:
    store = SqliteStore(folder)
    store.remove(["a.md"])
    store.close()


def remove_then_replace(folder: Path) -> None:
    """What must not be done: the old chunks go first."""
    remove(folder)
    replace(folder)


class WithoutTransactions(sqlite3.Connection):
    """What must not be done: every statement is its own transaction."""

    def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        return super().execute("SELECT 1" if sql in ("BEGIN IMMEDIATE", "COMMIT") else sql, parameters)


def replace_without_transaction(folder: Path) -> None:
    connect_with(factory=WithoutTransactions)
    replace(folder)


def connect_with(prepare: Callable[[sqlite3.Connection], None] | None = None, **more: Any) -> None:
    """From now on every connection of this process is made with `more` and handed to `prepare`."""
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    def prepared(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection = connect(*args, **kwargs, **more)
        if prepare is not None:
            prepare(connection)
        return connection

    setattr(sqlite3, "connect", prepared)  # noqa: B010  # an assignment would have to have its overloads


OPERATIONS: dict[str, Callable[[Path], None]] = {
    operation.__name__: operation
    for operation in (replace, remove, remove_then_replace, replace_without_transaction)
}


def kill_at_each_statement(operation: str, before: Path, work: Path) -> None:
    """For n = 1, 2, ... a copy of `before` in `work/n`, its writer killed as it starts its n-th statement."""
    for number in range(1, 10_000):
        folder = work / str(number)
        shutil.copytree(before, folder)
        child = os.fork()
        if child == 0:
            _die_at_statement(number)
            OPERATIONS[operation](folder)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            assert os.waitstatus_to_exitcode(status) == 0
            return


def _die_at_statement(number: int) -> None:
    seen = 0

    def count(_: str) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)

    connect_with(lambda connection: connection.set_trace_callback(count))


def write_rounds(folder: Path, name: str, rounds: int) -> None:
    """Replace a shared source and one of its own again and again; each version says whose and which it is."""
    store = SqliteStore(folder)
    for number in range(rounds):
        store.bind(IDENTITY)
        version = f"{name}x{number}"
        for source in ("shared.md", f"{name}{number % 2}.md"):
            chunks = [passage(source, f"{version} part {part}", part) for part in range(4)]
            store.replace(record(source, chunks, fingerprint=version), version, chunks)
    store.close()


if __name__ == "__main__":
    task, *rest = sys.argv[1:]
    if task == "kill":
        kill_at_each_statement(rest[0], Path(rest[1]), Path(rest[2]))
    else:
        write_rounds(Path(rest[0]), rest[1], int(rest[2]))
