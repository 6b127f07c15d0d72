"""Writers that are killed or that race, as processes: `python -m tests.chains.weaviate_writer MODE URL ...`.

Run by `test_weaviate_faults.py`. The client is loaded once, and each writer is a fork of this process.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ragweave.chains import weaviate_lease, weaviate_passages
from ragweave.chains.records import Chunk, SourceRecord
from ragweave.chains.weaviate_base import WeaviateBase
from ragweave.chains.weaviate_schema import chunk_properties
from ragweave.chains.weaviate_store import WeaviateStore

from .store_contract import IDENTITY, passage, record, unit

STAYING = ("stays one", "stays two", "stays three")


def version(source: str, name: str, parts: int = 4) -> tuple[SourceRecord, str, list[Chunk]]:
    """A version of a source; some of its passages are in every version, in other places."""
    texts = [f"{name} part {number} of {source}" for number in range(parts)]
    texts[1:1] = [f"{text} in {source}" for text in STAYING]
    chunks = [
        passage(
            source, text, position, metadata={"version": name, "tags": [name, text]}, vector=direction(text)
        )
        for position, text in enumerate(texts)
    ]
    return record(source, chunks, sha256=name), f"text of {name}", chunks


def direction(text: str) -> Any:
    """A unit vector that only the text decides."""
    random = np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"))
    return unit(*random.normal(size=4))


class DeletesFirst(WeaviateStore):
    """How not to do it: old passages go before new ones are there, and no mark is left."""

    def replace(self, record: SourceRecord, text: str, chunks: Sequence[Chunk]) -> None:
        self._passages.delete(record.source)
        objects = [(chunk, chunk_properties(chunk, "")) for chunk in chunks]
        for batch in weaviate_passages.batches(objects):
            self._passages.insert(batch, "run")
        self._ledger.put(record, text)


def killed(points: int, source: Callable[[int], str], act: Callable[[str], object]) -> list[int]:
    """Run `act` in a fork for each point n, killed after its n-th call that writes; the points reached."""
    reached = []
    for point in range(1, points + 1):
        child = os.fork()
        if child == 0:
            kill_after(point)
            act(source(point))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            reached.append(point)
        elif status:
            raise SystemExit(f"The writer of point {point} failed by itself.")
    return reached


def kill_after(point: int) -> None:
    """Kill this process after its n-th call that writes."""
    calls = 0
    write = WeaviateBase.write

    def write_then_die(self: WeaviateBase, call: Callable[[Any, Any], Any]) -> Any:
        nonlocal calls
        result = write(self, call)
        calls += 1
        if calls == point:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    WeaviateBase.write = write_then_die  # type: ignore[method-assign]  # only in a fork made for it


def race(url: str, host: str, rounds: int) -> None:
    """Replace one source again and again, as a process of the host named."""
    vars(weaviate_lease)["host_identity"] = lambda: host  # only in this process
    store = WeaviateStore(url)
    store.bind(IDENTITY)
    for number in range(rounds):
        store.replace(*version("shared.md", f"{host}{number}", parts=3 + number % 3))
    store.close()


def main(mode: str, url: str, *arguments: str) -> None:
    """Do what `mode` says; print the points reached."""
    weaviate_passages.WRITE_BATCH = 2  # many calls, so many points to be killed at
    if mode == "race":
        race(url, arguments[0], int(arguments[1]))
        return
    kind = DeletesFirst if mode == "delete-first" else WeaviateStore

    def act(source: str) -> None:
        store = kind(url)
        if mode == "remove":
            store.remove([source])
        else:
            store.replace(*version(source, "new"))

    importlib.import_module("weaviate")  # once for all forks

    reached = killed(int(arguments[0]), lambda point: f"{point}.md", act)
    sys.stdout.write(" ".join(str(point) for point in reached))


if __name__ == "__main__":
    main(*sys.argv[1:])
