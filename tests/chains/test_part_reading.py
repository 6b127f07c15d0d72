"""Questions that ask for several things: each part has its quote, and what is missing is said."""

from __future__ import annotations

import pytest
from langchain_core.documents import Document

from ragweave.chains import Encoder, open_encoder
from ragweave.chains.part_reading import answers_parts, read_question, unanswered

DOCUMENTS = [
    Document("Annual leave is 25 days a year. Unused leave ends in March.", metadata={"title": "Leave"}),
    Document("Parking costs 40 euros a month. Bicycles park free of charge.", metadata={"title": "Parking"}),
]
LEAVE, PARKING, MOON = "How many days of annual leave?", "What does parking cost?", "How far is the moon?"


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return open_encoder()


def test_each_part_has_its_own_quote(encoder: Encoder) -> None:
    quotes = read_question(f"{LEAVE} {PARKING}", [LEAVE, PARKING], DOCUMENTS, encoder)

    said = [DOCUMENTS[one.document].page_content[one.start : one.end] for one in quotes]
    assert said == ["Annual leave is 25 days a year.", "Parking costs 40 euros a month."]
    assert answers_parts(quotes) and unanswered([LEAVE, PARKING], quotes) == []


def test_a_part_that_the_documents_do_not_answer_is_named(encoder: Encoder) -> None:
    quotes = read_question(f"{LEAVE} {MOON}", [LEAVE, MOON], DOCUMENTS, encoder)

    assert [one.parts for one in quotes] == [(LEAVE,)]
    assert unanswered([LEAVE, MOON], quotes) == [MOON]


def test_one_sentence_may_answer_two_parts(encoder: Encoder) -> None:
    again = "How many days of leave a year?"

    quotes = read_question("both", [LEAVE, again], DOCUMENTS, encoder)

    assert [one.parts for one in quotes] == [(LEAVE, again)]
    assert unanswered([LEAVE, again], quotes) == []


@pytest.mark.parametrize("parts", [[], [LEAVE], [MOON, MOON]])
def test_without_answered_parts_the_question_is_read_as_a_whole(encoder: Encoder, parts: list[str]) -> None:
    quotes = read_question(LEAVE, parts, DOCUMENTS, encoder)

    assert quotes and not answers_parts(quotes)
    assert unanswered(parts, quotes) == []
