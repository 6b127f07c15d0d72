"""Processes that write to a registry: killed before each change of the disk, or side by side.

Run by `test_registry.py` as `python -m tests.adapters.registry_processes WHAT REGISTRY ADAPTER`. It forks, so
that torch is imported once.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import ragweave.adapters.adapter_check  # noqa: F401  # and torch with it, before the forks
from ragweave.adapters.registry import AdapterRegistry

CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir")


def die_before_change(number: int, folder: str) -> None:
    """Kill this process before its n-th change below `folder`."""
    left = number

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        opened = (
            event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        )
        if (event in CHANGES or opened) and str(arguments[0]).startswith(folder):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def in_child(work: Callable[[], object]) -> int:
    """Run something in a fork; its exit status, negative for a signal."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill_everywhere(folder: str, change: Callable[[AdapterRegistry], object]) -> list[list[str]]:
    """Kill a change before each of its steps; the versions seen after each kill, and at last unharmed."""
    seen = []
    for number in range(1, 200):

        def work(number: int = number) -> None:
            die_before_change(number, folder)
            change(AdapterRegistry(folder))

        status = in_child(work)
        registry = AdapterRegistry(folder)
        found = [info.version for name in registry.list() for info in registry.versions(name.name)]
        seen.append(found)
        if status == 0:
            return seen
    raise AssertionError("it never finished")


def side_by_side(folder: str, adapter: str) -> list[list[str]]:
    """Four processes that add five versions each."""
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            for _ in range(5):
                AdapterRegistry(folder).add(adapter, "support")
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    return [[info.version for info in AdapterRegistry(folder).versions("support")]]


def main(what: str, folder: str, adapter: str) -> None:
    if what == "add":
        found = kill_everywhere(folder, lambda registry: registry.add(adapter, "support"))
    elif what == "remove":
        for _ in range(3):
            AdapterRegistry(folder).add(adapter, "support")
        found = kill_everywhere(
            folder, lambda registry: registry.remove("support", registry.get("support").version)
        )
    else:
        found = side_by_side(folder, adapter)
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], str(Path(sys.argv[2])), sys.argv[3])
