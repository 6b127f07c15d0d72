from __future__ import annotations

from datetime import date

import pytest

from ragweave.chains.relative_dates import absolute_dates

WEDNESDAY = date(2026, 12, 2)


@pytest.mark.parametrize(
    ("question", "explained"),
    [
        ("What happened yesterday?", "What happened yesterday (1 December 2026)?"),
        ("Is it open tomorrow?", "Is it open tomorrow (3 December 2026)?"),
        ("What is today's menu?", "What is today's (2 December 2026) menu?"),
        ("Did it break last night?", "Did it break last night (1 December 2026)?"),
        ("Are we open the day after tomorrow?", "Are we open the day after tomorrow (4 December 2026)?"),
        ("What changed last month?", "What changed last month (November 2026)?"),
        ("What changed last week?", "What changed last week (23 November 2026 to 29 November 2026)?"),
        ("How much leave do I get this year?", "How much leave do I get this year (2026)?"),
        ("What do we plan next quarter?", "What do we plan next quarter (Q1 2027)?"),
        ("What was in last year's report?", "What was in last year's (2025) report?"),
        ("What is new since Monday?", "What is new since Monday (30 November 2026)?"),
        ("Is it due by Friday?", "Is it due by Friday (4 December 2026)?"),
        ("Who was on call last Wednesday?", "Who was on call last Wednesday (25 November 2026)?"),
        ("Is it closed next Monday?", "Is it closed next Monday (7 December 2026)?"),
        ("What was released two years ago?", "What was released two years ago (December 2024)?"),
        ("What changed 10 days ago?", "What changed 10 days ago (22 November 2026)?"),
        ("Will the price change in two weeks?", "Will the price change in two weeks (16 December 2026)?"),
        ("What will it cost a month from now?", "What will it cost a month from now (January 2027)?"),
        (
            "What did I buy in the past 30 days?",
            "What did I buy in the past 30 days (since 2 November 2026)?",
        ),
    ],
)
def test_a_relative_date_is_explained_in_brackets(question: str, explained: str) -> None:
    text, dates = absolute_dates(question, WEDNESDAY)

    assert text == explained
    assert len(dates) == 1 and dates[0]["phrase"] in question and f"({dates[0]['date']})" in text


@pytest.mark.parametrize(
    "question",
    [
        "",
        "What is my last name?",
        "What is the last week of the course?",
        "What happens in the last year of my contract?",
        "When was the last month in which it rained?",
        "What is the next step?",
        "How much do I earn in two weeks?",
        "Is a refund paid in 5 days?",
        "Is it open next Friday?",  # of this week or of the next?
        "Is it open on Monday?",
        "Did USA Today write about it?",
        'What does "see you yesterday" mean?',
        "What was decided last year (2025)?",
        "What changed yesterday, 1 December 2026?",
        "Do we work on Mondays?",
        "last " * 1000,
    ],
)
def test_what_may_be_no_relative_date_is_left_alone(question: str) -> None:
    text, dates = absolute_dates(question, WEDNESDAY)

    assert text == question
    assert dates == []


def test_several_dates_are_told_in_order() -> None:
    text, dates = absolute_dates("Did the rule of last year change yesterday?", date(2026, 1, 1))

    assert text == "Did the rule of last year (2025) change yesterday (31 December 2025)?"
    assert [one["phrase"] for one in dates] == ["last year", "yesterday"]


def test_since_monday_on_a_monday_is_left_alone() -> None:
    text, _ = absolute_dates("What is new since Monday?", date(2026, 11, 30))

    assert text == "What is new since Monday?"
