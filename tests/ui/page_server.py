"""The web chat on a port of its own, in a thread, for tests that open it in a browser."""

from __future__ import annotations

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
