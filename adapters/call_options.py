"""A call's keyword arguments, checked and turned into the request that engines take.

Knows LangChain's and OpenAI's names of the options; knows no engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from langchain_core.messages import BaseMessage
from langchain_core.utils.function_calling import convert_to_openai_tool

from .chat_messages import to_openai
from .errors import AdapterError
from .records import ChatRequest, Sampling, split_version
from .sampling_limits import check_sampling

__all__ = ["CALL_OPTIONS", "TRACING", "chat_request", "check_names", "tool_choice_of"]

SAMPLING = ("temperature", "top_p", "top_k", "min_p", "repetition_penalty", "seed", "max_tokens")
CALL_OPTIONS = frozenset(
    {
        *SAMPLING,
        "logprobs",
        "model",
        "response_format",
        "stop",
        "stream",
        "timeout",
        "tool_choice",
        "tools",
        "top_logprobs",
    }
)
TRACING = frozenset({"ls_structured_output_format", "structured_output_format"})  # LangChain's own
ANY_OBJECT = {"type": "object"}


def check_names(given: Iterable[str], known: Iterable[str], *, of: str) -> None:
    """Raises `TypeError` for the first unknown name, with the nearest known one."""
    names = sorted(known)
    for name in given:
        if name not in names:
            close = get_close_matches(name, names, n=1)
            hint = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(names)}."
            raise TypeError(f"{of} takes no argument {name!r}. {hint}")


def chat_request(
    messages: Sequence[BaseMessage],
    stop: Sequence[str] | str | None,
    options: Mapping[str, Any],
    *,
    sampling: Sampling,
    timeout: float | None,
) -> ChatRequest:
    """The request of one call; `sampling` and `timeout` are the model's own, for what the call leaves out.

    Raises `TypeError` for an unknown option and `AdapterError` for a value that cannot be.
    """
    check_names(options, CALL_OPTIONS | TRACING, of="A call of ChatLora")
    tools = tuple(convert_to_openai_tool(tool) for tool in options.get("tools") or ())
    return ChatRequest(
        messages=tuple(to_openai(messages)),
        adapter=adapter_of(options.get("model")),
        tools=tools,
        tool_choice=tool_choice_of(options.get("tool_choice"), tools),
        schema=_schema(options.get("response_format")),
        sampling=_sampling(sampling, stop if stop is not None else options.get("stop"), options),
        timeout=options["timeout"] if options.get("timeout") is not None else timeout,
    )


def adapter_of(model: object) -> str:
    """ "" for the base model, else the name as it was given."""
    if model is None:
        return ""
    if not isinstance(model, str):
        raise TypeError(f"model={model!r} is no adapter's name: expected text, or None for the base model.")
    name, version = split_version(model)
    if version and not name:
        raise AdapterError(
            f"model={model!r} is a version of no adapter.",
            remedy="Write it as name@version, such as legal@2.",
        )
    return model if name else ""


def _sampling(own: Sampling, stop: Sequence[str] | str | None, options: Mapping[str, Any]) -> Sampling:
    changed = {name: options[name] for name in SAMPLING if options.get(name) is not None}
    if stop is not None:
        changed["stop"] = (stop,) if isinstance(stop, str) else tuple(stop)
    if options.get("logprobs") or options.get("top_logprobs"):
        changed["logprobs"] = int(options.get("top_logprobs") or 0)
    sampling = replace(own, **changed)
    check_sampling(sampling)
    return sampling


def _schema(response_format: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The schema in OpenAI's `response_format`."""
    if response_format is None or response_format.get("type") == "text":
        return None
    if response_format.get("type") == "json_object":
        return ANY_OBJECT
    schema = response_format.get("json_schema", {}).get("schema")
    if response_format.get("type") != "json_schema" or not isinstance(schema, Mapping):
        raise AdapterError(
            f"response_format={response_format!r} is not understood.",
            remedy='Give {"type": "json_schema", "json_schema": {"name": ..., "schema": {...}}}, '
            '{"type": "json_object"} or {"type": "text"}.',
        )
    return schema


def tool_choice_of(choice: object, tools: Sequence[Mapping[str, Any]]) -> str | None:
    """A tool choice in any of LangChain's or OpenAI's spellings, as `ChatRequest` has it.

    >>> tool_choice_of("any", [{"function": {"name": "add"}}])
    'required'
    """
    names = [tool["function"]["name"] for tool in tools]
    if isinstance(choice, Mapping):
        choice = choice.get("function", {}).get("name", choice.get("name"))
    if choice is None or choice == "auto":
        return choice if choice is None else "auto"
    if choice is False or choice == "none":
        return "none"
    if not tools:
        raise AdapterError(f"tool_choice={choice!r} without tools.", remedy="Give tools, or no tool_choice.")
    if choice is True or choice in ("any", "required"):
        return "required"
    if not isinstance(choice, str) or choice not in names:
        raise AdapterError(
            f"tool_choice={choice!r} names no tool. Tools: {', '.join(names)}.",
            remedy='Name one of them, or give "auto", "any" or "none".',
        )
    return choice
