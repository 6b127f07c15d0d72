"""What the whole engine costs: traffic of all lengths, adapters that come while others run, the chain."""

from __future__ import annotations

import random
import shutil
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from functools import partial
from typing import Any

import numpy as np
import torch
from adapter_models import Setting, load_model, middle, write_adapter

from ragweave.adapters import AdapterRegistry, ChatLora
from ragweave.adapters.local_engine import LocalEngine
from ragweave.adapters.records import ChatRequest, Delta, Sampling
from ragweave.adapters.tickets import Piece, Ticket
from ragweave.chains import KnowledgeBase, rag_chain

BATCH = 8
SLOTS = 8


class Request:
    """One request by token ids; when each of its tokens came."""

    def __init__(self, engine: LocalEngine, ids: Sequence[int], tokens: int, adapter: str = "") -> None:
        self.engine = engine
        self.adapter = adapter
        self.times: list[float] = []
        self.done = threading.Event()
        self.error: Exception | None = None
        served = engine._ready()
        self.ticket = Ticket(ids, Sampling(max_tokens=tokens), served.loaded.tokenizer, put=self._put)

    def _put(self, piece: Piece | Exception) -> None:
        self.times.append(time.perf_counter())
        if isinstance(piece, Exception):
            self.error = piece
        if self.error is not None or piece.finish_reason is not None:  # type: ignore[union-attr]  # no error
            self.done.set()

    def start(self) -> Request:
        served = self.engine._ready()
        self.began = time.perf_counter()
        scheduler = served.scheduler
        if self.adapter:
            self.engine._find(self.adapter, None)
            self.ticket.version, scheduler = self.engine._hold(self.adapter, None, served)
        scheduler.submit(self.ticket)
        return self

    def wait(self) -> Request:
        self.done.wait()
        if self.error is not None:
            raise self.error
        return self

    @property
    def first(self) -> float:
        """Seconds to the first token."""
        return self.times[0] - self.began


def open_engine(setting: Setting, adapters: int) -> LocalEngine:
    """An engine whose registry has adapters named 1, 2, ..."""
    folder = setting.folder / "registry"
    registry = AdapterRegistry(folder)
    known = len(registry.list()) if folder.exists() else 0
    for number in range(known + 1, adapters + 1):
        source = write_adapter(setting.folder / "new", setting.shape, seed=number)
        registry.add(source, f"a{number}", base=setting.base)
        shutil.rmtree(source)
    engine = LocalEngine(setting.base, slots=SLOTS, max_batch=BATCH)
    engine.load()
    engine.use_registry(folder)
    return engine


def all_at_once(engine: LocalEngine, requests: Sequence[tuple[Sequence[int], int, str]]) -> list[Request]:
    """Requests that arrive together, when all are answered; ids, tokens, adapter."""
    started = [Request(engine, ids, tokens, adapter).start() for ids, tokens, adapter in requests]
    return [request.wait() for request in started]


# -- the batch of the step loops, through the engine -------------------------------------------------------


def measure_engine(setting: Setting) -> None:
    """The same eight requests as in the step loops, with everything around a step."""
    batches = {
        "base": [""] * BATCH,
        "base again": [""] * BATCH,
        "8 adapters": [f"a{number}" for number in range(1, BATCH + 1)],
        "one adapter": ["a1"] * BATCH,
    }
    totals: dict[str, list[float]] = {name: [] for name in batches}
    with closing(open_engine(setting, BATCH)) as engine:
        for round_ in range(setting.rounds + 1):
            for name, adapters in batches.items():
                began = time.perf_counter()
                all_at_once(
                    engine,
                    [
                        (ids, setting.new_tokens, adapter)
                        for ids, adapter in zip(setting.prompts, adapters, strict=True)
                    ],
                )
                if round_:
                    totals[name].append(time.perf_counter() - began)
    print(f"{'engine, eight requests at once':34} {'seconds':>8} {'share of base':>14}")
    for name, seconds in totals.items():
        ratio = middle([base / one for base, one in zip(totals["base"], seconds, strict=True)])
        print(f"{name:34} {middle(seconds):8.3f} {ratio:14.3f}")


# -- ragged traffic ----------------------------------------------------------------------------------------


def measure_traffic(setting: Setting) -> None:
    """Prompts and answers of random lengths, arriving at once, against static batches of eight."""
    dice = random.Random(0)
    scale = 8 if setting.quick else 1
    lengths = [(dice.randint(16, 128) // scale, dice.randint(8, 128) // scale) for _ in range(32)]
    work = [
        ([dice.randrange(1, setting.shape.vocabulary) for _ in range(prompt)], answer)
        for prompt, answer in lengths
    ]
    tokens = sum(answer for _, answer in work)
    model = load_model(setting.base)
    rows: dict[str, list[float]] = {"static": [], "own, base": [], "own, 8 adapters and base": []}
    with closing(open_engine(setting, BATCH)) as engine:
        for round_ in range(min(setting.rounds, 3) + 1):  # two minutes a round
            mixed = [(*one, f"a{place % 9}" if place % 9 else "") for place, one in enumerate(work)]
            timings: dict[str, Callable[[], object]] = {
                "static": partial(static_batches, model, work),
                "own, base": partial(all_at_once, engine, [(*one, "") for one in work]),
                "own, 8 adapters and base": partial(all_at_once, engine, mixed),
            }
            for name, act in timings.items():
                began = time.perf_counter()
                act()
                if round_:
                    rows[name].append(time.perf_counter() - began)
    print(f"{len(work)} requests, {tokens} answer tokens; against static batches at least 1.10")
    print(f"{'ragged traffic':34} {'seconds':>8} {'tokens/s':>9} {'ratio':>7}")
    for name, seconds in rows.items():
        ratio = middle([static / one for static, one in zip(rows["static"], seconds, strict=True)])
        print(f"{name:34} {middle(seconds):8.3f} {tokens / middle(seconds):9.1f} {ratio:7.3f}")


def static_batches(model: Any, work: Sequence[tuple[list[int], int]]) -> None:
    """transformers' generate on eight after eight, padded, as long as the longest answer of each."""
    for start in range(0, len(work), BATCH):
        batch = work[start : start + BATCH]
        longest = max(len(ids) for ids, _ in batch)
        ids = torch.tensor([[0] * (longest - len(prompt)) + prompt for prompt, _ in batch])
        mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt, _ in batch])
        answer = max(count for _, count in batch)
        model.generate(ids, attention_mask=mask, max_new_tokens=answer, do_sample=False, pad_token_id=0)


# -- loading -----------------------------------------------------------------------------------------------


def measure_loads(setting: Setting) -> None:
    """From the call for a registered adapter until it is in its slot: the next forward uses it."""
    fresh = 3 if setting.quick else 10
    counts = (1, 8) if setting.quick else (1, 8, 64)
    ids = setting.prompts[0][:8]
    print(f"{'load, ms (at most 10)':24} {'load':>7} {'peft':>8}   first token: {'new':>7} {'in a slot':>9}")
    with closing(open_engine(setting, max(counts) + fresh)) as engine:
        written = note_writes(engine)
        names = [f"a{number}" for number in range(1, max(counts) + fresh + 1)]
        for loaded in counts:
            for name in names[:loaded]:
                Request(engine, ids, 1, name).start().wait()
            load, new, resident = [], [], []
            for name in names[max(counts) :]:
                requests = [Request(engine, ids, 1, names[loaded - 1]).start().wait() for _ in range(2)]
                resident.append(requests[1].first)
                forget(engine, name)
                request = Request(engine, ids, 1, name).start().wait()
                load.append(written[-1] - request.began)
                new.append(request.first)
                forget(engine, name)
            peft = 1e3 * peft_load(setting, names, loaded, names[max(counts) :])
            print(
                f"{loaded:3} loaded{'':14} {1e3 * middle(load):7.2f} {peft:8.1f}   {'':12} "
                f"{1e3 * middle(new):7.1f} {1e3 * middle(resident):9.1f}"
            )


def note_writes(engine: LocalEngine) -> list[float]:
    """The time at the end of each write into a slot."""
    pool: Any = engine._store.pool
    write, times = pool.write, list[float]()

    def noted(slot: int, weights: Any) -> None:
        write(slot, weights)
        times.append(time.perf_counter())

    pool.write = noted
    return times


def forget(engine: LocalEngine, name: str) -> None:
    """An adapter as if nobody had asked for it yet; its file stays in the page cache."""
    store: Any = engine._store
    with store._lock:
        version = store.find(name)
        version.weights = None
        store._leave_slot(version)


def peft_load(setting: Setting, names: Sequence[str], loaded: int, fresh: Sequence[str]) -> float:
    """Seconds of peft's load and activation of one more adapter."""
    from peft import PeftModel

    registry = AdapterRegistry(setting.folder / "registry")
    paths = {name: registry.get(name).path for name in names}
    model: Any = PeftModel.from_pretrained(load_model(setting.base), paths[names[0]], adapter_name=names[0])
    for name in names[1:loaded]:
        model.load_adapter(paths[name], adapter_name=name)
    seconds = []
    for name in fresh:
        began = time.perf_counter()
        model.load_adapter(paths[name], adapter_name=name)
        model.set_adapter(name)
        seconds.append(time.perf_counter() - began)
        model.delete_adapter(name)
    return middle(seconds)


# -- a load beside running requests ------------------------------------------------------------------------


def measure_stall(setting: Setting) -> None:
    """How long a running request waits for a token while others come with adapters, known or new."""
    steps = 60 if setting.quick else 300
    with closing(open_engine(setting, SLOTS + 6)) as engine:
        for number in range(1, SLOTS + 1):
            Request(engine, setting.prompts[0], 1, f"a{number}").start().wait()
        quiet = gaps(engine, setting, steps, [])
        known = gaps(engine, setting, steps, [f"a{number}" for number in range(SLOTS - 3, SLOTS + 1)])
        new = gaps(engine, setting, steps, [f"a{number}" for number in range(SLOTS + 1, SLOTS + 7)], new=True)
    step = float(np.median(quiet))
    print(f"{'ms between tokens of a row':34} {'p50':>8} {'p99':>8} {'highest':>8}")
    for name, values in {
        "nobody comes": quiet,
        "adapters in slots": known,
        "adapters from disk": new,
    }.items():
        print(
            f"{name:34} {1e3 * np.median(values):8.1f} {1e3 * np.percentile(values, 99):8.1f} "
            f"{1e3 * max(values):8.1f}"
        )
    stall = (np.percentile(new, 99) - np.percentile(known, 99)) / step
    print(f"a load stalls running rows by {stall:.2f} steps at p99 (less than 1)")


def gaps(
    engine: LocalEngine, setting: Setting, steps: int, adapters: Sequence[str], *, new: bool = False
) -> list[float]:
    """Times between the tokens of four long answers, while short ones come for these adapters."""
    running = [Request(engine, ids, steps).start() for ids in setting.prompts[:4]]
    turn = 0
    while adapters and not running[0].done.is_set():
        name = adapters[turn % len(adapters)]
        if new:
            forget(engine, name)
        Request(engine, setting.prompts[5][:16], 2, name).start().wait()
        seen = len(running[0].times)
        while len(running[0].times) < seen + 4 and not running[0].done.wait(0.001):
            pass
        turn += 1
    times = [request.wait().times for request in running]
    return [later - sooner for each in times for sooner, later in zip(each[8:], each[9:], strict=False)]


# -- the chain ---------------------------------------------------------------------------------------------


class TimedEngine:
    """An engine that notes how long its answers were waited for."""

    def __init__(self, engine: LocalEngine) -> None:
        self.engine = engine
        self.seconds: list[float] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def stream(self, request: ChatRequest) -> Generator[Delta]:
        waited = 0.0
        with closing(self.engine.stream(request)) as deltas:
            while True:
                began = time.perf_counter()
                delta = next(deltas, None)
                waited += time.perf_counter() - began
                if delta is None:
                    break
                yield delta
        self.seconds.append(waited)


def measure_chain(setting: Setting) -> None:
    """What retrieval, prompt, citations and LangChain add to the engine's own time."""
    question = "How many days of leave are there in the first year?"
    documents = setting.folder / "handbook"
    documents.mkdir(exist_ok=True)
    (documents / "leave.md").write_text("There are 25 days of leave in the first year.\n", encoding="utf-8")
    (documents / "pay.md").write_text("Pay comes on the last working day of a month.\n", encoding="utf-8")
    with (
        closing(open_engine(setting, BATCH)) as engine,
        KnowledgeBase.open(str(setting.folder / "kb")) as kb,
    ):
        kb.ingest([documents])
        timed = TimedEngine(engine)
        model = ChatLora(setting.base, engine=timed, max_tokens=setting.new_tokens, temperature=0)
        chain = rag_chain(model, kb.as_retriever(k=1))
        walls, retrieval = [], []
        for _ in range(setting.rounds + 1):
            before = len(timed.seconds)
            began = time.perf_counter()
            state = chain.invoke(question, config={"configurable": {"adapter": "a1"}})
            walls.append(time.perf_counter() - began - sum(timed.seconds[before:]))
            retrieval.append(sum(step["ms"] for step in state["trace"] if "answer" not in step["step"]) / 1e3)
        alone = []
        for _ in range(setting.rounds + 1):
            before = len(timed.seconds)
            began = time.perf_counter()
            model.invoke(question, model="a1")
            alone.append(time.perf_counter() - began - sum(timed.seconds[before:]))
    engine_ms = 1e3 * middle(timed.seconds[1 : setting.rounds + 1])
    print(f"{'ms beside the engine':34} {'ms':>8} {'share of wall':>14}")
    for name, over in (("chain (retrieval included)", walls), ("chat model alone", alone)):
        ms = 1e3 * middle(over[1:])
        print(f"{name:34} {ms:8.2f} {ms / (ms + engine_ms):14.4f}")
    print(f"the steps before and after the answer: {1e3 * middle(retrieval[1:]):.2f} ms by the trace")
