"""Calls that may hang."""

from __future__ import annotations

import contextvars
import subprocess
import sys
import threading

import pytest

from ragweave.chains.deadline import Late, StillBusy, Watch

HANGING = """
import time
from ragweave.chains.deadline import Late, Watch
try:
    Watch().call(lambda: time.sleep(600), seconds=0.05)
except Late:
    print("late")
"""


def test_what_a_call_raises_is_raised() -> None:
    def fail() -> None:
        raise KeyError("no such passage")

    with pytest.raises(KeyError, match="no such passage"):
        Watch().call(fail, seconds=5)


def test_a_time_out_inside_the_call_is_not_taken_for_its_deadline() -> None:
    def time_out() -> None:
        raise TimeoutError("the service gave up")

    with pytest.raises(TimeoutError, match="the service gave up"):
        Watch().call(time_out, seconds=5)


def test_no_call_is_begun_while_one_hangs_and_the_next_works_again() -> None:
    watch, go_on = Watch(), threading.Event()
    before = threading.active_count()

    with pytest.raises(Late):
        watch.call(go_on.wait, seconds=0.02)
    for _ in range(50):
        with pytest.raises(StillBusy):
            watch.call(lambda: None, seconds=5)

    assert threading.active_count() == before + 1
    (hanging,) = [thread for thread in threading.enumerate() if thread.name == "ragweave-deadline"]
    go_on.set()
    hanging.join(60)
    assert watch.call(lambda: "again", seconds=60) == "again"


def test_calls_in_time_do_not_wait_for_each_other() -> None:
    watch, both = Watch(), threading.Barrier(2, timeout=60)
    given: list[int] = []

    threads = [
        threading.Thread(target=lambda: given.append(watch.call(both.wait, seconds=60))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(given) == [0, 1]


def test_the_context_of_the_caller_reaches_the_call() -> None:
    asked: contextvars.ContextVar[str] = contextvars.ContextVar("asked")
    asked.set("by Ann")

    assert Watch().call(asked.get, seconds=5) == "by Ann"


def test_the_process_ends_while_a_call_hangs() -> None:
    run = subprocess.run([sys.executable, "-c", HANGING], capture_output=True, text=True, timeout=60)

    assert (run.returncode, run.stdout) == (0, "late\n")
