"""A server that is away, dies, hangs or comes back, seen through a store."""

from __future__ import annotations

import importlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from ragweave.chains.errors import ChainError, StoreMismatch, StoreUnavailable
from ragweave.chains.store import Store
from ragweave.chains.weaviate_store import WeaviateStore
from tests.weaviate_process import WeaviateProcess, free_ports

from .store_contract import IDENTITY, passage, put, put_one, record, unit

DOWN_SECONDS = 3.0  # what a dead server may cost
CALLS: dict[str, Callable[[Store], object]] = {
    "search": lambda store: store.search(["word"], unit(1), limit=5),
    "get": lambda store: store.get([passage("a.md", "word").id]),
    "count": lambda store: store.count(),
    "records": lambda store: store.records(),
    "languages": lambda store: store.languages(),
    "text": lambda store: store.text("a.md"),
    "remove": lambda store: store.remove(["a.md"]),
    "replace": lambda store: put_one(store, "a.md", "word again"),
}


def seconds_to_unavailable(call: Callable[[], object]) -> float:
    start = time.monotonic()
    with pytest.raises(StoreUnavailable) as caught:
        call()
    assert caught.value.remedy
    return time.monotonic() - start


@pytest.mark.parametrize("name", CALLS)
def test_a_refused_port_is_told_within_three_seconds(name: str) -> None:
    port = free_ports(2)
    store = WeaviateStore(f"weaviate://127.0.0.1:{port}?grpc={port + 1}", timeout=60)

    assert seconds_to_unavailable(lambda: CALLS[name](store)) < DOWN_SECONDS


def test_the_message_names_the_address_and_the_remedy() -> None:
    port = free_ports(2)
    store = WeaviateStore(f"weaviate://127.0.0.1:{port}?grpc={port + 1}")

    with pytest.raises(StoreUnavailable, match=f"127.0.0.1:{port}.*Check that the server runs"):
        store.count()


def test_a_host_that_answers_no_connection_is_told_within_three_seconds() -> None:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:  # fill the queue: the next connection is neither taken nor refused
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        store = WeaviateStore(f"weaviate://127.0.0.1:{port}?grpc={port + 1}", timeout=60)

        took = seconds_to_unavailable(store.exists)

        for one in waiting:
            one.close()
    assert took < DOWN_SECONDS


def test_a_port_that_hangs_up_is_told_within_three_seconds() -> None:
    importlib.import_module("weaviate")  # takes two seconds once, which are not the server's

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def hang_up() -> None:
            while True:
                try:
                    listener.accept()[0].close()
                except OSError:
                    return

        threading.Thread(target=hang_up, daemon=True).start()
        port = listener.getsockname()[1]
        store = WeaviateStore(f"weaviate://127.0.0.1:{port}?grpc=localhost:{port}", timeout=60)

        assert seconds_to_unavailable(store.exists) < DOWN_SECONDS
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def fragile_server(
    weaviate_binary: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WeaviateProcess]:
    """A server that a test may kill, if it starts it again."""
    server = WeaviateProcess(weaviate_binary, tmp_path_factory.mktemp("fragile"))
    server.start()
    yield server
    server.kill()


@pytest.mark.integration
def test_a_server_that_dies_is_told_by_each_call_and_used_again_when_it_is_back(
    fragile_server: WeaviateProcess,
) -> None:
    stores = {name: WeaviateStore(fragile_server.url("Dies"), timeout=60) for name in CALLS}
    for store in stores.values():
        put_one(store, "a.md", "word")  # connected: this is not about the first connection

    fragile_server.kill()
    took = {name: seconds_to_unavailable(lambda name=name: CALLS[name](stores[name])) for name in CALLS}  # type: ignore[misc]
    fragile_server.start()

    assert max(took.values()) < DOWN_SECONDS, took
    for name, store in stores.items():
        CALLS[name](store)
        store.close()


@pytest.mark.integration
@pytest.mark.parametrize("name", ["search", "records", "replace"])
def test_a_server_that_hangs_is_told_within_the_timeout(name: str, fragile_server: WeaviateProcess) -> None:
    store = WeaviateStore(fragile_server.url("Hangs"), timeout=2)
    put_one(store, "a.md", "word")
    stranger = WeaviateStore(fragile_server.url("Hangs"), timeout=2)

    fragile_server.freeze()
    try:
        took = seconds_to_unavailable(lambda: CALLS[name](store))
        first = seconds_to_unavailable(lambda: CALLS[name](stranger))
    finally:
        fragile_server.thaw()

    assert 1.5 < took < 3.5
    assert 1.5 < first < 3.5
    CALLS[name](store)
    CALLS[name](stranger)
    store.close()
    stranger.close()


@pytest.mark.integration
def test_a_server_killed_in_the_middle_of_searches_is_told(fragile_server: WeaviateProcess) -> None:
    store = WeaviateStore(fragile_server.url("Search"), timeout=60)
    put(store, "a.md", [passage("a.md", f"word {number}", number) for number in range(200)])
    killed: list[float] = []

    def kill() -> None:
        killed.append(time.monotonic())
        fragile_server.kill()

    timer = threading.Timer(0.5, kill)
    timer.start()
    with pytest.raises(StoreUnavailable):
        while True:
            store.search(["word"], unit(1), limit=100)
    took = time.monotonic() - killed[0]
    timer.join()
    fragile_server.start()

    assert took < DOWN_SECONDS
    assert len(store.search(["word"], unit(1), limit=100).vector) == 100
    store.close()


@pytest.mark.integration
def test_a_server_killed_in_the_middle_of_a_replace_leaves_a_mark_and_the_next_replace_is_clean(
    fragile_server: WeaviateProcess,
) -> None:
    store = WeaviateStore(fragile_server.url("Replace"), timeout=60)
    put(store, "a.md", [passage("a.md", f"old {number}", number) for number in range(5)])
    random = np.random.default_rng(0)
    new = [
        passage("a.md", f"new {number} " + "x" * 1000, number, vector=unit(*random.normal(size=4)))
        for number in range(3000)
    ]
    killed: list[float] = []

    def kill() -> None:
        killed.append(time.monotonic())
        fragile_server.kill()

    timer = threading.Timer(0.6, kill)
    timer.start()
    with pytest.raises(StoreUnavailable):
        put(store, "a.md", new)
    took = time.monotonic() - killed[0]
    timer.join()
    fragile_server.start()

    assert took < DOWN_SECONDS
    assert store.unfinished() == ["a.md"]
    assert [line.sha256 for line in store.records()] == [""]
    put(store, "a.md", new)
    assert store.unfinished() == []
    assert store.count() == len(new)
    store.close()


@pytest.mark.integration
def test_the_right_key_opens_and_a_wrong_one_is_told(weaviate_binary: Path, tmp_path: Path) -> None:
    server = WeaviateProcess(
        weaviate_binary,
        tmp_path / "keyed",
        AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED="false",
        AUTHENTICATION_APIKEY_ENABLED="true",
        AUTHENTICATION_APIKEY_ALLOWED_KEYS="right",
        AUTHENTICATION_APIKEY_USERS="user",
    )
    server.start()
    try:
        opened = WeaviateStore(server.url("Keyed"), api_key="right")
        put_one(opened, "a.md", "word")
        assert opened.count() == 1
        opened.close()
        for key in ("wrong", None):
            refused = WeaviateStore(server.url("Keyed"), api_key=key)
            with pytest.raises(StoreUnavailable, match="api_key"):
                refused.count()
            refused.close()
    finally:
        server.kill()


@pytest.mark.integration
def test_a_collection_of_somebody_else_is_left_alone(weaviate_server: WeaviateProcess) -> None:
    import httpx

    url = f"http://{weaviate_server.address}/v1/schema"
    httpx.post(url, json={"class": "Foreign", "description": "Somebody's"}, timeout=30).raise_for_status()
    store = WeaviateStore(weaviate_server.url("Foreign"))

    with pytest.raises(StoreMismatch, match="Foreign.*not made by Ragweave"):
        store.bind(IDENTITY)
    with pytest.raises(StoreMismatch):
        store.count()

    assert httpx.get(f"{url}/Foreign", timeout=30).json()["description"] == "Somebody's"
    assert httpx.get(f"{url}/ForeignSources", timeout=30).status_code == 404
    httpx.delete(f"{url}/Foreign", timeout=30)
    store.close()


@pytest.mark.integration
def test_writing_before_bind_names_the_remedy(weaviate_server: WeaviateProcess) -> None:
    store = WeaviateStore(weaviate_server.url("NotBound"))
    chunk = passage("a.md", "word")

    with pytest.raises(ChainError, match="bind"):
        store.replace(record("a.md", [chunk]), "word", [chunk])
    store.close()
