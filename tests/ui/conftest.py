"""A clean place to run commands in."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest
from langchain_core.documents import Document


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and an environment without Ragweave's variables."""
    for name in list(os.environ):
        if name.startswith("RAGWEAVE_") and not name.startswith("RAGWEAVE_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def workplace_documents(shared_data: Path) -> list[Document]:
    """A small company's policies."""
    file = shared_data / "workplace-docs" / "corpus.jsonl.gz"
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        entries = [json.loads(line) for line in lines]
    return [
        Document(id=entry["id"], page_content=entry["text"], metadata={"title": entry["title"]})
        for entry in entries
    ]
