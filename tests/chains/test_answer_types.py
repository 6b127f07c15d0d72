"""What a question asks for, and whether a sentence holds one."""

from __future__ import annotations

import pytest

from ragweave.chains.answer_types import AnswerType, answer_type, holds


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many days of leave do I get?", "number"),
        ("How many years did it last?", "number"),
        ("What year was it founded?", "date"),
        ("When does the office open?", "date"),
        ("Who approves my leave?", "person"),
        ("Where is the form?", "place"),
        ("Why was it closed?", "reason"),
        ("Wie lange dauert der Urlaub?", "other"),
    ],
)
def test_the_words_of_a_question_announce_the_type_of_its_answer(question: str, kind: AnswerType) -> None:
    assert answer_type(question) == kind


@pytest.mark.parametrize(
    ("kind", "sentence", "expected"),
    [
        ("number", "You get twenty days.", True),
        ("number", "You get days of leave.", False),
        ("date", "It opened in March.", True),
        ("person", "Ask Maria Silva.", True),
        ("person", "Ask your supervisor.", False),
        ("place", "It stands in Berlin.", True),
        ("reason", "It closed because of the flood.", True),
        ("other", "Anything.", True),
    ],
)
def test_a_sentence_holds_what_it_names(kind: AnswerType, sentence: str, expected: bool) -> None:
    assert holds(kind, sentence) is expected


def test_what_the_question_names_itself_is_no_answer() -> None:
    assert not holds("date", "In 1911 it burned.", asked={"1911"})
    assert not holds("person", "It was Rollo.", asked={"rollo"})
