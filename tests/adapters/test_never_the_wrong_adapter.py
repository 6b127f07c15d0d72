"""No answer ever comes from another adapter, whatever goes on beside it."""

from __future__ import annotations

import gc
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations, count, cycle
from pathlib import Path
from typing import Any

import pytest

from ragweave.adapters.errors import AdapterError, RequestTimeout, UnknownAdapter
from ragweave.adapters.local_engine import LocalEngine
from ragweave.adapters.records import Sampling
from ragweave.adapters.registry import AdapterRegistry

from .models import make_adapter, tiny_base
from .traffic import SHORTEST, Call, Judge, ask, report, run_tasks, run_threads

PROMPTS = (
    "Where is the office?",
    "How many days are left?",
    "0 1 2 3",
    "a",
    "Ask the support team, and when does it open? The quick brown fox jumps over the lazy dog.",
    "leave and pay",
)
ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
MLP = ("gate_proj", "up_proj", "down_proj")
# Rank and targets of the twelve.
KINDS: Sequence[tuple[int, Sequence[str] | str]] = (
    (1, "all-linear"),
    (2, ATTENTION),
    (3, MLP),
    (4, ("q_proj", "v_proj")),
    (5, ("o_proj", "down_proj")),
    (8, "all-linear"),
    (8, ("k_proj", "gate_proj")),
    (10, ("v_proj", "up_proj")),
    (12, MLP),
    (16, ATTENTION),
    (20, ("q_proj", "down_proj")),
    (32, "all-linear"),
)
Open = Callable[..., LocalEngine]


@pytest.fixture(scope="module")
def base_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("wrong") / "base")


@pytest.fixture(scope="module")
def folders(base_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    home = tmp_path_factory.mktemp("twelve")
    return {
        f"adapter-{number}": make_adapter(
            base_folder, home / str(number), rank=rank, targets=targets, seed=number, scale=1.5 / rank**0.5
        )
        for number, (rank, targets) in enumerate(KINDS)
    }


@pytest.fixture(scope="module")
def judge(base_folder: Path, folders: dict[str, Path]) -> Iterator[Judge]:
    engine = LocalEngine(base_folder, device="cpu")
    yield Judge(engine, base_folder, folders)
    engine.close()


@pytest.fixture
def open_engine(base_folder: Path, folders: dict[str, Path]) -> Iterator[Open]:
    """Engines with the twelve adapters, or those named."""
    opened: list[LocalEngine] = []

    def open_one(*names: str, **options: Any) -> LocalEngine:
        engine = LocalEngine(base_folder, device="cpu", **options)
        opened.append(engine)
        for name in names or folders:
            engine.load_adapter(name, folders[name])
        return engine

    yield open_one
    for engine in opened:
        engine.close()


def insides(engine: LocalEngine) -> Any:
    """Scheduler, runner and model of an engine."""
    served: Any = engine._ready()
    return served.scheduler


def hooks(engine: LocalEngine) -> int:
    """Hooks on any module of the model."""
    model = insides(engine).runner.model
    return sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in model.modules())


def wait_for(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.002)
    return True


# -- ten thousand calls ------------------------------------------------------------------------------------


def test_all_thirteen_answer_otherwise_to_every_prompt(judge: Judge) -> None:
    for prompt in PROMPTS:
        answers = {name: judge.alone(name, prompt).cut(SHORTEST) for name in judge.adapters}

        assert len(answers) == 13
        assert not [pair for pair in combinations(answers, 2) if answers[pair[0]] == answers[pair[1]]]


@pytest.mark.slow
@pytest.mark.parametrize("threads, calls, slots", [(2, 1000, 4), (8, 5000, 12)])
def test_calls_of_threads_are_answered_by_their_adapter(
    open_engine: Open, judge: Judge, threads: int, calls: int, slots: int
) -> None:
    engine = open_engine(slots=slots)

    tally = run_threads(engine, judge, PROMPTS, threads=threads, calls=calls)

    report(f"{threads} threads, {slots} slots: {tally}")
    assert not tally.wrong, tally.wrong[:5]
    assert tally.calls == calls
    assert tally.ties < tally.calls / 1000


@pytest.mark.slow
async def test_calls_of_tasks_are_answered_by_their_adapter(open_engine: Open, judge: Judge) -> None:
    engine = open_engine(slots=6)

    tally = await run_tasks(engine, judge, PROMPTS, tasks=32, calls=4000)

    report(f"32 tasks, 6 slots: {tally}")
    assert not tally.wrong, tally.wrong[:5]
    assert tally.calls == 4000
    assert tally.ties < tally.calls / 1000


def test_a_row_with_another_slot_would_be_noticed(
    open_engine: Open, judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine(slots=12)
    pool = insides(engine).runner.pool
    begin = pool.begin
    forwards = count()

    def swapped(slots: Sequence[int]) -> None:
        begin([(slots[0] + 1) % 13, *slots[1:]] if next(forwards) % 8 == 7 else slots)

    monkeypatch.setattr(pool, "begin", swapped)

    tally = run_threads(engine, judge, PROMPTS, threads=4, calls=80)

    assert tally.calls == 80
    assert len(tally.wrong) > 10
    assert tally.same > 10  # the other rows


def test_answers_stay_right_while_others_reload_leave_and_read_long_prompts(
    open_engine: Open, judge: Judge, folders: dict[str, Path]
) -> None:
    engine = open_engine(slots=5)
    prompts = (*PROMPTS[:2], "Where is the nearest office, and when does it open? 0 1 2 3 " * 5)
    stop = threading.Event()
    troubles: list[str] = []

    def reload() -> None:
        for name in cycle(folders):
            if stop.is_set():
                return
            engine.load_adapter(name, folders[name])  # the same weights under a new version

    def leave() -> None:
        dice = random.Random(9)
        while not stop.is_set():
            request = Call(dice.choice(judge.adapters), dice.choice(prompts), 200).request
            answer = engine.stream(request)
            for _ in range(dice.randint(0, 3)):
                next(answer, None)
            answer.close()

    def disturb() -> None:
        dice = random.Random(10)
        while not stop.is_set():
            call = Call(dice.choice(judge.adapters), dice.choice(prompts), 20)
            sampling = Sampling(
                max_tokens=20, temperature=1.5, top_k=dice.randint(0, 5), logprobs=2, stop=("a", "0")
            )
            timeout = dice.choice([0.001, None])
            try:
                list(engine.stream(replace(call.request, sampling=sampling, timeout=timeout)))
            except RequestTimeout:
                pass
            except AdapterError as error:
                troubles.append(str(error))

    others = [threading.Thread(target=act) for act in (reload, leave, disturb)]
    for other in others:
        other.start()
    tally = run_threads(engine, judge, prompts, threads=4, calls=300)
    stop.set()
    for other in others:
        other.join(20)

    report(f"beside reloads, cancels and sampling: {tally}")
    assert not tally.wrong, tally.wrong[:5]
    assert not troubles
    assert wait_for(lambda: insides(engine).load == (0, 0))
    assert all(engine._store.find(name).holders == 0 for name in folders)


# -- errors and cancels inside a step ----------------------------------------------------------------------


def run_beside(engine: LocalEngine, calls: Sequence[Call]) -> list[list[int] | Exception]:
    """All calls at once, each from a thread of its own."""
    results: list[list[int] | Exception] = [[] for _ in calls]

    def work(place: int) -> None:
        try:
            results[place] = ask(engine, calls[place])
        except AdapterError as error:
            results[place] = error

    workers = [threading.Thread(target=work, args=(place,)) for place in range(len(calls))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    return results


def verdicts(judge: Judge, calls: Sequence[Call], results: Sequence[list[int] | Exception]) -> list[str]:
    return [
        type(result).__name__ if isinstance(result, Exception) else judge.compare(call, result)
        for call, result in zip(calls, results, strict=True)
    ]


def test_a_step_that_fails_once_changes_no_answer(open_engine: Open, judge: Judge) -> None:
    engine = open_engine()
    calls = [Call(name, PROMPTS[0], 10) for name in judge.adapters]
    failures: list[int] = []

    def fail(module: Any, arguments: Any) -> None:
        rows, tokens, _ = arguments[0].shape
        if tokens == 1 and rows > 2 and len(failures) < 3:
            failures.append(rows)
            raise RuntimeError("out of luck")

    hook = insides(engine).runner.model.model.layers[1].mlp.register_forward_pre_hook(fail)

    results = run_beside(engine, calls)
    hook.remove()

    assert verdicts(judge, calls, results) == ["same"] * 13
    assert len(failures) == 3
    assert hooks(engine) == 0


def test_a_request_that_fails_inside_a_step_fails_alone(open_engine: Open, judge: Judge) -> None:
    engine = open_engine()
    calls = [Call(name, PROMPTS[1], 10) for name in judge.adapters[:6]]
    scheduler = insides(engine)
    pool = scheduler.runner.pool

    def fail(module: Any, arguments: Any) -> None:
        one_token = arguments[0].shape[1] == 1
        culprit = engine._store.find("adapter-3").slot
        if one_token and pool.step is not None and culprit in pool.step.rows:
            raise RuntimeError("a broken adapter")

    hook = scheduler.runner.model.model.layers[1].mlp.register_forward_pre_hook(fail)

    results = run_beside(engine, calls)
    hook.remove()

    expected = ["AdapterError" if call.adapter == "adapter-3" else "same" for call in calls]
    assert verdicts(judge, calls, results) == expected
    assert hooks(engine) == 0
    assert judge.check(engine, calls[4]) == judge.check(engine, calls[0]) == "same"
    assert scheduler.load == (0, 0)


def test_a_consumer_that_leaves_inside_a_step_leaves_nothing_behind(open_engine: Open, judge: Judge) -> None:
    engine = open_engine()
    scheduler = insides(engine)
    inside, go_on = threading.Event(), threading.Event()

    def block(module: Any, arguments: Any) -> None:
        if arguments[0].shape[1] == 1:
            inside.set()
            go_on.wait(10)

    left, stays = Call("adapter-1", PROMPTS[2], 300), Call("adapter-2", PROMPTS[2], 10)
    answer = engine.stream(left.request)
    next(answer)
    others: list[list[int] | Exception] = []
    beside = threading.Thread(target=lambda: others.extend(run_beside(engine, [stays])))
    beside.start()
    hook = scheduler.runner.model.model.layers[0].mlp.register_forward_pre_hook(block)
    assert inside.wait(10)

    answer.close()
    hook.remove()
    go_on.set()

    beside.join(10)
    assert verdicts(judge, [stays], others) == ["same"]
    assert wait_for(lambda: scheduler.load == (0, 0))
    assert engine._store.find("adapter-1").holders == engine._store.find("adapter-1").running == 0
    assert hooks(engine) == 0
    assert judge.check(engine, Call("adapter-1", PROMPTS[2], 10)) == "same"


# -- names that come and go --------------------------------------------------------------------------------


def test_names_that_begin_alike_are_swapped_independently(
    open_engine: Open, folders: dict[str, Path], base_folder: Path
) -> None:
    engine = open_engine("adapter-0")
    names = {"legal": folders["adapter-2"], "legal-v2": folders["adapter-5"]}
    for name, folder in names.items():
        engine.load_adapter(name, folder)
    judge = Judge(engine, base_folder, names)
    both = [Call("legal", PROMPTS[3], 10), Call("legal-v2", PROMPTS[3], 10)]

    before = [judge.check(engine, call) for call in both]
    engine.load_adapter("legal", folders["adapter-9"])
    judge.repoint("legal", folders["adapter-9"])
    after = [judge.check(engine, call) for call in both]
    engine.unload_adapter("legal")

    assert before == after == ["same", "same"]
    assert judge.check(engine, both[1]) == "same"
    with pytest.raises(UnknownAdapter, match="Known adapters: adapter-0, legal-v2"):
        ask(engine, both[0])


def test_one_prompt_under_two_adapters_in_turn_and_at_once(open_engine: Open, judge: Judge) -> None:
    engine = open_engine()
    calls = [Call(name, PROMPTS[4], 10) for name in ("adapter-6", "adapter-7", "")] * 3

    in_turn = [judge.check(engine, call) for call in calls]
    at_once = verdicts(judge, calls, run_beside(engine, calls))

    assert in_turn == at_once == ["same"] * 9


def begun(engine: LocalEngine, call: Call) -> tuple[Callable[[], list[int]], Any]:
    """A request that stands inside its answer: what brings the rest, and the lock that lets it go on."""
    first, go_on = threading.Event(), threading.Event()
    tokens: list[int] = []

    def hold(module: Any, arguments: Any) -> None:
        if arguments[0].shape[1] == 1:
            first.set()
            go_on.wait(10)

    hook = insides(engine).runner.model.model.layers[0].mlp.register_forward_pre_hook(hold)
    worker = threading.Thread(target=lambda: tokens.extend(ask(engine, call)))
    worker.start()
    assert first.wait(10)

    def finish() -> list[int]:
        hook.remove()
        go_on.set()
        worker.join(10)
        return tokens

    return finish, engine._store.find(call.adapter)


def test_a_request_that_runs_finishes_on_its_version(
    open_engine: Open, folders: dict[str, Path], base_folder: Path
) -> None:
    engine = open_engine("adapter-4")
    judge = Judge(engine, base_folder, {"adapter-4": folders["adapter-4"]})
    call = Call("adapter-4", PROMPTS[5], 10)
    finish, old = begun(engine, call)

    engine.load_adapter("adapter-4", folders["adapter-8"])
    running = judge.compare(call, finish())
    judge.repoint("adapter-4", folders["adapter-8"])

    assert running == "same"
    assert judge.check(engine, call) == "same"
    assert wait_for(lambda: old.slot is None and old.weights is None)


def test_versions_of_one_name_answer_side_by_side(
    open_engine: Open, folders: dict[str, Path], base_folder: Path, tmp_path: Path
) -> None:
    registry = AdapterRegistry(tmp_path)
    for number in ("5", "11"):
        registry.add(folders[f"adapter-{number}"], "legal", base=base_folder)
    engine = open_engine("adapter-0", slots=2)
    engine.use_registry(registry)
    versions = {"legal@1": folders["adapter-5"], "legal@2": folders["adapter-11"]}
    judge = Judge(engine, base_folder, versions | {"legal": folders["adapter-11"]})
    calls = [Call(name, PROMPTS[0], 10) for name in ("legal@1", "legal@2", "legal")] * 2

    results = run_beside(engine, calls)

    assert verdicts(judge, calls, results) == ["same"] * 6


def test_an_adapter_unloaded_in_use_serves_its_request_to_the_end(open_engine: Open, judge: Judge) -> None:
    engine = open_engine()
    call = Call("adapter-10", PROMPTS[5], 10)
    finish, old = begun(engine, call)

    engine.unload_adapter("adapter-10")

    with pytest.raises(UnknownAdapter):
        engine._ticket(call.request)
    assert judge.compare(call, finish()) == "same"
    assert wait_for(lambda: old.slot is None and old.weights is None)


# -- more adapters than slots, and memory ------------------------------------------------------------------


def test_no_adapter_starves_where_slots_are_few(open_engine: Open, judge: Judge) -> None:
    engine = open_engine(slots=2)
    done: list[str] = []
    waits: list[int] = []
    stop = threading.Event()

    def crowd(seed: int) -> None:
        while not stop.is_set():
            name = f"adapter-{seed % 2}"
            assert judge.check(engine, Call(name, PROMPTS[seed % 6], 10)) == "same"
            done.append(name)

    for name in judge.adapters:
        judge.alone(name, PROMPTS[0])
    crowds = [threading.Thread(target=crowd, args=(seed,)) for seed in range(12)]
    for worker in crowds:
        worker.start()
    try:
        for name in judge.adapters[3:]:
            before = len(done)
            assert judge.check(engine, Call(name, PROMPTS[0], 8)) == "same"
            waits.append(len(done) - before)
    finally:
        stop.set()
        for worker in crowds:
            worker.join(20)

    report(f"others answered while one waited: {waits}")
    assert max(waits) < 100
    assert len(done) > 20


def resident_bytes() -> int:
    pages = Path("/proc/self/statm")
    if not pages.exists():
        pytest.skip("resident memory is read from /proc, which this system lacks")
    return int(pages.read_text().split()[1]) * 4096


@pytest.mark.slow
def test_memory_is_flat_over_a_thousand_loads_and_unloads(
    open_engine: Open, folders: dict[str, Path]
) -> None:
    engine = open_engine("adapter-0", slots=3)
    names = list(folders)

    def cycles(count: int) -> tuple[int, int, int]:
        for number in range(count):
            engine.load_adapter("comes-and-goes", folders[names[number % 12]])
            ask(engine, Call("comes-and-goes", "a", 1))
            engine.unload_adapter("comes-and-goes")
        gc.collect()
        return resident_bytes(), len(gc.get_objects()), threading.active_count()

    cycles(100)
    before = cycles(50)
    after = cycles(1000)

    grown, objects, threads = (end - start for start, end in zip(before, after, strict=True))
    report(f"1,000 cycles: {grown / 1e6:.1f} MB resident, {objects} objects, {threads} threads more")
    assert grown < 6e6
    assert objects < 300
    assert threads == 0
    assert engine._store.pool.nbytes == 0 or [info.name for info in engine.list_adapters()] == ["adapter-0"]
