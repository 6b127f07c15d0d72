"""Whether a question speaks of a person whom nobody has named."""

from __future__ import annotations

import pytest

from ragweave.chains.left_open import speaks_of_nobody

PAY = "Salaries are paid on the 25th. The band of a team lead is D."


@pytest.mark.parametrize(
    "question", ["What is her salary?", "How old is he?", "What did she do?", "when is his birthday"]
)
def test_a_pronoun_before_anybody_speaks_of_nobody(question: str) -> None:
    assert speaks_of_nobody(question, PAY)


@pytest.mark.parametrize(
    "question",
    [
        "What is the salary?",
        "What did the manager do with her team?",
        "What is Anna's salary and her team?",
        "In his first year, what did Obama sign?",
        "Do antibiotics help against it?",
        "What is their salary?",
        "",
    ],
)
def test_somebody_or_no_person_leaves_nothing_open(question: str) -> None:
    assert not speaks_of_nobody(question, PAY)


@pytest.mark.parametrize(("passage", "open_"), [("She was born in 1815.", False), ("He was born.", True)])
def test_a_passage_about_such_a_person_says_who_is_meant(passage: str, open_: bool) -> None:
    assert speaks_of_nobody("When was she born?", passage) is open_
