"""Writers killed after every call that writes, and writers of two hosts at once."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragweave.chains import weaviate_lease, weaviate_passages
from ragweave.chains.errors import IngestError
from ragweave.chains.weaviate_store import WeaviateStore
from tests.weaviate_process import WeaviateProcess

from .store_contract import IDENTITY, ids, plain
from .weaviate_writer import direction, version

ROOT = Path(__file__).resolve().parents[2]
POINTS = 20  # more than a replace of seven passages in batches of two has calls
OpenStore = Callable[..., WeaviateStore]

pytestmark = pytest.mark.integration


def writer(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.chains.weaviate_writer", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def killed_at(mode: str, url: str) -> list[int]:
    output, _ = (process := writer(mode, url, str(POINTS))).communicate(timeout=280)
    assert process.returncode == 0
    return [int(point) for point in output.split()]


def everything(store: WeaviateStore) -> dict[str, Any]:
    """All that a store holds and finds, comparable."""
    records = store.records()
    chunks = [chunk for line in records for chunk in store.chunks(line.source)]
    queries = [
        (["stays"], "stays one in 3.md"),
        (["new", "part", "3.md"], "new part 1 of 5.md"),
        (["old"], "x"),
    ]
    hits = [store.search(words, direction(text), limit=500) for words, text in queries]
    return {
        "records": records,
        "texts": [store.text(line.source) for line in records],
        "chunks": [plain(chunk) for chunk in chunks],
        "vectors": [np.round(chunk.vector, 5).tolist() for chunk in chunks if chunk.vector is not None],
        "count": store.count(),
        # BM25 counts replaced passages until Weaviate compacts: scores differ, their order does not.
        "keyword": [ids(legs.keyword) for legs in hits],
        "vector": [{id: round(score, 4) for id, score in legs.vector} for legs in hits],
        "fields": store.fields(),
        "unfinished": store.unfinished(),
    }


def state_of(store: WeaviateStore, source: str) -> str:
    """`old` or `new` if the source is whole, `marked` if it is known to be unfinished, else `broken`."""
    lines = {line.source: line for line in store.records()}
    if source in lines and not lines[source].sha256:
        return "marked"
    stored = {id for id, _ in store.search(["of", "in"], None, limit=1000, where=only(source)).keyword}
    for name in ("old", "new"):
        line, _, chunks = version(source, name)
        if lines.get(source) == line and stored == {chunk.id for chunk in chunks}:
            return name
    return "gone" if source not in lines and not stored else "broken"


def only(source: str) -> Any:
    from ragweave.chains.filters import parse_filter

    return parse_filter({"source": source})


def fill(store: WeaviateStore, name: str, points: list[int]) -> None:
    store.bind(IDENTITY)
    for point in points:
        store.replace(*version(f"{point}.md", name))


def test_a_replace_killed_after_any_write_and_done_again_is_as_if_it_was_never_killed(
    open_weaviate_store: OpenStore, weaviate_server: WeaviateProcess
) -> None:
    store, clean = open_weaviate_store("killed"), open_weaviate_store("clean")
    everyone = list(range(1, POINTS + 1))
    fill(store, "old", everyone)
    fill(clean, "new", everyone)

    reached = killed_at("replace", weaviate_server.url(store._base.collection))

    assert len(reached) >= 12
    states = {point: state_of(store, f"{point}.md") for point in everyone}
    assert {states[point] for point in reached} <= {"marked", "old", "new"}, states
    assert {point for point in reached if states[point] == "marked"} == {
        int(name.removesuffix(".md")) for name in store.unfinished()
    }
    start = time.monotonic()
    fill(store, "new", everyone)
    assert time.monotonic() - start < 30  # a dead writer of this host is not waited for
    assert everything(store) == everything(clean)


def test_a_remove_killed_after_any_write_and_done_again_leaves_nothing(
    open_weaviate_store: OpenStore, weaviate_server: WeaviateProcess
) -> None:
    store, clean = open_weaviate_store("killed"), open_weaviate_store("clean")
    everyone = list(range(1, POINTS + 1))
    fill(store, "old", [*everyone, 100])
    fill(clean, "old", [100])

    reached = killed_at("remove", weaviate_server.url(store._base.collection))

    assert len(reached) >= 6
    states = {point: state_of(store, f"{point}.md") for point in everyone}
    assert set(states.values()) <= {"marked", "old", "gone"}, states
    store.remove([f"{point}.md" for point in everyone])
    assert everything(store) == everything(clean)


def test_the_check_above_fails_where_old_passages_are_deleted_first(
    open_weaviate_store: OpenStore, weaviate_server: WeaviateProcess
) -> None:
    store = open_weaviate_store("broken")
    fill(store, "old", list(range(1, POINTS + 1)))

    reached = killed_at("delete-first", weaviate_server.url(store._base.collection))

    assert "broken" in {state_of(store, f"{point}.md") for point in reached}


def test_two_hosts_that_replace_one_source_at_once_leave_one_whole_version(
    open_weaviate_store: OpenStore, weaviate_server: WeaviateProcess
) -> None:
    store = open_weaviate_store("race")
    store.bind(IDENTITY)
    url = weaviate_server.url(store._base.collection)
    rounds = 15

    racers = [writer("race", url, host, str(rounds)) for host in ("north", "south")]
    assert [racer.wait(timeout=200) for racer in racers] == [0, 0]

    (line,) = store.records()
    last = [
        version("shared.md", f"{host}{rounds - 1}", parts=3 + (rounds - 1) % 3) for host in ("north", "south")
    ]
    record, text, chunks = next(one for one in last if one[0].sha256 == line.sha256)
    assert line == record
    assert store.text("shared.md") == text
    assert [plain(chunk) for chunk in store.chunks("shared.md")] == [plain(chunk) for chunk in chunks]
    assert store.count() == len(chunks)
    assert store.unfinished() == []


def test_a_writer_killed_on_another_host_is_waited_for_and_then_taken_over(
    open_weaviate_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_weaviate_store("hosts")
    store.bind(IDENTITY)
    monkeypatch.setattr(weaviate_lease, "host_identity", lambda: "another host")
    store._leases.take("a.md")  # and never given back
    monkeypatch.undo()
    assert [line.sha256 for line in store.records()] == [""]
    monkeypatch.setattr(store._leases, "_patience", 1.0)
    start = time.monotonic()

    store.replace(*version("a.md", "new"))

    assert time.monotonic() - start > 1.0
    assert store.unfinished() == []
    assert store.count() == len(version("a.md", "new")[2])


def test_a_writer_that_does_not_finish_is_named(
    open_weaviate_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, second = open_weaviate_store("busy"), open_weaviate_store("busy")
    store.bind(IDENTITY)
    store._leases.take("a.md")
    monkeypatch.setattr(weaviate_lease, "WAIT_SECONDS", 0.5)
    monkeypatch.setattr(second._leases, "_patience", 0.25)
    monkeypatch.setattr(weaviate_lease.Holder, "is_gone", lambda *_: False)
    beats = iter(range(10**6))
    current = second._leases._current

    def beating(source: str) -> Any:
        token, holder = current(source) or ("", None)
        return (token, replace(holder, beat=next(beats))) if holder else None

    monkeypatch.setattr(second._leases, "_current", beating)

    with pytest.raises(IngestError, match="'a.md' has been written by process .*Wait until it is done"):
        second.replace(*version("a.md", "new"))


def test_a_replace_that_lost_its_lease_is_done_again(
    open_weaviate_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_weaviate_store("lost")
    store.bind(IDENTITY)
    monkeypatch.setattr(weaviate_passages, "WRITE_BATCH", 2)
    keep = store._leases.keep
    answers = iter([True, True, False])
    monkeypatch.setattr(
        store._leases, "keep", lambda source, token: next(answers, None) is not False and keep(source, token)
    )

    store.replace(*version("a.md", "new"))

    record, _, chunks = version("a.md", "new")
    assert store.records() == [record]
    assert store.count() == len(chunks)


def test_a_passage_that_the_server_refuses_is_an_ingest_error_with_the_reason_and_a_mark(
    open_weaviate_store: OpenStore,
) -> None:
    store = open_weaviate_store("refused")
    store.bind(IDENTITY)
    store.replace(*version("a.md", "old"))
    record, text, chunks = version("a.md", "new")
    wrong = [*chunks[:-1], replace(chunks[-1], vector=np.ones(7, dtype=np.float32))]

    with pytest.raises(IngestError, match="vector.*ingest the source again"):
        store.replace(record, text, wrong)

    assert store.unfinished() == ["a.md"]
    old = [chunk.id for chunk in version("a.md", "old")[2]]
    assert set(store.get(old)) == set(old)
    store.replace(record, text, chunks)
    assert store.records() == [record]
    assert set(ids(store.search(["old"], None, limit=100).keyword)) == set()
