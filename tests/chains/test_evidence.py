"""The words of passages: tokens and languages, told once; what they say of each stretch."""

from __future__ import annotations

import pytest
from langchain_core.documents import Document

from ragweave.chains.analyser import document_tokens
from ragweave.chains.evidence import asked_words, candidates, language_of, read_passage


@pytest.mark.parametrize(
    "text",
    [
        "The employees\u2019 days don't end at max_threads=4, isEmpty \u2014 \u201cso\u201d they say\u2026",
        "Größe und Maß: die Straße ist l'été 25\u00a0%.",
        "有給休暇は25日です",
        "e\u0301te\u0301 ﬁne \u2022 one",
    ],
)
def test_a_passage_has_the_tokens_of_the_index(text: str) -> None:
    read = read_passage(text, "english")

    assert [token for one in read for token in one.tokens] == document_tokens(text, "english")


def test_the_language_is_that_of_most_of_the_text() -> None:
    german = Document("Der Urlaub ist mit der Leitung abzusprechen, und zwar vor dem Antrag. " * 3)
    english = Document("Leave is agreed with the manager.")

    assert language_of([english, german]) == "german"
    assert language_of([]) == "english"


@pytest.mark.parametrize(
    ("question", "counted"),
    [
        ("What is the capacity of Alder?", ["Alder"]),  # the row is about it
        ("What is the capacity of Maple?", []),  # none is
        ("Which floor, what capacity?", ["Alder", "Birch"]),  # no more is asked than the columns say
    ],
)
def test_the_names_of_columns_count_for_a_row_that_is_asked_about(question: str, counted: list[str]) -> None:
    table = "| Room | Floor | Capacity |\n| Alder | 2 | 40 |\n| Birch | 3 | 64 |"

    rows = candidates(asked_words(question, "english"), [Document(table)])

    assert [one.text.split()[1] for one in rows if "Capacity" in one.names] == counted
    assert [one.text.split()[1] for one in rows if one.measures["words_around"] == 1.0] == counted


def test_a_line_with_a_sum_is_no_fragment() -> None:
    receipt = "Store 12\nTOTAL $821.14\nThank you"

    lines = candidates(asked_words("What was the total?", "english"), [Document(receipt)])

    assert [(one.text, one.measures["fragment"]) for one in lines] == [
        ("Store 12", 1.0), ("TOTAL $821.14", 0.0), ("Thank you", 1.0)
    ]  # fmt: skip
