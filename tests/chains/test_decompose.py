"""Which questions are split, and into what; which are left whole."""

from __future__ import annotations

import pytest

from ragweave.chains.decompose import asks_for_several, decompose


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        (
            "What is the difference between the pet policy and the travel policy?",
            ["the pet policy", "the travel policy"],
        ),
        ("What is the difference between annual and sick leave?", ["annual leave", "sick leave"]),
        ("How do a junior and a senior engineer differ?", ["a junior engineer", "a senior engineer"]),
        ("How do a dog and a small cat differ?", ["a dog", "a small cat"]),
        ("Compare the vacation policy with the pet policy.", ["the vacation policy", "the pet policy"]),
        ("Compare vacation, sick and parental leave", ["vacation leave", "sick leave", "parental leave"]),
        ("How does the 2022 update differ from the 2023 update?", ["the 2022 update", "the 2023 update"]),
        ("FastAPI vs. Flask regarding speed", ["FastAPI regarding speed", "Flask regarding speed"]),
        ("Is annual leave longer than sick leave?", ["annual leave longer", "sick leave longer"]),
        ("What do cats and dogs have in common?", ["cats", "dogs"]),
        (
            "What is the risk on a plane compared to on a train?",
            ["the risk on a plane", "the risk on a train"],
        ),
        (
            "Compare the values in the code with those in the guide.",
            ["the values in the code", "the values in the guide"],
        ),
        ("Rules for pets and for visitors", ["Rules for pets", "Rules for visitors"]),
        (
            "Can I bring a cat or a dog to the office?",
            ["Can I bring a cat to the office", "Can I bring a dog to the office"],
        ),
        ("May I keep a cat or an owl?", ["May I keep a cat", "May I keep a owl"]),
        ("What is a PIP? Who may bring a dog?", ["What is a PIP", "Who may bring a dog"]),
        ("It is 3.5 km to a.md. What is a PIP? And who pays?", ["What is a PIP", "who pays (PIP)"]),
        ("What is a PIP and how long is it?", ["What is a PIP", "how long is it (PIP)"]),
        (
            "Who leads sales, and by how much do they grow?",
            ["Who leads sales", "by how much do they grow (leads sales)"],
        ),
    ],
)
def test_a_question_that_asks_for_two_things_is_split(question: str, parts: list[str]) -> None:
    assert decompose(question) == parts


@pytest.mark.parametrize(
    "question",
    [
        "",
        "How many days of leave do I get?",
        "What are the terms and conditions?",
        "Is rock and roll loud?",
        "What happens between 5 and 10?",
        "What is the difference between 5 and 10?",
        "How and when do I apply?",
        "Who wrote “What is a cat and what is a dog?” first?",
        'Where is "the cat or the dog" from?',
        "The Rhine and what other river were accepted?",
        "How do schools in Ireland differ from most?",
        "What causes fever and is treated with aspirin?",
        "word " * 1000 + "and how long is it?",
    ],
)
def test_a_question_that_asks_for_one_thing_is_left_whole(question: str) -> None:
    assert decompose(question) == []


def test_a_pair_that_stands_together_in_the_collection_is_one_thing() -> None:
    question = "What are the health and the safety rules here?"

    assert decompose(question) != []
    assert decompose(question, together=lambda a, b: (a, b) == ("health", "safety")) == []


def test_a_pair_on_one_side_of_a_comparison_is_kept_together() -> None:
    question = "What is the difference between terms and conditions and privacy rules?"

    parts = decompose(question, together=lambda a, b: {a, b} == {"terms", "conditions"})

    assert parts == ["terms and conditions", "privacy rules"]


def test_a_long_question_in_several_parts_is_worth_a_model() -> None:
    assert asks_for_several("Which of the two offices grew faster last year and what did each of them earn?")
    assert not asks_for_several("Which of the two offices grew faster last year?")
