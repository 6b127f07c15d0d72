"""Which processes run: process ids are used again, and mean nothing on another host."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path

__all__ = ["host_identity", "process_start"]


@cache
def host_identity() -> str:
    """One running system that shares process ids: two containers of one name differ."""
    parts = [socket.gethostname()]
    for path in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        try:
            parts.append(os.readlink(path) if "ns" in path else Path(path).read_text("ascii").strip())
        except OSError:  # not Linux: the name has to do
            parts.append("")
    return "/".join(parts)


def process_start(pid: int) -> str:
    """When a process started, "" if there is none: with its id, this names it for good."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else fields[19]  # a zombie does nothing any more
    except OSError:
        if Path("/proc/self/stat").exists():
            return ""
    return "running" if _answers(pid) else ""


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # somebody else's
    return True
