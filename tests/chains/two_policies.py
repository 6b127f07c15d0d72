"""A knowledge base of two short policies, for tests of whole chains."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from langchain_core.documents import Document

from ragweave.chains import KnowledgeBase
from ragweave.chains.sqlite_store import SqliteStore

from .fakes import WordEncoder

LEAVE = "Employees get 25 days of annual leave each year. Leave must be approved by the manager."
PAY = "Salaries are paid on the 25th of each month. Overtime is paid with the next salary."
QUESTION = "How many days of annual leave do employees get?"


@contextmanager
def two_policies(folder: Path) -> Iterator[KnowledgeBase]:
    """The base, open."""
    with KnowledgeBase(SqliteStore(folder), WordEncoder()) as kb:
        kb.ingest(
            [
                Document(LEAVE, metadata={"source": "leave", "title": "Leave policy", "team": "people"}),
                Document(PAY, metadata={"source": "pay", "title": "Pay policy", "team": "money"}),
            ]
        )
        yield kb
