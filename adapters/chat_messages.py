"""LangChain messages to what engines take, and what engines give to LangChain messages.

Knows no engine and no option of a call.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    InvalidToolCall,
    ToolCall,
    ToolCallChunk,
    convert_to_openai_messages,
)
from langchain_core.messages.ai import UsageMetadata

from .errors import AdapterError
from .records import Delta, TokenLogprob, Usage, split_version

__all__ = ["Origin", "Reply", "to_openai"]

PROVIDER = "ragweave"
DROPPED = frozenset(  # blocks of earlier answers that stand elsewhere in the message, or are not said again
    {"invalid_tool_call", "reasoning", "thinking", "tool_call", "tool_call_chunk", "tool_use"}
)


def to_openai(messages: Sequence[BaseMessage]) -> list[dict[str, Any]]:
    """Messages in the form of the OpenAI API, their contents plain text.

    Raises `AdapterError` for images, audio and files.
    """
    if not messages:
        raise AdapterError("There is no message to answer.", remedy="Give at least one.")
    converted = convert_to_openai_messages([_with_text(message) for message in messages])
    return [dict(message) for message in (converted if isinstance(converted, list) else [converted])]


def _with_text(message: BaseMessage) -> BaseMessage:
    if isinstance(message.content, str):
        return message
    texts = [text for block in message.content if (text := _text(block)) is not None]
    return message.model_copy(update={"content": "\n".join(texts)})


def _text(block: str | dict[str, Any]) -> str | None:
    if isinstance(block, str):
        return block
    kind = block.get("type", "text")
    if kind == "text" or ("text" in block and kind == "text-plain"):
        return str(block.get("text", ""))
    if kind in DROPPED:
        return None
    raise AdapterError(
        f"A message holds a block of type {kind!r}, and this model takes text only.",
        remedy="Put what it says into text.",
    )


@dataclass(frozen=True, slots=True)
class Origin:
    """Who was asked: the adapter's name or the base model's."""

    base_model: str
    asked: str

    def metadata(self, delta: Delta) -> dict[str, Any]:
        """`response_metadata` of an answer that ends with this piece."""
        name = delta.adapter or split_version(self.asked)[0]
        return {
            "model_name": name or self.base_model,
            "base_model": self.base_model,
            "adapter": name,
            "adapter_version": delta.adapter_version,
            "finish_reason": delta.finish_reason,
            "model_provider": PROVIDER,
        }


@dataclass(slots=True)
class Reply:
    """Turns an engine's pieces into LangChain's chunks, or into one message."""

    origin: Origin
    texts: list[str] = field(default_factory=list)
    logprobs: list[dict[str, Any]] = field(default_factory=list)
    calls: dict[int, dict[str, Any]] = field(default_factory=dict)
    last: Delta = field(default_factory=Delta)

    def chunk(self, delta: Delta) -> AIMessageChunk:
        """One piece. What is known only at the end stands in the last one, so that sums hold it once."""
        metadata: dict[str, Any] = {}
        if delta.logprobs:
            metadata["logprobs"] = {"content": [_logprob(one) for one in delta.logprobs]}
        ends = delta.finish_reason is not None
        return AIMessageChunk(
            content=delta.text,
            tool_call_chunks=[_call_chunk(call) for call in delta.tool_calls],
            usage_metadata=_usage(delta.usage) if delta.usage else None,
            response_metadata=metadata | (self.origin.metadata(delta) if ends else {}),
            chunk_position="last" if ends else None,
        )

    def add(self, delta: Delta) -> None:
        """Keep a piece for `message`."""
        self.texts.append(delta.text)
        self.logprobs.extend(_logprob(one) for one in delta.logprobs)
        for call in delta.tool_calls:
            kept = self.calls.setdefault(call["index"], {"id": None, "name": None, "arguments": ""})
            kept["id"], kept["name"] = call.get("id") or kept["id"], call.get("name") or kept["name"]
            kept["arguments"] += call.get("arguments") or ""
        self.last = delta

    def message(self) -> AIMessage:
        """The whole answer; calls whose arguments are no JSON object are its `invalid_tool_calls`."""
        calls, invalid = _calls(self.calls.values())
        metadata = self.origin.metadata(self.last)
        return AIMessage(
            content="".join(self.texts),
            tool_calls=calls,
            invalid_tool_calls=invalid,
            usage_metadata=_usage(self.last.usage) if self.last.usage else None,
            response_metadata=metadata | ({"logprobs": {"content": self.logprobs}} if self.logprobs else {}),
        )


def _calls(calls: Iterable[Mapping[str, Any]]) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    valid: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    for call in calls:
        try:
            arguments = json.loads(call["arguments"] or "{}")
        except json.JSONDecodeError as error:
            arguments, reason = None, str(error)
        else:
            reason = "The arguments are no JSON object, or the call has no name."
        if isinstance(arguments, dict) and call["name"]:
            valid.append(ToolCall(name=call["name"], args=arguments, id=call["id"], type="tool_call"))
        else:
            invalid.append(
                InvalidToolCall(
                    name=call["name"],
                    args=call["arguments"],
                    id=call["id"],
                    error=reason,
                    type="invalid_tool_call",
                )
            )
    return valid, invalid


def _call_chunk(call: Mapping[str, Any]) -> ToolCallChunk:
    return ToolCallChunk(
        name=call.get("name"),
        args=call.get("arguments"),
        id=call.get("id"),
        index=call["index"],
        type="tool_call_chunk",
    )


def _usage(usage: Usage) -> UsageMetadata:
    return UsageMetadata(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        total_tokens=usage.input_tokens + usage.output_tokens,
    )


def _logprob(one: TokenLogprob) -> dict[str, Any]:
    """In the form of the OpenAI API."""
    return {
        "token": one.token,
        "bytes": list(one.token.encode()),
        "logprob": one.logprob,
        "top_logprobs": [
            {"token": token, "bytes": list(token.encode()), "logprob": logprob} for token, logprob in one.top
        ],
    }
