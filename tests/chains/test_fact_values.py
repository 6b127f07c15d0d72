"""Numbers, dates and times, however they are written."""

from __future__ import annotations

import pytest

from ragweave.chains.fact_values import values_in


def only_figure(text: str) -> tuple[set[float | str], str]:
    figures = [one for one in values_in(text).figures if not one.common]
    assert len(figures) == 1, figures
    return set(figures[0].values), figures[0].unit


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("25 people", 25),
        ("twenty-five people", 25),
        ("twenty five people", 25),
        ("1,000 people", 1000),
        ("1 000 people", 1000),
        ("1.000 people", 1000),
        ("a thousand people", 1000),
        ("one hundred and five people", 105),
        ("3.5k people", 3500),
        ("2.5 million people", 2_500_000),
        ("1.000,50 people", 1000.5),
        ("1,000.50 people", 1000.5),
        ("0,5 people", 0.5),
        ("two dozen people", 24),
        ("the 19th floor", 19),
        ("the nineteenth floor", 19),
        ("since the 1990s", "1990s"),
        ("version 1.2.3", "1.2.3"),
    ],
)
def test_a_number_has_one_value_however_it_is_written(text: str, value: float | str) -> None:
    values, _ = only_figure(text)

    assert value in values


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("5 %", "%"),
        ("five per cent", "%"),
        ("$20", "dollar"),
        ("20 USD", "dollar"),
        ("€ 20", "euro"),
        ("25 days", "day"),
        ("25 vacation days", "day"),
        ("a 25-day course", "day"),
        ("25 employees", ""),
        ("the 25th of each month", "ordinal"),
    ],
)
def test_the_unit_stands_beside_the_number(text: str, unit: str) -> None:
    figures = [one for one in values_in(text).figures if not one.common]

    assert figures[0].unit == unit


@pytest.mark.parametrize(
    "text", ["5 March 2024", "March 5, 2024", "5th of March 2024", "2024-03-05", "5.3.2024"]
)
def test_a_date_is_one_in_every_format(text: str) -> None:
    (day,) = values_in(f"It began on {text} in Rome.").days

    assert (2024, 3, 5) in day.readings


def test_a_numeric_date_is_read_in_both_orders() -> None:
    (day,) = values_in("03/05/2024").days

    assert day.readings == {(2024, 3, 5), (2024, 5, 3)}


def test_may_is_a_month_only_where_it_can_be_one() -> None:
    assert values_in("You may go. May I?").days == ()
    assert [day.readings for day in values_in("in May").days] == [{(0, 5, 0)}]


@pytest.mark.parametrize(
    ("text", "minutes"), [("5 pm", {1020}), ("9:30 a.m.", {570}), ("17:00", {1020}), ("9:00", {540, 1260})]
)
def test_a_time_is_in_minutes(text: str, minutes: set[int]) -> None:
    assert [times for _, times in values_in(f"from {text} on").times] == [minutes]


@pytest.mark.parametrize("text", ["one of us", "the first time", "twice a week"])
def test_words_that_often_are_no_number_are_marked(text: str) -> None:
    assert all(one.common for one in values_in(text).figures)


@pytest.mark.parametrize("text", ["", "99:99", "32.13.2024", "1" * 400, "1,2,3,4", "٣ أيام", "½"])
def test_odd_texts_are_no_error(text: str) -> None:
    values_in(text)
