"""Who may reach the web chat, and what a taken port says."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

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
