"""When the reader's quotes are no answer."""

from __future__ import annotations

import pytest
from langchain_core.documents import Document

from ragweave.chains.abstention import (
    DOES_NOT_SAY,
    FILTERED_OUT,
    NOTHING_FOUND,
    SIGNALS,
    judge,
    reason_without_filter,
)
from ragweave.chains.embeddings import open_encoder
from ragweave.chains.extractive import select_quotes

from .fakes import WordEncoder

TEXT = (
    "Every employee gets 25 days of leave a year. Unused days are carried over until March. "
    "Pets are not allowed in the kitchen."
)
HANDBOOK = [Document(TEXT, metadata={"title": "Handbook", "heading": "Leave"})]


@pytest.mark.parametrize("documents", [[], [Document("")]])
def test_no_text_is_nothing_found(documents: list[Document]) -> None:
    verdict = judge("How much leave do I get?", documents, WordEncoder())

    assert (verdict.abstain, verdict.reason) == (True, NOTHING_FOUND)


@pytest.mark.parametrize("question", ["", "  ", "Hello!", "Hi there, how are you?", "Thank you very much"])
def test_small_talk_asks_for_nothing(question: str) -> None:
    greeting = [Document("Hello, how are you? Thank you very much.", metadata={"scores": {"vector": 0.9}})]

    assert judge(question, greeting, WordEncoder()).reason == NOTHING_FOUND


def test_small_talk_before_a_question_does_not_hide_it() -> None:
    verdict = judge("Hello, how many days of leave does every employee get?", HANDBOOK, open_encoder())

    assert not verdict.abstain


@pytest.mark.parametrize(
    "question",
    ["How many days of leave do I get?", "What happens to unused days?", "Are pets allowed in the kitchen?"],
)
def test_what_the_documents_say_is_answered(question: str) -> None:
    verdict = judge(question, HANDBOOK, open_encoder())

    assert (verdict.abstain, verdict.reason) == (False, "")
    assert {*SIGNALS, "passage", "probability"} <= verdict.signals.keys()


@pytest.mark.parametrize("question", ["What is the capital of France?", "Who won the 2018 world cup?"])
def test_what_is_far_from_the_documents_is_nothing_found(question: str) -> None:
    verdict = judge(question, HANDBOOK, open_encoder())

    assert (verdict.abstain, verdict.reason) == (True, NOTHING_FOUND)


def test_what_is_near_but_not_said_is_told_apart() -> None:
    verdict = judge("How long is maternity absence?", HANDBOOK, open_encoder())
    near = judge(
        "How long is maternity absence?",
        [Document(TEXT, metadata={"title": "Handbook", "scores": {"vector": 0.5}})],
        open_encoder(),
    )

    assert verdict.abstain
    assert (near.abstain, near.reason) == (True, DOES_NOT_SAY)


def test_the_relative_score_of_a_search_changes_nothing() -> None:
    def judged(fused: float) -> float:
        metadata = {"title": "Handbook", "scores": {"fused": fused, "vector": 0.4}}
        return judge("How many days of leave?", [Document(TEXT, metadata=metadata)], WordEncoder()).signals[
            "probability"
        ]

    assert judged(1.0) == judged(0.1)


def test_known_quotes_spare_a_second_reading() -> None:
    question = "How many days of leave?"
    documents = [Document(TEXT, metadata={"title": "Handbook", "scores": {"vector": 0.4}})]
    quotes = select_quotes(question, documents, WordEncoder())
    encoder = WordEncoder()

    verdict = judge(question, documents, encoder, quotes=quotes)

    assert encoder.encoded == []
    assert verdict == judge(question, documents, WordEncoder())


LEAVE = "How many days of leave does every employee get?"
PARKING = [Document("Cars are parked behind the house.", metadata={"title": "Parking", "source": "p"})]


def test_what_a_filter_dropped_is_named_where_it_would_have_answered() -> None:
    filtered = [(PARKING[0], "repeats [2]"), (HANDBOOK[0], "older than a year")]

    verdict = judge(LEAVE, PARKING, open_encoder(), filtered=filtered)

    assert (verdict.abstain, verdict.reason, verdict.by) == (True, FILTERED_OUT, "older than a year")


def test_what_was_dropped_and_says_nothing_either_changes_nothing() -> None:
    question = "What is the capital of France?"

    verdict = judge(question, PARKING, open_encoder(), filtered=[(HANDBOOK[0], "older than a year")])

    assert (verdict.reason, verdict.by) == (NOTHING_FOUND, "")


def test_an_answer_is_no_less_one_because_something_was_dropped() -> None:
    verdict = judge(LEAVE, HANDBOOK, open_encoder(), filtered=[(HANDBOOK[0], "a repeat")])

    assert not verdict.abstain


def test_nothing_found_can_be_the_filters_doing() -> None:
    verdict = judge(LEAVE, [], open_encoder())

    told = reason_without_filter(verdict, LEAVE, HANDBOOK, open_encoder(), by="the filter on team")
    same = reason_without_filter(verdict, LEAVE, PARKING, open_encoder(), by="the filter on team")

    assert (told.abstain, told.reason, told.by) == (True, FILTERED_OUT, "the filter on team")
    assert same == verdict


def test_greetings_are_not_read_again_in_what_was_dropped() -> None:
    encoder = WordEncoder()

    judge("Hello!", [], encoder, filtered=[(HANDBOOK[0], "a repeat")])

    assert encoder.encoded == []


def test_a_large_base_asks_for_more() -> None:
    small, large, unknown = (
        judge(LEAVE, HANDBOOK, WordEncoder(), size=size).signals["probability"] for size in (20, 5000, None)
    )

    assert small > unknown > large


def test_the_same_sentence_elsewhere_in_its_source_is_no_rival() -> None:
    def lead(source: str) -> float:
        rival = Document("Every employee gets 30 days of leave a year.", metadata={"source": source})
        own = Document(TEXT, metadata={"source": "a"})
        return judge(LEAVE, [own, rival], WordEncoder()).signals["lead"]

    assert lead("a") > lead("b")


def test_a_far_question_is_farther_than_its_cosine() -> None:
    signals = judge("Who painted the Mona Lisa?", HANDBOOK, open_encoder()).signals

    assert signals["nearest"] < signals["passage"] - 0.1


def test_without_another_source_nothing_speaks_for_a_lead() -> None:
    alone = judge(LEAVE, HANDBOOK, WordEncoder()).signals
    before_another = judge(LEAVE, [*HANDBOOK, *PARKING], WordEncoder()).signals

    assert alone["lead"] < before_another["lead"]


def test_a_title_that_asks_the_same_speaks_for_its_passage() -> None:
    text = "Outbreaks have been seen on board. Defer travel of all kinds, whatever your age."
    scores = {"vector": 0.5, "keyword": 7.0}
    other = Document("Shops open again in the next weeks.", metadata={"source": "shops", "scores": scores})
    verdicts = [
        judge(
            "Is it safe to do a cruise in the next weeks?",
            [Document(text, metadata={"source": "cruise", "title": title, "scores": scores}), other],
            open_encoder(),
            size=5000,
        )
        for title in ("Should I go on a cruise", "Should I go on a cruise?")
    ]

    assert [verdict.abstain for verdict in verdicts] == [True, False]
    assert [verdict.signals["asked"] > 0.5 for verdict in verdicts] == [False, True]


def test_a_person_whom_nobody_named_is_not_said_anything_of() -> None:
    pay = [Document("The salary is paid on the 25th.", metadata={"title": "Salary"})]

    named, unnamed = (judge(q, pay, open_encoder()) for q in ("What is the salary?", "What is her salary?"))

    assert not named.abstain
    assert (unnamed.abstain, unnamed.reason) == (True, DOES_NOT_SAY)
