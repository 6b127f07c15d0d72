"""Tool calls as chat templates write them: learned, and read back from text in any pieces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from ragweave.adapters.errors import AdapterError
from ragweave.adapters.tool_calls import ToolCallParser, ToolFormat, template_messages

from .tool_templates import DEEPSEEK, ELEMENTS, FAMILIES, HERMES, IGNORES_TOOLS, LLAMA3, MISTRAL


@pytest.fixture(scope="module")
def tokenizer(base: Path) -> Any:
    """Of a tiny base; templates are given by the tests."""
    load: Any = AutoTokenizer.from_pretrained  # untyped
    return load(base)


def written(template: str, tokenizer: Any, *calls: tuple[str, dict[str, Any]], text: str = "") -> str:
    """What an assistant's turn looks like, as the template writes it."""
    made = [
        {
            "id": f"abcdefgh{at}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(arguments)},
        }
        for at, (name, arguments) in enumerate(calls)
    ]
    user = {"role": "user", "content": "go"}
    (turn,) = template_messages(
        [{"role": "assistant", "content": text, "tool_calls": made}], ToolFormat.of(template, tokenizer)
    )
    start = tokenizer.apply_chat_template(
        [user], chat_template=template, tokenize=False, add_generation_prompt=True
    )
    whole = tokenizer.apply_chat_template([user, turn], chat_template=template, tokenize=False)
    body = str(whole)[len(start.rstrip("\n")) :].lstrip()
    for end in ("<|im_end|>", "<|eot_id|>", "</s>", "<|end|>"):
        body = body.split(end)[0]
    return body


def read(parser: ToolCallParser, text: str, size: int) -> tuple[str, list[dict[str, Any]]]:
    """All that a parser gives for a text in pieces of a size."""
    shown = ""
    calls: list[dict[str, Any]] = []
    for at in range(0, len(text), size):
        more, found = parser.feed(text[at : at + size])
        shown, calls = shown + more, calls + found
    more, found = parser.finish()
    return shown + more, calls + found


def plain(calls: list[dict[str, Any]]) -> list[tuple[str | None, Any]]:
    """Names and arguments."""
    return [(call["name"], json.loads(call["arguments"])) for call in calls]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_a_call_is_read_as_its_template_writes_it(family: str, size: int, tokenizer: Any) -> None:
    template = FAMILIES[family]
    call = ("get_weather", {"city": 'Köln "}', "days": [1, {"a": None}]})
    text = written(template, tokenizer, call)

    shown, calls = read(ToolCallParser(ToolFormat.of(template, tokenizer)), text, size)

    assert (shown, plain(calls)) == ("", [call])


@pytest.mark.parametrize("family", [name for name in FAMILIES if name != "llama3"])
@pytest.mark.parametrize("size", [1, 4, 1000])
def test_several_calls_are_read_apart(family: str, size: int, tokenizer: Any) -> None:
    template = FAMILIES[family]
    made = [("add", {"x": 1}), ("now", {}), ("add", {"x": 2})]
    text = written(template, tokenizer, *made)

    shown, calls = read(ToolCallParser(ToolFormat.of(template, tokenizer)), text, size)

    assert (shown, plain(calls)) == ("", made)
    assert [call["index"] for call in calls] == [0, 1, 2]
    assert len({call["id"] for call in calls}) == 3


def test_text_before_a_call_is_shown_and_an_unfinished_mark_held_back(tokenizer: Any) -> None:
    parser = ToolCallParser(ToolFormat.of(HERMES, tokenizer))

    pieces = [parser.feed(piece)[0] for piece in ("I look", " it up.\n", "\n<tool", "_ca")]
    shown, calls = parser.feed('ll>\n{"name": "now", "arguments": {}}\n</tool_call>')

    assert pieces == ["I look", " it up.", "", ""]
    assert (shown, plain(calls)) == ("", [("now", {})])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("text", ["Two < three, and [1].\n", "", "a <tool_cal", "x {1}", " \n"])
def test_text_without_calls_stays_as_it_is(family: str, text: str, tokenizer: Any) -> None:
    parser = ToolCallParser(ToolFormat.of(FAMILIES[family], tokenizer))

    assert read(parser, text, 1) == (text, [])


def test_a_bare_object_that_calls_no_tool_is_text(tokenizer: Any) -> None:
    parser = ToolCallParser(ToolFormat.of(LLAMA3, tokenizer))

    assert read(parser, '{"answer": 3}', 2) == ('{"answer": 3}', [])


@pytest.mark.parametrize("template", [HERMES, MISTRAL, DEEPSEEK])
def test_a_call_that_was_cut_off_keeps_its_text(template: str, tokenizer: Any) -> None:
    text = written(template, tokenizer, ("add", {"x": 1}), ("add", {"x": 12345}))
    cut = text[: text.index("2345")]

    _, calls = read(ToolCallParser(ToolFormat.of(template, tokenizer)), cut, 5)

    assert plain(calls[:1]) == [("add", {"x": 1})]
    assert calls[1]["name"] is None
    assert calls[1]["arguments"].endswith("1")


def test_an_answer_cut_off_behind_the_arguments_has_lost_nothing(tokenizer: Any) -> None:
    text = written(HERMES, tokenizer, ("add", {"x": 1}))

    shown, calls = read(ToolCallParser(ToolFormat.of(HERMES, tokenizer)), text[:-5], 4)

    assert (shown, plain(calls)) == ("", [("add", {"x": 1})])


@pytest.mark.parametrize(
    ("template", "reason"), [(IGNORES_TOOLS, "leaves tools out"), (ELEMENTS, "as a JSON object")]
)
def test_a_template_that_cannot_be_learned_is_refused(template: str, reason: str, tokenizer: Any) -> None:
    with pytest.raises(AdapterError, match=f"{reason}.*Give a chat_template"):
        ToolFormat.of(template, tokenizer)


def test_what_tells_calls_from_text_is_learned(tokenizer: Any) -> None:
    triggers = {family: ToolFormat.of(template, tokenizer).trigger for family, template in FAMILIES.items()}

    assert triggers == {
        "hermes": "<tool_call>",
        "qwen": "<tool_call>",
        "llama3": "",
        "mistral": "[TOOL_CALLS]",
        "deepseek": "<|calls_begin|>",
    }


def test_arguments_go_to_the_template_as_objects() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "add", "arguments": '{"x": 1}'}}

    (message,) = template_messages([{"role": "assistant", "content": None, "tool_calls": [call]}])

    assert message["content"] == ""
    assert message["tool_calls"][0]["function"]["arguments"] == {"x": 1}
