"""Requests that come, go, fail and wait, on a tiny real model: nobody else's answer changes."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ragweave.adapters import scheduler as scheduling
from ragweave.adapters.errors import AdapterError, EngineBusy, EngineStopped, RequestTimeout
from ragweave.adapters.local_engine import LocalEngine
from ragweave.adapters.records import ChatRequest, Delta, Sampling

from .models import make_adapter

LONG = 400  # tokens; no answer of these models ends before


@pytest.fixture(scope="module")
def folders(base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Five adapters."""
    folder = tmp_path_factory.mktemp("five")
    return {f"a{n}": make_adapter(base, folder / f"a{n}", rank=4, seed=40 + n) for n in range(5)}


class Bench:
    """An engine whose forwards can be slowed, broken and counted."""

    def __init__(self, base: Path, folders: dict[str, Path], **options: Any) -> None:
        self.engine = LocalEngine(base, **options)
        for name, folder in folders.items():
            self.engine.load_adapter(name, folder)
        self.engine.load()
        served: Any = self.engine._served
        self.scheduler = served.scheduler
        self.runner = self.scheduler.runner
        self.scheduler.ends = frozenset()  # an answer is as long as it was asked to be
        self.pause = 0.0
        self.gate = threading.Event()
        self.gate.set()
        self.forwards: list[tuple[int, int]] = []  # rows and tokens of each
        self.bad: Callable[[], bool] = lambda: False
        self.runner.model.get_input_embeddings().register_forward_hook(self._hook)

    def _hook(self, module: Any, args: tuple[Tensor], output: Tensor) -> None:
        self.forwards.append((args[0].shape[0], args[0].shape[1]))
        time.sleep(self.pause)
        self.gate.wait(20)
        if self.bad():
            raise RuntimeError("a broken layer")

    def fail_with(self, adapter: str) -> None:
        """Raise in each forward that this adapter takes part in."""
        version = self.engine._store.find(adapter)

        def bad() -> bool:
            step = self.runner.pool.step
            return step is not None and version.slot in step.active

        self.bad = bad

    def stream(
        self, adapter: str = "", text: str = "Where?", timeout: float | None = None, **sampling: Any
    ) -> Any:
        """The pieces of an answer."""
        wanted = Sampling(**({"max_tokens": 12} | sampling))
        messages = ({"role": "user", "content": text},)
        return self.engine.stream(
            ChatRequest(messages=messages, adapter=adapter, sampling=wanted, timeout=timeout)
        )

    def ask(self, adapter: str = "", **options: Any) -> str:
        """The text of an answer."""
        return "".join(piece.text for piece in self.stream(adapter, **options))

    @property
    def load(self) -> tuple[int, int]:
        """How many run and wait."""
        found: tuple[int, int] = self.scheduler.load
        return found


class Caller(threading.Thread):
    """Asks in a thread of its own; keeps the text, or the error."""

    def __init__(self, bench: Bench, adapter: str = "", **options: Any) -> None:
        super().__init__(daemon=True)
        self.answer: Iterator[Delta] = bench.stream(adapter, **options)
        self.pieces: list[Delta] = []
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            for piece in self.answer:
                self.pieces.append(piece)
        except Exception as error:
            self.error = error

    def result(self) -> str:
        """Wait for the end; its text."""
        self.join(30)
        assert not self.is_alive(), "the answer never ended"
        if self.error is not None:
            raise self.error
        return "".join(piece.text for piece in self.pieces)


@pytest.fixture
def bench(base: Path, folders: dict[str, Path]) -> Iterator[Bench]:
    """An engine of two slots and four rows."""
    bench = Bench(base, folders, slots=2, max_batch=4, max_queue=3)
    yield bench
    bench.gate.set()
    bench.pause = 0.0
    bench.engine.close()


def until(condition: Callable[[], bool]) -> None:
    """Wait for the engine's thread."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.001)


def arrived(bench: Bench, count: int) -> None:
    """Wait until so many requests run, and those beyond four wait."""
    until(lambda: bench.load == (min(count, 4), max(count - 4, 0)))


def speaking(caller: Caller) -> None:
    """Wait until an answer is on its way, or failed."""
    until(lambda: len(caller.pieces) > 3 or caller.error is not None)


# -- queue and time ----------------------------------------------------------------------------------------


def test_a_full_queue_refuses_and_those_in_it_are_served(bench: Bench) -> None:
    expected = bench.ask("a0")
    bench.gate.clear()
    first = Caller(bench, "a0")
    until(lambda: bench.load == (1, 0))
    waiting = [Caller(bench, "a0") for _ in range(3 + 3)]  # three rows are free, three may wait beside them
    until(lambda: bench.load == (1, 6))

    with pytest.raises(EngineBusy, match=r"6 requests wait already\. Try again later"):
        bench.ask("a1")
    bench.gate.set()

    assert {caller.result() for caller in (first, *waiting)} == {expected}
    assert bench.engine._store.find("a1").holders == 0


def test_a_deadline_ends_requests_that_run_and_that_wait(bench: Bench) -> None:
    bench.pause = 0.02
    running = []
    for n in range(4):
        running.append(Caller(bench, "a0", max_tokens=LONG, timeout=1.5))
        arrived(bench, n + 1)
    waiting = Caller(bench, "a1", timeout=0.2)

    with pytest.raises(RequestTimeout, match="not finished by its deadline: 0 tokens"):
        waiting.result()
    for caller in running:
        with pytest.raises(RequestTimeout, match=r"deadline: [1-9]\d* tokens were\. Give a longer timeout"):
            caller.result()
        assert caller.pieces
    until(lambda: bench.load == (0, 0))


def test_stopping_ends_those_that_run_and_wait_and_the_thread(bench: Bench) -> None:
    bench.pause = 0.02
    callers = []
    for n in range(6):
        callers.append(Caller(bench, f"a{n % 2}", max_tokens=LONG))
        arrived(bench, n + 1)

    bench.scheduler.stop()

    for caller in callers:
        with pytest.raises(EngineStopped):
            caller.result()
    assert not bench.scheduler._thread.is_alive()
    assert all(bench.engine._store.find(f"a{n}").holders == 0 for n in range(5))


# -- who leaves --------------------------------------------------------------------------------------------


def test_a_caller_who_leaves_frees_its_row_within_a_step(bench: Bench) -> None:
    staying = Caller(bench, "a1", max_tokens=120)
    leaving = bench.stream("a0", max_tokens=LONG)
    next(leaving)
    bench.pause = 0.01

    before = len(bench.forwards)
    leaving.close()
    until(lambda: bench.load == (1, 0))

    assert len(bench.forwards) - before <= 2
    assert bench.engine._store.find("a0").holders == 0
    bench.pause = 0.0
    assert staying.result() == bench.ask("a1", max_tokens=120)


@pytest.mark.parametrize("how", ["cancelled", "loop closed"])
def test_a_task_that_is_gone_frees_its_row(bench: Bench, how: str) -> None:
    asked = ChatRequest(
        messages=({"role": "user", "content": "x"},), adapter="a0", sampling=Sampling(max_tokens=LONG)
    )
    bench.pause = 0.01

    async def begin() -> Any:
        stream = bench.engine.astream(asked)
        await anext(stream)
        return stream

    async def leave() -> None:
        stream = await begin()
        task = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    if how == "cancelled":
        asyncio.run(leave())
    else:
        loop = asyncio.new_event_loop()
        kept = loop.run_until_complete(begin())
        loop.close()
        assert kept is not None

    until(lambda: bench.load == (0, 0))
    assert bench.engine._store.find("a0").holders == 0
    assert len(bench.forwards) < LONG / 2


# -- who fails ---------------------------------------------------------------------------------------------


def test_a_layer_that_fails_for_one_adapter_fails_that_one_alone(bench: Bench) -> None:
    expected = [bench.ask(name, max_tokens=40) for name in ("a0", "")]
    bench.pause = 0.003
    good = [Caller(bench, name, max_tokens=40) for name in ("a0", "")]
    bad = Caller(bench, "a1", max_tokens=40)
    speaking(bad)

    bench.fail_with("a1")

    with pytest.raises(AdapterError, match="could not be answered: RuntimeError: a broken layer"):
        bad.result()
    with pytest.raises(AdapterError, match="could not read its prompt"):
        bench.ask("a1")
    assert [caller.result() for caller in good] == expected
    bench.bad = lambda: False
    bench.pause = 0.0
    assert bench.ask("a1", max_tokens=40)
    assert bench.load == (0, 0)
    assert all(bench.engine._store.find(name).holders == 0 for name in ("a0", "a1"))


def test_a_prompt_that_fails_beside_others_fails_alone(bench: Bench) -> None:
    expected = [bench.ask(name) for name in ("a0", "a1", "")]
    bench.fail_with("a1")
    bench.gate.clear()
    blocker = Caller(bench, "", max_tokens=2)
    until(lambda: bench.load[0] == 1)
    callers = [Caller(bench, name) for name in ("a0", "a1", "")]
    until(lambda: bench.load[1] == 3)

    bench.gate.set()

    assert callers[0].result() == expected[0]
    assert callers[2].result() == expected[2]
    with pytest.raises(AdapterError, match="broken layer"):
        callers[1].result()
    assert len(blocker.result()) >= 0


@pytest.mark.parametrize("part", ["tokenizer", "constraint"])
def test_a_part_of_one_request_that_fails_fails_that_one_alone(bench: Bench, part: str) -> None:
    expected = bench.ask("a0", max_tokens=60)
    bench.pause = 0.003
    good = Caller(bench, "a0", max_tokens=60)
    bad = Caller(bench, "a1", max_tokens=60)
    speaking(bad)
    ticket = next(t for t in bench.scheduler._running if t.version.info.name == "a1")

    class Broken:
        finished = False

        def __getattr__(self, name: str) -> Any:
            raise KeyError("a broken part")

    if part == "tokenizer":
        ticket.text._tokenizer = Broken()
    else:
        ticket.chooser.constraint, ticket.chooser.plain = Broken(), False

    with pytest.raises(AdapterError, match="could not be answered: KeyError"):
        bad.result()
    assert good.result() == expected


def test_one_adapter_that_always_fails_does_not_end_the_engine(bench: Bench) -> None:
    expected = bench.ask("a0")
    bench.ask("a1")
    bench.fail_with("a1")
    involved = bench.bad
    bench.bad = lambda: involved() and bench.forwards[-1][1] == 1  # its prompts are read

    for _ in range(scheduling.FAILED_STEPS + 2):
        with pytest.raises(AdapterError, match=r"broken layer.*Others were not touched"):
            bench.ask("a1")

    assert bench.ask("a0") == expected


def test_a_model_that_fails_for_everybody_ends_the_engine_and_nobody_hangs(bench: Bench) -> None:
    bench.bad = lambda: bench.forwards[-1][1] == 1
    errors = []
    for name in ("a0", "", "a1", "a0"):
        with pytest.raises(AdapterError) as caught:
            bench.ask(name)
        errors.append(type(caught.value))

    assert errors == [AdapterError, AdapterError, EngineStopped, EngineStopped]
    with pytest.raises(EngineStopped, match="ended by an error: RuntimeError: a broken layer"):
        bench.ask("a0")


# -- fairness ----------------------------------------------------------------------------------------------


def test_the_oldest_is_overtaken_a_bounded_number_of_times(base: Path, folders: dict[str, Path]) -> None:
    bench = Bench(base, folders, slots=2, max_batch=4, max_queue=100)
    order: list[str] = []
    stop = threading.Event()

    def busy(name: str) -> None:
        while not stop.is_set():
            bench.ask(name, max_tokens=4)
            order.append(name)

    threads = [threading.Thread(target=busy, args=(name,)) for name in ("a0", "a0", "a1", "a1", "a1")]
    for thread in threads:
        thread.start()
    until(lambda: len(order) > 8)
    before = len(order)
    third = bench.ask("a2", max_tokens=4)
    passed = len(order) - before
    stop.set()
    for thread in threads:
        thread.join(20)
    alone = bench.ask("a2", max_tokens=4)
    bench.engine.close()

    assert third == alone
    assert passed <= scheduling.OVERTAKING + 2 * len(threads)


def test_a_long_prompt_is_read_in_pieces_between_the_steps_of_others(bench: Bench) -> None:
    text = "word and " * 80
    expected = bench.ask("a1", text=text)
    other = Caller(bench, "a0", max_tokens=120)
    speaking(other)
    bench.pause = 0.002
    bench.forwards.clear()

    found = bench.ask("a1", text=text)

    assert found == expected
    assert other.result() == bench.ask("a0", max_tokens=120)
    long = [place for place, (_, tokens) in enumerate(bench.forwards) if tokens > 1][:3]
    assert len(long) == 3
    assert all(bench.forwards[place][1] <= scheduling.PROMPT_TOKENS_BESIDE for place in long)
    assert all(later - place > 1 for place, later in zip(long, long[1:], strict=False))  # steps in between


def test_waiting_for_a_file_is_neither_a_loop_nor_a_hang(bench: Bench) -> None:
    version = bench.engine._store.find("a3")
    expected = bench.ask("a3")
    for name in ("a0", "a1"):  # both slots
        bench.ask(name)
    assert version.slot is None
    gate, read = threading.Event(), version.read

    def slowly() -> Any:
        gate.wait(20)
        return read()

    version.read = slowly
    turns = [0]
    turn = bench.scheduler._turn

    def counted() -> None:
        turns[0] += 1
        turn()

    bench.gate.clear()
    blocker = Caller(bench, "", max_tokens=2)
    until(lambda: bench.load[0] == 1)
    waiting = Caller(bench, "a3")
    until(lambda: bench.load[1] == 1)
    version.weights = None  # lost while it waited
    bench.scheduler._turn = counted
    bench.gate.set()
    blocker.result()
    others = bench.ask("a0")
    turns[0] = 0
    time.sleep(0.2)

    assert turns[0] < 200
    assert waiting.is_alive()
    gate.set()
    assert waiting.result() == expected
    assert others


# -- what an answer is -------------------------------------------------------------------------------------


def test_an_answer_has_as_many_tokens_as_were_asked_for(bench: Bench) -> None:
    last = list(bench.stream("a0", max_tokens=7))[-1]

    assert last.finish_reason == "length"
    assert last.usage is not None
    assert last.usage.output_tokens == 7


def test_a_stop_string_across_token_borders_ends_an_answer(bench: Bench) -> None:
    whole = bench.ask("a0", max_tokens=60)
    stop = whole[20:26]
    at = whole.index(stop)

    pieces = list(bench.stream("a0", max_tokens=60, stop=(stop,)))

    assert "".join(piece.text for piece in pieces) == whole[:at]
    assert pieces[-1].finish_reason == "stop"
    assert bench.load == (0, 0)


def test_log_probabilities_are_those_of_the_model(bench: Bench) -> None:
    pieces = list(bench.stream("a0", max_tokens=6, logprobs=3))
    entries = [entry for piece in pieces for entry in piece.logprobs]

    assert len(entries) == 6
    for entry in entries:
        assert entry.top[0] == (entry.token, pytest.approx(entry.logprob))  # greedy: the likeliest
        assert sorted((value for _, value in entry.top), reverse=True) == [value for _, value in entry.top]
        assert entry.logprob <= 0


def test_a_seed_gives_the_same_answer_in_any_company(bench: Bench) -> None:
    wanted: dict[str, Any] = {"temperature": 1.0, "seed": 7, "max_tokens": 30}
    alone = bench.ask("a0", **wanted)

    company = [Caller(bench, "a1", temperature=1.5, max_tokens=40), Caller(bench, "", max_tokens=25)]
    found = bench.ask("a0", **wanted)

    assert found == alone
    assert bench.ask("a0", **wanted | {"seed": 8}) != alone
    for caller in company:
        caller.result()


def test_the_model_runs_in_one_thread_and_without_gradients(bench: Bench) -> None:
    seen: set[tuple[str, bool]] = set()

    def note(*args: Any) -> None:
        seen.add((threading.current_thread().name, torch.is_grad_enabled()))

    bench.runner.model.get_input_embeddings().register_forward_hook(note)
    for caller in [Caller(bench, name) for name in ("a0", "a1", "")]:
        caller.result()

    assert seen == {("ragweave-engine", False)}
