from __future__ import annotations

import json

import pytest

from ragweave.chains.errors import IngestError
from ragweave.chains.read_json import read_json

from .extraction_marks import assert_marks_hold


def json_text(source: str) -> str:
    extraction = read_json(source.encode(), "a.json")
    assert_marks_hold(extraction)
    return extraction.text


def test_values_stand_with_their_paths_in_order() -> None:
    source = '{"b": "text", "a": {"c": 1.10, "d": [1, 2]}, "n": null, "e": "", "ok": true}'

    assert json_text(source) == "- b: text\n- a.c: 1.10\n- a.d: 1, 2\n- ok: true"


def test_a_list_of_objects_is_one_line_each() -> None:
    assert json_text('[{"name": "Ann", "age": 30}, {"name": "Bob", "tags": ["x", "y"]}]') == (
        "- name: Ann; age: 30\n\n- name: Bob; tags: x, y"
    )


def test_records_within_an_object_carry_their_place() -> None:
    assert json_text('{"v": 1, "users": [{"name": "Ann"}, {"name": "Bob"}], "w": 2}') == (
        "- v: 1\n\n- users[0]: name: Ann\n\n- users[1]: name: Bob\n\n- w: 2"
    )


def test_long_text_is_a_paragraph_with_its_own_line_breaks() -> None:
    source = json.dumps({"title": "Leave", "text": "First.\n\nSecond.", "n": 1})

    extraction = read_json(source.encode(), "a.json")

    assert extraction.text == "- title: Leave\n\ntext: First.\n\nSecond.\n\n- n: 1"
    assert extraction.title == "Leave"


def test_json_lines_are_a_record_each() -> None:
    assert json_text('{"q": "Why?", "a": "So."}\n\n{"q": "When?"}\n') == "- q: Why?; a: So.\n\n- q: When?"


def test_nested_lists_keep_their_places() -> None:
    assert json_text('{"m": [[1, 2], [3]], "x": [{"y": [{"z": 0}]}]}') == (
        "- m[0]: 1, 2\n- m[1]: 3\n\n- x[0]: y[0].z: 0"
    )


def test_repeated_keys_and_big_numbers_are_kept() -> None:
    assert json_text('{"a": 1, "a": 12345678901234567890.50}') == "- a: 1\n- a: 12345678901234567890.50"


def test_a_plain_value_is_text() -> None:
    assert json_text('"Thirty days."') == "- Thirty days."


@pytest.mark.parametrize("source", ["{}", "[]", "null", '{"a": [null, ""]}'])
def test_a_file_without_values_gives_no_text(source: str) -> None:
    assert json_text(source) == ""


@pytest.mark.parametrize(
    ("source", "where"),
    [('{"a": 1,\n "b": x}', "line 2: Expecting value"), ('{"a": 1}\n{"a": }\n', "line 2: Expecting value")],
)
def test_what_is_no_json_is_refused_with_its_line(source: str, where: str) -> None:
    with pytest.raises(IngestError, match=where) as caught:
        read_json(source.encode(), "a.json")

    assert "a.json" in caught.value.message
    assert ".txt" in caught.value.remedy


def test_nesting_too_deep_is_refused() -> None:
    with pytest.raises(IngestError, match="nested too deeply"):
        read_json(b"[" * 100_000 + b"]" * 100_000, "a.json")
