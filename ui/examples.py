"""Questions that a knowledge base can answer, made from its own titles, headings and sentences.

A candidate is shown only after the chain has answered it with a citation; nothing is invented.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from langchain_core.runnables import Runnable

from .question_candidates import Candidate, candidates

__all__ = ["ExampleFinder", "answered_examples"]

log = logging.getLogger(__name__)

WANTED = 9  # three to start with, the others as follow-ups
SECONDS = 30.0
SOURCES = 40  # read for candidates


def answered_examples(
    chain: Runnable[Any, Any], tried: Sequence[Candidate], *, wanted: int, seconds: float
) -> Iterator[Candidate]:
    """Those candidates, in order, that the chain answers with a citation from the source they came from."""
    until = time.monotonic() + seconds
    found = 0
    for candidate in tried:
        if found >= wanted or time.monotonic() > until:
            return
        state = chain.invoke({"question": candidate.question, "history": []})
        cited = {citation["source"] for citation in state.get("citations") or ()}
        if not state.get("abstained") and candidate.source in cited:
            found += 1
            yield candidate


class ExampleFinder:
    """Finds examples in the background, again after each change; the page asks until they are there."""

    def __init__(self, kb: Any, chain: Runnable[Any, Any]) -> None:
        self._kb = kb
        self._chain = chain
        self._lock = threading.Lock()
        self._found: list[Candidate] = []
        self._generation = 0
        self._running = False
        self._seen = ""

    def pending(self) -> bool:
        """Whether more may still come."""
        return self._running

    def questions(self) -> list[dict[str, str]]:
        """What was found so far; starts the search if the knowledge base is another than last time."""
        state = "|".join(sorted(f"{one.source}:{one.sha256}" for one in self._kb.sources()))
        if state != self._seen:
            self._seen = state
            self.restart()
        return [{"question": one.question, "source": one.source} for one in self._found]

    def restart(self) -> None:
        """Search again, keeping what is shown until better is found."""
        with self._lock:
            self._generation += 1
            self._running = True
            threading.Thread(
                target=self._run, args=(self._generation,), name="ragweave-examples", daemon=True
            ).start()

    def _run(self, generation: int) -> None:
        found: list[Candidate] = []
        try:
            tried = candidates(self._documents())
            for one in answered_examples(self._chain, tried, wanted=WANTED, seconds=SECONDS):
                found.append(one)
                if generation != self._generation:
                    return
                if len(found) >= min(3, len(self._found) or 3):
                    self._found = list(found)
        except Exception:  # the edge: a page without examples is still a page
            log.warning("No example questions could be made", exc_info=True)
        finally:
            if generation == self._generation:
                self._found, self._running = found, False

    def _documents(self) -> Iterator[tuple[str, str, list[Any]]]:
        sources = self._kb.sources()
        step = max(1, len(sources) // SOURCES)
        for one in sources[::step][:SOURCES]:
            yield one.source, one.title, self._kb.documents(one.source)
