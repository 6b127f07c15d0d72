"""Calls of an engine, each compared token for token with its adapter run alone."""

from __future__ import annotations

import asyncio
import random
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ragweave.adapters.local_engine import LocalEngine
from ragweave.adapters.records import ChatRequest, Delta, Sampling
from ragweave.adapters.tickets import pieces, pieces_async

from .reference import run_alone

__all__ = ["Answer", "Call", "Judge", "Tally", "ask", "report", "run_tasks", "run_threads"]

TIE = 1e-4  # top two logits nearer than this may change places with the rounding of another batch
LONGEST = 10
SHORTEST = 6


@dataclass(frozen=True)
class Answer:
    """What an adapter answers alone: its tokens up to one that ends it, how clear each was, and the text."""

    tokens: tuple[int, ...]
    margins: tuple[float, ...]
    ends: frozenset[int]

    def cut(self, length: int) -> tuple[int, ...]:
        """As many tokens as a request of this length gets."""
        kept = self.tokens[:length]
        last = next((place for place, token in enumerate(kept) if token in self.ends), len(kept))
        return kept[: last + 1]


@dataclass(frozen=True)
class Call:
    """One request; adapter "" is the base."""

    adapter: str
    prompt: str
    length: int

    @property
    def request(self) -> ChatRequest:
        return ChatRequest(
            messages=({"role": "user", "content": self.prompt},),
            adapter=self.adapter,
            sampling=Sampling(max_tokens=self.length),
        )


@dataclass
class Tally:
    """How calls compared with their adapter alone."""

    same: int = 0
    ties: int = 0
    wrong: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def calls(self) -> int:
        return self.same + self.ties + len(self.wrong)

    def count(self, verdict: str) -> None:
        with self._lock:
            if verdict == "same":
                self.same += 1
            elif verdict == "tie":
                self.ties += 1
            else:
                self.wrong.append(verdict)

    def __str__(self) -> str:
        return f"{self.calls} calls: {self.same} the same, {self.ties} ties, {len(self.wrong)} wrong"


class Judge:
    """Knows what each adapter answers alone to each prompt."""

    def __init__(self, engine: LocalEngine, base: Path, adapters: Mapping[str, Path]) -> None:
        engine.load()
        served: Any = engine._served
        self._prompts = served.prompts
        self._tokenizer = served.loaded.tokenizer
        self._ends = served.ends
        self._base = base
        self._folders: dict[str, Path | None] = {"": None, **adapters}
        self._answers: dict[tuple[Path | None, str], Answer] = {}

    @property
    def adapters(self) -> list[str]:
        """All of them, and the base as ""."""
        return list(self._folders)

    def repoint(self, adapter: str, folder: Path) -> None:
        """From now on a name means another folder."""
        self._folders[adapter] = folder

    def alone(self, adapter: str, prompt: str) -> Answer:
        """The answer, computed once."""
        key = (self._folders[adapter], prompt)
        if key not in self._answers:
            ids = self._prompts.ids(Call(adapter, prompt, LONGEST).request)
            tokens, margins = run_alone(self._base, key[0], ids, LONGEST)
            self._answers[key] = Answer(tuple(tokens), tuple(margins), self._ends)
        return self._answers[key]

    def compare(self, call: Call, tokens: Sequence[int]) -> str:
        """ "same", "tie" (other tokens from a place on where two were equally good), or what is wrong."""
        answer = self.alone(call.adapter, call.prompt)
        expected = answer.cut(call.length)
        if tuple(tokens) == expected:
            return "same"
        pairs = zip(tokens, expected, strict=False)
        shorter = min(len(tokens), len(expected))
        place = next((at for at, (one, other) in enumerate(pairs) if one != other), shorter)
        if place < len(answer.margins) and answer.margins[place] < TIE:
            return "tie"
        return f"{call}: {list(tokens)}, alone {list(expected)}"

    def compare_text(self, call: Call, deltas: Sequence[Delta]) -> str:
        """The same for what callers see."""
        answer = self.alone(call.adapter, call.prompt)
        kept = [token for token in answer.cut(call.length) if token not in self._ends]
        text = "".join(delta.text for delta in deltas)
        names = {delta.adapter for delta in deltas}
        if text == self._tokenizer.decode(kept, skip_special_tokens=True) and names == {call.adapter}:
            return "same"
        if min(answer.margins[: call.length]) < TIE and names == {call.adapter}:
            return "tie"
        return f"{call}: {text!r} by {names}"

    def check(self, engine: LocalEngine, call: Call) -> str:
        """Ask and compare."""
        return self.compare(call, ask(engine, call))

    def random_call(self, dice: random.Random, prompts: Sequence[str]) -> Call:
        """Any adapter, prompt and length."""
        return Call(dice.choice(self.adapters), dice.choice(prompts), dice.randint(SHORTEST, LONGEST))


def report(line: str) -> None:
    """What was counted; `pytest -rP` shows it."""
    sys.stdout.write(f"{line}\n")


def ask(engine: LocalEngine, call: Call) -> list[int]:
    """The tokens of an answer."""
    ticket, _, scheduler = engine._ticket(call.request)
    return [token for piece in pieces(ticket, scheduler.submit, scheduler.wake) for token in piece.tokens]


async def ask_async(engine: LocalEngine, call: Call) -> list[int]:
    """The same in asyncio."""
    ticket, _, scheduler = await engine._ticket_async(call.request)
    return [
        token
        async for piece in pieces_async(ticket, scheduler.submit, scheduler.wake)
        for token in piece.tokens
    ]


def run_threads(
    engine: LocalEngine, judge: Judge, prompts: Sequence[str], *, threads: int, calls: int
) -> Tally:
    """Mixed calls from threads; every eighth as callers see it, as text."""
    tally = Tally()

    def work(seed: int) -> None:
        dice = random.Random(seed)
        for number in range(calls // threads):
            call = judge.random_call(dice, prompts)
            try:
                if number % 8:
                    tally.count(judge.check(engine, call))
                else:
                    tally.count(judge.compare_text(call, list(engine.stream(call.request))))
            except Exception as error:
                tally.count(f"{call}: {error!r}")

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return tally


async def run_tasks(
    engine: LocalEngine, judge: Judge, prompts: Sequence[str], *, tasks: int, calls: int
) -> Tally:
    """The same from tasks of one event loop."""
    tally = Tally()

    async def work(seed: int) -> None:
        dice = random.Random(1000 + seed)
        for number in range(calls // tasks):
            call = judge.random_call(dice, prompts)
            if number % 8:
                tally.count(judge.compare(call, await ask_async(engine, call)))
            else:
                tally.count(judge.compare_text(call, [delta async for delta in engine.astream(call.request)]))

    await asyncio.gather(*(work(seed) for seed in range(tasks)))
    return tally
