"""What a claim states and its passage does not."""

from __future__ import annotations

import pytest

from ragweave.chains.fact_checks import contradictions, missing_facts, stated

PASSAGE = """Handbook 2024
Leave
Every employee gets 25 days of leave a year. Maria Silva approves leave in the Lisbon office by 5 March.
The fee is 20 euros, 5 % more than before. The human resources team is open from 9:00. There is room for
1,000 people. IT answers by email."""


@pytest.mark.parametrize(
    "claim",
    [
        "You get twenty-five days.",
        "You get 25 days of leave.",
        "Ask Maria Silva.",
        "Leave in Lisbon's office is approved by Maria Silva.",
        "It must be done by 5 March 2024.",
        "It must be done in March.",
        "The fee is 20 €.",
        "The fee is EUR 20.",
        "It rose by five percent.",
        "HR opens at 9 am.",
        "There is room for one thousand people.",
        "The Handbook says so.",
        "One of the employees asked first.",
    ],
)
def test_what_stands_in_the_passage_is_no_problem(claim: str) -> None:
    assert missing_facts(claim, [stated(PASSAGE)]) == []


@pytest.mark.parametrize(
    ("claim", "problem"),
    [
        ("You get 30 days of leave.", "the number “30” is not in the passage"),
        ("You get 25 weeks.", "“25” has another unit in the passage than week"),
        ("Ask John Smith.", "the name “John Smith” is not in the passage"),
        ("Maria Costa approves it.", "the name “Costa” is not in the passage"),
        ("It must be done by 6 March.", "the date “6 March” is not in the passage"),
        ("It must be done by 5 March 2023.", "the date “5 March 2023” is not in the passage"),
        ("The 25 days are paid in May 2024.", "the date “May 2024” is not in the passage"),
        ("The fee is $20.", "“20” has another unit in the passage than dollar"),
        ("The fee is 25 %.", "“25” has another unit in the passage than %"),
        ("HR opens at 8 am.", "the time “8 am” is not in the passage"),
        ("Write to QA.", "the name “QA” is not in the passage"),
    ],
)
def test_what_does_not_stand_there_is_named(claim: str, problem: str) -> None:
    assert missing_facts(claim, [stated(PASSAGE)]) == [problem]


def test_an_acronym_is_not_the_word_of_its_letters() -> None:
    (problem,) = missing_facts("Ask IT.", [stated("Read it again.")])

    assert "IT" in problem


def test_several_passages_support_a_claim_together() -> None:
    passages = [stated("Rome has 3 million people."), stated("Milan has 1 million people.")]

    assert missing_facts("In Rome live 3 million people, in Milan 1 million.", passages) == []


@pytest.mark.parametrize(
    ("claim", "sentence"),
    [
        ("Pets are allowed in the kitchen.", "Pets are not allowed in the kitchen."),
        ("Unused days are not carried over.", "Unused days are carried over until March."),
        ("Ask at most two weeks ahead.", "Ask at least two weeks ahead."),
        ("The course is optional.", "The course is mandatory."),
        ("You don't need a visa.", "You need a visa."),
    ],
)
def test_opposites_contradict(claim: str, sentence: str) -> None:
    assert len(contradictions(claim, sentence)) == 1


@pytest.mark.parametrize(
    ("claim", "sentence"),
    [
        ("Pets are not allowed in the kitchen.", "Pets are not allowed in the kitchen."),
        ("Pets are prohibited in meeting rooms.", "Pets are not allowed in meeting rooms."),
        ("Employees get 25 days.", "Employees get 25 days, but not in the first month."),
        ("Leave ends in March.", "Leave ends not later than in March."),
        ("You get 25 days.", "You get 25 days and not only that."),
    ],
)
def test_the_same_in_other_words_does_not(claim: str, sentence: str) -> None:
    assert contradictions(claim, sentence) == []
