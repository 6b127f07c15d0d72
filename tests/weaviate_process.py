"""A real Weaviate server for tests: started on free ports, killed, frozen, started again.

Knows nothing of stores.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PORTS = 6  # REST, gRPC, gossip, data (gossip + 1), raft, raft's rpc


def server_binary() -> Path | None:
    """The one that RAGWEAVE_TEST_WEAVIATE names (another version), that `make weaviate` built, or on PATH."""
    if named := os.environ.get("RAGWEAVE_TEST_WEAVIATE"):
        return Path(named)
    built = ROOT / ".tools" / "weaviate-server"
    if built.is_file():
        return built
    for name in ("weaviate-server", "weaviate"):
        if found := shutil.which(name):
            return Path(found)
    return None


def free_ports(count: int) -> int:
    """The first of `count` ports in a row that are free now."""
    while True:
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            first = int(probe.getsockname()[1])
        if first + count < 65536 and all(_is_free(port) for port in range(first, first + count)):
            return first


def _is_free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def stop(child: int) -> None:
    """SIGSTOP for a child process, and wait until every thread has stopped."""
    os.kill(child, signal.SIGSTOP)
    os.waitpid(child, os.WUNTRACED)


class WeaviateProcess:
    """One server; the same ports and the same data at every start."""

    def __init__(self, binary: Path, folder: Path, **environment: str) -> None:
        self.binary = binary
        self.folder = folder
        self.environment = environment
        first = free_ports(PORTS)
        self.port, self.grpc_port = first, first + 1
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Host and REST port."""
        return f"127.0.0.1:{self.port}"

    def url(self, collection: str) -> str:
        """The knowledge base's URL."""
        return f"weaviate://{self.address}?grpc={self.grpc_port}&collection={collection}"

    def start(self) -> None:
        """Start it and wait until it is ready."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self.binary), "--host", "127.0.0.1", "--port", str(self.port), "--scheme", "http"],
                env=os.environ | self._settings() | self.environment,
                stdout=log,
                stderr=log,
            )
        for _ in range(600):
            if self._is_ready():
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.1)
        self.kill()
        raise RuntimeError(f"Weaviate did not start; its log is {self.folder / 'server.log'}.")

    def _settings(self) -> dict[str, str]:
        return {
            "PERSISTENCE_DATA_PATH": str(self.folder / "data"),
            "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "true",
            "DISABLE_TELEMETRY": "true",
            "ENABLE_MODULES": "",
            "API_BASED_MODULES_DISABLED": "true",
            "GO_PROFILING_DISABLE": "true",
            "CLUSTER_HOSTNAME": "node1",
            "CLUSTER_ADVERTISE_ADDR": "127.0.0.1",
            "GRPC_PORT": str(self.grpc_port),
            "CLUSTER_GOSSIP_BIND_PORT": str(self.port + 2),
            "CLUSTER_DATA_BIND_PORT": str(self.port + 3),
            "RAFT_PORT": str(self.port + 4),
            "RAFT_INTERNAL_RPC_PORT": str(self.port + 5),
            "RAFT_BOOTSTRAP_EXPECT": "1",
            "DISK_USE_READONLY_PERCENTAGE": "98",
            "LOG_LEVEL": "warning",
        }

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.address}/v1/.well-known/ready", timeout=1) as reply:
                return int(reply.status) == 200
        except OSError:
            return False

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Stop it without ending it: it accepts connections and answers nothing."""
        assert self._process is not None
        stop(self._process.pid)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
