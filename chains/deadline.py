"""Calls with a deadline, for work that cannot be stopped: it is left behind, and no more is begun meanwhile.

Knows nothing of what the call does.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

__all__ = ["Late", "StillBusy", "Watch"]

T = TypeVar("T")


class Late(Exception):
    """The call took longer than its deadline."""


class StillBusy(Exception):
    """An earlier call is past its deadline and has not come back."""


class Watch:
    """Runs each call in a thread of its own, a daemon, so that a call that hangs holds up no exit.

    While one is past its deadline no other is begun: threads cannot pile up behind something that hangs.

    >>> Watch().call(lambda: 2 + 3, seconds=1.0)
    5
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._overdue = 0

    def call(self, work: Callable[[], T], *, seconds: float | None) -> T:
        """What `work` gives or raises; without `seconds` it runs right here.

        Raises:
            Late: after `seconds`; what the call gives later is thrown away.
            StillBusy: at once, where an earlier call is late and has not ended.
        """
        if seconds is None:
            return work()
        with self._lock:
            if self._overdue:
                raise StillBusy
        future: Future[T] = Future()
        context = contextvars.copy_context()  # callbacks and tracing of the caller reach into the thread
        threading.Thread(
            target=lambda: context.run(_fulfil, future, work), name="ragweave-deadline", daemon=True
        ).start()
        if wait([future], timeout=seconds).done:
            return future.result()
        with self._lock:
            self._overdue += 1
        future.add_done_callback(self._came_back)
        raise Late

    def _came_back(self, future: Future[T]) -> None:
        with self._lock:
            self._overdue -= 1


def _fulfil(future: Future[T], work: Callable[[], T]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # all of them: who waits must learn of it, and raises it again
        future.set_exception(error)
