"""Answers that fit a JSON schema, and tool calls that fit their tools, by masking tokens (llguidance).

Knows tokens and grammars; knows no model and no request's adapter. The local engine makes one
`GrammarFactory` a base, and one `Constraint` a request with `for_request`.
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

import numpy as np
import torch
from llguidance import LLMatcher, LLTokenizer
from llguidance.hf import from_tokenizer
from torch import Tensor

from .errors import AdapterError
from .records import ChatRequest
from .sampling import Constraint
from .tool_calls import ID, ToolFormat

__all__ = ["Constraint", "GrammarConstraint", "GrammarFactory"]

KEPT = 64  # compiled grammars; one takes about as many milliseconds to compile as a step of a small model
CALLS = 16  # in one answer; a small model left to itself goes on calling
# One way to write JSON, the way that chat templates write it: what is free, a small model spends tokens on.
JSON_STYLE = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}


class GrammarConstraint:
    """A grammar's place in one request's answer."""

    def __init__(self, matcher: LLMatcher, width: int) -> None:
        self._matcher = matcher
        self._bits = torch.zeros((width + 31) // 32, dtype=torch.int32)

    @property
    def finished(self) -> bool:
        """Whether the answer is complete, so that no token can follow."""
        return bool(self._matcher.is_stopped())

    def mask(self, logits: Tensor) -> None:
        """Set the logits of tokens that cannot follow to minus infinity, in place.

        Raises `AdapterError` where the grammar met a limit of its library.
        """
        self._matcher.unsafe_compute_mask_ptr(self._bits.data_ptr(), self._bits.numel() * 4)
        self._check()
        allowed = np.unpackbits(self._bits.numpy().view(np.uint8), bitorder="little")[: logits.shape[-1]]
        forbidden = torch.ones(logits.shape[-1], dtype=torch.bool)
        forbidden[: len(allowed)] = torch.from_numpy(allowed == 0)
        logits.masked_fill_(forbidden.to(logits.device), float("-inf"))

    def accept(self, token: int) -> None:
        """Move on by the token chosen. Raises `AdapterError` for one that could not follow."""
        if not self._matcher.is_stopped():
            self._matcher.consume_token(token)
            self._check()

    def _check(self) -> None:
        if self._matcher.is_error():
            raise AdapterError(
                f"Constrained decoding failed: {_reason(self._matcher.get_error())}.",
                remedy="Simplify the schema.",
            )


class GrammarFactory:
    """Makes constraints for one tokenizer; safe to use from several threads.

    `width` is the model's vocabulary, that of its logits, where it is larger than the tokenizer's; `eos` are
    the tokens that end a turn.
    """

    def __init__(self, tokenizer: Any, *, width: int, eos: Sequence[int]) -> None:
        try:
            self._tokenizer: LLTokenizer = from_tokenizer(tokenizer, n_vocab=width, eos_token=list(eos))
        except ValueError as error:
            raise AdapterError(
                f"The tokenizer {type(tokenizer).__name__} cannot be constrained: {error}.",
                remedy="Tools and schemas need a fast tokenizer (tokenizer.json).",
            ) from error
        added = getattr(tokenizer, "added_tokens_decoder", {}).items()
        self._specials = {str(one.content): int(token) for token, one in added if one.special}
        self._width = width
        self._matchers: OrderedDict[str, LLMatcher] = OrderedDict()
        self._lock = Lock()

    def for_request(self, request: ChatRequest, format: ToolFormat | None) -> Constraint | None:
        """What a request's schema, tools and tool choice allow; None where all is allowed.

        `format` is needed where the request has tools that may be called. A schema beside tools is for the
        answer that calls none. Raises `AdapterError` for a schema that cannot be followed, with the reason.
        """
        if request.tools and request.tool_choice != "none" and format is not None:
            return self.tool_calls(request.tools, request.tool_choice, format, schema=request.schema)
        return None if request.schema is None else self.json_schema(request.schema)

    def json_schema(self, schema: Mapping[str, Any]) -> Constraint:
        """An answer that is one JSON value of this schema."""
        return self._constraint(f"start: {_json(schema)}", what="The schema")

    def tool_calls(
        self,
        tools: Sequence[Mapping[str, Any]],
        choice: str | None,
        format: ToolFormat,
        *,
        schema: Mapping[str, Any] | None = None,
    ) -> Constraint:
        """Calls of these tools: of the one that `choice` names; of any ("required"); or text as well."""
        if choice not in (None, "auto", "required"):
            tools = [tool for tool in tools if tool["function"]["name"] == choice]
        many = f"(join call){{0,{CALLS - 1}}}" if format.join and choice in (None, "auto", "required") else ""
        rules = [
            *(f"call_{at}: {self._call(tool, format)}" for at, tool in enumerate(tools)),
            "call: " + " | ".join(f"call_{at}" for at in range(len(tools))),
            f"calls: call {many} {self._literal(format.end)}",
        ]
        if format.join:
            rules.append(f"join: {self._literal(format.join)}")
        if choice in (None, "auto"):
            rules += self._start(format, schema)
        else:
            rules.append(f"start: {self._literal(format.begin)} calls")
        return self._constraint("\n".join(rules), what=_names(tools))

    def _start(self, format: ToolFormat, schema: Mapping[str, Any] | None) -> list[str]:
        """Text, or calls behind some text; calls are recognised by the format's trigger."""
        trigger = format.trigger
        behind = self._literal(format.begin[format.begin.find(trigger) + len(trigger) :])
        if schema is not None:
            return [f"start: answer | {self._literal(format.begin)} calls", f"answer: {_json(schema)}"]
        if not trigger:  # a call is bare JSON, so text begins in another way
            return [
                f"start: {self._literal(format.begin)} calls | TEXT | EMPTY",
                r"TEXT: /[^\s{](.|\n)*/",
                "EMPTY: //",
            ]
        token = self._special(trigger)
        if token is not None:
            return [f"start: TEXT | TEXT {token} {behind} calls", r"TEXT: /(.|\n)*/"]
        return [
            f"start: TEXT | begun {behind} calls",
            r"TEXT: /(.|\n)*/",
            f"begun[lazy]: TEXT {_quoted(trigger)}",
        ]

    def _call(self, tool: Mapping[str, Any], format: ToolFormat) -> str:
        function = tool["function"]
        parameters = function.get("parameters") or {"type": "object", "properties": {}}
        return f"{_quoted(function['name'])} {self._literal(format.middle)} {_json(parameters)}"

    def _literal(self, text: str) -> str:
        """A text of the template in the grammar's language, where special tokens are no text."""
        specials = "|".join(re.escape(name) for name in self._specials)
        parts = re.split(f"({re.escape(ID)}{'|' + specials if specials else ''})", text)
        written = []
        for part in parts:
            token = self._special(part)
            if part == ID:
                written.append("/[A-Za-z0-9]{9}/")
            elif token is not None:
                written.append(token)
            elif part:
                written.append(_quoted(part))
        return " ".join(written)

    def _special(self, text: str) -> str | None:
        return f"<[{self._specials[text]}]>" if text in self._specials else None

    def _constraint(self, lark: str, *, what: str) -> Constraint:
        with self._lock:
            matcher = self._matchers.pop(lark, None)
            if matcher is None:
                grammar = LLMatcher.grammar_from_lark(f"%llguidance {{}}\n{lark}\n")
                matcher = LLMatcher(self._tokenizer, grammar, log_level=0)
            if matcher.is_error():
                raise AdapterError(
                    f"{what} cannot be followed: {_reason(matcher.get_error())}.",
                    remedy="Leave that keyword out, or describe it in words.",
                )
            self._matchers[lark] = matcher
            if len(self._matchers) > KEPT:
                self._matchers.popitem(last=False)
            return GrammarConstraint(matcher.deep_copy(), self._width)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _json(schema: Mapping[str, Any]) -> str:
    return f"%json {json.dumps({**closed(schema), 'x-guidance': JSON_STYLE})}"


def closed(schema: Any) -> Any:
    """The schema, its objects holding the properties they name and no others where it does not say.

    Open objects are JSON Schema's default, and an invitation to a model to go on inventing keys.

    >>> closed({"type": "object", "properties": {}})["additionalProperties"]
    False
    """
    if not isinstance(schema, Mapping):
        return schema
    made = dict(schema)
    for key in ("properties", "$defs", "definitions"):
        if isinstance(made.get(key), Mapping):
            made[key] = {name: closed(one) for name, one in made[key].items()}
    for key in ("anyOf", "oneOf", "prefixItems"):
        if isinstance(made.get(key), list):
            made[key] = [closed(one) for one in made[key]]
    made |= {"items": closed(made["items"])} if "items" in made else {}
    open_by = ("additionalProperties", "unevaluatedProperties", "patternProperties", "allOf", "$ref")
    if "properties" in made and not any(key in made for key in open_by):
        made["additionalProperties"] = False
    return made


def _names(tools: Sequence[Mapping[str, Any]]) -> str:
    names = ", ".join(repr(tool["function"]["name"]) for tool in tools)
    return f"The schema of the tool {names}" if len(tools) == 1 else f"A schema of the tools {names}"


def _reason(error: str) -> str:
    """The library's first line; behind it stands the whole grammar."""
    return error.strip().split("\n", 1)[0].rstrip(".")
