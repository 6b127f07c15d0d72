from __future__ import annotations

import pytest

from ragweave.chains.placeholders import placeholder_note, placeholders


def _found(text: str) -> list[str]:
    return [text[start:end] for start, end in placeholders(text)]


@pytest.mark.parametrize(
    "blank",
    [
        "[X hours]", "[A weeks]", "[N%]", "[Company Name]", "[company name]", "[number of days]",
        "[Your Name]", "[insert date]", "[Date]", "[TBD]",
        "{{name}}", "{{ Order Number }}", "<insert date>", "<your name>",
    ],
)  # fmt: skip
def test_a_blank_is_found_where_it_stands(blank: str) -> None:
    assert _found(f"Leave is {blank} a year.") == [blank]


@pytest.mark.parametrize(
    ("text", "blank"),
    [
        ("Approved by: ________", "________"),
        ("Deadline: TBD", "TBD"),
        ("Start | to be announced |", "to be announced"),
    ],
)
def test_lines_to_write_on_and_words_for_later_are_blanks(text: str, blank: str) -> None:
    assert _found(text) == [blank]


@pytest.mark.parametrize(
    "text",
    [
        "See [1] and [note 1], [citation needed].",
        "[x] done, [ ] to do, [X] done",
        "[the site](https://a.example), ![a picture](b.png), [name][ref], [name]: https://a.example",
        "items[0], row[name], x = [1, 2], {'name': ['a']}",
        "```\nhello [Your Name] {{ name }}\n```",
        "Use `{{ name }}` or `[Company Name]` there.",
        '{"name": {"a": {}}}',
        "snake____case and __init__ and a rule:\n\n________\n\nText",
        "It remains to be determined whether this holds.",
        "<a href='x'> <your.domain> <div>",
        "levels of [Ca2+] and [25(OH)D], hazard ratio [HR] 95% [CI]",
    ],
)
def test_links_marks_code_boxes_and_json_are_none(text: str) -> None:
    assert _found(text) == []


def test_a_note_names_each_blank_once_and_says_how_many_more() -> None:
    quotes = ["Get [X days] or [Y days].", "Then [X days], [Z days], [N weeks]."]

    assert (
        placeholder_note(quotes) == "The document has not filled in: [X days], [Y days], [Z days] and 1 more."
    )
    assert placeholder_note(["25 days [1]."]) == ""
