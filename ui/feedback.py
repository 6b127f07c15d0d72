"""Thumbs, kept with what they are about: question, answer, sources, adapter and time, in one SQLite file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

__all__ = ["FeedbackStore", "Verdict"]

Verdict = Literal["up", "down", ""]

SCHEMA = """
CREATE TABLE IF NOT EXISTS feedback (
    request_id TEXT PRIMARY KEY, given_at TEXT NOT NULL, verdict TEXT NOT NULL,
    question TEXT NOT NULL, answer TEXT NOT NULL, sources TEXT NOT NULL
)
"""
INSERT = """
INSERT INTO feedback (request_id, given_at, verdict, question, answer, sources, adapter, adapter_version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
LATER = ("adapter", "adapter_version")  # columns that files made before there were adapters lack


class FeedbackStore:
    """Opinions on answers, one a request; a second opinion replaces the first, an empty one takes it back.

    Construction does no I/O. Safe for several processes on one file.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def give(
        self,
        request_id: str,
        verdict: Verdict,
        *,
        question: str,
        answer: str,
        sources: Sequence[str],
        adapter: str = "",
        adapter_version: str = "",
    ) -> None:
        """Store an opinion, or forget it where `verdict` is empty."""
        with closing(self._open()) as database, database:
            database.execute("DELETE FROM feedback WHERE request_id = ?", (request_id,))
            if verdict:
                given_at = datetime.now(UTC).isoformat(timespec="seconds")
                row = (request_id, given_at, verdict, question, answer, json.dumps(list(sources)))
                database.execute(INSERT, (*row, adapter, adapter_version))

    def all(self) -> list[dict[str, Any]]:
        """Every opinion, the newest last."""
        if not self._file.exists():
            return []
        with closing(self._open()) as database:
            database.row_factory = sqlite3.Row
            rows = database.execute("SELECT * FROM feedback ORDER BY given_at, rowid").fetchall()
        return [dict(row) | {"sources": json.loads(row["sources"])} for row in rows]

    def _open(self) -> sqlite3.Connection:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(self._file, timeout=5)
        database.execute(SCHEMA)
        there = {row[1] for row in database.execute("PRAGMA table_info(feedback)")}
        for column in LATER:
            if column not in there:
                with suppress(sqlite3.OperationalError):  # another process was quicker
                    database.execute(f"ALTER TABLE feedback ADD COLUMN {column} TEXT NOT NULL DEFAULT ''")
        return database
