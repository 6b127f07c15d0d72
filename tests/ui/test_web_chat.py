"""Who may reach the web chat, and what a taken port says."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest

from ragweave.ui import app
from ragweave.ui.errors import EdgeError, UsageError
from ragweave.ui.output import Output
from ragweave.ui.settings import load_settings
from ragweave.ui.web_chat import check_host, free_port, port_is_free, run_chat

pytestmark = pytest.mark.usefixtures("workplace")
KEY = "k" * 16


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_this_machine_needs_no_keys(host: str) -> None:
    check_host(host, keys=())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", "", "localhost.example.org"])
def test_a_public_address_needs_keys(host: str) -> None:
    with pytest.raises(UsageError, match=f"--host {host} lets others reach.*set RAGWEAVE_UI_KEYS"):
        check_host(host, keys=())

    check_host(host, keys=(KEY,))


def test_a_key_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(UsageError, match="1 of the keys in RAGWEAVE_UI_KEYS have fewer than 16") as raised:
        check_host("0.0.0.0", keys=(KEY, "changeme"))

    assert "changeme" not in str(raised.value)


def test_a_taken_port_names_the_next_free_one(taken: int) -> None:
    settings = load_settings({"ui.port": taken}).settings

    with pytest.raises(EdgeError, match=f"Port {taken} of 127.0.0.1 is taken. Use --port") as raised:
        run_chat(Output(), settings, [])

    assert str(free_port("127.0.0.1", taken)) in raised.value.remedy


def test_a_port_is_taken_only_while_someone_listens(taken: int) -> None:
    other = free_port("127.0.0.1", taken)

    assert not port_is_free("127.0.0.1", taken)
    assert other is not None
    assert port_is_free("127.0.0.1", other)


def test_an_address_of_another_machine_is_wrong_use() -> None:
    with pytest.raises(UsageError, match="Cannot listen on 203.0.113.1"):
        port_is_free("203.0.113.1", 7860)


def test_paths_are_ingested_and_the_page_is_served_as_set(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (workplace / "tea.md").write_text("# Tea\n\nTea is served at four.\n")
    made: dict[str, Any] = {}
    monkeypatch.setattr(
        app, "create_app", lambda kb, chain, **given: made.update(given, sources=kb.sources())
    )
    monkeypatch.setattr(app, "serve", lambda application, **given: made.update(given))
    monkeypatch.setenv("RAGWEAVE_UI_KEYS", f"{KEY}, {KEY}2")
    monkeypatch.setenv("RAGWEAVE_UI_TITLE", "Ask the kitchen")
    port = free_port("127.0.0.1", 20000)
    settings = load_settings({"ui.port": port, "model.spec": "http://127.0.0.1:9/v1#qwen"}).settings

    code = run_chat(Output(), settings, ["tea.md"])

    assert code == 0
    assert [info.source for info in made.pop("sources")] == ["tea.md"]
    assert made == {
        "title": "Ask the kitchen",
        "keys": (KEY, f"{KEY}2"),
        "model_name": "qwen",
        "adapters": ANY,
        "host": "127.0.0.1",
        "port": port,
        "without": ["filter", "freshness", "rerank"],
    }
    assert "added     tea.md" in capsys.readouterr().err


def test_json_tells_the_address_before_it_serves(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []
    monkeypatch.setattr(app, "create_app", lambda kb, chain, **given: None)
    monkeypatch.setattr(app, "serve", lambda application, **given: said.append(capsys.readouterr().out))
    port = free_port("127.0.0.1", 20000)

    run_chat(Output(json=True), load_settings({"ui.port": port}).settings, [])

    assert json.loads(said[0]) == {"url": f"http://127.0.0.1:{port}", "ingest": None}


@pytest.fixture(autouse=True)
def restored_signals() -> Iterator[None]:
    """`run_chat` ends on SIGTERM by its own handler: the tests must not keep it."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)
