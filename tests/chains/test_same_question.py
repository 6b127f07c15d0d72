"""How like the question is the question of an FAQ's entry."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.documents import Document

from ragweave.chains.extractive import Quote
from ragweave.chains.same_question import likeness

from .fakes import WordEncoder

ASKED = "Should I go on a cruise now?"


def entry(text: str = "Stay on land.", **metadata: Any) -> Document:
    return Document(text, metadata=metadata)


def quoted(*numbers: int) -> list[Quote]:
    return [Quote(number, 0, 5, 1.0) for number in numbers]


@pytest.mark.parametrize(
    "metadata",
    [
        {"title": "Should I go on a cruise?"},
        {"title": "Travel", "heading": "Travel > Should I go on a cruise?"},
        {"title": "Travel", "heading": "Should I go on a cruise？"},
    ],
)
def test_a_title_or_heading_that_asks_the_same_is_near(metadata: dict[str, str]) -> None:
    assert likeness(ASKED, [entry("A cruise now? Stay on land.", **metadata)], quoted(0), WordEncoder()) > 0.8


def test_a_title_that_is_no_question_counts_nothing_and_is_not_encoded() -> None:
    encoder = WordEncoder()

    assert likeness(ASKED, [entry(title="Should I go on a cruise")], quoted(0), encoder) == 0.0
    assert encoder.encoded == []


def test_only_passages_that_are_quoted_count() -> None:
    found = [entry(title="Travel"), entry("Now and then.", title="Should I go on a cruise?")]

    assert likeness(ASKED, found, quoted(0), WordEncoder()) == 0.0
    assert likeness(ASKED, found, quoted(0, 1), WordEncoder()) > 0.8


def test_the_same_asked_of_a_thing_that_no_passage_names_counts_nothing() -> None:
    found = [entry("Fever and cough.", title="What are the symptoms of influenza?")]

    assert likeness("What are the symptoms of malaria?", found, quoted(0), WordEncoder()) == 0.0
    assert likeness("What are symptoms of a cough?", found, quoted(0), WordEncoder()) > 0.0
