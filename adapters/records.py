"""The values that the parts of this package hand each other. Knows no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["AdapterInfo", "ChatRequest", "Delta", "Sampling", "TokenLogprob", "Usage", "split_version"]

FinishReason = Literal["stop", "length"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterInfo:
    """An adapter as users see it.

    `version` is 1, 2, ... in a registry, and the content's hash for a plain folder; `targets` are the last
    parts of the module names (`q_proj`); `state` is `registered` (on disk, not yet checked against a base),
    `disk` (checked, weights on disk), `cpu` (weights in memory), `device` (in a slot), or `remote`.
    """

    name: str
    version: str
    description: str = ""
    rank: int = 0
    targets: tuple[str, ...] = ()
    path: str = ""
    state: str = "registered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How one request's tokens are chosen. `temperature` 0 takes the likeliest token.

    `top_k` 0 and `top_p` 1 and `min_p` 0 leave everything in; `repetition_penalty` divides positive and
    multiplies negative logits of tokens that the prompt or the answer holds (Keskar et al. 2019, CTRL);
    `logprobs` is how many likeliest tokens are reported beside the chosen one, None reports nothing.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    seed: int | None = None
    max_tokens: int = 512
    stop: tuple[str, ...] = ()
    logprobs: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """One call of the chat model, as every engine takes it.

    `messages` and `tools` are in the form of the OpenAI API; `adapter` is "" for the base model, a name, or
    `name@version`; `tool_choice` is None, "auto", "none", "required" or a tool's name; `schema` is a JSON
    schema that the answer has to match; `timeout` is in seconds, from now.
    """

    messages: tuple[Mapping[str, Any], ...]
    adapter: str = ""
    tools: tuple[Mapping[str, Any], ...] = ()
    tool_choice: str | None = None
    schema: Mapping[str, Any] | None = None
    sampling: Sampling = field(default_factory=Sampling)
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A chosen token, its log probability, and the likeliest tokens with theirs."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of a call."""

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """One piece of an answer; the last one alone has `finish_reason` and `usage`.

    `tool_calls` are pieces in the form of the OpenAI API's stream: `{"index", "id", "name", "arguments"}`,
    arguments being JSON text; the `arguments` of one index, joined, are one call's. `adapter` and
    `adapter_version` say who wrote the answer; both stand in every piece.
    """

    text: str = ""
    logprobs: tuple[TokenLogprob, ...] = ()
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    adapter: str = ""
    adapter_version: str = ""


def split_version(name: str) -> tuple[str, str | None]:
    """A name as callers write it: `name` or `name@version`; "base" is "".

    >>> split_version("support@2"), split_version("base")
    (('support', '2'), ('', None))
    """
    plain, _, version = name.partition("@")
    return ("" if plain == "base" and not version else plain), (version or None)
