"""A question for a phone number is answered by a phone number only."""

from __future__ import annotations

import pytest
from langchain_core.documents import Document

from ragweave.chains.abstention import DOES_NOT_SAY, judge
from ragweave.chains.contacts import gives_no_contact
from ragweave.chains.embeddings import open_encoder

CINEMA = "Starlight Cinemas. Customer number: 4711 0815. Your points: 3,247. Opened on 2019-05-01."


@pytest.mark.parametrize(
    "question",
    [
        "What is the phone number of Starlight Cinemas?",
        "What's your support phone number?",
        "Phone number of the cinema",
        "Please give me the e-mail address of the cinema",
        "Which is the email of Starlight?",
        "What is their website?",
    ],
)
def test_other_digits_and_names_are_no_contact(question: str) -> None:
    assert gives_no_contact(question, [CINEMA])


@pytest.mark.parametrize(
    ("question", "passage"),
    [
        ("What is the phone number of the cinema?", "Call the box office at 555 0134."),
        ("What is the phone number of the cinema?", "Box office: +49 30 901820"),
        ("What is the phone number of the cinema?", "Box office: (030) 901820"),
        ("What is the phone number of the cinema?", "Box office: 030-9018-2000"),
        ("What is the e-mail address of support?", "Write to help@starlight.example."),
        ("What is their website?", "See www.starlight.example for the programme."),
    ],
)
def test_a_contact_in_any_passage_is_one(question: str, passage: str) -> None:
    assert not gives_no_contact(question, [CINEMA, passage])


@pytest.mark.parametrize(
    "question",
    [
        "How do I change my phone number?",
        "What is the phone number used for?",
        "Can I log in with my email?",
        "Which email clients are supported?",
        "What does the email field validate?",
        "How many days of leave do I get?",
        "Why does the website ask for a password?",
        "Is there an e-mail for complaints?",
    ],
)
def test_what_is_only_about_contacts_asks_for_none(question: str) -> None:
    assert not gives_no_contact(question, [CINEMA])


def test_the_judge_declines_a_phone_number_that_no_passage_has() -> None:
    documents = [Document(CINEMA, metadata={"source": "card.md", "title": "Starlight Cinemas"})]

    verdict = judge("What is the phone number of Starlight Cinemas?", documents, open_encoder())

    assert (verdict.abstain, verdict.reason) == (True, DOES_NOT_SAY)
