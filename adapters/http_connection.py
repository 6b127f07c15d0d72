"""Requests to one server: deadlines, attempts, event loops. Knows no adapter and no message.

Nothing is sent twice once the server has begun to answer.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from threading import Lock
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import httpx

from .errors import AdapterError, EngineStopped, RequestTimeout
from .http_answer import RETRIED, Refusal

__all__ = ["HttpConnection"]

CONNECT = 5.0  # seconds; a server that takes longer to accept is not there
SILENCE = 600.0  # seconds without a byte, where the caller gives no timeout
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 8.0  # seconds between attempts

Refused = Callable[[Refusal], AdapterError]


class HttpConnection:
    """Connections to one server, from any thread and any event loop."""

    def __init__(self, address: str, *, api_key: str | None, retries: int, timeout: float | None) -> None:
        self.host = urlsplit(address).netloc
        self._retries = retries
        self._timeout = timeout
        # The header alone holds the key, so that no message and no repr can.
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._client: httpx.Client | None = None
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = WeakKeyDictionary()
        self._closed = False
        self._lock = Lock()

    def close(self) -> None:
        """Stop; later requests raise `EngineStopped`."""
        with self._lock:
            self._closed = True
            client, self._client = self._client, None
            clients, self._clients = dict(self._clients), WeakKeyDictionary()
        if client is not None:
            client.close()
        for loop, unsync in clients.items():
            if loop.is_running():
                asyncio.run_coroutine_threadsafe(unsync.aclose(), loop)

    def check_open(self) -> None:
        """Raises `EngineStopped` after `close`."""
        if self._closed:
            raise EngineStopped("The engine was closed.", remedy="Make a new model.")

    def send(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        """A request whose response comes whole; the last attempt's, whatever its status."""
        deadline = None if self._timeout is None else time.monotonic() + self._timeout
        for attempt in range(self._retries + 1):
            last = attempt == self._retries
            try:
                with self.translated(deadline):
                    response = self._sync().request(method, url, json=body, timeout=_limits(deadline))
            except EngineStopped:
                if last or self._closed:
                    raise
            else:
                if last or response.status_code not in RETRIED:
                    return response
            time.sleep(self._pause(attempt, deadline))
        raise AssertionError("unreachable")

    @contextmanager
    def opened(
        self, url: str, body: Mapping[str, Any], deadline: float | None, refused: Refused
    ) -> Iterator[httpx.Response]:
        """A response that comes in pieces, once the server begins to answer.

        Raises what `refused` makes of a refusal; `EngineStopped` where there is no server; `RequestTimeout`.
        """
        for attempt in range(self._retries + 1):
            last = attempt == self._retries
            try:
                with self.translated(deadline):
                    client = self._sync()
                    request = client.build_request("POST", url, json=body, timeout=_limits(deadline))
                    response = client.send(request, stream=True)
            except EngineStopped:
                if last or self._closed:
                    raise
                time.sleep(self._pause(attempt, deadline))
                continue
            try:
                if response.status_code == 200:
                    yield response
                    return
                with self.translated(deadline):
                    refusal = Refusal.of(response.status_code, response.read())
            finally:
                response.close()
            if last or refusal.status not in RETRIED:
                raise refused(refusal)
            time.sleep(self._pause(attempt, deadline, response.headers.get("retry-after")))

    @asynccontextmanager
    async def aopened(
        self, url: str, body: Mapping[str, Any], deadline: float | None, refused: Refused
    ) -> AsyncIterator[httpx.Response]:
        """The same for asyncio."""
        for attempt in range(self._retries + 1):
            last = attempt == self._retries
            try:
                with self.translated(deadline):
                    client = self._unsync()
                    request = client.build_request("POST", url, json=body, timeout=_limits(deadline))
                    response = await client.send(request, stream=True)
            except EngineStopped:
                if last or self._closed:
                    raise
                await asyncio.sleep(self._pause(attempt, deadline))
                continue
            try:
                if response.status_code == 200:
                    yield response
                    return
                with self.translated(deadline):
                    refusal = Refusal.of(response.status_code, await response.aread())
            finally:
                await response.aclose()
            if last or refusal.status not in RETRIED:
                raise refused(refusal)
            await asyncio.sleep(self._pause(attempt, deadline, response.headers.get("retry-after")))

    def within(self, pieces: Iterator[bytes], deadline: float | None) -> Iterator[bytes]:
        """The pieces that come before the deadline; then `RequestTimeout`."""
        with self.translated(deadline):
            for piece in pieces:
                if deadline is not None and time.monotonic() > deadline:
                    raise self._late()
                yield piece

    async def awithin(self, pieces: AsyncIterator[bytes], deadline: float | None) -> AsyncGenerator[bytes]:
        """The same for asyncio."""
        while True:
            try:
                with self.translated(None):
                    async with asyncio.timeout(None if deadline is None else deadline - time.monotonic()):
                        piece = await anext(pieces)
            except StopAsyncIteration:
                return
            except TimeoutError as error:
                raise self._late() from error
            yield piece

    @contextmanager
    def translated(self, deadline: float | None) -> Iterator[None]:
        """Errors of the connection become errors of this package, here alone."""
        try:
            yield
        except httpx.ConnectTimeout as error:
            raise self._unreachable("did not accept a connection") from error
        except httpx.TimeoutException as error:
            raise self._late() from error
        except httpx.TransportError as error:
            what = (
                "cannot be reached" if isinstance(error, httpx.ConnectError) else "broke the connection off"
            )
            raise self._unreachable(f"{what} ({error or type(error).__name__})") from error
        if deadline is not None and time.monotonic() > deadline:
            raise self._late()

    def _unreachable(self, what: str) -> EngineStopped:
        return EngineStopped(
            f"The server {self.host} {what}.", remedy="Start it, or correct the address in base."
        )

    def _late(self) -> RequestTimeout:
        return RequestTimeout(
            f"The server {self.host} did not finish in time.", remedy="Raise timeout, or lower max_tokens."
        )

    def _pause(self, attempt: int, deadline: float | None, asked: str | None = None) -> float:
        """Seconds until the next attempt: doubled each time, spread, or as long as the server asks for."""
        pause: float = min(FIRST_PAUSE * 2.0**attempt, LONGEST_PAUSE) * random.uniform(0.75, 1.25)
        if asked is not None and asked.isdigit():
            pause = min(float(asked), LONGEST_PAUSE)
        if deadline is not None and time.monotonic() + pause > deadline:
            raise self._late()
        return pause

    def _sync(self) -> httpx.Client:
        with self._lock:
            self.check_open()
            if self._client is None:
                self._client = httpx.Client(headers=self._headers)
            return self._client

    def _unsync(self) -> httpx.AsyncClient:
        """One for each event loop: connections belong to the loop that opened them."""
        loop = asyncio.get_running_loop()
        with self._lock:
            self.check_open()
            client = self._clients.get(loop)
            if client is None:
                client = self._clients[loop] = httpx.AsyncClient(headers=self._headers)
            return client


def _limits(deadline: float | None) -> httpx.Timeout:
    """Seconds for each wait of a request."""
    if deadline is None:
        return httpx.Timeout(SILENCE, connect=CONNECT)
    left = max(deadline - time.monotonic(), 0.001)
    return httpx.Timeout(left, connect=min(left, CONNECT))
