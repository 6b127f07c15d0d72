"""Which words of a question are repaired, and which are left alone."""

from __future__ import annotations

import pytest

from ragweave.chains.lexicon import Lexicon
from ragweave.chains.spelling import edits, repaired, repairs

COUNTS = {
    "vacation": 9,
    "policy": 7,
    "approve": 4,
    "environment": 5,
    "receive": 3,
    "telenet": 6,
    "quantity": 4,
}
LEXICON = Lexicon(COUNTS, is_word=lambda word: word in {"message", "quality"})


@pytest.mark.parametrize(
    ("question", "meant"),
    [
        ("How long is a vacaton?", "How long is a vacation?"),
        ("Who may recieve it, and whose vaccation?", "Who may receive it, and whose vacation?"),
        ("Vacaton days", "Vacation days"),
        ("the polciy's scope", "the policy's scope"),
        ("what is an enviromnet", "what is an environment"),  # two edits
    ],
)
def test_a_misspelt_word_becomes_the_one_that_the_collection_holds(question: str, meant: str) -> None:
    assert repaired(question, repairs(question, LEXICON)) == meant


@pytest.mark.parametrize(
    "question",
    [
        "",
        "How long is a vacation?",
        "Who is Mr Vacaton?",  # a name
        "what is 'vacaton'",
        "what is “the vacaton”",
        "what is vacaton_2 or x/vacaton or vacaton.md",
        "who approves approvals",  # forms of a word that is held
        "what quality has a message",  # words of the language
        "a poly",  # too short to tell
        "zebra crossing",
    ],
)
def test_what_is_no_misspelling_is_left_alone(question: str) -> None:
    assert repairs(question, LEXICON) == []


def test_of_two_words_as_near_the_far_more_frequent_one_was_meant_or_none() -> None:
    near = {"cover": 1, "lover": 9}

    assert repairs("the coverr", Lexicon(near))[0].meant == "cover"
    assert repairs("the posted boats", Lexicon({"boasts": 2, "boots": 3, "posted": 1})) == []
    assert repairs("the posted boats", Lexicon({"boasts": 2, "boots": 9, "posted": 1}))[0].meant == "boots"


def test_a_collection_that_was_not_read_whole_or_is_not_english_repairs_nothing() -> None:
    assert repairs("a vacaton", Lexicon(COUNTS, complete=False)) == []
    assert repairs("a vacaton", Lexicon(COUNTS, english=False)) == []


def test_a_pasted_page_is_looked_at_in_part() -> None:
    assert repairs("word " * 20_000 + "vacaton", LEXICON) == []


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [
        ("same", "same", 0),
        ("form", "from", 1),
        ("abcd", "abxd", 1),
        ("abc", "abcd", 1),
        ("abcdef", "badcef", 2),
    ],
)
def test_edits_are_counted_with_swaps_as_one(a: str, b: str, distance: int) -> None:
    assert edits(a, b, 2) == edits(b, a, 2) == distance
