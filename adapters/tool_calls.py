"""How a base model writes tool calls, learned from its chat template, and calls read from a stream of text.

Knows templates and text; knows no model, no tokens and no grammar.

The local engine uses `ToolFormat.of(...)` once per base, `template_messages(...)` before each rendering, and
one `ToolCallParser` an answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from jinja2.exceptions import TemplateError

from .errors import AdapterError

__all__ = ["ToolCallParser", "ToolFormat", "template_messages"]

# Marks that no template writes by itself; the id has the nine letters and digits that Mistral's insists on.
NAMES = ("markedtoola", "markedtoolb")
ID = "markedid1"
KEY, VALUE = "markedkey", "markedvalue"
MARKED = {KEY: VALUE}
TEXT = "markedtext"
ID_PATTERN = "[A-Za-z0-9_-]{1,64}"
MARK = re.compile(r"\s*(<[^>\s]+>|\[[^\]\s]+\])")  # <tool_call>, [TOOL_CALLS], <|im_end|>
NAME = r"[\w.:/-]{1,128}"
REMEDY = "Give a chat_template that writes tools, or a base model whose own does."


@dataclass(frozen=True, slots=True)
class ToolFormat:
    """The texts around the names and arguments of a turn that calls tools.

    A turn is `begin NAME middle ARGUMENTS (join NAME middle ARGUMENTS)* end`, ARGUMENTS a JSON object; in
    `join` and `end`, `ID` stands for a call's id. `join` is "" where a turn holds one call at most. Qwen's:
    begin `<tool_call>\\n{"name": "`, middle `", "arguments": `, end `}\\n</tool_call>`.

    `trigger` is what tells a call from text: the start of `begin`, or "" where a call is bare JSON (Llama 3).
    `special` are the trigger's special tokens, which decoders drop: an engine hands the parser their text.
    `text_arguments`: the template takes arguments as JSON text, as DeepSeek's does, not as objects.
    """

    begin: str
    middle: str
    join: str
    end: str
    trigger: str
    special: Mapping[int, str] = field(default_factory=dict)
    text_arguments: bool = False

    @classmethod
    def of(cls, template: str | None, tokenizer: Any) -> ToolFormat:
        """What a template (None: the tokenizer's own) makes of an assistant's tool calls.

        Raises `AdapterError` for a template that leaves tools or calls out, or writes arguments not as JSON.
        """
        shown = _render(tokenizer, template, [_user()], tools=True)
        if shown is None or NAMES[0] not in shown:
            raise AdapterError("The chat template leaves tools out: none was in the prompt.", remedy=REMEDY)
        around = _around(tokenizer, template)
        for arguments in (MARKED, json.dumps(MARKED)):
            one, two = (_body(tokenizer, template, NAMES[:count], arguments, around) for count in (1, 2))
            if one is not None:
                break
        else:
            raise AdapterError("The chat template leaves an assistant's tool calls out.", remedy=REMEDY)
        begin, middle, end = _segments(one, NAMES[0])
        join, second, _ = _segments(two, NAMES[0])[2].partition(NAMES[1]) if two else ("", "", "")
        mark = MARK.match(begin)
        return cls(
            begin,
            middle,
            join if second else "",
            end,
            trigger=mark[1] if mark else begin.partition("{")[0].strip(),
            special=_special(tokenizer, begin + middle + join + end),
            text_arguments=isinstance(arguments, str),
        )


def template_messages(
    messages: Sequence[Mapping[str, Any]], format: ToolFormat | None = None
) -> list[dict[str, Any]]:
    """OpenAI's messages as chat templates take them: a call's arguments as an object, no content as ""."""
    as_text = format is not None and format.text_arguments
    return [_for_template(message, as_text=as_text) for message in messages]


def _for_template(message: Mapping[str, Any], *, as_text: bool) -> dict[str, Any]:
    converted = {**message, "content": message.get("content") or ""}
    if message.get("tool_calls") and not as_text:
        converted["tool_calls"] = [
            {**call, "function": {**call["function"], "arguments": _arguments(call["function"])}}
            for call in message["tool_calls"]
        ]
    return converted


def _arguments(function: Mapping[str, Any]) -> Any:
    arguments = function.get("arguments") or {}
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments)
    except json.JSONDecodeError:
        return arguments  # an invalid call of an earlier turn: as it was written


# ---- learning the format ----


def _user() -> dict[str, Any]:
    return {"role": "user", "content": "marked question"}


def _tool(name: str) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {KEY: {"type": "string"}}}
    return {"type": "function", "function": {"name": name, "description": "", "parameters": parameters}}


def _render(tokenizer: Any, template: str | None, messages: list[Any], *, tools: bool = False) -> str | None:
    """None where the template refuses the messages, as Llama 3's does for two calls."""
    try:
        text = tokenizer.apply_chat_template(
            messages,
            tools=[_tool(name) for name in NAMES] if tools else None,
            chat_template=template,
            tokenize=False,
        )
    except (TemplateError, TypeError, ValueError):
        return None
    return str(text)


def _around(tokenizer: Any, template: str | None) -> tuple[str, str]:
    """What stands before and behind an assistant's text, the last turn's."""
    said = _render(
        tokenizer, template, [_user(), {"role": "assistant", "content": TEXT}, _user()], tools=True
    )
    if said is None or TEXT not in said:
        raise AdapterError("The chat template takes no assistant's turn.", remedy=REMEDY)
    head, _, tail = said.partition(TEXT)
    return head, tail


def _body(
    tokenizer: Any, template: str | None, names: Sequence[str], arguments: Any, around: tuple[str, str]
) -> str | None:
    """An assistant's turn that makes these calls, without what stands around every turn."""
    calls = [
        {"id": ID, "type": "function", "function": {"name": name, "arguments": arguments}} for name in names
    ]
    # Answers are needed by templates that look ahead; they also keep the turn from being the last one.
    turn = {"role": "assistant", "content": "", "tool_calls": calls}
    answers = [{"role": "tool", "tool_call_id": ID, "name": name, "content": "1"} for name in names]
    said = _render(tokenizer, template, [_user(), turn, *answers], tools=True)
    if said is None or not all(name in said for name in names):
        return None
    head, tail = around
    body = said[_common(head, said) :]
    if VALUE not in body:
        return None
    ending = _turn_end(tail)
    stop = body.find(ending, body.rindex(VALUE)) if ending else -1
    return body[:stop] if stop >= 0 else body


def _common(head: str, said: str) -> int:
    """The length of what both begin with."""
    at = 0
    while at < min(len(head), len(said)) and head[at] == said[at]:
        at += 1
    return at


def _turn_end(tail: str) -> str:
    """The end of a turn: a token such as `<|im_end|>`, or what stands before the next line."""
    token = MARK.match(tail)
    return token[1] if token else tail.split("\n", 1)[0]


def _segments(body: str, name: str) -> tuple[str, str, str]:
    """What stands before the name, between name and arguments, and behind the arguments."""
    begin, found, rest = body.partition(name)
    at = rest.find("{")
    if found and at >= 0:
        try:
            arguments, end = json.JSONDecoder().raw_decode(rest, at)
        except json.JSONDecodeError:
            arguments, end = None, at
        if arguments == MARKED:
            return begin, rest[:at], rest[end:].rstrip()
    raise AdapterError(
        f"The chat template writes a tool call as {body[:200]!r}: arguments are expected as a JSON object "
        "behind the name.",
        remedy=REMEDY,
    )


def _special(tokenizer: Any, texts: str) -> dict[int, str]:
    added = getattr(tokenizer, "added_tokens_decoder", {})
    return {
        int(token): str(entry.content)
        for token, entry in added.items()
        if entry.special and str(entry.content) in texts
    }


# ---- reading calls ----


class ToolCallParser:
    """Reads one answer's text as it comes: text to show, and calls.

    A call is given whole, once its arguments are complete, as `{"index", "id", "name", "arguments"}`; what
    may be the beginning of a call is held back. A call that is broken or cut off comes at the end, without a
    name, its arguments the raw text as it was written, so that LangChain lists it among `invalid_tool_calls`.

    >>> parser = ToolCallParser(ToolFormat('<call>{"name": "', '", "arguments": ', "", "}", "<call>"))
    >>> parser.feed('Yes. <call>{"name": "add", "argu')
    ('Yes.', [])
    >>> parser.feed('ments": {"x": 1}}')[1][0]["arguments"]
    '{"x": 1}'
    """

    def __init__(self, format: ToolFormat) -> None:
        self._trigger = format.trigger
        middle = f"({NAME}){_pattern(format.middle)}"
        self._first = re.compile(_pattern(format.begin) + middle)
        self._next = re.compile(_pattern(format.join) + middle) if format.join else None
        self._end = re.compile(_pattern(format.end))
        self._plain_end = format.end
        self._held = ""
        self._calling = False
        self._said = False
        self._count = 0

    def feed(self, text: str) -> tuple[str, list[dict[str, Any]]]:
        """Take more text; returns what can be shown now, and the calls that are complete now."""
        self._held += text
        shown = "" if self._calling else self._text()
        calls = []
        while self._calling and (call := self._call()) is not None:
            calls.append(call)
        return shown, calls

    def finish(self) -> tuple[str, list[dict[str, Any]]]:
        """The rest; there is no more text."""
        rest, self._held = self._held, ""
        if not self._calling:
            return rest, []
        if self._count:
            ended = self._end.match(rest)
            if ended and (not self._trigger or self._trigger not in rest[ended.end() :]):
                return rest[ended.end() :].rstrip(), []
            if self._is_unfinished_end(rest):
                return "", []
        elif not self._trigger:
            return rest, []  # bare JSON that calls no tool is an answer
        return "", [self._numbered(None, rest)]

    def _text(self) -> str:
        """Takes from `held` what is surely text."""
        if not self._trigger:
            begun = self._held.lstrip()
            self._calling = not self._said and begun.startswith("{")
            if self._calling or not begun:
                return ""
            at = len(self._held)
        else:
            at = self._held.find(self._trigger)
            self._calling = at >= 0
            if at < 0:
                at = len(self._held) - _overlap(self._held, self._trigger)
            at = len(self._held[:at].rstrip())  # blanks before a call belong to it
        text, self._held = self._held[:at], self._held[at:]
        self._said = self._said or bool(text)
        if self._calling:
            self._held = self._held.lstrip()
        return text

    def _call(self) -> dict[str, Any] | None:
        """Takes a complete call from `held`."""
        pattern = self._next if self._count else self._first
        found = pattern.match(self._held.lstrip()) if pattern else None
        if found is None:
            return None
        try:
            arguments, end = json.JSONDecoder().raw_decode(found.string, found.end())
        except json.JSONDecodeError:
            return None
        if not isinstance(arguments, dict):
            return None
        self._held = found.string[end:]
        return self._numbered(found[1], found.string[found.end() : end])

    def _is_unfinished_end(self, rest: str) -> bool:
        """Whether the answer was cut off behind its last call, so that nothing of it is missing."""
        return "".join(self._plain_end.split()).startswith("".join(rest.split()))

    def _numbered(self, name: str | None, arguments: str) -> dict[str, Any]:
        # Nine letters and digits: what Mistral's template insists on, and short enough for a prompt.
        call = {"index": self._count, "id": uuid4().hex[:9], "name": name, "arguments": arguments}
        self._count += 1
        return call


def _pattern(literal: str) -> str:
    """A regular expression for a text, blanks free, any id in the place of the marked one."""
    words = [re.escape(word) for word in literal.split()]
    blank = r"\s*"
    before = blank if literal[:1].isspace() else ""
    after = blank if literal[-1:].isspace() else ""
    return (before + blank.join(words) + after).replace(ID, ID_PATTERN)


def _overlap(text: str, marker: str) -> int:
    """How much of the end of a text may be the beginning of a marker."""
    for length in range(min(len(text), len(marker) - 1), 0, -1):
        if marker.startswith(text[-length:]):
            return length
    return 0
