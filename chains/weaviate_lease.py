"""Leases: who writes a source now, kept on the server so that every host sees it.

A lease is an object with an id made of the source's name; Weaviate refuses to insert an id that exists.
That check is not atomic (of 200 races of four writers, 3 had two winners), so a holder reads its lease back,
checks it before each step, and starts over when it has lost it. A lease that is left behind by a killed
writer is the mark that its source is unfinished. Knows no passages.
"""

from __future__ import annotations

import json
import os
import random
import socket
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from .errors import IngestError
from .processes import host_identity, process_start
from .weaviate_base import WeaviateBase
from .weaviate_schema import source_uuid

__all__ = ["Holder", "Leases"]

LEASE_SECONDS = 30.0  # a lease that was not renewed for so long is free
WAIT_SECONDS = 90.0  # for a writer that is alive
RENEW_SECONDS = 5.0

# Tokens of the writes that run in this process: another lease of this process is left over from a failed one.
_running: set[str] = set()


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that wrote a lease, and when (by its own clock, for people and for hosts that are gone)."""

    host: str
    name: str
    pid: int
    started: str
    at: float
    beat: int = 0

    def is_gone(self, token: str) -> bool:
        """Whether it certainly writes no more: only a process of this host can be looked up."""
        if self.pid == 0:
            return True
        if self.host != host_identity():
            return False
        if self.pid == os.getpid() and self.started == process_start(self.pid):
            return token not in _running
        return process_start(self.pid) != self.started


class Leases:
    """Takes, keeps and gives back the leases of a base's sources."""

    def __init__(self, base: WeaviateBase, *, timeout: float) -> None:
        self._base = base
        # A holder renews between its calls, and one call may take `timeout`.
        self._patience = max(LEASE_SECONDS, 3 * timeout)
        self._renewed: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def take(self, source: str) -> str:
        """Wait until the source is ours; gives the lease's token.

        Raises:
            IngestError: Another process has been writing the source for too long.
        """
        token = uuid.uuid4().hex
        _running.add(token)
        try:
            self._wait(source, token)
        except BaseException:
            _running.discard(token)
            raise
        return token

    def _wait(self, source: str, token: str) -> None:
        start = time.monotonic()
        seen: tuple[str, int] | None = None
        seen_at = start
        while True:
            self._insert(source, token)
            current = self._current(source)
            if current is None:
                continue
            held, holder = current
            if held == token:
                return
            if (held, holder.beat) != seen:
                seen, seen_at = (held, holder.beat), time.monotonic()
            # Silence is measured by our own clock, for those of two hosts differ.
            if holder.is_gone(held) or time.monotonic() - seen_at > self._patience:
                self._delete(source, held)
                continue
            if time.monotonic() - start > max(WAIT_SECONDS, 2 * self._patience):
                raise IngestError(
                    f"{source!r} has been written by process {holder.pid} on {holder.name} for "
                    f"{time.monotonic() - start:.0f} s.",
                    remedy="Wait until it is done, or stop it, and ingest again.",
                )
            time.sleep(random.uniform(0.01, 0.1))

    def keep(self, source: str, token: str) -> bool:
        """Whether the lease is still ours; renews it from time to time."""
        current = self._current(source)
        if current is None or current[0] != token:
            return False
        with self._lock:
            last, beat = self._renewed.get(token, (time.monotonic(), 0))
            due = time.monotonic() - last > RENEW_SECONDS
            self._renewed[token] = (time.monotonic(), beat + 1) if due else (last, beat)
        if due:
            self._update(source, _this_process(beat + 1))
        return True

    def _update(self, source: str, holder: Holder) -> None:
        said = {"holder": json.dumps(asdict(holder))}
        self._base.write(lambda _, sources: sources.data.update(source_uuid("lease", source), said))

    def release(self, source: str, token: str) -> bool:
        """Give the lease back; False if it was no longer ours."""
        released = self._delete(source, token)
        self.forget(token)
        return released

    def give_up(self, source: str, token: str) -> None:
        """Leave the lease as the mark that the source is unfinished, free for whoever writes it next."""
        if self.keep(source, token):
            self._update(source, replace(_this_process(0), pid=0))

    def forget(self, token: str) -> None:
        """This process writes no longer under the lease, whatever became of it."""
        _running.discard(token)
        with self._lock:
            self._renewed.pop(token, None)

    def _insert(self, source: str, token: str) -> None:
        properties = {
            "kind": "lease",
            "name": source,
            "token": token,
            "holder": json.dumps(asdict(_this_process(0))),
        }

        def insert(_: Any, sources: Any) -> None:
            from weaviate.exceptions import UnexpectedStatusCodeError

            try:
                sources.data.insert(properties, uuid=source_uuid("lease", source))
            except UnexpectedStatusCodeError as error:
                if "already exists" not in str(error):
                    raise

        self._base.write(insert)

    def _current(self, source: str) -> tuple[str, Holder] | None:
        found = self._base.write(
            lambda _, sources: sources.query.fetch_object_by_id(
                source_uuid("lease", source), return_properties=["token", "holder"]
            )
        )
        return None if found is None else (found.properties["token"], holder_from(found.properties))

    def _delete(self, source: str, token: str) -> bool:
        def delete(_: Any, sources: Any) -> bool:
            from weaviate.classes.query import Filter

            mine = Filter.by_id().equal(source_uuid("lease", source)) & Filter.by_property("token").equal(
                token
            )
            return bool(sources.data.delete_many(where=mine).matches)

        return self._base.write(delete)

    def is_left_over(self, properties: Mapping[str, Any]) -> bool:
        """Whether the writer of a lease is gone; of another host, one that was silent for long is."""
        holder = holder_from(properties)
        return holder.is_gone(properties["token"]) or time.time() - holder.at > 2 * self._patience


def _this_process(beat: int) -> Holder:
    pid = os.getpid()
    return Holder(host_identity(), socket.gethostname(), pid, process_start(pid), time.time(), beat)


def holder_from(properties: Mapping[str, Any]) -> Holder:
    """The holder that a lease's object names."""
    return Holder(**json.loads(properties["holder"]))
