"""A process that ingests and may be killed on the way: `python crash_child.py URL FOLDER POINT`.

With POINT 0 it says "ready" and ingests; with POINT n it kills itself before its n-th write to the store.
With POINT count it prints how many writes there are.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from ragweave.chains import KnowledgeBase  # noqa: E402
from tests.chains.fakes import WordEncoder  # noqa: E402

WRITES = ("INSERT", "UPDATE", "DELETE", "COMMIT", "CREATE")


class Writes:
    """Counts writes; kills the process before the one that it is told."""

    def __init__(self, fatal: int) -> None:
        self.fatal = fatal
        self.count = 0

    def happen(self) -> None:
        self.count += 1
        if self.count == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)


def watch_sqlite(writes: Writes) -> None:
    """Every statement that changes a database counts."""
    connect = sqlite3.connect

    def watched(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **kwargs)
        connection.set_trace_callback(
            lambda statement: writes.happen() if statement.lstrip().upper().startswith(WRITES) else None
        )
        return connection

    setattr(sqlite3, "connect", watched)  # noqa: B010  (a plain assignment does not fit the overloads)


def watch_weaviate(writes: Writes) -> None:
    """Every request that changes the server counts: over REST all but GET and HEAD, over gRPC batches."""
    import httpx
    from weaviate.proto.v1 import weaviate_pb2_grpc

    def counted(send: Callable[..., Any]) -> Callable[..., Any]:
        def sending(client: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            if request.method not in ("GET", "HEAD"):
                writes.happen()
            return send(client, request, *args, **kwargs)

        return sending

    setattr(httpx.Client, "send", counted(httpx.Client.send))  # noqa: B010
    stub: Any = weaviate_pb2_grpc.WeaviateStub
    initialise = stub.__init__

    def watched(self: Any, channel: Any) -> None:
        initialise(self, channel)
        for name in ("BatchObjects", "BatchDelete", "BatchReferences"):
            call = getattr(self, name)

            def calling(*args: Any, call: Any = call, **kwargs: Any) -> Any:
                writes.happen()
                return call(*args, **kwargs)

            setattr(self, name, calling)

    stub.__init__ = watched


def _say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def main(url: str, folder: str, point: str) -> None:
    writes = Writes(int(point) if point.isdigit() else -1)
    (watch_weaviate if url.startswith("weaviate") else watch_sqlite)(writes)
    os.chdir(Path(folder).parent)
    with KnowledgeBase.open(url, embeddings=WordEncoder()) as kb:
        _say("ready")
        kb.ingest(Path(folder).name, delete_missing=True)
    _say(writes.count)


if __name__ == "__main__":
    main(*sys.argv[1:])
