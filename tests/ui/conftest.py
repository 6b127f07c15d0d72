"""A clean place to run commands in, and a browser that leaves no page without a look at what it did."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.documents import Document

from .page_server import PageServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

DESKTOP, PHONE = (1280, 800), (390, 844)
PATIENCE = 90_000  # ms: a busy machine draws the page in half a minute
Open = Callable[..., "Page"]


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and an environment without Ragweave's variables."""
    for name in list(os.environ):
        if name.startswith("RAGWEAVE_") and not name.startswith("RAGWEAVE_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def workplace_documents(shared_data: Path) -> list[Document]:
    """A small company's policies."""
    file = shared_data / "workplace-docs" / "corpus.jsonl.gz"
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        entries = [json.loads(line) for line in lines]
    return [
        Document(id=entry["id"], page_content=entry["text"], metadata={"title": entry["title"]})
        for entry in entries
    ]


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


def new_context(browser: Browser, size: tuple[int, int] = DESKTOP, scheme: Any = "light") -> BrowserContext:
    """A browser of its own, as one person has it, whose waits outlast a slow machine."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    context.set_default_timeout(PATIENCE)
    return context


@pytest.fixture
def open_page(browser: Browser, server: PageServer) -> Iterator[Open]:
    """Opens the chat; the test fails where a script failed, a policy was broken or a request left."""
    contexts = []
    troubles: list[str] = []

    def open_(
        size: tuple[int, int] = DESKTOP, scheme: Any = "light", url: str = "", ready: bool = True
    ) -> Page:
        context = new_context(browser, size, scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(f"script: {error}"))
        page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
        page.on("request", lambda request: _stays(request.url, troubles))
        page.goto(url or server.url)
        if ready:
            page.wait_for_selector("body.rw-ready")
        return page

    yield open_
    for context in contexts:
        close(context)
    assert troubles == []


def close(context: BrowserContext) -> None:
    """Closes it; a route that a test laid and that answers just now raises nothing in the next test."""
    for page in context.pages:
        page.unroute_all(behavior="ignoreErrors")
    context.close()


def _stays(url: str, troubles: list[str]) -> None:
    if not re.match(r"(http://127\.0\.0\.1[:/]|data:|blob:)", url):
        troubles.append(f"left the machine: {url}")
