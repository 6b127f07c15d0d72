"""Tokens that a grammar forbids: whatever the logits say, answers fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer

from ragweave.adapters.constraints import Constraint, GrammarFactory
from ragweave.adapters.errors import AdapterError
from ragweave.adapters.records import ChatRequest
from ragweave.adapters.tool_calls import ToolCallParser, ToolFormat

from .tool_templates import DEEPSEEK, FAMILIES, HERMES, MISTRAL

WIDTH = 400  # more than the tokenizer's vocabulary, as in many models
EOS = 2


def tool(name: str, **properties: str) -> dict[str, Any]:
    """A tool, its parameters by name and type, all required."""
    parameters = {
        "type": "object",
        "properties": {key: {"type": kind} for key, kind in properties.items()},
        "required": list(properties),
    }
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


ADD, NOW = tool("add", x="integer", y="boolean"), tool("now")


@pytest.fixture(scope="module")
def tokenizer(base: Path) -> Any:
    """Of a tiny base."""
    load: Any = AutoTokenizer.from_pretrained  # untyped
    return load(base)


@pytest.fixture(scope="module")
def grammar(tokenizer: Any) -> GrammarFactory:
    """Made once, as an engine does."""
    return GrammarFactory(tokenizer, width=WIDTH, eos=[EOS])


def request(**options: Any) -> ChatRequest:
    """A request with these options."""
    return ChatRequest(messages=({"role": "user", "content": "go"},), **options)


def decode(constraint: Constraint | None, tokenizer: Any, wish: str = "", seed: int = 0) -> str:
    """The answer's text."""
    return str(tokenizer.decode(decoded(constraint, tokenizer, wish, seed), skip_special_tokens=False))


def decoded(constraint: Constraint | None, tokenizer: Any, wish: str = "", seed: int = 0) -> list[int]:
    """The answer of a model that first wishes to say something, and then anything, but likes to end."""
    assert constraint is not None
    noise = torch.Generator().manual_seed(seed)
    wished: list[int] = tokenizer.encode(wish)
    tokens: list[int] = []
    for step in range(300):
        if constraint.finished:
            break
        logits = torch.rand(WIDTH, generator=noise)
        logits[wished[step] if step < len(wished) else EOS] += 2
        constraint.mask(logits)
        token = int(logits.argmax())
        constraint.accept(token)
        if token == EOS:
            break
        tokens.append(token)
    return tokens


@pytest.mark.parametrize("seed", range(3))
def test_an_answer_fits_its_schema_whatever_the_model_wishes(
    grammar: GrammarFactory, tokenizer: Any, seed: int
) -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 8},
            "kind": {"enum": ["a", "b"]},
            "size": {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 9}, {"type": "null"}]},
        },
        "required": ["name", "kind", "size"],
    }

    answer = json.loads(decode(grammar.for_request(request(schema=schema), None), tokenizer, "Sure!", seed))

    assert list(answer) == ["name", "kind", "size"]
    assert answer["kind"] in ("a", "b")
    assert answer["size"] is None or 0 <= answer["size"] <= 9


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("choice", "names"), [("now", {"now"}), ("add", {"add"}), ("required", {"add", "now"})]
)
def test_a_call_that_has_to_be_made_is_made_in_the_template_s_format(
    grammar: GrammarFactory, tokenizer: Any, family: str, choice: str, names: set[str]
) -> None:
    format = ToolFormat.of(FAMILIES[family], tokenizer)
    asked = request(tools=(ADD, NOW), tool_choice=choice)
    parser = ToolCallParser(format)

    shown, calls = parser.feed(decode(grammar.for_request(asked, format), tokenizer, "No!"))

    assert shown == ""
    assert calls and {call["name"] for call in calls} <= names
    for call in calls:
        arguments = json.loads(call["arguments"])
        assert set(arguments) == ({"x", "y"} if call["name"] == "add" else set())
    assert parser.finish() == ("", [])


@pytest.mark.parametrize("family", FAMILIES)
def test_text_stays_free_where_a_call_may_be_made(
    grammar: GrammarFactory, tokenizer: Any, family: str
) -> None:
    format = ToolFormat.of(FAMILIES[family], tokenizer)

    answer = decode(grammar.for_request(request(tools=(ADD,)), format), tokenizer, "Hello, you.\nBye <b>")

    assert answer == "Hello, you.\nBye <b>"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_call_that_has_begun_is_made_right(grammar: GrammarFactory, tokenizer: Any, family: str) -> None:
    format = ToolFormat.of(FAMILIES[family], tokenizer)
    before = "" if family == "llama3" else "Hm. "
    parser = ToolCallParser(format)

    answer = decode(
        grammar.for_request(request(tools=(ADD, NOW)), format), tokenizer, before + format.begin[:-2]
    )
    shown, calls = parser.feed(answer)

    assert shown == before.strip()
    assert calls
    assert all(set(json.loads(call["arguments"])) in ({"x", "y"}, set()) for call in calls)


@pytest.mark.parametrize(("template", "mark"), [(MISTRAL, "[TOOL_CALLS]"), (DEEPSEEK, "<|calls_begin|>")])
def test_special_tokens_of_the_format_are_single_tokens(base: Path, template: str, mark: str) -> None:
    """Decoders drop special tokens, so that an engine hands the parser their text."""
    load: Any = AutoTokenizer.from_pretrained  # untyped
    tokenizer = load(base)
    tokenizer.add_special_tokens({"additional_special_tokens": [mark]})
    format = ToolFormat.of(template, tokenizer)
    (token,) = format.special
    grammar = GrammarFactory(tokenizer, width=WIDTH, eos=[EOS])

    for choice, wish in (("required", "No!"), (None, f"Yes. {mark}")):
        asked = request(tools=(ADD, NOW), tool_choice=choice)
        tokens = decoded(grammar.for_request(asked, format), tokenizer, wish)
        parser = ToolCallParser(format)
        read = [parser.feed(format.special.get(one) or tokenizer.decode([one])) for one in tokens]

        assert token in tokens
        assert "".join(text for text, _ in read) == ("" if choice else "Yes.")
        assert {call["name"] for _, calls in read for call in calls} <= {"add", "now"}
        assert any(calls for _, calls in read)


def test_a_schema_beside_tools_is_for_the_answer_without_calls(
    grammar: GrammarFactory, tokenizer: Any
) -> None:
    format = ToolFormat.of(HERMES, tokenizer)
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    asked = request(tools=(NOW,), schema=schema)

    answers = [decode(grammar.for_request(asked, format), tokenizer, wish) for wish in ("{", "<tool")]

    assert json.loads(answers[0])["ok"] in (True, False)
    assert answers[1].startswith('<tool_call>\n{"name": "now"')


def test_nothing_is_constrained_without_need(grammar: GrammarFactory, tokenizer: Any) -> None:
    format = ToolFormat.of(HERMES, tokenizer)

    assert grammar.for_request(request(), format) is None
    assert grammar.for_request(request(tools=(ADD,), tool_choice="none"), format) is None


def test_two_requests_of_one_schema_do_not_share_their_place(grammar: GrammarFactory, tokenizer: Any) -> None:
    schema = {"enum": ["yes", "no"]}
    first, second = grammar.json_schema(schema), grammar.json_schema(schema)

    decode(first, tokenizer)

    assert not second.finished
    assert json.loads(decode(second, tokenizer)) in ("yes", "no")


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "strin"}, "Invalid type: strin"),
        ({"type": "array", "uniqueItems": True}, "uniqueItems"),
        ({"$ref": "#/$defs/nothing"}, "nothing"),
    ],
)
def test_a_schema_that_cannot_be_followed_is_refused_with_the_reason(
    grammar: GrammarFactory, schema: dict[str, Any], reason: str
) -> None:
    with pytest.raises(AdapterError, match=f"The schema cannot be followed.*{reason}"):
        grammar.json_schema(schema)


def test_a_bad_schema_of_a_tool_names_the_tool(grammar: GrammarFactory, tokenizer: Any) -> None:
    with pytest.raises(AdapterError, match="The schema of the tool 'add' cannot be followed"):
        grammar.tool_calls([tool("add", x="strin")], None, ToolFormat.of(HERMES, tokenizer))


def test_a_tokenizer_that_is_not_fast_is_refused() -> None:
    with pytest.raises(AdapterError, match="fast tokenizer"):
        GrammarFactory(object(), width=WIDTH, eos=[EOS])
