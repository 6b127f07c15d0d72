"""`ask --model http://...#name` with a server that speaks the OpenAI protocol."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ragweave.ui.__main__ import main

PIECES = ("Tea is served ", "at four [1]. See ", "also [7].")


class Server(ThreadingHTTPServer):
    """Answers every question with the same pieces, or with an error."""

    status = 200
    models: tuple[dict[str, Any], ...] = ()  # what it lists; nothing, as some servers do

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[dict[str, Any]] = []
        self.spec = f"http://127.0.0.1:{self.server_port}/v1#tea-model"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.send_response(200 if self.server.models else 404)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps({"object": "list", "data": self.server.models}).encode())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append({"key": self.headers["Authorization"], "path": self.path, **body})
        self.send_response(self.server.status)
        self.send_header("Content-Type", "text/event-stream" if body.get("stream") else "application/json")
        self.end_headers()
        self.wfile.write(_stream(body["model"]) if body.get("stream") else _whole(body["model"]))

    def log_message(self, *_: object) -> None:
        """Nothing: the test reads standard error."""


def _whole(model: str) -> bytes:
    message = {"role": "assistant", "content": "".join(PIECES)}
    return _reply([{"index": 0, "message": message, "finish_reason": "stop"}], "chat.completion", model)


def _stream(model: str) -> bytes:
    deltas: list[dict[str, Any]] = [
        {"index": 0, "delta": {"content": piece}, "finish_reason": None} for piece in PIECES
    ]
    deltas.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    events = [b"data: " + _reply([delta], "chat.completion.chunk", model) + b"\n\n" for delta in deltas]
    return b"".join(events) + b"data: [DONE]\n\n"


def _reply(choices: list[dict[str, Any]], kind: str, model: str) -> bytes:
    return json.dumps({"id": "1", "object": kind, "created": 1, "model": model, "choices": choices}).encode()


@pytest.fixture
def server(workplace: Path) -> Iterator[Server]:
    (workplace / "tea.md").write_text("# Tea\n\nTea is served at four in the afternoon.\n")
    main(["ingest", "tea.md", "-q"])
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def asked(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """A question that the document answers; what was printed before is forgotten."""
    capsys.readouterr()
    return ["ask", "When is tea served in the afternoon?"]


def test_the_models_words_are_printed_with_checked_marks(
    server: Server, asked: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGWEAVE_MODEL_API_KEY", "s3cret")
    monkeypatch.setenv("RAGWEAVE_MODEL_MAX_TOKENS", "99")

    code = main([*asked, "--model", server.spec])

    answer, _, sources = capsys.readouterr().out.partition("\n\n")
    [request] = server.requests
    assert code == 0
    assert answer.startswith("Tea is served at four [1].")
    assert "[7]" not in answer
    assert "[1] Tea (tea.md)" in sources
    assert (request["key"], request["path"], request["model"]) == (
        "Bearer s3cret",
        "/v1/chat/completions",
        "tea-model",
    )
    assert 99 in (request.get("max_tokens"), request.get("max_completion_tokens"))


def test_the_state_says_what_the_model_was_given(
    server: Server, asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main([*asked, "--model", server.spec, "--json"])

    state = json.loads(capsys.readouterr().out)
    assert state["answer"].startswith("Tea is served at four [1].")
    assert [citation["n"] for citation in state["citations"]] == [1]
    assert "Tea is served at four in the afternoon." in json.dumps(server.requests[0]["messages"])


def test_a_refused_key_says_which_variable_to_set(
    server: Server, asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    server.status = 401

    code = main([*asked, "--model", server.spec, "--json"])

    error = json.loads(capsys.readouterr().out)["error"]
    assert (code, error["type"]) == (1, "AdapterError")
    assert "refused the key" in error["message"]
    assert "RAGWEAVE_MODEL_API_KEY" in error["remedy"]


def test_an_adapter_of_the_server_answers_and_is_named(
    server: Server, asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    base = {"id": "tea-model", "object": "model", "owned_by": "vllm"}
    server.models = (base, base | {"id": "support", "parent": "tea-model", "root": "/adapters/support"})

    code = main([*asked, "--model", server.spec, "--adapter", "support", "--json"])

    state = json.loads(capsys.readouterr().out)
    assert (code, state["adapter"]) == (0, "support")
    assert server.requests[-1]["model"] == "support"


def test_a_server_without_adapters_never_answers_in_place_of_one(
    server: Server, asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code = main([*asked, "--model", server.spec, "--adapter", "support", "--json"])

    error = json.loads(capsys.readouterr().out)["error"]
    assert (code, error["type"]) == (1, "UnknownAdapter")
    assert server.requests == []
