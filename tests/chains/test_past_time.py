"""Whether a question asks for an earlier time, where dated versions compete."""

from __future__ import annotations

from datetime import date

import pytest

from ragweave.chains.past_time import asked_time


@pytest.mark.parametrize(
    ("question", "last"),
    [
        ("What did the 2020 policy say?", date(2020, 12, 31)),
        ("How many days did I have to come in during 2021?", date(2021, 12, 31)),
        ("Could I work from home full time in 2018?", date(2018, 12, 31)),
        ("What does the travel policy of 2022 pay for hotels?", date(2022, 12, 31)),
        ("What was paid for hotels in March 2022?", date(2022, 3, 31)),
        ("What was the rule before May 2023?", date(2023, 4, 30)),
        ("office days 2021", date(2021, 12, 31)),
        ("Homeoffice-Regel 2021?", date(2021, 12, 31)),
        ("Wie viele Tage galten 2022?", date(2022, 12, 31)),
        ("Wie war die Regel vor 2023?", date(2022, 12, 31)),
        ("Wie war die Regel vor Mai 2023?", date(2023, 4, 30)),
        ("¿Cuál era la norma en mayo de 2021?", date(2021, 5, 31)),
        ("Quelle était la règle en 2021 ?", date(2021, 12, 31)),
        ("¿Cuántos días había que ir en 2021?", date(2021, 12, 31)),
        ("Quanti giorni si poteva lavorare da casa nel 2021?", date(2021, 12, 31)),
        ("Hoeveel dagen mocht ik in 2021 thuis werken?", date(2021, 12, 31)),
        ("Какое правило действовало в 2021 году?", date(2021, 12, 31)),
        ("2021年的规定是什么？", date(2021, 12, 31)),
        ("2021年の規則は？", date(2021, 12, 31)),
    ],
)
def test_a_question_about_the_past_names_its_last_day(question: str, last: date) -> None:
    assert asked_time(question) == last


@pytest.mark.parametrize(
    "question",
    [
        "How many days do I have to be in the office?",
        "How many days do I get if I was ill in 2021?",
        "What leave was agreed for those hired in 2019?",
        "What changed since 2021?",
        "What does the sales strategy for 2024 aim at?",
        "Is the budget of 2024 approved?",
        "When must I hand in before May 2023?",
        "Wie viel Urlaub hatten die 2018 eingestellten Leute?",
        "2021年以后的规定是什么？",
        "Was was?",
        "",
    ],
)
def test_a_date_alone_does_not_make_a_question_one_about_the_past(question: str) -> None:
    assert asked_time(question) is None
