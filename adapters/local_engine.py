"""The engine inside this process: one base model, its adapters in slots, one thread that runs them all.

Puts the parts together and knows none of their insides: files are read by `adapter_files`, tokens chosen by
the scheduler, LangChain is known to `chat` alone.
"""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import aclosing, closing
from functools import cache, partial
from pathlib import Path
from threading import Lock, RLock
from typing import Any

from .adapter_names import check_name
from .adapter_sources import SECONDS, Follower, folder_version, open_source
from .base_description import BaseDescription, describe_base
from .base_model import LoadedBase, load_base
from .chat_prompt import ChatPrompts, end_tokens
from .errors import AdapterError, EngineStopped, UnknownAdapter
from .records import AdapterInfo, ChatRequest, Delta, split_version
from .runner import Runner
from .scheduler import Scheduler
from .slot_pool import SlotPool
from .slot_store import AdapterVersion, SlotStore
from .tickets import Piece, Ticket, pieces, pieces_async
from .tool_calls import ToolCallParser

__all__ = ["LocalEngine"]

ROWS_ON_CPU = 8
ROWS_ON_DEVICE = 32


class _Served:
    """What exists once the base model is in memory."""

    def __init__(self, loaded: LoadedBase, store: SlotStore, *, rows: int, max_queue: int) -> None:
        self.loaded = loaded
        self.ends = end_tokens(loaded.model, loaded.tokenizer)
        self.rows, self.max_queue = rows, max_queue
        self.store = store
        runner = Runner(loaded.model, store.pool, rows=rows)
        runner.check()
        self.scheduler = Scheduler(runner, store, ends=self.ends, max_queue=max_queue)
        self.prompts = ChatPrompts(loaded, ends=sorted(self.ends))
        self.lanes: dict[AdapterVersion, Scheduler] = {}

    def scheduler_of(self, version: AdapterVersion | None) -> Scheduler:
        """The slots' scheduler, or that of a lane: made at the first request, ended with its version."""
        if version is None or version.weights is None or not version.weights.exclusive:
            return self.scheduler
        with version.reading:
            lane = self.lanes.get(version)
            if lane is None:
                from .exclusive_lane import LaneStore, adapted_twin

                twin = adapted_twin(self.store.pool, version.info.path)
                version.read()  # raises where the files changed since they were checked
                runner = Runner(twin, SlotPool(0), rows=self.rows)
                lane = Scheduler(runner, LaneStore(self.store), ends=self.ends, max_queue=self.max_queue)
                self.lanes[version] = lane
                version.gone = partial(self._close_lane, version)
            return lane

    def is_ready(self, version: AdapterVersion) -> bool:
        """Whether nothing has to be read for a version without a slot."""
        weights = version.weights
        return weights is not None and (not weights.exclusive or version in self.lanes)

    def _close_lane(self, version: AdapterVersion) -> None:
        lane = self.lanes.pop(version, None)
        if lane is not None:
            lane.stop(wait=False)

    def stop(self) -> None:
        """End every thread."""
        for scheduler in [self.scheduler, *self.lanes.values()]:
            scheduler.stop()


class LocalEngine:
    """Serves a base model of this machine, with adapters; see `Engine` for what it offers.

    Nothing is loaded before `load` or the first request; adapters are read and checked when they are given.

    Args:
        base: a folder or a hub id.
        slots: adapters that are on the device at once; more may be known.
        max_batch: requests that run side by side; 8 on the CPU, else 32.
        max_queue: requests that may wait beside them.
    """

    def __init__(
        self,
        base: str | Path,
        *,
        slots: int = 8,
        device: str | None = None,
        dtype: str | None = None,
        quantization: Any = None,
        trust_remote_code: bool = False,
        chat_template: str | Path | None = None,
        max_batch: int | None = None,
        max_queue: int = 256,
    ) -> None:
        self._base = base
        self._options: dict[str, Any] = {
            "device": device,
            "dtype": dtype,
            "quantization": quantization,
            "trust_remote_code": trust_remote_code,
            "chat_template": chat_template,
        }
        self._max_batch = max_batch
        self._max_queue = max_queue
        # Not a method: whoever keeps it must not keep the engine, whose thread ends with it.
        self._describe = cache(partial(describe_base, base, trust_remote_code=trust_remote_code))
        self._registry: Follower | None = None
        self._served: _Served | None = None
        self._store = SlotStore(SlotPool(slots))
        self._closed = False
        self._lock = RLock()

    # -- the base model ------------------------------------------------------------------------------------

    @property
    def base_model(self) -> str:
        """A folder's last part, or the hub id."""
        path = Path(self._base)
        return path.resolve().name if path.is_dir() else str(self._base)

    @property
    def description(self) -> BaseDescription:
        """What adapters are checked against; loads no weights."""
        return self._describe()

    def load(self) -> None:
        """Load the base model. Raises `AdapterError` for weights that cannot be served."""
        self._ready()

    def _ready(self) -> _Served:
        with self._lock:
            if self._closed:
                raise EngineStopped("The engine was closed.", remedy="Make a new model.")
            if self._served is None:
                loaded = load_base(self._base, **self._options)
                self._store.pool.wrap(loaded.model)
                rows = self._max_batch or (ROWS_ON_CPU if loaded.device.type == "cpu" else ROWS_ON_DEVICE)
                self._served = _Served(loaded, self._store, rows=rows, max_queue=self._max_queue)
                weakref.finalize(self, self._served.stop)
            return self._served

    def count_tokens(self, text: str) -> int:
        """How many tokens a text has, without those that a template adds."""
        return self._ready().prompts.count(text)

    def close(self) -> None:
        """Stop; requests that wait or run get `EngineStopped`."""
        with self._lock:
            self._closed = True
            served, self._served = self._served, None
            self._store = SlotStore(SlotPool(self._store.pool.slots))  # the old one holds the model
        if served is not None:
            served.stop()

    # -- requests ------------------------------------------------------------------------------------------

    def stream(self, request: ChatRequest) -> Generator[Delta]:
        """The answer, piece by piece."""
        ticket, parser, scheduler = self._ticket(request)
        with closing(pieces(ticket, scheduler.submit, scheduler.wake)) as answer:
            for piece in answer:
                yield from _deltas(piece, ticket, parser)

    async def astream(self, request: ChatRequest) -> AsyncGenerator[Delta]:
        """The same for asyncio; no thread waits for it."""
        ticket, parser, scheduler = await self._ticket_async(request)
        async with aclosing(pieces_async(ticket, scheduler.submit, scheduler.wake)) as answer:
            async for piece in answer:
                for delta in _deltas(piece, ticket, parser):
                    yield delta

    async def _ticket_async(self, request: ChatRequest) -> tuple[Ticket, ToolCallParser | None, Scheduler]:
        """Beside the loop where something has to be read from disk, or a grammar made."""
        served = self._served
        slow = bool(request.tools) or request.schema is not None
        if served is None or slow or not self._in_memory(request, served):
            return await self._ticket_beside(request)
        return self._ticket(request)

    async def _ticket_beside(self, request: ChatRequest) -> tuple[Ticket, ToolCallParser | None, Scheduler]:
        """In a thread, which goes on when its caller is cancelled: then it gives up what it holds."""
        lock, made, left = Lock(), list[Ticket](), False

        def make() -> tuple[Ticket, ToolCallParser | None, Scheduler]:
            ticket = self._ticket(request)
            with lock:
                made.append(ticket[0])
                if left:
                    self._give_up(made)
            return ticket

        try:
            return await asyncio.to_thread(make)
        except asyncio.CancelledError:
            with lock:
                left = True
                self._give_up(made)
            raise

    def _give_up(self, tickets: list[Ticket]) -> None:
        for ticket in tickets:
            if ticket.version is not None:
                self._store.release(ticket.version)

    def _in_memory(self, request: ChatRequest, served: _Served) -> bool:
        name, version = split_version(request.adapter)
        if not name:
            return True
        try:
            found = self._store.find(name, version)
        except UnknownAdapter:
            return False
        return found.slot is not None or served.is_ready(found)

    def _ticket(self, request: ChatRequest) -> tuple[Ticket, ToolCallParser | None, Scheduler]:
        """Everything about a request that can fail before it waits."""
        deadline = None if request.timeout is None else time.monotonic() + request.timeout
        name, number = split_version(request.adapter)
        if name:
            self._find(name, number)
        served = self._ready()
        ids = served.prompts.ids(request)
        room = self._room(ids)
        format = served.prompts.format(request)
        constraint = served.prompts.constraint(request)
        ticket = Ticket(
            ids,
            request.sampling,
            served.loaded.tokenizer,
            constraint=constraint,
            deadline=deadline,
            room=room,
            shown_specials=dict(format.special) if format is not None else {},
        )
        scheduler = served.scheduler
        if name:
            ticket.version, scheduler = self._hold(name, number, served)
        return ticket, None if format is None else ToolCallParser(format), scheduler

    def _room(self, ids: list[int]) -> int:
        context = self.description.context
        if not ids:
            raise AdapterError("The prompt is empty.", remedy="Send at least one message with text.")
        if context and len(ids) >= context:
            raise AdapterError(
                f"The prompt has {len(ids)} tokens, and {self.base_model} reads {context} with its answer.",
                remedy="Shorten the history or the passages.",
            )
        return context - len(ids) if context else 1 << 30

    # -- adapters ------------------------------------------------------------------------------------------

    def load_adapter(self, name: str, path: str | Path, *, description: str = "") -> AdapterInfo:
        """Read an adapter, check it against the base, and make it known under this name.

        The files are copied into memory: they may change on disk. Raises `UnsafeAdapter`, `AdapterMismatch`,
        or `AdapterError` for a kind that cannot be served, with the reason.
        """
        check_name(name)
        folder = Path(path).expanduser()
        if self._registry is not None:
            self._registry.leave(name)
        self._store.add(folder_version(name, folder, self.description, description=description))
        self._wake()
        return next(known for known in self._store.list() if known.name == name)

    def use_registry(self, registry: Any) -> None:
        """Serve the adapters of a registry, or of a folder that holds peft folders.

        They are read at their first use; new ones, and new versions, are found when somebody asks for them.
        """
        self._registry = Follower(open_source(registry, self._describe), self._store)
        self._registry.refresh()

    def unload_adapter(self, name: str) -> None:
        """Forget an adapter; requests that run finish on it. Raises `UnknownAdapter`."""
        self._store.remove(name)
        self._wake()

    def pin_adapter(self, name: str, *, pinned: bool = True) -> None:
        """Keep an adapter in its slot whatever others are asked for. Raises `AdapterError`."""
        self._store.pin(name, pinned=pinned)

    def list_adapters(self) -> list[AdapterInfo]:
        """The adapters that can be asked for, by name."""
        if self._registry is not None:
            self._registry.refresh()
        return self._store.list()

    def _hold(self, name: str, number: str | None, served: _Served) -> tuple[AdapterVersion, Scheduler]:
        """A version that stays until its request ends, its weights in memory, and who serves it."""
        version = self._store.hold(name, number)
        try:
            self._store.bring(version)
            return version, served.scheduler_of(version)
        except BaseException:
            self._store.release(version)
            raise

    def _find(self, name: str, number: str | None) -> AdapterVersion:
        """The version asked for; looks into the registry for what is new there."""
        if self._registry is not None:
            self._registry.refresh(at_most_every=SECONDS)
        try:
            return self._store.find(name, number)
        except UnknownAdapter:
            if self._registry is not None:
                self._registry.refresh()
                if number is not None:
                    self._registry.take(name, number)
            return self._store.find(name, number)

    def _wake(self) -> None:
        if self._served is not None:
            self._served.scheduler.wake()


def _deltas(piece: Piece, ticket: Ticket, parser: ToolCallParser | None) -> Iterator[Delta]:
    """A piece as callers see it: text apart from tool calls, with the name of who wrote it."""
    text, calls = piece.text, list[dict[str, Any]]()
    if parser is not None:
        text, calls = parser.feed(piece.text)
        if piece.finish_reason is not None:
            rest, more = parser.finish()
            text, calls = text + rest, [*calls, *more]
    info = ticket.version.info if ticket.version is not None else None
    if text or calls or piece.logprobs or piece.finish_reason is not None:
        yield Delta(
            text=text,
            logprobs=piece.logprobs,
            tool_calls=tuple(calls),
            finish_reason=piece.finish_reason,
            usage=piece.usage,
            adapter=info.name if info else "",
            adapter_version=info.version if info else "",
        )
