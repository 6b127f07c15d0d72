"""Where adapters are, and that nobody loses one that is in use. The slots are a fake that takes notes."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch

from ragweave.adapters.errors import AdapterError, UnknownAdapter
from ragweave.adapters.records import AdapterInfo
from ragweave.adapters.slot_store import AdapterVersion, SlotStore
from ragweave.adapters.weights import AdapterWeights, LoraPair

SIZE = 8 * 4  # bytes of the weights below


def weights(number: int) -> AdapterWeights:
    """Weights that tell whose they are."""
    a = torch.full((1, 4), float(number))
    return AdapterWeights(linear={"layer": LoraPair(a, a.T.clone(), 1.0)})


class Slots:
    """A pool that only remembers what stands in each slot."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.held: dict[int | None, AdapterWeights] = {}  # None, an adapter without a slot, is no key of it
        self.broken = False

    @property
    def nbytes(self) -> int:
        return len(self.held)

    def write(self, slot: int, weights: AdapterWeights) -> None:
        assert 1 <= slot <= self.slots
        if self.broken:
            raise RuntimeError("out of memory")
        self.held[slot] = weights

    def clear(self) -> None:
        self.held.clear()


class Disk:
    """Reads of one version: counted, and made to wait or fail."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.reads = 0
        self.error: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self) -> AdapterWeights:
        self.reads += 1
        self.gate.wait(10)
        if self.error is not None:
            raise self.error
        return weights(self.number)


def version(name: str, number: str = "1", disk: Disk | None = None) -> AdapterVersion:
    """A version on disk."""
    return AdapterVersion(AdapterInfo(name=name, version=number), disk or Disk(int(number)))


def store_of(slots: int = 2, **options: Any) -> tuple[SlotStore, Slots]:
    """A store, and the slots behind it."""
    pool: Any = Slots(slots)
    return SlotStore(pool, **options), pool


def serve(store: SlotStore, name: str, number: str | None = None) -> AdapterVersion:
    """Hold a version and let it run."""
    found = store.hold(name, number)
    store.bring(found)
    assert store.fetch(found)
    assert store.place(found)
    store.start(found)
    return found


def finish(store: SlotStore, *versions: AdapterVersion) -> None:
    """End a row of each of these."""
    for each in versions:
        store.stop(each)
        store.release(each)


def until(condition: Callable[[], bool]) -> None:
    """Wait for another thread."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.001)


# -- names -------------------------------------------------------------------------------------------------


def test_a_name_means_its_newest_version_and_a_number_that_one() -> None:
    store, _ = store_of()
    first, second = version("a", "1"), version("a", "2")
    store.add(second)
    store.add(first, current=False)

    assert store.find("a") is second
    assert store.find("a", "1") is first
    assert store.find("a", "1")
    assert [(info.name, info.version) for info in store.list()] == [("a", "2")]


def test_an_unknown_name_lists_those_that_are_known() -> None:
    store, _ = store_of()
    store.add(version("legal"))

    with pytest.raises(UnknownAdapter, match=r"Did you mean 'legal'\? Known adapters: legal\."):
        store.find("lega")
    with pytest.raises(UnknownAdapter, match="legal@1"):
        store.hold("legal", "2")
    with pytest.raises(UnknownAdapter):
        store.remove("lega")
    with pytest.raises(UnknownAdapter):
        store.pin("lega")


def test_a_replaced_version_serves_those_that_hold_it_and_then_is_gone() -> None:
    store, pool = store_of()
    store.add(version("a", "1"))
    old = serve(store, "a")
    store.add(version("a", "2"))
    new = serve(store, "a")

    assert (old.info.version, new.info.version) == ("1", "2")
    assert old.slot != new.slot
    assert pool.held[old.slot].linear["layer"].a[0, 0] == 1
    with pytest.raises(UnknownAdapter):
        store.find("a", "1")
    finish(store, old)
    assert old.slot is None
    assert old.weights is None
    assert new.slot is not None


def test_the_same_version_given_again_replaces_the_one_before() -> None:
    store, _ = store_of()
    before, after = version("a"), version("a")
    store.add(before)
    store.pin("a")

    store.add(after)

    assert store.find("a") is after
    assert store.find("a", "1") is after
    assert before.retired
    assert after.pinned


def test_a_removed_adapter_leaves_when_its_last_request_does() -> None:
    store, pool = store_of()
    calls: list[str] = []
    store.add(version("a", "1"))
    store.add(version("a", "7"), current=False)
    held = serve(store, "a")
    held.gone = lambda: calls.append("gone")

    store.remove("a")

    assert store.list() == []
    with pytest.raises(UnknownAdapter):
        store.hold("a", "7")
    store.sweep()
    assert pool.held  # still running
    assert not calls
    finish(store, held)
    assert calls == ["gone"]
    store.sweep()
    assert not pool.held


# -- slots -------------------------------------------------------------------------------------------------


def test_the_idle_adapter_used_longest_ago_leaves_its_slot() -> None:
    store, _ = store_of(slots=2)
    for name in "abc":
        store.add(version(name))
    first, second = serve(store, "a"), serve(store, "b")
    finish(store, second, first)
    finish(store, serve(store, "a"))

    third = serve(store, "c")

    assert second.slot is None
    assert (first.slot, third.slot) == (1, 2)
    assert [info.state for info in store.list()] == ["device", "cpu", "device"]


def test_an_adapter_that_runs_or_is_pinned_keeps_its_slot() -> None:
    store, pool = store_of(slots=2)
    for name in "abcd":
        store.add(version(name))
    store.pin("a")
    pinned = serve(store, "a")
    finish(store, pinned)
    running = serve(store, "b")
    waiting = store.hold("c")
    store.bring(waiting)

    assert not store.can_place(waiting)
    assert not store.place(waiting)
    assert {pinned.slot, running.slot} == {1, 2}
    finish(store, running)
    assert store.can_place(waiting)
    assert store.place(waiting)
    assert running.slot is None
    store.pin("a", pinned=False)
    other = serve(store, "d")
    assert pinned.slot is None
    assert pool.held[other.slot] is other.weights


def test_one_slot_at_least_is_never_pinned() -> None:
    store, _ = store_of(slots=2)
    store.add(version("a"))
    store.add(version("b"))
    store.pin("a")

    with pytest.raises(AdapterError, match="'b' cannot be pinned: 1 of 2 slots are"):
        store.pin("b")
    store.pin("a")
    store.pin("a", pinned=False)
    store.pin("b")


def test_a_slot_whose_writing_failed_is_free_for_the_next() -> None:
    store, pool = store_of(slots=1)
    store.add(version("a"))
    store.add(version("b"))
    held = store.hold("a")
    store.bring(held)
    pool.broken = True

    with pytest.raises(RuntimeError):
        store.place(held)
    pool.broken = False

    assert held.slot is None
    assert serve(store, "b").slot == 1


# -- memory and disk ---------------------------------------------------------------------------------------


def test_weights_that_nobody_needs_leave_memory_at_the_limit_and_come_back() -> None:
    store, pool = store_of(slots=1, memory=2 * SIZE)
    disks = [Disk(number) for number in range(1, 5)]
    for number, disk in enumerate(disks, 1):
        store.add(version(f"a{number}", str(number), disk))
    for number in range(1, 5):
        held = store.hold(f"a{number}")
        store.bring(held)
        store.release(held)

    assert [info.state for info in store.list()] == ["disk", "disk", "cpu", "cpu"]
    again = serve(store, "a1")
    assert disks[0].reads == 2
    assert pool.held[again.slot].linear["layer"].a[0, 0] == 1


def test_the_limit_holds_for_adapters_that_come_with_their_weights() -> None:
    store, _ = store_of(slots=1, memory=2 * SIZE)

    for number in range(1, 6):
        each = version(f"a{number}", str(number))
        each.weights, each.nbytes = weights(number), SIZE
        store.add(each)

    assert [info.state for info in store.list()] == ["disk"] * 3 + ["cpu"] * 2


def test_weights_that_a_request_waits_with_stay_in_memory() -> None:
    store, _ = store_of(slots=1, memory=0)
    store.add(version("a"))
    store.add(version("b"))
    running = serve(store, "a")
    waiting = store.hold("b")

    store.bring(waiting)

    assert waiting.weights is not None
    assert running.weights is None  # its slot has them
    assert running.slot == 1


def test_a_version_that_lost_slot_and_memory_is_read_beside_the_steps() -> None:
    store, _ = store_of(slots=1, memory=0)
    disk = Disk(1)
    store.add(version("a", disk=disk))
    store.add(version("b"))
    finish(store, serve(store, "a"))
    lost = store.hold("a")
    store.bring(lost)  # in its slot, so nothing is read
    finish(store, serve(store, "b"))  # and now it is not
    disk.gate.clear()

    assert not store.fetch(lost)
    until(lambda: disk.reads == 2)
    assert not store.fetch(lost)
    disk.gate.set()
    until(lambda: store.fetch(lost))

    assert disk.reads == 2
    assert store.place(lost)


@pytest.mark.parametrize(
    "error", [OSError("gone"), AdapterError("changed"), ValueError("odd"), MemoryError()]
)
def test_a_failed_reading_is_told_once_and_tried_again(error: Exception) -> None:
    store, _ = store_of(slots=1, memory=0)
    disk = Disk(1)
    store.add(version("a", disk=disk))
    held = store.hold("a")
    disk.error = error

    assert not store.fetch(held)
    until(lambda: held.failure is not None)
    with pytest.raises(type(error)):
        store.fetch(held)
    disk.error = None

    assert not store.fetch(held)
    until(lambda: store.fetch(held))
    assert disk.reads == 2


def test_many_that_ask_at_once_read_once() -> None:
    store, _ = store_of()
    disk = Disk(1)
    disk.gate.clear()
    store.add(version("a", disk=disk))
    held = store.hold("a")
    threads = [threading.Thread(target=store.bring, args=(held,)) for _ in range(4)]

    for thread in threads:
        thread.start()
    until(lambda: disk.reads == 1)
    disk.gate.set()
    for thread in threads:
        thread.join(10)

    assert disk.reads == 1
    assert held.weights is not None


# -- everything at once ------------------------------------------------------------------------------------


def test_threads_that_come_and_go_leave_every_count_at_zero() -> None:
    store, pool = store_of(slots=2, memory=3 * SIZE)
    names = [f"a{number}" for number in range(6)]
    everything: list[AdapterVersion] = []
    waiting: list[AdapterVersion] = []
    errors: list[BaseException] = []
    done = threading.Event()

    def add(name: str, number: int) -> None:
        each = version(name, str(number))
        everything.append(each)
        store.add(each)

    def hammer(seed: int) -> None:
        chance = random.Random(seed)
        try:
            for turn in range(400):
                name = chance.choice(names)
                try:
                    if chance.random() < 0.1:
                        add(name, 1000 * seed + turn)
                    elif chance.random() < 0.1:
                        store.remove(name)
                    else:
                        held = store.hold(name)
                        store.bring(held)
                        if chance.random() < 0.7:
                            waiting.append(held)
                        else:
                            store.release(held)
                except UnknownAdapter:
                    add(name, 1000 * seed + turn)
        except BaseException as error:
            errors.append(error)

    def own() -> None:  # as the thread that owns the model does
        chance = random.Random(0)
        running: list[AdapterVersion] = []
        try:
            while not done.is_set() or waiting or running:
                if waiting:
                    each = waiting.pop(0)
                    if store.fetch(each) and store.place(each):
                        slot = store.start(each)
                        assert pool.held[slot].linear["layer"].a[0, 0] == float(each.info.version)
                        running.append(each)
                    else:
                        waiting.append(each)
                for each in running:
                    assert each.slot is not None
                    assert pool.held[each.slot].linear["layer"].a[0, 0] == float(each.info.version)
                if running and (len(running) > 5 or chance.random() < 0.5 or not waiting):
                    finish(store, running.pop(chance.randrange(len(running))))
        except BaseException as error:
            errors.append(error)

    for name in names:
        add(name, 1)
    threads = [threading.Thread(target=hammer, args=(seed,)) for seed in (1, 2)]
    owner = threading.Thread(target=own)
    for thread in (*threads, owner):
        thread.start()
    for thread in threads:
        thread.join(30)
    done.set()
    owner.join(30)

    assert not errors
    assert not owner.is_alive()
    assert all(each.holders == each.running == 0 for each in everything)
    for name in {info.name for info in store.list()}:
        store.remove(name)
    assert all(each.slot is None and each.weights is None for each in everything)
    store.sweep()
    assert not pool.held
