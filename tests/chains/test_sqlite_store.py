"""What the SQLite store does beyond the contract: processes, crashes, files that are no base."""

from __future__ import annotations

import logging
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ragweave.chains import sqlite_database, sqlite_store
from ragweave.chains.errors import FilterError, IngestError, StoreMismatch, StoreUnavailable
from ragweave.chains.filters import Expression, matches, parse_filter
from ragweave.chains.records import Chunk
from ragweave.chains.sqlite_store import SqliteStore

from . import sqlite_processes
from .store_contract import IDENTITY, ids, passage, put, put_one, record, unit, whole_state

ROOT = Path(__file__).parents[2]
FILE = "knowledge.sqlite3"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "kb"


@pytest.fixture
def store(folder: Path) -> SqliteStore:
    return SqliteStore(folder)


def start(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.chains.sqlite_processes", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> None:
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors


# Files


def test_only_bind_makes_the_folder(folder: Path, store: SqliteStore) -> None:
    store.count()
    store.search(["a"], unit(1), limit=1)
    store.remove(["a.md"])
    assert not folder.exists()

    store.bind(IDENTITY)

    assert (folder / FILE).is_file()


def test_all_is_in_one_file_once_it_is_closed(folder: Path, store: SqliteStore) -> None:
    put_one(store, "a.md", "hello")

    store.close()

    assert [path.name for path in folder.iterdir()] == [FILE]


def test_writing_before_bind_says_to_bind(store: SqliteStore) -> None:
    with pytest.raises(StoreUnavailable, match="no knowledge base in .* Call bind"):
        store.replace(record("a.md", []), "", [])


def test_a_file_that_is_no_database_is_unavailable_with_a_remedy(folder: Path, store: SqliteStore) -> None:
    folder.mkdir()
    (folder / FILE).write_bytes(b"This is a letter, not a database. " * 100)

    for call in (store.exists, store.records, lambda: store.bind(IDENTITY)):
        with pytest.raises(
            StoreUnavailable, match="cannot be used: file is not a database.*ingest again"
        ) as caught:
            call()
        assert isinstance(caught.value.__cause__, sqlite3.DatabaseError)


def test_a_damaged_base_is_unavailable_with_a_remedy(folder: Path, store: SqliteStore) -> None:
    put(store, "a.md", [passage("a.md", f"word {number}", number) for number in range(200)])
    store.close()
    with (folder / FILE).open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096 * 40)

    with pytest.raises(StoreUnavailable, match="malformed.*Put the file back"):
        broken = SqliteStore(folder)
        broken.bind(IDENTITY)
        broken.chunks("a.md")


def test_an_empty_file_is_a_base_that_is_not_there_yet(folder: Path, store: SqliteStore) -> None:
    folder.mkdir()
    (folder / FILE).touch()
    assert not store.exists()
    assert store.records() == []

    put_one(store, "a.md", "hello")

    assert store.count() == 1


def test_another_programs_database_is_refused_and_left_alone(folder: Path, store: SqliteStore) -> None:
    folder.mkdir()
    connection = sqlite3.connect(folder / FILE)
    connection.execute("CREATE TABLE theirs(x)")
    connection.close()

    for call in (store.count, lambda: store.bind(IDENTITY)):
        with pytest.raises(StoreMismatch, match="another program's tables.*new knowledge base"):
            call()

    connection = sqlite3.connect(folder / FILE)
    assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("theirs",)]
    connection.close()


def test_a_base_of_a_later_version_is_refused(folder: Path, store: SqliteStore) -> None:
    put_one(store, "a.md", "hello")
    store.close()
    connection = sqlite3.connect(folder / FILE)
    connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
    connection.commit()
    connection.close()

    later = SqliteStore(folder)

    for call in (later.count, lambda: later.bind(IDENTITY)):
        with pytest.raises(StoreMismatch, match="schema 99; this version of Ragweave reads schema 1"):
            call()


def test_a_folder_that_is_a_file_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "kb").write_text("a file")
    store = SqliteStore(tmp_path / "kb")
    assert not store.exists()

    with pytest.raises(StoreUnavailable, match="Check the folder"):
        store.bind(IDENTITY)


def test_a_base_locked_for_long_is_unavailable_and_says_why(
    folder: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_database, "BUSY_SECONDS", 0.05)
    put_one(store, "a.md", "hello")
    other = sqlite3.connect(folder / FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreUnavailable, match="locked. Another process is writing"):
        store.remove(["a.md"])

    assert store.count() == 1  # readers do not wait
    other.close()


def test_a_closed_store_says_so(store: SqliteStore) -> None:
    put_one(store, "a.md", "hello")

    store.close()

    with pytest.raises(StoreUnavailable, match="was closed. Open it again"):
        store.count()


def test_a_base_made_anew_under_an_open_store_is_seen(folder: Path, store: SqliteStore) -> None:
    put_one(store, "a.md", "old")
    store.search(["old"], unit(1), limit=1)
    shutil.rmtree(folder)
    assert not store.exists()
    new = put_one(SqliteStore(folder), "b.md", "new", vector=unit(0, 1))

    legs = store.search(["old", "new"], unit(1), limit=5)

    assert ids(legs.keyword) == ids(legs.vector) == [new.id]


def test_a_base_put_back_from_a_copy_under_an_open_store_is_seen(folder: Path, store: SqliteStore) -> None:
    first = put_one(store, "a.md", "first")
    store.close()
    copy = (folder / FILE).read_bytes()
    store = SqliteStore(folder)
    put_one(store, "b.md", "second", vector=unit(0, 1))
    assert len(store.search([], unit(1), limit=5).vector) == 2

    (folder / FILE).unlink()
    for side in folder.glob(f"{FILE}-*"):
        side.unlink()
    (folder / FILE).write_bytes(copy)

    assert ids(store.search([], unit(1), limit=5).vector) == [first.id]


# Values


def test_what_utf8_cannot_express_is_an_ingest_error_and_changes_nothing(store: SqliteStore) -> None:
    put_one(store, "a.md", "before")
    bad = passage("a.md", "half \ud800 a pair".encode("utf-8", "replace").decode(), tokens="half \ud800")

    with pytest.raises(IngestError, match="UTF-8"):
        store.replace(record("a.md", [bad]), "text", [bad])
    with pytest.raises(IngestError, match="UTF-8"):
        store.replace(record("a.md", []), "text \ud800", [])
    with pytest.raises(IngestError, match="UTF-8"):
        store.replace(record("\udcff.md", []), "text", [])

    assert [chunk.text for chunk in store.chunks("a.md")] == ["before"]
    assert store.text("\udcff.md") is None
    assert store.chunks("\udcff.md") == []
    assert store.get(["\udcff"]) == {}
    store.remove(["\udcff.md"])


def test_half_a_surrogate_pair_in_metadata_is_kept_and_filtered_by(store: SqliteStore) -> None:
    put_one(store, "a.md", "word", metadata={"bad \ud800": "\udcff"})

    (kept,) = store.chunks("a.md")

    assert kept.metadata == {"bad \ud800": "\udcff"}
    for given in ({"bad \ud800": "\udcff"}, {"source": {"ne": "\udcff"}}, {"source": {"lt": "\udcff"}}):
        assert len(store.search(["word"], None, limit=5, where=parse_filter(given)).keyword) == 1, given
    assert not store.search(["word"], None, limit=5, where=parse_filter({"source": "\udcff"})).keyword


def test_metadata_that_json_cannot_hold_is_an_ingest_error_and_changes_nothing(store: SqliteStore) -> None:
    put_one(store, "a.md", "before")

    with pytest.raises(IngestError, match="metadata of 'a.md' cannot be kept.*Use texts, numbers"):
        put_one(store, "a.md", "after", metadata={"when": object()})

    assert [chunk.text for chunk in store.chunks("a.md")] == ["before"]


def test_vectors_of_another_dimension_are_refused(store: SqliteStore) -> None:
    put_one(store, "a.md", "before")

    with pytest.raises(StoreMismatch, match="vectors of 4 numbers, not of 2"):
        put_one(store, "b.md", "after", vector=unit(1)[:2])
    with pytest.raises(StoreMismatch, match="vectors of 4 numbers, not of 2"):
        store.search([], unit(1)[:2], limit=1)

    assert store.count() == 1


def test_a_chunk_without_vector_is_found_by_words_alone(store: SqliteStore) -> None:
    chunk = Chunk(**{**vars_of(passage("a.md", "hello")), "vector": None})
    put(store, "a.md", [chunk])

    legs = store.search(["hello"], unit(1), limit=5)

    assert ids(legs.keyword) == [chunk.id]
    assert not legs.vector
    assert store.chunks("a.md")[0].vector is None
    assert dict(store.vectors([chunk.hash])) == {}


def vars_of(chunk: Chunk) -> dict[str, Any]:
    return {name: getattr(chunk, name) for name in Chunk.__dataclass_fields__}


def test_any_character_stays_within_its_word(store: SqliteStore) -> None:
    """FTS5's own tokenizer must neither cut nor drop what the analyser made."""
    characters = [
        chr(code) for code in (*range(33, 0x3100), *range(0xA000, 0xA100), *range(0x1F300, 0x1F700))
    ]
    characters = [one for one in characters if not one.isspace() and one.isprintable()]
    put_one(store, "a.md", "x", tokens=" ".join(f"a{one}b" for one in characters))

    connection = sqlite3.connect(store._database.path)
    found = {term for (term,) in connection.execute("SELECT term FROM vocabulary_1")}
    connection.close()

    assert not found & {"a", "b"}
    assert {term for term in found if not (term[0] == "a" and term[-1] == "b")} == set()


def test_scores_of_a_tenant_tell_nothing_of_the_others(folder: Path) -> None:
    def scores_of_mine() -> list[tuple[str, float]]:
        return list(mine.search(["rare"], None, limit=5).keyword)

    mine, theirs = SqliteStore(folder, tenant="mine"), SqliteStore(folder, tenant="theirs")
    put_one(mine, "a.md", "rare word")
    for number in range(3):
        put_one(mine, f"{number}.md", "filler")
    before = scores_of_mine()

    for number in range(20):
        put_one(theirs, f"{number}.md", "rare rare rare")

    assert scores_of_mine() == before


# Filters


VALUES: list[Any] = [
    "", "a", "A", "aa", "é", "z", "\uffff", "🎉", "2", "true", "x\x00y", -1, 0, 1, 2, 2.0, 2.5, -0.0, 1e-300,
    1e300, 2**53, 2**53 + 1, 2**63, 2**64 + 1, -(2**70), True, False, float("inf"), float("nan"),
]  # fmt: skip


def random_stored(random: random.Random) -> Any:
    kind = random.random()
    if kind < 0.6:
        return random.choice(VALUES)
    if kind < 0.85:
        return [random.choice([*VALUES, None, ["a"], {"a": 1}]) for _ in range(random.randrange(4))]
    return random.choice([None, {"a": "a"}, {}])


def random_filter(random: random.Random) -> Expression:
    given: dict[str, Any] = {}
    for field in random.sample(
        ["k", "é", "page", "source", "chunk", "heading", "absent"], random.choice([1, 1, 2])
    ):
        operator = random.choice(["eq", "ne", "in", "gt", "gte", "lt", "lte"])
        pool: dict[str, list[Any]] = {
            "page": [1, 2, 2.5],
            "source": ["a.md", "b.md", "b"],
            "chunk": [0, 3, 7.5],
            "heading": ["", "H"],
        }
        values = [*VALUES, *pool.get(field, []) * 6]
        given[field] = {
            operator: random.sample(values, random.randrange(4))
            if operator == "in"
            else random.choice(values)
        }
    return parse_filter(given)


def test_random_filters_find_what_matches_says(store: SqliteStore) -> None:
    chance = random.Random(20260101)
    chunks = []
    for number in range(200):
        metadata = {
            key: random_stored(chance) for key in ("k", "é", "page", "other") if chance.random() < 0.7
        }
        source = chance.choice(["a.md", "b.md", "é.md"])
        extra: dict[str, Any] = {"page": chance.choice([None, 1, 2, 3]), "heading": chance.choice(["", "H"])}
        chunks.append(passage(source, f"word {number}", number % 9, metadata=metadata, **extra))
    for source in {chunk.source for chunk in chunks}:
        put(store, source, [chunk for chunk in chunks if chunk.source == source])
    seen = {
        chunk.id: {
            **chunk.metadata, "source": chunk.source, "page": chunk.page, "chunk": chunk.position,
            "heading": chunk.heading,
        }
        for chunk in chunks
    }  # fmt: skip
    sizes = set()

    for _ in range(400):
        where = random_filter(chance)
        expected = {id for id, metadata in seen.items() if matches(where, metadata)}
        legs = store.search(["word"], unit(1), limit=1000, where=where)
        assert set(ids(legs.keyword)) == set(ids(legs.vector)) == expected, where
        sizes.add(len(expected))

    assert len(sizes) > 30  # the filters were neither all empty nor all open


def test_too_many_values_are_a_filter_error(store: SqliteStore) -> None:
    put_one(store, "a.md", "word")

    with pytest.raises(FilterError, match="more than 10000 values"):
        store.search(["word"], None, limit=1, where=parse_filter({"k": list(range(10_001))}))


# Size


def test_past_the_comfortable_size_it_says_once_to_use_weaviate(
    folder: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sqlite_store, "COMFORTABLE_CHUNKS", 2)
    caplog.set_level(logging.WARNING, logger="ragweave")
    for number in range(2):
        put_one(store, f"{number}.md", "word")
    assert caplog.messages == []

    for number in range(2, 5):
        put_one(store, f"{number}.md", "word")

    (message,) = caplog.messages
    assert message.startswith("3 chunks") and "Weaviate" in message
    caplog.clear()
    reader = SqliteStore(folder)
    reader.search([], unit(1), limit=1)
    reader.search([], unit(1), limit=1)
    assert len(caplog.messages) == 1


# Threads, processes, crashes


def test_threads_read_and_write_one_store_at_once(store: SqliteStore) -> None:
    put(store, "a.md", [passage("a.md", f"word {number}", number) for number in range(50)])
    stop = threading.Event()

    def read() -> int:
        rounds = 0
        while not stop.is_set():
            legs = store.search(["word"], unit(1), limit=500)
            assert len(legs.keyword) == len(legs.vector)
            assert store.get(ids(legs.vector[:8]))
            rounds += 1
        return rounds

    def write(name: str) -> None:
        for number in range(10):
            put(store, name, [passage(name, f"word {number} {part}", part) for part in range(5)])

    with ThreadPoolExecutor(6) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        for writer in [pool.submit(write, name) for name in ("b.md", "c.md")]:
            writer.result()
        stop.set()

        assert all(reader.result() for reader in readers)
    assert store.count() == 60
    store.close()


def test_processes_that_write_at_once_wait_for_each_other_and_the_last_one_wins_whole(
    folder: Path, store: SqliteStore
) -> None:
    writers = [start("write", folder, name, 15) for name in ("ann", "bob")]
    while any(writer.poll() is None for writer in writers):
        versions = {chunk.text.split()[0] for chunk in store.chunks("shared.md")}
        assert len(versions) <= 1, "half of one version and half of another"
        time.sleep(0.01)
    for writer in writers:
        finish(writer)

    (last,) = {chunk.text.split()[0] for chunk in store.chunks("shared.md")}
    assert last in ("annx14", "bobx14")
    assert store.text("shared.md") == last
    by_source = {line.source: line for line in store.records()}
    assert set(by_source) == {"shared.md", "ann0.md", "ann1.md", "bob0.md", "bob1.md"}
    assert by_source["shared.md"].fingerprint == last
    assert store.count() == 20
    assert len(store.search([], unit(1), limit=100).vector) == 20
    assert len(store.search(["part"], None, limit=100).keyword) == 20
    assert len(store.search([last], None, limit=100).keyword) == 8


def test_processes_that_make_the_base_at_once_make_one(folder: Path, store: SqliteStore) -> None:
    writers = [start("write", folder, name, 1) for name in ("ann", "bob", "cat")]
    for writer in writers:
        finish(writer)

    assert store.count() == 16


def state_of(folder: Path) -> dict[str, Any]:
    store = SqliteStore(folder)
    try:
        return whole_state(store, sqlite_processes.WORDS)
    finally:
        store.close()


def states_after_kills(
    operation: str, tmp_path: Path
) -> tuple[list[dict[str, Any]], dict[str, Any], dict[str, Any]]:
    """The states found after a kill at each statement; the state before; the state after a clean run."""
    before, work = tmp_path / "before", tmp_path / "work"
    sqlite_processes.build(before)
    work.mkdir()
    finish(start("kill", operation, before, work))
    old = state_of(before)
    killed = [state_of(work / number) for number in sorted(os.listdir(work), key=int)]
    return killed[:-1], old, killed[-1]


@pytest.mark.parametrize("operation", ["replace", "remove"])
def test_a_writer_killed_at_any_statement_leaves_the_old_state_or_the_new_one(
    operation: str, tmp_path: Path
) -> None:
    killed, old, new = states_after_kills(operation, tmp_path)

    assert len(killed) >= 12
    assert old != new
    assert new["keyword"]["alpha"] == [] and old["keyword"]["alpha"] != []
    for number, state in enumerate(killed, start=1):
        assert state in (old, new), f"killed at statement {number}"
    assert old in killed
    for folder in (tmp_path / "work").iterdir():  # and the same command again ends as a clean run does
        sqlite_processes.OPERATIONS[operation](folder)
        assert state_of(folder) == new


@pytest.mark.parametrize("operation", ["remove_then_replace", "replace_without_transaction"])
def test_the_check_of_killed_writers_fails_where_a_write_is_no_transaction(
    operation: str, tmp_path: Path
) -> None:
    killed, old, new = states_after_kills(operation, tmp_path)

    assert any(state not in (old, new) for state in killed)
