"""Questions that a knowledge base can answer, made from its own headings and sentences.

A candidate is shown only after the chain has answered it from the very place it was made from.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from langchain_core.runnables import Runnable

from .question_candidates import FORMS, Candidate, candidates

if TYPE_CHECKING:
    from ragweave.chains import SourceInfo

__all__ = ["ExampleFinder", "answered"]

log = logging.getLogger(__name__)

WANTED = 9  # three to start with, the others as follow-ups
SECONDS = 30.0
SOURCES = 40  # read for candidates
PER_SOURCE = 60
GOOD_LENGTH = 45  # characters


def answered(
    chain: Runnable[Any, Any], tried: Iterable[Candidate], *, wanted: int, seconds: float
) -> Iterator[Candidate]:
    """Candidates that the chain answers from where they came from; varied in source and in form."""
    pool = list(tried)
    sources: Counter[str] = Counter()
    forms: Counter[str] = Counter()
    until = time.monotonic() + seconds

    def cost(one: Candidate) -> tuple[int, int, int, int]:
        length = abs(len(one.question) - GOOD_LENGTH)
        return sources[one.source], forms[one.form], FORMS.index(one.form), length

    while pool and wanted > 0 and time.monotonic() < until:
        best = min(pool, key=cost)
        pool.remove(best)
        if _holds(best, chain.invoke({"question": best.question, "history": []})):
            sources[best.source] += 1
            forms[best.form] += 1
            wanted -= 1
            pool = [one for one in pool if one.evidence != best.evidence]
            yield best


def _holds(candidate: Candidate, state: Mapping[str, Any]) -> bool:
    if state.get("abstained"):
        return False
    return any(_stands_on(candidate, citation, state) for citation in state.get("citations") or ())


def _stands_on(candidate: Candidate, citation: Mapping[str, Any], state: Mapping[str, Any]) -> bool:
    if citation["source"] != candidate.source:
        return False
    if candidate.is_heading:
        document = state["documents"][int(citation["n"]) - 1]
        return candidate.evidence in str(document.metadata.get("heading") or "")
    quote, evidence = _plain(citation["quote"]), _plain(candidate.evidence)
    return bool(quote) and (evidence in quote or quote in evidence)


def _plain(text: str) -> str:
    return " ".join(text.replace("*", "").split())


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

    def questions(self, sources: Iterable[SourceInfo]) -> list[dict[str, str]]:
        """What was found so far; starts the search if the sources are others than last time."""
        state = "|".join(sorted(f"{one.source}:{one.sha256}" for one in sources))
        with self._lock:
            if state != self._seen:
                self._seen = state
                self._start()
        return [{"question": one.question, "source": one.source} for one in self._found]

    def _start(self) -> None:
        self._generation += 1
        self._running = True
        run = threading.Thread(
            target=self._run, args=(self._generation,), name="ragweave-examples", daemon=True
        )
        run.start()

    def _run(self, generation: int) -> None:
        found: list[Candidate] = []
        try:
            for one in answered(self._chain, list(self._candidates()), wanted=WANTED, seconds=SECONDS):
                if generation != self._generation:
                    return
                found.append(one)
                if len(found) == 3:
                    self._found = list(found)  # enough for a start
        except Exception:  # the edge: a page without examples is still a page
            log.warning("No example questions could be made", exc_info=True)
        finally:
            if generation == self._generation:
                self._found, self._running = found, False

    def _candidates(self) -> Iterator[Candidate]:
        sources = self._kb.sources()
        step = max(1, len(sources) // SOURCES)
        for one in sources[::step][:SOURCES]:
            for number, candidate in enumerate(candidates(one.source, self._kb.documents(one.source))):
                if number >= PER_SOURCE:
                    break
                yield candidate
