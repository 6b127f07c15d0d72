"""A server of one's own: who starts it, who shares it, and what is left when somebody is killed."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragweave.chains.errors import ChainError, StoreUnavailable
from ragweave.chains.processes import process_start
from ragweave.chains.weaviate_store import WeaviateStore
from tests.weaviate_process import free_ports, stop

from .store_contract import IDENTITY, passage, put_one, record, unit

OTHER_PROCESS = """
import sys, time
from ragweave.chains.weaviate_store import WeaviateStore
store = WeaviateStore(sys.argv[1])
print(store.count(), flush=True)
sys.stdin.readline()
store.close()
"""


class Folder:
    """A data folder and what it records."""

    def __init__(self, path: Path, binary: Path) -> None:
        self.path = path
        self.url = f"weaviate+embedded://{path}?binary={binary}&collection=Docs"

    @property
    def recorded(self) -> dict[str, int]:
        said: dict[str, int] = json.loads((self.path / "server.json").read_text())
        return said

    def runs(self) -> bool:
        return self.recorded["pid"] > 0 and bool(process_start(self.recorded["pid"]))

    def other_process(self) -> subprocess.Popen[str]:
        """Another process with the folder open; a line on its standard input closes it."""
        other = subprocess.Popen(
            [sys.executable, "-c", OTHER_PROCESS, self.url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert other.stdout is not None
        assert other.stdout.readline().strip().isdigit()
        return other


@pytest.fixture
def folder(weaviate_binary: Path, tmp_path: Path) -> Iterator[Folder]:
    folder = Folder(tmp_path / "kb", weaviate_binary)
    yield folder
    if (folder.path / "server.json").exists() and folder.runs():
        os.kill(folder.recorded["pid"], signal.SIGKILL)


def leave(other: subprocess.Popen[str]) -> None:
    other.communicate("\n", timeout=60)


@pytest.mark.integration
def test_it_starts_at_the_first_use_stops_at_close_and_keeps_the_data(folder: Folder) -> None:
    store = WeaviateStore(folder.url)
    assert not folder.path.exists()

    put_one(store, "a.md", "word")
    ports = {key: folder.recorded[key] for key in ("port", "grpc_port", "internal_port")}
    assert folder.runs()
    store.close()

    assert not folder.runs()
    again = WeaviateStore(folder.url)
    assert again.count() == 1
    assert {key: folder.recorded[key] for key in ports} == ports
    again.close()


@pytest.mark.integration
def test_without_the_key_nothing_is_answered_and_only_the_owner_reads_the_key(folder: Folder) -> None:
    store = WeaviateStore(folder.url)
    put_one(store, "a.md", "word")
    at = folder.recorded
    stranger = WeaviateStore(f"weaviate://127.0.0.1:{at['port']}?grpc={at['grpc_port']}&collection=Docs")

    with pytest.raises(StoreUnavailable, match="key"):
        stranger.count()

    assert stat.S_IMODE((folder.path / "server.json").stat().st_mode) == 0o600
    stranger.close()
    store.close()


@pytest.mark.integration
def test_a_second_process_shares_the_server_and_keeps_it_when_the_first_leaves(folder: Folder) -> None:
    other = folder.other_process()
    server = folder.recorded["pid"]
    mine = WeaviateStore(folder.url)

    put_one(mine, "a.md", "word")
    leave(other)

    assert folder.recorded["pid"] == server
    assert mine.count() == 1
    mine.close()
    assert not folder.runs()


@pytest.mark.integration
def test_a_server_that_died_is_started_again_by_the_one_who_needs_it(folder: Folder) -> None:
    store = WeaviateStore(folder.url)
    put_one(store, "a.md", "word")
    first = folder.recorded["pid"]

    os.kill(first, signal.SIGKILL)

    assert len(store.search(["word"], unit(1), limit=5).vector) == 1
    assert folder.recorded["pid"] != first
    store.close()


@pytest.mark.integration
def test_a_server_that_dies_while_it_is_asked_is_started_again(folder: Folder) -> None:
    store = WeaviateStore(folder.url)
    put_one(store, "a.md", "word")
    first = folder.recorded["pid"]
    late = WeaviateStore(folder.url)
    stop(first)
    threading.Timer(1, os.kill, (first, signal.SIGKILL)).start()

    assert late.count() == 1

    assert folder.recorded["pid"] != first
    late.close()
    store.close()


@pytest.mark.integration
def test_the_orphan_of_a_killed_process_is_used_again_and_then_stopped(folder: Folder) -> None:
    other = folder.other_process()
    orphan = folder.recorded["pid"]
    other.kill()
    other.communicate()
    assert folder.runs()
    store = WeaviateStore(folder.url)

    put_one(store, "a.md", "word")

    assert folder.recorded["pid"] == orphan
    store.close()
    assert not folder.runs()


@pytest.mark.integration
def test_a_server_that_hangs_is_told_with_the_process_to_end(folder: Folder) -> None:
    store = WeaviateStore(folder.url)
    put_one(store, "a.md", "word")
    late = WeaviateStore(folder.url, timeout=1)
    stop(folder.recorded["pid"])
    start = time.monotonic()

    with pytest.raises(StoreUnavailable, match=f"kill {folder.recorded['pid']}"):
        late.count()

    assert time.monotonic() - start < 8  # ten by itself
    os.kill(folder.recorded["pid"], signal.SIGCONT)
    assert late.count() == 1
    late.close()
    store.close()


def test_a_missing_binary_is_told_with_the_remedy(tmp_path: Path) -> None:
    store = WeaviateStore(f"weaviate+embedded://{tmp_path}/kb?binary={tmp_path}/none")

    with pytest.raises(ChainError, match="none.*binary="):
        store.count()
    with pytest.raises(ChainError):
        store.replace(record("a.md", []), "", [])
    with pytest.raises(ChainError):
        store.bind(IDENTITY)
    with pytest.raises(ChainError):
        store.get([passage("a.md", "x").id])


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    import socket

    port = free_ports(1)
    with socket.create_server(("127.0.0.1", port)):
        store = WeaviateStore(f"weaviate+embedded://{tmp_path}/kb?binary={sys.executable}&port={port}")

        with pytest.raises(ChainError, match=f"{port}.*port="):
            store.count()
