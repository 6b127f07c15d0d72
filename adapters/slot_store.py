"""Which adapter versions are known, and where their weights are: a device slot, memory, or disk.

A version is never changed: a new one gets a new entry and the name is repointed, so that a request finishes
on the version it began with. Requests hold references; only a version that nobody holds leaves its slot.
Knows no request, no text, and of tensors only where they are. Files are read by the callers' threads, slots
are written by the thread that owns the model, between its steps.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Lock, RLock, Thread

from .errors import AdapterError, UnknownAdapter
from .records import AdapterInfo
from .slot_pool import SlotPool
from .weights import AdapterWeights

__all__ = ["AdapterVersion", "SlotStore"]

MEMORY = 1 << 30  # bytes of adapter weights kept in memory beside the slots


@dataclass(slots=True, eq=False)
class AdapterVersion:
    """One version of one adapter; the store alone changes it."""

    info: AdapterInfo
    read: Callable[[], AdapterWeights]  # from disk, checked against the base; may raise AdapterError
    weights: AdapterWeights | None = None
    nbytes: int = 0
    slot: int | None = None
    holders: int = 0  # requests that wait or run
    running: int = 0  # requests that have a row
    pinned: bool = False
    retired: bool = False  # unloaded or replaced
    last_used: int = 0
    gone: Callable[[], None] = lambda: None  # called once nobody holds a retired version; must not wait
    failure: Exception | None = None  # of the last reading beside the steps
    reading: Lock = field(default_factory=Lock, repr=False)


class SlotStore:
    """The adapters of one base model, from names to slots.

    Args:
        pool: the device slots.
        memory: bytes of weights to keep in memory for adapters without a slot; the least recently used go
            first, and come back from disk.
    """

    def __init__(self, pool: SlotPool, *, memory: int = MEMORY) -> None:
        self.pool = pool
        self.memory = memory
        self._current: dict[str, AdapterVersion] = {}  # by name
        self._versions: dict[tuple[str, str], AdapterVersion] = {}  # also older ones, by name and version
        self._slots: dict[int, AdapterVersion] = {}
        self._clock = itertools.count(1)
        self._lock = RLock()

    # -- names; from any thread ----------------------------------------------------------------------------

    def add(self, version: AdapterVersion, *, current: bool = True) -> None:
        """Make a version known, `current`: under its plain name, in place of the one before."""
        key = (version.info.name, version.info.version)
        with self._lock:
            before = self._versions.get(key)
            if before is not None and before is not version:
                self._retire(before)
            self._versions[key] = version
            version.last_used = next(self._clock)
            if current:
                replaced = self._current.get(version.info.name)
                self._current[version.info.name] = version
                if replaced is not None and replaced is not version:
                    version.pinned = version.pinned or replaced.pinned
                    self._retire(replaced)
            self._make_memory()

    def remove(self, name: str) -> None:
        """Forget a name and all its versions. Raises `UnknownAdapter`."""
        with self._lock:
            if name not in self._current:
                raise UnknownAdapter(name, self._current)
            del self._current[name]
            for version in [version for (held, _), version in self._versions.items() if held == name]:
                self._retire(version)

    def find(self, name: str, version: str | None = None) -> AdapterVersion:
        """The version that a name means. Raises `UnknownAdapter`."""
        with self._lock:
            found = self._current.get(name) if version is None else self._versions.get((name, version))
            if found is None:
                known = self._current if version is None else (f"{n}@{v}" for n, v in self._versions)
                raise UnknownAdapter(name if version is None else f"{name}@{version}", known)
            return found

    def has(self, name: str) -> bool:
        """Whether a name can be asked for."""
        with self._lock:
            return name in self._current

    def list(self) -> list[AdapterInfo]:
        """The current version of every name, and where it is."""
        with self._lock:
            return [replace(v.info, state=_state(v)) for _, v in sorted(self._current.items())]

    def pin(self, name: str, *, pinned: bool = True) -> None:
        """Keep an adapter in its slot once it has one, or let it go again. Raises `AdapterError`."""
        with self._lock:
            version = self.find(name)
            held = sum(other.pinned for other in self._current.values() if other is not version)
            if pinned and held + 1 >= self.pool.slots:
                raise AdapterError(
                    f"The adapter {name!r} cannot be pinned: {held} of {self.pool.slots} slots are.",
                    remedy="Pin fewer adapters, or give the model more slots.",
                )
            version.pinned = pinned

    # -- references; from any thread -----------------------------------------------------------------------

    def hold(self, name: str, version: str | None = None) -> AdapterVersion:
        """Find a version and keep it, until `release`; its weights may still be on disk."""
        with self._lock:
            found = self.find(name, version)
            found.holders += 1
            found.last_used = next(self._clock)
            return found

    def release(self, version: AdapterVersion) -> None:
        """Give a version up; a retired one that nobody holds is gone."""
        with self._lock:
            version.holders -= 1
            self._drop_if_gone(version)

    def bring(self, version: AdapterVersion) -> None:
        """Have a held version's weights in memory or in a slot; reads them at most once at a time."""
        with version.reading:
            with self._lock:
                if version.weights is not None or version.slot is not None:
                    return
            weights = version.read()
            with self._lock:
                version.weights, version.nbytes = weights, weights.nbytes
                self._make_memory()

    # -- slots; by the thread that owns the model, between steps -------------------------------------------

    def fetch(self, version: AdapterVersion) -> bool:
        """Whether a held version could be placed now; else a thread of its own is reading it.

        It happens to versions that lost both slot and memory since `bring`. Raises what reading raised.
        """
        with self._lock:
            if version.failure is not None:
                failure, version.failure = version.failure, None
                raise failure
            if version.slot is not None or version.weights is not None:
                return True
            if not version.reading.locked():
                Thread(target=self._fetch, args=(version,), name="ragweave-adapter", daemon=True).start()
            return False

    def _fetch(self, version: AdapterVersion) -> None:
        try:
            self.bring(version)
        except (
            Exception
        ) as error:  # whatever it is: `fetch` raises it, and its request does not wait for ever
            version.failure = error

    def resident(self, version: AdapterVersion) -> bool:
        """Whether a version has a slot."""
        return version.slot is not None

    def place(self, version: AdapterVersion) -> bool:
        """Have a held version in a slot; False where every slot has a running request or is pinned."""
        with self._lock:
            if version.slot is not None:
                return True
            slot = self._free_slot()
            if slot is None:
                return False
            weights = version.weights
            assert weights is not None, "`place` needs what `bring` or `fetch` brought"
        self.pool.write(slot, weights)
        with self._lock:
            version.slot = slot
            self._slots[slot] = version
            self._make_memory()
        return True

    def can_place(self, version: AdapterVersion) -> bool:
        """Whether `place` would find a slot."""
        with self._lock:
            return version.slot is not None or self._candidate() is not None

    def start(self, version: AdapterVersion) -> int:
        """A held and placed version gets one more running row: its slot."""
        with self._lock:
            assert version.slot is not None
            version.running += 1
            version.last_used = next(self._clock)
            return version.slot

    def stop(self, version: AdapterVersion) -> None:
        """One of its running rows ended."""
        with self._lock:
            version.running -= 1

    def sweep(self) -> None:
        """Give the tables back when no adapter is left."""
        with self._lock:
            empty = not self._versions and not self._slots
        if empty and self.pool.nbytes:
            self.pool.clear()

    # -- inside the lock -----------------------------------------------------------------------------------

    def _retire(self, version: AdapterVersion) -> None:
        version.retired = True
        key = (version.info.name, version.info.version)
        if self._versions.get(key) is version:
            del self._versions[key]
        self._drop_if_gone(version)

    def _drop_if_gone(self, version: AdapterVersion) -> None:
        if version.retired and version.holders == 0:
            version.weights = None
            self._leave_slot(version)
            version.gone()

    def _leave_slot(self, version: AdapterVersion) -> None:
        if version.slot is not None:
            self._slots.pop(version.slot, None)
            version.slot = None

    def _candidate(self) -> AdapterVersion | int | None:
        """A free slot's number, or the version that would leave its slot."""
        free = next((slot for slot in range(1, self.pool.slots + 1) if slot not in self._slots), None)
        if free is not None:
            return free
        idle = [version for version in self._slots.values() if not version.running and not version.pinned]
        return min(idle, key=lambda version: version.last_used, default=None)

    def _free_slot(self) -> int | None:
        candidate = self._candidate()
        if isinstance(candidate, AdapterVersion):
            slot = candidate.slot
            self._leave_slot(candidate)
            return slot
        return candidate

    def _make_memory(self) -> None:
        """Let the weights go that have a slot anyway or were used longest ago, down to the limit."""
        kept = [version for version in self._versions.values() if version.weights is not None]
        total = sum(version.nbytes for version in kept)
        for version in sorted(kept, key=lambda version: (version.slot is None, version.last_used)):
            if total <= self.memory:
                return
            if version.slot is not None or not version.holders:
                version.weights = None
                total -= version.nbytes


def _state(version: AdapterVersion) -> str:
    if version.slot is not None:
        return "device"
    return "cpu" if version.weights is not None else "disk"
