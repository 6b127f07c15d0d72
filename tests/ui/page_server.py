"""The web chat on a port of its own, in a thread, for tests that open it in a browser; a line to cut."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Any

from ragweave.ui.app import create_app


class PageServer:
    """Serves one application until `stop`."""

    def __init__(self, kb: Any, chain: Any, **given: Any) -> None:
        import uvicorn

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.kb, self.chain = kb, chain
        config = uvicorn.Config(
            create_app(kb, chain, **given), host="127.0.0.1", port=port, log_level="warning",
            timeout_graceful_shutdown=1,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        until = time.monotonic() + 60
        while not self._server.started and time.monotonic() < until:
            time.sleep(0.05)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)


class Line:
    """A TCP line to a server, which a test may cut, or lay to another server."""

    def __init__(self, server: PageServer) -> None:
        self.server: PageServer | None = server  # None: nobody answers
        self._ends: list[socket.socket] = []
        self._door = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        threading.Thread(target=self._run, daemon=True).start()

    def cut(self) -> None:
        """End every connection that is open now."""
        ends, self._ends = self._ends, []
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.cut()
        self._door.close()

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                caller, _ = self._door.accept()
                try:
                    if self.server is None:
                        raise ConnectionError
                    called = socket.create_connection(("127.0.0.1", int(self.server.url.rpartition(":")[2])))
                except OSError:
                    caller.close()
                    continue
                self._ends += [caller, called]
                for ends in ((caller, called), (called, caller)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    @staticmethod
    def _carry(here: socket.socket, there: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := here.recv(65536):
                there.sendall(data)
        for end in (here, there):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
