"""One connection to a Weaviate server: deadlines, reconnecting, and its errors in our words.

The client alone repeats a call to a dead server for 63 s. Here a call that finds no server fails at once,
is tried once more on a new connection, and then is `StoreUnavailable`. Knows no schema and no query.
"""

from __future__ import annotations

import http.client
import importlib
import socket
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import ChainError, StoreUnavailable
from .weaviate_url import ServerAddress

if TYPE_CHECKING:
    from weaviate import WeaviateClient

__all__ = ["MissingCollection", "WeaviateConnection"]

T = TypeVar("T")
CONNECT_SECONDS = 1.2  # two ports are tried, and the whole must stay under 3 s
START_REMEDY = "Check that the server runs and that the URL names its REST and gRPC ports."


class _Unreachable(Exception):
    """gRPC found no server; not an RpcError, so that the client's own retry loop lets it through."""


class MissingCollection(ChainError):
    """The collection or the tenant that a call named is not on the server."""


class WeaviateConnection:
    """A client that is made at the first `run`, dropped when the server goes, and made anew.

    `locate` names the server and its key ("" for none); it is asked at every (re)connect, so that it may
    start one. Safe to use from several threads.
    """

    def __init__(self, locate: Callable[[], tuple[ServerAddress, str]], *, timeout: float) -> None:
        self._locate = locate
        self._timeout = timeout
        self._clients: list[WeaviateClient] = []  # none or one
        self._place = ""
        self._lock = threading.Lock()
        weakref.finalize(self, _close_all, self._clients)  # also at the interpreter's end

    def run(self, call: Callable[[WeaviateClient], T]) -> T:
        """Run a call that may be repeated; a foreign error comes out as one of ours.

        Raises:
            StoreUnavailable: No server, no answer in time, or the key was refused.
            ChainError: The server refused the call.
        """
        client = self._connected()
        try:
            return call(client)
        except _foreign_errors() as error:
            if not _is_lost(error):
                raise self._translated(error) from error
            self._drop(client)
        # An idle connection breaks when a server restarts: a new one tells whether it is back.
        client = self._connected()
        try:
            return call(client)
        except _foreign_errors() as error:
            self._drop(client)
            raise self._translated(error) from error

    def close(self) -> None:
        """Close the client; a later `run` makes a new one."""
        with self._lock:
            _close_all(self._clients)

    def _connected(self) -> WeaviateClient:
        with self._lock:
            if not self._clients:
                address, key = self._locate()
                self._place = str(address)
                self._probe(address)
                try:
                    self._clients.append(_open_client(address, key, self._timeout))
                except _foreign_errors() as error:
                    raise self._translated(error) from error
            return self._clients[0]

    def _drop(self, client: WeaviateClient) -> None:
        with self._lock:
            if client in self._clients:
                self._clients.remove(client)
        client.close()

    def _probe(self, address: ServerAddress) -> None:
        """Fail fast where no port answers: the client waits 5 s for REST and 20 s for gRPC.

        One that hangs is found here too, before the client is loaded, which takes 2 s once.
        """
        port, what = address.port, "REST"
        try:
            with _connected_socket(address.host, port) as rest:
                if not address.secure:
                    self._ask(rest, address)
            port, what = address.grpc_port, "gRPC"
            _connected_socket(address.grpc_host, port).close()
        except (OSError, http.client.HTTPException) as error:
            host = address.host if what == "REST" else address.grpc_host
            raise StoreUnavailable(
                f"No Weaviate server answers at {host}:{port} ({what}): {error}.", remedy=START_REMEDY
            ) from error

    def _ask(self, rest: socket.socket, address: ServerAddress) -> None:
        rest.settimeout(self._timeout)
        connection = http.client.HTTPConnection(address.host, address.port)
        connection.sock = rest
        try:
            connection.request("GET", "/v1/.well-known/live")
            connection.getresponse().read()
        except TimeoutError as error:
            raise self._late() from error

    def _late(self) -> StoreUnavailable:
        return StoreUnavailable(
            f"Weaviate at {self._place} did not answer within {self._timeout:g} s.",
            remedy="Check the server's load and its log, or give a longer timeout.",
        )

    def _translated(self, error: Exception) -> ChainError:
        said = str(error).strip() or type(error).__name__
        if _is_late(error):
            return self._late()
        if _is_lost(error):
            return StoreUnavailable(
                f"Weaviate at {self._place} does not answer: {said}.", remedy=START_REMEDY
            )
        if _is_refused(error):
            return StoreUnavailable(
                f"Weaviate at {self._place} refuses the key: {said}.",
                remedy="Give the right api_key (on the command line: RAGWEAVE_KB_API_KEY).",
            )
        if _is_missing(error):
            return MissingCollection(f"Weaviate at {self._place}: {said}.", remedy="Ingest again.")
        return ChainError(
            f"Weaviate at {self._place} refused a call: {said}.",
            remedy="Check the server's version (1.27 or newer) and its log.",
        )


def _connected_socket(host: str, port: int) -> socket.socket:
    return socket.create_connection((host, port), timeout=CONNECT_SECONDS)


def _close_all(clients: list[WeaviateClient]) -> None:
    while clients:
        clients.pop().close()


def _open_client(address: ServerAddress, key: str, timeout: float) -> WeaviateClient:
    import weaviate
    from weaviate.classes.init import AdditionalConfig, Auth, Timeout
    from weaviate.config import GrpcConfig

    # Milliseconds; the default waits up to 2 minutes before it tries a lost server again.
    channel = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 1000)]
    client = weaviate.connect_to_custom(
        http_host=address.host,
        http_port=address.port,
        http_secure=address.secure,
        grpc_host=address.grpc_host,
        grpc_port=address.grpc_port,
        grpc_secure=address.secure,
        auth_credentials=Auth.api_key(key) if key else None,
        additional_config=AdditionalConfig(
            timeout=Timeout(init=timeout, query=timeout, insert=timeout),
            grpc_config=GrpcConfig(channel_options=channel),
        ),
        skip_init_checks=True,
    )
    _fail_fast(client)
    return client


def _fail_fast(client: WeaviateClient) -> None:
    """Take the client's retries out of the way.

    weaviate-client 4.23 has no setting for them, hence the private names; a version without them is an
    AttributeError at the first connection, not a silent wait.
    """
    grpc: Any = importlib.import_module("grpc")  # without types
    # CANCELLED, and ValueError: another thread has just closed this channel.
    lost = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)

    class FailFast(grpc.UnaryUnaryClientInterceptor):  # type: ignore[misc]  # grpc is untyped
        def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
            outcome = continuation(details, request)
            if outcome.code() in lost or isinstance(outcome.exception(), ValueError):
                raise _Unreachable(outcome.details())
            return outcome

    def shorten_connect(request: Any) -> None:
        request.extensions["timeout"]["connect"] = CONNECT_SECONDS

    connection: Any = client._connection
    channel = grpc.intercept_channel(connection._grpc_channel, FailFast())
    connection._grpc_stub = type(connection._grpc_stub)(channel)
    connection._client.event_hooks["request"].append(shorten_connect)


def _foreign_errors() -> tuple[type[Exception], ...]:
    exceptions = importlib.import_module("weaviate.exceptions")
    httpx = importlib.import_module("httpx")
    grpc = importlib.import_module("grpc")
    return (exceptions.WeaviateBaseError, httpx.HTTPError, grpc.RpcError, _Unreachable)


def _is_lost(error: Exception) -> bool:
    import httpx
    from weaviate import exceptions

    if isinstance(error, exceptions.UnexpectedStatusCodeError):
        return error.status_code in (502, 503, 504)
    lost = (
        _Unreachable,
        exceptions.WeaviateClosedClientError,  # another thread has just dropped this client
        exceptions.WeaviateConnectionError,
        exceptions.WeaviateGRPCUnavailableError,
        httpx.ConnectTimeout,
        httpx.NetworkError,
        httpx.RemoteProtocolError,
    )
    if isinstance(error, exceptions.WeaviateStartUpError):
        return "is not supported" not in str(error)
    return isinstance(error, lost) and not _is_late(error)


def _is_late(error: Exception) -> bool:
    import httpx
    from weaviate import exceptions

    if isinstance(error, (exceptions.WeaviateTimeoutError, httpx.TimeoutException)):
        return True
    # The client keeps a gRPC deadline only as the text of its error.
    return isinstance(error, exceptions.WeaviateQueryError) and "deadline exceeded" in str(error).lower()


def _is_refused(error: Exception) -> bool:
    from weaviate import exceptions

    if isinstance(error, exceptions.UnexpectedStatusCodeError):
        return error.status_code in (401, 403)
    if isinstance(error, exceptions.AuthenticationFailedError):
        return True
    text = str(error).lower()
    return isinstance(error, exceptions.WeaviateQueryError) and (
        "unauthorized" in text or "anonymous access not enabled" in text or "unauthenticated" in text
    )


# What servers say of a collection or tenant that is not there; before 1.30 counts go through GraphQL.
MISSING = ("could not find class", "tenant not found", "no graphql provider present", "cannot query field")


def _is_missing(error: Exception) -> bool:
    from weaviate import exceptions

    if isinstance(error, exceptions.UnexpectedStatusCodeError) and error.status_code == 404:
        return True
    kinds = (exceptions.UnexpectedStatusCodeError, exceptions.WeaviateQueryError)
    return isinstance(error, kinds) and any(words in str(error).lower() for words in MISSING)
