"""What the chain costs beside the store, the encoder and the model: milliseconds a question.

Run: python benchmarks/chain_overhead.py [--store FOLDER] [--questions N]

scifact's 5,183 abstracts in SQLite; its claims, each asked once, in a seeded order, after 20 to warm up.
Time inside the store's and the encoder's methods is taken off the time of the whole `chain.invoke`, with the
trace on: what is left is the chain's own work, reading the passages included. Without a model, and with a
scripted one that costs nothing and whose answer is checked.
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from answers import DATA, collection, rows_of
from langchain_core.messages import AIMessageChunk
from langchain_core.runnables import Runnable, RunnableGenerator

from ragweave.chains import KnowledgeBase, open_encoder, rag_chain
from ragweave.chains.sqlite_store import SqliteStore

MOST_P95 = 10.0  # ms
WARM_UP = 20
FIRST = re.compile(
    r"^\[1\] .*\n+(.{20,400}?[.!?])(?=\s|$)", re.MULTILINE
)  # the first passage's first sentence


class Clock:
    """Adds up the time that the outermost call of any timed method takes, over all threads."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._inside = threading.local()

    def timed(self, target: Any) -> Any:
        """`target` with its methods timed."""
        return _Timed(target, self)

    def call(self, method: Any, *args: Any, **kwargs: Any) -> Any:
        if getattr(self._inside, "yes", False):
            return method(*args, **kwargs)
        self._inside.yes, started = True, time.perf_counter()
        try:
            return method(*args, **kwargs)
        finally:
            self.seconds += time.perf_counter() - started
            self._inside.yes = False


class _Timed:
    def __init__(self, target: Any, clock: Clock) -> None:
        self._target = target
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        if not callable(found):
            return found
        return lambda *args, **kwargs: self._clock.call(found, *args, **kwargs)


def scripted() -> Runnable[Any, Any]:
    """A chat model that at once says a sentence of the first passage, and one that no passage holds."""

    def reply(pieces: Iterator[Any]) -> Iterator[AIMessageChunk]:
        for messages in pieces:
            said = FIRST.search(str(messages[-1].content))
            for text in (said[1] if said else "Nothing is known.", " [1]", " It was", " measured twice. [2]"):
                yield AIMessageChunk(content=text)

    return RunnableGenerator(reply)


def own_milliseconds(chain: Runnable[Any, Any], questions: list[str], clock: Clock) -> list[float]:
    """The chain's own time for each question after the first `WARM_UP`."""
    taken: list[float] = []
    for question in questions:
        clock.seconds, started = 0.0, time.perf_counter()
        chain.invoke(question)
        taken.append((time.perf_counter() - started - clock.seconds) * 1000)
    return taken[WARM_UP:]


def main(argv: list[str] | None = None) -> bool:
    """Prints the table; tells whether the p95 is low enough."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--store", type=Path, default=Path(tempfile.gettempdir()) / "ragweave-chain")
    parser.add_argument("--questions", type=int, default=200)
    options = parser.parse_args(argv)
    options.store.mkdir(parents=True, exist_ok=True)
    with KnowledgeBase.open(options.store / "scifact") as kb:
        kb.ingest(collection("scifact"))
    clock = Clock()
    timed = KnowledgeBase(clock.timed(SqliteStore(options.store / "scifact")), clock.timed(open_encoder()))
    questions = [row["text"] for row in rows_of(DATA / "scifact" / "queries.jsonl.gz")]
    random.Random(5).shuffle(questions)
    questions = questions[: WARM_UP + options.questions]
    print(f"\nThe chain's own time, {len(questions) - WARM_UP} questions, scifact, ms\n")
    print("| chain | median | p95 | required p95 |\n|---|---|---|---|")
    reached = True
    for name, model in (("quotes", None), ("scripted model", scripted())):
        taken = own_milliseconds(rag_chain(model, timed.as_retriever()), questions, clock)
        p95 = quantiles(taken, n=20)[-1]
        print(f"| {name} | {median(taken):.1f} | {p95:.1f} | {MOST_P95:.0f} |")
        reached = reached and p95 <= MOST_P95
    return reached


if __name__ == "__main__":
    raise SystemExit(not main())
