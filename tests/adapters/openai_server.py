"""A real HTTP server that behaves as vLLM, SGLang or a plain OpenAI-compatible server do."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class OpenAIServer(ThreadingHTTPServer):
    """Says `<who> heard <the last message>`, a word an event; the knobs make it misbehave."""

    daemon_threads = True

    def __init__(self, flavour: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.flavour = flavour
        self.adapters: dict[str, str] = {}  # name -> path
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.key = ""
        self.busy = 0  # requests to refuse
        self.busy_status = 429
        self.dies_after = -1  # events
        self.pause = 0.0  # seconds between events
        self.echo: str | None = None  # the model it says that it is
        self.events: list[dict[str, Any]] | None = None  # instead of its own
        self.refuses_load = ""
        self.load_takes = 0.0  # seconds
        self.cut_off = threading.Event()  # set when a client left before the end

    @property
    def base(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1#tiny"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients leave; that is what some tests do."""
        self.cut_off.set()


class _Handler(BaseHTTPRequestHandler):
    server: OpenAIServer

    def log_message(self, format: str, *arguments: Any) -> None:
        """Not on the tests' output."""

    def do_GET(self) -> None:
        owner = {"vllm": "vllm", "sglang": "sglang"}.get(self.server.flavour, "library")
        cards = [{"id": "tiny", "owned_by": owner, "root": "/models/tiny", "parent": None}]
        cards += [
            {"id": name, "owned_by": owner, "root": path, "parent": "tiny"}
            for name, path in self.server.adapters.items()
        ]
        if self._allowed():
            self._json(200, {"object": "list", "data": cards})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._allowed():
            return
        if self.path.endswith("load_lora_adapter"):
            self._adapter(body)
        elif self.path == "/tokenize" and self.server.flavour != "plain":
            self._json(200, {"count": len(body["prompt"].split())})
        elif self.path == "/v1/chat/completions":
            self._chat(body)
        else:
            self._json(404, {"detail": "Not Found"})

    def _allowed(self) -> bool:
        given = self.headers.get("Authorization", "")
        if self.server.key and given != f"Bearer {self.server.key}":
            self._json(401, {"error": "Unauthorized"})
            return False
        return True

    def _adapter(self, body: dict[str, Any]) -> None:
        server, name = self.server, body["lora_name"]
        time.sleep(server.load_takes)
        prefix = {"vllm": "/v1/", "sglang": "/"}.get(server.flavour)
        if prefix is None or self.path not in (f"{prefix}load_lora_adapter", f"{prefix}unload_lora_adapter"):
            self._json(404, {"detail": "Not Found"})
        elif "/unload" in self.path:
            known = server.adapters.pop(name, None) is not None
            self._json(200 if known else 404, {"success": known})
        elif server.refuses_load or name in server.adapters:
            said = server.refuses_load or f"The lora adapter '{name}' has already been loaded."
            failed = {"success": False, "error_message": said}
            self._json(400, failed if server.flavour == "sglang" else {"error": {"message": said}})
        else:
            server.adapters[name] = body["lora_path"]
            self._json(200, {"success": True})

    def _chat(self, body: dict[str, Any]) -> None:
        server = self.server
        server.bodies.append(body)
        if server.busy:
            server.busy -= 1
            self._json(server.busy_status, {"error": {"message": "Too many requests."}})
            return
        who = body["model"]
        if server.flavour == "sglang" and ":" in who:
            who = who.split(":", 1)[1]
            if who not in server.adapters:
                self._json(400, {"message": f"LoRA adapter '{who}' was requested, but it is not loaded."})
                return
        elif server.flavour == "vllm" and who not in ("tiny", *server.adapters):
            self._json(404, {"error": {"message": f"The model `{who}` does not exist."}})
            return
        self._stream(body, who)

    def _stream(self, body: dict[str, Any], who: str) -> None:
        server = self.server
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for at, event in enumerate(server.events if server.events is not None else _events(body, who)):
            if at == server.dies_after:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            made = {"object": "chat.completion.chunk", "model": server.echo or body["model"], **event}
            self.wfile.write(f"data: {json.dumps(made, ensure_ascii=False)}\n\n".encode())
            self.wfile.flush()
            time.sleep(server.pause)
        self.wfile.write(b"data: [DONE]\n\n")

    def _json(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _events(body: dict[str, Any], who: str) -> list[dict[str, Any]]:
    text = f"{who} heard {body['messages'][-1]['content']}"
    pieces: list[dict[str, Any]] = [{"delta": {"role": "assistant", "content": ""}}]
    for at, word in enumerate(text.split(" ")):
        content = word if not at else f" {word}"
        logprob = {"token": content, "logprob": -0.5, "top_logprobs": [{"token": content, "logprob": -0.5}]}
        asked = {"logprobs": {"content": [logprob]}} if body.get("logprobs") else {}
        pieces.append({"delta": {"content": content}, **asked})
    pieces.append({"delta": {}, "finish_reason": "stop"})
    events = [{"choices": [{"index": 0, **piece}]} for piece in pieces]
    usage = {"prompt_tokens": 5, "completion_tokens": len(pieces) - 2, "total_tokens": 3 + len(pieces)}
    return [*events, {"choices": [], "usage": usage}]


@contextmanager
def running(flavour: str) -> Iterator[OpenAIServer]:
    """A server in a thread."""
    server = OpenAIServer(flavour)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
