"""An answer as a server streams it, read into pieces, and the server's refusals as errors of this package.

Knows the OpenAI API's events and status codes; knows no connection.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import AdapterError, EngineBusy, EngineStopped, RequestTimeout, UnknownAdapter
from .records import ChatRequest, Delta, FinishReason, Sampling, TokenLogprob, Usage

__all__ = ["AnswerReader", "EventLines", "RETRIED", "Refusal", "refused", "request_body"]

RETRIED = frozenset({408, 429, 502, 503, 504})
SHOWN = 300  # characters of a server's message


def request_body(request: ChatRequest, model: str) -> dict[str, Any]:
    """A request in the form of the OpenAI API; what it does not know is left out where it is the default."""
    sampling = request.sampling
    body: dict[str, Any] = {
        "model": model,
        "messages": [dict(message) for message in request.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": sampling.temperature,
        "max_tokens": sampling.max_tokens,
    }
    for name in ("top_p", "top_k", "min_p", "repetition_penalty", "seed", "stop"):
        value = getattr(sampling, name)
        if value != getattr(Sampling(), name):
            body[name] = list(value) if name == "stop" else value
    if sampling.logprobs is not None:
        body |= {"logprobs": True, "top_logprobs": sampling.logprobs}
    if request.tools:
        body["tools"] = [dict(tool) for tool in request.tools]
    if request.tool_choice is not None:
        named = request.tool_choice not in ("auto", "none", "required")
        body["tool_choice"] = (
            {"type": "function", "function": {"name": request.tool_choice}} if named else request.tool_choice
        )
    if request.schema is not None:
        form = {"name": "answer", "schema": dict(request.schema), "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    return body


class EventLines:
    """Server-sent events from bytes; lines end at line feeds alone, for JSON may hold other line breaks."""

    def __init__(self) -> None:
        self._held = b""
        self.done = False

    def feed(self, data: bytes) -> Iterator[Mapping[str, Any]]:
        """The events that are complete now."""
        *lines, self._held = (self._held + data).split(b"\n")
        for line in lines:
            name, _, value = line.strip().partition(b":")
            if name != b"data" or self.done:
                continue
            if value.strip() == b"[DONE]":
                self.done = True
            else:
                yield _event(value)


def _event(value: bytes) -> Mapping[str, Any]:
    try:
        event = json.loads(value)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise EngineStopped(
            f"The server sent what is no event of the OpenAI API: {value[:SHOWN]!r}.",
            remedy="Check that the address ends in /v1.",
        )
    return event


@dataclass(slots=True)
class AnswerReader:
    """Reads the events of one answer.

    `model` is what was asked for; where that is an adapter's, an answer under another name is refused: it
    would be another's words.
    """

    model: str
    served: str
    adapter: str
    version: str
    known: tuple[str, ...] = ()
    calls: dict[int, dict[str, Any]] = field(default_factory=dict)
    finish_reason: FinishReason | None = None
    usage: Usage | None = None

    def feed(self, event: Mapping[str, Any]) -> Delta | None:
        """The piece that an event brings, where it brings one."""
        if event.get("error") or event.get("object") == "error":
            raise EngineStopped(f"The server ended the answer: {_message(event)}.", remedy="Ask again.")
        self._check_writer(event)
        if usage := event.get("usage"):
            self.usage = Usage(int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0))
        for choice in event.get("choices") or ():
            return self._choice(choice)
        return None

    def end(self) -> Delta:
        """The last piece. Raises `EngineStopped` where the server fell silent before the end."""
        if self.finish_reason is None:
            raise EngineStopped(
                "The server closed the connection before the answer's end.",
                remedy="Look at its log, and ask again.",
            )
        return Delta(
            tool_calls=tuple(_whole(call) for call in self.calls.values()),
            finish_reason=self.finish_reason,
            usage=self.usage,
            adapter=self.adapter,
            adapter_version=self.version,
        )

    def _check_writer(self, event: Mapping[str, Any]) -> None:
        writer = event.get("model")
        if self.adapter and writer and writer not in (self.model, self.served):
            raise UnknownAdapter(self.adapter, self.known, answered=str(writer))

    def _choice(self, choice: Mapping[str, Any]) -> Delta | None:
        if reason := choice.get("finish_reason"):
            self.finish_reason = "length" if reason == "length" else "stop"
        delta = choice.get("delta") or {}
        for piece in delta.get("tool_calls") or ():
            self._keep(piece)
        logprobs = tuple(_logprobs((choice.get("logprobs") or {}).get("content") or ()))
        text = delta.get("content") or ""
        if not text and not logprobs:
            return None
        return Delta(text=text, logprobs=logprobs, adapter=self.adapter, adapter_version=self.version)

    def _keep(self, piece: Mapping[str, Any]) -> None:
        index = int(piece.get("index") or 0)
        call = self.calls.setdefault(index, {"index": index, "id": None, "name": None, "arguments": ""})
        function = piece.get("function") or {}
        call["id"] = piece.get("id") or call["id"]
        call["name"] = function.get("name") or call["name"]
        call["arguments"] += function.get("arguments") or ""


def _whole(call: Mapping[str, Any]) -> Mapping[str, Any]:
    """A call of which LangChain can tell whether it is whole: it mends arguments that were cut off.

    Broken arguments get the tool's name before them, so that they are no beginning of JSON.
    """
    try:
        whole = isinstance(json.loads(call["arguments"] or "{}"), dict)
    except ValueError:
        whole = False
    return call if whole else {**call, "arguments": f"{call['name']} {call['arguments']}"}


def _logprobs(entries: Iterable[Mapping[str, Any]]) -> Iterator[TokenLogprob]:
    for entry in entries:
        top = tuple((one["token"], one["logprob"]) for one in entry.get("top_logprobs") or ())
        yield TokenLogprob(entry["token"], entry["logprob"], top)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A server's answer that is none: its status and what it said."""

    status: int
    said: str

    @classmethod
    def of(cls, status: int, body: bytes) -> Refusal:
        """From a response's body, JSON or not."""
        try:
            parsed = json.loads(body)
        except ValueError:
            parsed = body.decode("utf-8", "replace")
        return cls(status, _message(parsed) if isinstance(parsed, dict) else str(parsed)[:SHOWN])

    def is_about_model(self) -> bool:
        """Whether the server does not know the model; SGLang says so of adapters with status 400."""
        said = self.said.lower()
        about = "adapter" in said or "lora" in said or "model" in said
        denies = "not" in said or "unknown" in said
        return self.status == 404 or (self.status == 400 and about and denies)


def _message(body: Mapping[str, Any]) -> str:
    error = body.get("error", body)
    for key in ("message", "error_message", "detail"):
        if isinstance(error, dict) and error.get(key):
            return str(error[key])[:SHOWN].rstrip(".")
    return str(error)[:SHOWN].rstrip(".")


def refused(refusal: Refusal, *, base: str, adapter: str, known: Iterable[str]) -> AdapterError:
    """The error of a refusal, for a request for this adapter or the base."""
    status, said = refusal.status, refusal.said
    if adapter and refusal.is_about_model():
        return UnknownAdapter(adapter, known)
    if status in (401, 403):
        return AdapterError(
            f"The server refused the key (HTTP {status}): {said}.",
            remedy="Set RAGWEAVE_MODEL_API_KEY, or give api_key.",
        )
    if status == 404:
        return AdapterError(
            f"The server does not know the model {base!r} (HTTP 404): {said}.",
            remedy="Name one that it serves behind the address: http://host:8000/v1#name.",
        )
    if status in (429, 503):
        return EngineBusy(f"The server is busy (HTTP {status}): {said}.", remedy="Ask again later.")
    if status in (408, 504):
        return RequestTimeout(
            f"The server did not answer in time (HTTP {status}): {said}.", remedy="Ask again later."
        )
    if status >= 500:
        return EngineStopped(f"The server failed (HTTP {status}): {said}.", remedy="Look at its log.")
    return AdapterError(
        f"The server refused the request (HTTP {status}): {said}.",
        remedy="Leave out what it does not take: OpenAI's API has no top_k, min_p and repetition_penalty.",
    )
