from __future__ import annotations

import random
import time

import pytest

from ragweave.chains.sentences import is_list_item, sentences


def cut(text: str, language: str = "english") -> list[str]:
    return [text[start:end] for start, end in sentences(text, language)]


def test_abbreviations_numbers_and_addresses_do_not_end_a_sentence() -> None:
    text = "Dr. Smith paid $3.50 on Jan. 5. See https://a.b/c?x=1. Version 1.39.0 works, e.g. here."

    assert cut(text) == [
        "Dr. Smith paid $3.50 on Jan. 5.",
        "See https://a.b/c?x=1.",
        "Version 1.39.0 works, e.g. here.",
    ]


def test_the_mark_of_a_note_belongs_to_the_sentence_before_it() -> None:
    assert cut("It grew.[citation needed] Then it fell. [12] And rose.:4–5 [x] is here.") == [
        "It grew.[citation needed]",
        "Then it fell. [12]",
        "And rose.:4–5",
        "[x] is here.",
    ]


def test_list_items_are_sentences_with_their_marks() -> None:
    assert cut("You need:\n- bread\n- butter and jam\n2. A plate. A knife.") == [
        "You need:",
        "- bread",
        "- butter and jam",
        "2. A plate.",
        "A knife.",
    ]


def test_a_heading_line_stands_alone() -> None:
    assert cut("Annual leave\n\nYou get 30 days.") == ["Annual leave", "You get 30 days."]


def test_each_row_of_a_table_is_one_sentence() -> None:
    assert cut("| Grade | Days |\n| A. B. Smith | 30. Yes |") == [
        "| Grade | Days |",
        "| A. B. Smith | 30. Yes |",
    ]


def test_wrapped_lines_are_joined() -> None:
    text = (
        "This paragraph was wrapped at a fixed width by its\nauthor, so that one sentence has two. The end."
    )

    assert cut(text) == [text.split(" The end.")[0], "The end."]


def test_a_short_line_before_a_break_was_not_wrapped() -> None:
    text = "Holiday Movie Package\n555 Broadway Suite 1200\nAll showtimes are approximate and may change."

    assert cut(text) == text.split("\n")


def test_lines_of_code_are_not_joined() -> None:
    assert cut("import os\nprint(os.name)") == ["import os", "print(os.name)"]


def test_chinese_is_cut_at_its_own_full_stops() -> None:
    assert cut("这是一个句子。这是另一个！真的吗？", "chinese") == [
        "这是一个句子。",
        "这是另一个！",
        "真的吗？",
    ]


def test_an_unknown_language_is_cut_like_english() -> None:
    assert cut("Un. Deux.", "klingon") == ["Un.", "Deux."]


@pytest.mark.parametrize("text", ["", " ", "\n\n \t\n"])
def test_blank_text_has_no_sentences(text: str) -> None:
    assert sentences(text) == []


@pytest.mark.parametrize("seed", range(50))
def test_sentences_hold_every_character_that_is_not_blank(seed: int) -> None:
    source = random.Random(seed)
    text = "".join(source.choice("ab.?!,;: \n\n\t-*1|()。é👍\u2028\x1e") for _ in range(300))

    spans = sentences(text)

    kept = "".join(text[start:end] for start, end in spans)
    assert "".join(kept.split()) == "".join(text.split())
    assert all(text[start:end] == text[start:end].strip() != "" for start, end in spans)
    assert all(before[1] <= after[0] for before, after in zip(spans, spans[1:], strict=False))


def test_a_megabyte_takes_little_time() -> None:
    text = "This is a sentence about things, e.g. one. " * 25_000
    started = time.perf_counter()

    assert len(sentences(text)) == 25_000
    assert time.perf_counter() - started < 15


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("- a", True),
        ("• a", True),
        ("  10) a", True),
        ("(iv) a", True),
        ("-5 degrees", False),
        ("1.5 days", False),
    ],
)
def test_list_marks_are_told_from_numbers(line: str, expected: bool) -> None:
    assert is_list_item(line) is expected
