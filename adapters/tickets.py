"""One request inside the engine, and how its pieces reach whoever waits for them.

Knows tokens, text and time; knows no model, no slot and no LangChain.
"""

from __future__ import annotations

import asyncio
import itertools
import queue
import time
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

from .incremental_text import TextStream
from .records import FinishReason, Sampling, TokenLogprob, Usage
from .sampling import Choice, Constraint, TokenChooser
from .slot_store import AdapterVersion

__all__ = ["Piece", "Ticket", "pieces", "pieces_async"]

_NUMBERS = itertools.count()


@dataclass(frozen=True, slots=True)
class Piece:
    """What one or more tokens added; the last piece has `finish_reason` and `usage`."""

    text: str = ""
    tokens: tuple[int, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    finish_reason: FinishReason | None = None
    usage: Usage | None = None


@dataclass(slots=True, eq=False)
class Ticket:
    """A request from its arrival to its last token; the engine's thread alone changes it.

    `cancelled` is the exception: whoever leaves sets it, and the engine frees the row before its next step.
    """

    ids: Sequence[int]
    sampling: Sampling
    tokenizer: Any
    version: AdapterVersion | None = None  # None: the base model
    constraint: Constraint | None = None
    deadline: float | None = None  # of time.monotonic
    room: int = 1 << 30  # how many tokens the context leaves for the answer
    shown_specials: dict[int, str] = field(default_factory=dict)  # special tokens that belong to the text
    put: Callable[[Piece | Exception], None] = lambda piece: None
    cancelled: bool = False
    number: int = field(default_factory=_NUMBERS.__next__)
    overtaken: int = 0  # by younger requests, while no slot was free
    last: int = -1  # the token chosen last
    produced: int = 0
    chooser: TokenChooser = field(init=False)
    text: TextStream = field(init=False)

    def __post_init__(self) -> None:
        self.chooser = TokenChooser(self.sampling, self.ids, constraint=self.constraint)
        self.text = TextStream(self.tokenizer, self.sampling.stop, named=self.shown_specials)

    @property
    def late(self) -> bool:
        """Whether its deadline has passed."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    def take(self, choice: Choice, ends: frozenset[int]) -> Piece:
        """Count one more token in; `ends` are the tokens that end an answer."""
        self.last = choice.token
        self.produced += 1
        ended = choice.token in ends
        text = "" if ended else self.text.feed(choice.token)
        reason: FinishReason | None = None
        if ended or self.text.stopped or self.chooser.finished:
            reason = "stop"
        elif self.produced >= min(self.sampling.max_tokens, self.room):
            reason = "length"
        if reason is not None:
            text += self.text.finish()
            if self.text.stopped:  # what was held back ended in a stop string
                reason = "stop"
        usage = None if reason is None else Usage(len(self.ids), self.produced)
        return Piece(text, (choice.token,), self._logprobs(choice), reason, usage)

    def _logprobs(self, choice: Choice) -> tuple[TokenLogprob, ...]:
        if choice.logprob is None:
            return ()
        name = self.tokenizer.decode
        top = tuple((str(name([token])), value) for token, value in choice.top)
        return (TokenLogprob(str(name([choice.token])), choice.logprob, top),)


def pieces(ticket: Ticket, submit: Callable[[Ticket], None], leave: Callable[[], None]) -> Generator[Piece]:
    """Hand a ticket in and give its pieces as they come; leaving early frees its row."""
    inbox: queue.SimpleQueue[Piece | Exception] = queue.SimpleQueue()
    ticket.put = inbox.put
    submit(ticket)
    finished = False
    try:
        while not finished:
            piece = inbox.get()
            if isinstance(piece, Exception):
                finished = True
                raise piece
            finished = piece.finish_reason is not None
            yield piece
    finally:
        if not finished:
            ticket.cancelled = True
            leave()


async def pieces_async(
    ticket: Ticket, submit: Callable[[Ticket], None], leave: Callable[[], None]
) -> AsyncGenerator[Piece]:
    """The same for asyncio: the engine's thread wakes the loop, no thread waits."""
    loop = asyncio.get_running_loop()
    inbox: asyncio.Queue[Piece | Exception] = asyncio.Queue()

    def put(piece: Piece | Exception) -> None:
        try:
            loop.call_soon_threadsafe(inbox.put_nowait, piece)
        except RuntimeError:  # the loop is closed: nobody waits any more
            ticket.cancelled = True

    ticket.put = put
    submit(ticket)
    finished = False
    try:
        while not finished:
            piece = await inbox.get()
            if isinstance(piece, Exception):
                finished = True
                raise piece
            finished = piece.finish_reason is not None
            yield piece
    finally:
        if not finished:
            ticket.cancelled = True
            leave()
