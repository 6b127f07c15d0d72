"""kill -9 at any moment of an ingestion, and the same command again: the same base as a clean run.

A process is really killed: before every kind of write to the store, and at random times. Compared are ids,
texts, metadata, vectors, places and the ledger.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ragweave.chains import KnowledgeBase
from ragweave.chains.sqlite_store import SqliteStore

from .fakes import WordEncoder

CHILD = Path(__file__).parent / "crash_child.py"
POINTS = 14  # at least 12 a store, spread over all writes of a run
RANDOM_TIMES = 20
Url = Callable[[str], str]


@pytest.fixture(params=["sqlite", pytest.param("weaviate", marks=pytest.mark.integration)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Url]:
    """Makes the URL of a base from its name."""
    if request.param == "sqlite":
        yield lambda name: str(tmp_path / "bases" / name)
    else:
        server = request.getfixturevalue("weaviate_server")
        mark = uuid.uuid4().hex[:12]
        names: set[str] = set()

        def named(name: str) -> str:
            names.add(f"Crash{mark}{name}")
            return str(server.url(f"Crash{mark}{name}"))

        yield named
        for name in names:
            for collection in (name, f"{name}Sources"):
                httpx.delete(f"http://{server.address}/v1/schema/{collection}", timeout=30)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder that is ingested, named the same for every base."""
    folder = tmp_path / "docs"
    _write(folder, 1)
    return folder


def _write(folder: Path, version: int) -> None:
    """Version 2 has edited, added, removed and moved files, and long ones of many passages."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for number in range(6):
        edited = version if number in (1, 4) else 1
        sections = "\n\n".join(
            f"## Section {part} of {number}\n\nRule {part} in version {edited if part % 3 == 0 else 1} "
            f"of paper {number} says that item {part * 7 + number} counts."
            for part in range(8)
        )
        name = f"moved-{number}.md" if version == 2 and number == 5 else f"paper-{number}.md"
        if not (version == 2 and number == 2):
            (folder / name).write_text(f"# Paper {number}\n\n{sections}\n")
    if version == 2:
        (folder / "new.md").write_text("# New\n\nA page that was not there before.\n")


def _child(url: str, folder: Path, point: str | int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(CHILD), url, str(folder), str(point)], stdout=subprocess.PIPE, text=True
    )


def _ingest(url: str, folder: Path) -> None:
    os.chdir(folder.parent)
    with KnowledgeBase.open(url, embeddings=WordEncoder()) as kb:
        kb.ingest(folder.name, delete_missing=True)


def _state(url: str) -> dict[str, Any]:
    """Everything that a base holds, but for the times of ingestion."""
    with KnowledgeBase.open(url, embeddings=WordEncoder()) as kb:
        store = kb._store
        chunks = {
            chunk.id: (
                chunk.source, chunk.position, chunk.start, chunk.end, chunk.text, chunk.heading, chunk.tokens,
                dict(chunk.metadata), None if chunk.vector is None else chunk.vector.round(5).tolist(),
            )
            for record in store.records()
            for chunk in store.chunks(record.source)
        }  # fmt: skip
        hits = [
            sorted(document.id or "" for document in kb.search(query, k=100, mode=mode))
            for query in ("Rule 3 in version 1", "new page", "item 25 counts")
            for mode in ("keyword", "vector")
        ]
        return {
            "sources": [(info.source, info.title, info.chunks, info.sha256) for info in kb.sources()],
            "texts": {info.source: kb.text(info.source) for info in kb.sources()},
            "chunks": chunks,
            "count": store.count(),
            "unfinished": store.unfinished(),
            "hits": hits,
        }


def _prepared(url: str, folder: Path) -> None:
    """A base that holds version 1, and the folder at version 2."""
    _write(folder, 1)
    _ingest(url, folder)
    _write(folder, 2)


def _clean(url: Url, folder: Path) -> dict[str, Any]:
    _prepared(url("clean"), folder)
    _ingest(url("clean"), folder)
    return _state(url("clean"))


def test_killed_before_any_write_and_run_again_is_a_clean_run(url: Url, folder: Path) -> None:
    clean = _clean(url, folder)
    _prepared(url("counted"), folder)
    counted = _child(url("counted"), folder, "count")
    writes = int((counted.communicate()[0] or "").split()[-1])
    assert writes >= POINTS

    for point in sorted({1 + round(n * (writes - 1) / (POINTS - 1)) for n in range(POINTS)}):
        base = url(f"killed{point}")
        _prepared(base, folder)

        child = _child(base, folder, point)
        child.communicate()
        assert child.returncode == -signal.SIGKILL, f"not killed at write {point}"
        _ingest(base, folder)

        assert _state(base) == clean, f"killed before write {point} of {writes}"


def test_killed_at_random_times_and_run_again_is_a_clean_run(url: Url, folder: Path) -> None:
    clean = _clean(url, folder)
    base = url("random")
    _prepared(base, folder)
    dice = random.Random(7)
    killed = 0

    for round_ in range(RANDOM_TIMES):
        _write(folder, 1 + round_ % 2)
        child = _child(base, folder, 0)
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
        time.sleep(dice.uniform(0, 0.4))
        child.kill()
        child.communicate()
        killed += child.returncode == -signal.SIGKILL
    _write(folder, 2)
    _ingest(base, folder)

    assert killed >= RANDOM_TIMES // 2
    assert _state(base) == clean


def test_the_check_finds_a_store_that_deletes_old_chunks_first(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean = _clean(lambda name: str(tmp_path / name), folder)
    base = str(tmp_path / "careless")
    _prepared(base, folder)
    replace = SqliteStore.replace

    def careless(self: SqliteStore, record: Any, text: str, chunks: Any) -> None:
        self.remove([record.source])
        replace(self, record, text, [])  # the ledger says done
        raise KeyboardInterrupt  # and here the process goes

    monkeypatch.setattr(SqliteStore, "replace", careless)
    with pytest.raises(KeyboardInterrupt):
        _ingest(base, folder)
    monkeypatch.setattr(SqliteStore, "replace", replace)
    _ingest(base, folder)

    assert _state(base) != clean
