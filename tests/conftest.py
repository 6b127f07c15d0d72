"""What tests share: real servers and browsers, found or skipped with the remedy, and the shared data."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from .weaviate_process import WeaviateProcess, server_binary

if TYPE_CHECKING:
    from ragweave.chains.weaviate_store import WeaviateStore

ROOT = Path(__file__).resolve().parents[1]


def require(name: str, reason: str) -> NoReturn:
    """Skip with the reason, or fail where RAGWEAVE_TEST_REQUIRE (names, comma-separated) holds `name`."""
    required = os.environ.get("RAGWEAVE_TEST_REQUIRE", "").split(",")
    if name in (one.strip() for one in required):
        pytest.fail(f"{name} is required: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def weaviate_binary() -> Path:
    """The server's binary."""
    found = server_binary()
    if found is None:
        require("weaviate", "No Weaviate server in .tools/ or on PATH. Run `make weaviate`.")
    return found


@pytest.fixture(scope="session")
def weaviate_server(
    weaviate_binary: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WeaviateProcess]:
    """A server that no test may stop; see `WeaviateProcess` for one of your own."""
    server = WeaviateProcess(weaviate_binary, tmp_path_factory.mktemp("weaviate"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def open_weaviate_store(weaviate_server: WeaviateProcess) -> Iterator[Callable[..., WeaviateStore]]:
    """Opens stores of collections that are deleted after the test: the same name is the same base."""
    import httpx

    from ragweave.chains.weaviate_store import WeaviateStore

    mark = uuid.uuid4().hex[:12]
    names: set[str] = set()
    stores: list[WeaviateStore] = []

    def open_store(base: str = "base", tenant: str | None = None, timeout: float = 10.0) -> WeaviateStore:
        names.add(f"T{mark}_{base}")
        stores.append(WeaviateStore(weaviate_server.url(f"T{mark}_{base}"), tenant=tenant, timeout=timeout))
        return stores[-1]

    yield open_store
    for store in stores:
        store.close()
    for name in names:
        for collection in (name, f"{name}Sources"):
            httpx.delete(f"http://{weaviate_server.address}/v1/schema/{collection}", timeout=30)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    require("chromium", "No Chromium on PATH. Install it, e.g. `apt-get install chromium`.")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the public test sets, which lies beside the repository."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"No test sets at {folder}. Clone the repository beside the folder `shared`.")
    return folder
