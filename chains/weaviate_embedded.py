"""A Weaviate server of one's own: one process starts it, others that open the same folder share it.

The folder records the server's process, its ports and its key. Whoever leaves last stops the server; where
it died, whoever needs it next starts it again, on the same ports. A server whose users were all killed is
used again. Knows no client and no collection.

What is exposed: REST, cluster gossip and raft listen on 127.0.0.1. Weaviate offers no address for its gRPC
and cluster data ports, so these two are reachable from the network; gRPC takes only the key that is kept in
the folder, readable by its owner alone, and the data port only the password made of it.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from .errors import ChainError, StoreUnavailable
from .processes import process_start
from .weaviate_url import EmbeddedPlace, ServerAddress

__all__ = ["EmbeddedServer"]

START_SECONDS = 60.0
STOP_SECONDS = 15.0
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy of the environment
_children: list[subprocess.Popen[bytes]] = []  # a server may outlive the store that started it
INTERNAL_PORTS = 4  # gossip, data (always gossip + 1), raft, raft's rpc


@dataclass(frozen=True, slots=True)
class _State:
    """What the folder records; `users` are the processes that have it open: token to [pid, start]."""

    pid: int
    started: str
    port: int
    grpc_port: int
    internal_port: int
    key: str
    users: dict[str, tuple[int, str]] = field(default_factory=dict)

    def runs(self) -> bool:
        return self.pid > 0 and process_start(self.pid) == self.started

    def with_living_users(self) -> _State:
        living = {token: user for token, user in self.users.items() if process_start(user[0]) == user[1]}
        return replace(self, users=living)


class EmbeddedServer:
    """The server of one folder, seen from one store."""

    def __init__(self, place: EmbeddedPlace, *, timeout: float) -> None:
        self._place = place
        self._timeout = timeout
        self._token = uuid.uuid4().hex
        self._open = False
        self._lock = threading.Lock()

    def address(self) -> tuple[ServerAddress, str]:
        """Where the server answers, and its key; starts it where it does not run.

        Raises:
            StoreUnavailable: It does not start, or hangs.
            ChainError: There is no binary, or its ports are taken.
        """
        with self._lock, self._locked():
            state = self._read().with_living_users()
            ready = _is_ready(state, self._timeout)
            if not state.runs():  # or no longer: it may have died while it was asked
                state = self._start(state)
            elif not ready:
                raise StoreUnavailable(
                    f"The Weaviate of {self._place.folder} (process {state.pid}) does not answer.",
                    remedy=f"End that process (kill {state.pid}), and try again.",
                )
            pid = os.getpid()
            self._write(replace(state, users=state.users | {self._token: (pid, process_start(pid))}))
            if not self._open:
                self._open = True
                atexit.register(self.release)
        address = ServerAddress("127.0.0.1", state.port, "127.0.0.1", state.grpc_port)
        return address, state.key

    def release(self) -> None:
        """Leave the server; the last one stops it."""
        with self._lock:
            if not self._open:
                return
            self._open = False
            atexit.unregister(self.release)
            with self._locked():
                state = self._read().with_living_users()
                state = replace(state, users={k: v for k, v in state.users.items() if k != self._token})
                if not state.users and state.runs():
                    _stop(state.pid, state.started)
                    state = replace(state, pid=0, started="")
                self._write(state)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time reads, starts or stops; the system frees the lock of a killed one."""
        self._place.folder.mkdir(parents=True, exist_ok=True)
        with (self._place.folder / "server.lock").open("a") as file:
            deadline = time.monotonic() + START_SECONDS + STOP_SECONDS
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError as error:
                    if time.monotonic() > deadline:
                        raise StoreUnavailable(
                            f"Another process holds {file.name} for too long.",
                            remedy=f"Look at {self._place.folder / 'server.log'}.",
                        ) from error
                    time.sleep(0.05)
            yield

    @property
    def _record(self) -> Path:
        return self._place.folder / "server.json"

    def _read(self) -> _State:
        try:
            said = json.loads(self._record.read_text("utf-8"))
        except FileNotFoundError:
            return _State(0, "", 0, 0, 0, secrets.token_urlsafe(32))
        users = {token: (int(pid), str(start)) for token, (pid, start) in said.pop("users").items()}
        return _State(**said, users=users)

    def _write(self, state: _State) -> None:
        new = self._record.with_suffix(".new")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(asdict(state), file)
        new.replace(self._record)

    def _start(self, state: _State) -> _State:
        binary = _find_binary(self._place)
        state = self._with_ports(state)
        with (self._place.folder / "server.log").open("ab") as log:
            process = subprocess.Popen(
                [str(binary), "--host", "127.0.0.1", "--port", str(state.port), "--scheme", "http"],
                env=os.environ | self._settings(state),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us, not for a server that others may share
            )
        _children.append(process)
        state = replace(state, pid=process.pid, started=process_start(process.pid))
        self._write(state)  # before it is ready: if we are killed now, the next one finds it
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            if _is_ready(state, 0.5):
                return state
            time.sleep(0.1)
        if process.poll() is None:
            process.kill()
            process.wait()
        raise StoreUnavailable(
            f"The Weaviate of {self._place.folder} did not start ({binary}).",
            remedy=f"Look at {self._place.folder / 'server.log'}.",
        )

    def _with_ports(self, state: _State) -> _State:
        """The ports of last time: Weaviate keeps them in its data. A port of the URL wins."""
        port, grpc_port = self._place.port or state.port, self._place.grpc_port or state.grpc_port
        for name, given in (("port", self._place.port), ("grpc", self._place.grpc_port)):
            if given and not _are_free(given, 1):
                raise ChainError(
                    f"Port {given} is taken by another program.",
                    remedy=f"Choose another one with {name}=... in the URL, or leave it out.",
                )
        if not port or not _are_free(port, 1):
            port = _free_ports(1)
        if not grpc_port or grpc_port == port or not _are_free(grpc_port, 1):
            grpc_port = _free_ports(1)
        internal = state.internal_port
        if not internal or not _are_free(internal, INTERNAL_PORTS):
            internal = _free_ports(INTERNAL_PORTS)
        return replace(state, port=port, grpc_port=grpc_port, internal_port=internal)

    def _settings(self, state: _State) -> dict[str, str]:
        first = state.internal_port
        password = hashlib.sha256(state.key.encode()).hexdigest()
        return {
            "PERSISTENCE_DATA_PATH": str(self._place.folder.absolute() / "data"),
            "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "false",
            "AUTHENTICATION_APIKEY_ENABLED": "true",
            "AUTHENTICATION_APIKEY_ALLOWED_KEYS": state.key,
            "AUTHENTICATION_APIKEY_USERS": "ragweave",
            "AUTHORIZATION_ADMINLIST_ENABLED": "true",
            "AUTHORIZATION_ADMINLIST_USERS": "ragweave",
            "CLUSTER_ADVERTISE_ADDR": "127.0.0.1",
            "CLUSTER_BASIC_AUTH_PASSWORD": password,
            "CLUSTER_BASIC_AUTH_USERNAME": "ragweave",
            "CLUSTER_BIND_ADDR": "127.0.0.1",
            "CLUSTER_DATA_BIND_PORT": str(first + 1),
            "CLUSTER_GOSSIP_BIND_PORT": str(first),
            "CLUSTER_HOSTNAME": "node1",
            "GRPC_PORT": str(state.grpc_port),
            "RAFT_BOOTSTRAP_EXPECT": "1",
            "RAFT_INTERNAL_RPC_PORT": str(first + 3),
            "RAFT_PORT": str(first + 2),
            "API_BASED_MODULES_DISABLED": "true",
            "DISABLE_TELEMETRY": "true",
            "DISK_USE_READONLY_PERCENTAGE": "98",
            "ENABLE_MODULES": "",
            "GO_PROFILING_DISABLE": "true",
            "LOG_LEVEL": "warning",
        }


def _find_binary(place: EmbeddedPlace) -> Path:
    """The binary of the URL, of the client's own embedded mode, of this checkout, or of PATH."""
    if place.binary:
        given = Path(place.binary).expanduser()
        if given.is_file() and os.access(given, os.X_OK):
            return given
        raise ChainError(
            f"No Weaviate server to run at {given}.",
            remedy="Name an executable file with binary=... in the URL.",
        )
    tag = f"v{place.version}"
    name = f"weaviate-{tag}-{hashlib.sha256(tag.encode()).hexdigest()}"
    for candidate in (
        Path.home() / ".cache" / "weaviate-embedded" / name,
        Path(".tools") / "weaviate-server",
        *(Path(found) for found in map(shutil.which, ("weaviate-server", "weaviate")) if found),
    ):
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return candidate.absolute()
    raise ChainError(
        f"No Weaviate server {tag} on this machine.",
        remedy="Build one (`go install github.com/weaviate/weaviate/cmd/weaviate-server@"
        + tag
        + "`), and name it "
        "with binary=... in the URL; or run Weaviate in Docker and use weaviate://.",
    )


def _is_ready(state: _State, seconds: float) -> bool:
    """Whether the server answers within `seconds`; a process that is not there is not waited for."""
    deadline = time.monotonic() + seconds
    while state.runs():
        left = max(0.1, min(2.0, deadline - time.monotonic()))
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{state.port}/v1/.well-known/ready", timeout=left
            ) as reply:
                return bool(reply.status == 200)
        except OSError:
            if time.monotonic() >= deadline:
                return False
        time.sleep(0.1)
    return False


def _stop(pid: int, started: str) -> None:
    for sign, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sign)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            if process_start(pid) != started:
                return
            time.sleep(0.05)


def _are_free(first: int, count: int) -> bool:
    for port in range(first, first + count):
        with contextlib.closing(socket.socket()) as probe:
            # A port that only old connections remember is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", port))
            except OSError:
                return False
    return True


def _free_ports(count: int) -> int:
    while True:
        with contextlib.closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            first = int(probe.getsockname()[1])
        if first + count < 65536 and _are_free(first, count):
            return first
