"""What the chat page does with a question: a generator of plain values, tested without Gradio.

One thread pulls the chain, so that a stop is felt at once and the chain's own generator is closed by the
thread that runs it. The only place beside the command line that catches every exception.
"""

from __future__ import annotations

import logging
import queue
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from langchain_core.runnables import Runnable, RunnableConfig

from .errors import explain
from .sources_panel import Card, source_cards
from .trace_panel import trace_view
from .unsupported import page_doubts, unsupported

__all__ = ["Update", "ask", "new_request_id"]

log = logging.getLogger(__name__)

PACE = 0.1  # seconds between two updates: Gradio costs more than the answer when asked for more
QUIET = 0.5  # seconds without news after which the page gets the same state again, so that a stop is noticed
HISTORY_TURNS = 6
HISTORY_CHARACTERS = 4_000
END = object()
# What the page says while it waits: what comes after a step that is done.
AFTER = {
    "condense": "Choosing the queries",
    "transform": "Choosing where to search",
    "route": "Searching",
    "retrieve": "Choosing passages",
    "select": "Checking whether they answer",
    "again": "Searching once more",
}


@dataclass(slots=True)
class Update:
    """What the page shows of one turn; `sources` and `trace` are None while they stay as they are."""

    id: str
    question: str
    status: str = "working"  # working, answering, answered, abstained, failed
    step: str = "Reading the question"
    answer: str = ""
    citations: list[dict[str, Any]] = field(default_factory=list)
    standalone: str = ""
    error: str = ""
    seconds: float = 0.0
    asked: str = ""  # the adapter that was to answer
    by: str = ""  # who worded the answer: model, reader (quotes) or abstention
    adapter: str = ""  # by the model's own word; "" for the base model
    adapter_version: str = ""
    doubts: list[dict[str, Any]] = field(default_factory=list)  # statements that the sources do not support
    sources: list[Card] | None = None
    trace: dict[str, Any] | None = None


def new_request_id() -> str:
    """Eight characters that a user can read out and a log line can be found by."""
    return secrets.token_hex(4)


def ask(
    chain: Runnable[Any, Any],
    question: str,
    history: Sequence[Mapping[str, str]] = (),
    *,
    adapter: str | None = None,
    without: Sequence[str] | None = None,
    request_id: str = "",
    pace: float = PACE,
    name: Callable[[str], str] = str,
) -> Iterator[Update]:
    """Answer one question, update by update: the first at once, the last final.

    `adapter` is the one to answer with, "" for the base model, None to leave it to the chain; `without` are
    the steps to leave out, None for those that the chain leaves out by itself; `name` says how a source is
    called before users.
    Closing the generator stops the chain. A failure is an update that says so, never an exception.
    """
    turn = _Turn(Update(request_id or new_request_id(), question.strip(), asked=adapter or ""), name)
    yield turn.snapshot()
    given = {"question": turn.update.question, "history": _recent(history)}
    chosen = {"adapter": adapter, "without": without}
    config = RunnableConfig(configurable={key: one for key, one in chosen.items() if one is not None})
    pump = _Pump(lambda: chain.stream(given, config), pace)
    try:
        for piece in pump.pieces():
            if isinstance(piece, Exception):
                turn.fail(piece)
                break
            if piece is not None:
                turn.take(piece)
            if piece is None or pump.due(turn.changed):
                yield turn.snapshot()
        turn.finish()
        yield turn.snapshot()
    finally:
        pump.stop()


def _recent(history: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    return [
        {"role": str(message["role"]), "content": str(message["content"])[:HISTORY_CHARACTERS]}
        for message in history[-2 * HISTORY_TURNS :]
    ]


def failure_sentence(error: Exception, otherwise: str = "Something unexpected failed.") -> str:
    """An error for people, by the words of the command line; `otherwise` for one that nobody foresaw."""
    explanation = explain(error)
    return f"{explanation.message} {explanation.remedy}".strip() if explanation.expected else otherwise


class _Pump:
    """Runs a stream in a thread of its own and hands its pieces over."""

    def __init__(self, open_stream: Callable[[], Iterator[Any]], pace: float) -> None:
        self._open = open_stream
        self._pace = pace
        self._held = False  # something changed and was not sent yet
        self._queue: queue.Queue[Any] = queue.Queue(maxsize=1000)
        self._stopped = threading.Event()
        self._sent = 0.0
        threading.Thread(target=self._run, name="ragweave-answer", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def _run(self) -> None:
        stream: Any = None
        try:
            stream = self._open()
            for piece in stream:
                self._put(piece)
                if self._stopped.is_set():
                    break
        except Exception as error:  # the edge: shown as one sentence
            self._put(error)
        finally:
            if hasattr(stream, "close"):
                stream.close()
            self._put(END)

    def _put(self, piece: Any) -> None:
        while not self._stopped.is_set():
            try:
                self._queue.put(piece, timeout=QUIET)
                return
            except queue.Full:
                continue

    def pieces(self) -> Iterator[Any]:
        """Pieces as they come; None each time that nothing came while something was held back."""
        while True:
            try:
                piece = self._queue.get(timeout=self._pace if self._held else QUIET)
            except queue.Empty:
                self._held, self._sent = False, time.monotonic()
                yield None
                continue
            if piece is END:
                return
            yield piece

    def due(self, changed: bool) -> bool:
        """Whether to send now: something changed and the last update is `pace` ago."""
        now = time.monotonic()
        if changed and now - self._sent >= self._pace:
            self._held, self._sent = False, now
            return True
        self._held = self._held or changed
        return False


class _Turn:
    """The state of one turn, from the chain's pieces."""

    def __init__(self, update: Update, name: Callable[[str], str]) -> None:
        self.update = update
        self._name = name
        self.changed = True
        self._began = time.monotonic()
        self._documents: list[Any] = []
        self._trace: list[Mapping[str, Any]] = []
        self._fresh: set[str] = set()  # what changed since it was last sent, of sources and trace
        self._abstained = False

    def snapshot(self) -> Update:
        update = self.update
        self.changed = False
        update.seconds = round(time.monotonic() - self._began, 2)
        fresh, self._fresh = self._fresh, set()
        cards = (
            source_cards(self._documents, update.citations, name=self._name) if "sources" in fresh else None
        )
        trace = trace_view(self._trace, name=self._name) if "trace" in fresh else None
        return replace(update, sources=cards, trace=trace)

    def take(self, piece: Mapping[str, Any]) -> None:
        for key, value in piece.items():
            self._take(key, value)

    def _take(self, key: str, value: Any) -> None:
        update = self.update
        self.changed = True
        if key == "documents":
            self._documents = list(value)
            self._fresh.add("sources")
            number = len(self._documents)
            update.step = f"Reading {number} passages" if number != 1 else "Reading one passage"
        elif key == "answer":
            update.answer += str(value)
            update.status = "answering"
        elif key == "citations":
            update.citations = [dict(citation) for citation in value]
            self._fresh.add("sources")
        elif key == "abstained":
            self._abstained = bool(value)
        elif key in ("adapter", "adapter_version"):
            setattr(update, key, str(value))
        elif key == "grounding":
            update.doubts = page_doubts(update.answer, unsupported(value))
        elif key == "trace":
            self._trace += value
            self._fresh.add("trace")
            if update.status == "working" and not self._documents:
                update.step = AFTER.get(str(value[-1]["step"]), update.step) if value else update.step
            answers = (step["detail"] or {} for step in value if step["step"] == "answer")
            update.by = next((str(detail.get("by", "")) for detail in answers), update.by)
        elif key == "standalone":
            update.standalone = str(value) if str(value).strip() != update.question else ""
        else:
            self.changed = False

    def finish(self) -> None:
        if self.update.status != "failed":
            self.update.status = "abstained" if self._abstained else "answered"
        self.update.step = ""

    def fail(self, error: Exception) -> None:
        update = self.update
        update.status = "failed"
        log.error("Request %s failed: %s", update.id, type(error).__name__, exc_info=error)
        update.error = failure_sentence(
            error, "The question could not be answered: something unexpected failed."
        )
