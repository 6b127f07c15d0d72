"""Dates in metadata, titles and names."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from ragweave.chains.dates import OTHER_MONTHS, Dated, dates_of, own_date, periods, read_date


@pytest.mark.parametrize(
    "value",
    [
        "2023-05-01",
        "20230501",
        "2023/05/01",
        "1.5.2023",
        "1 May 2023",
        "1st of May 2023",
        "May 1, 2023",
        "May 2023",
        "1. Mai 2023",
        "1er mai 2023",
        "1 de mayo de 2023",
        "maggio 2023",
        "maio de 2023",
        "mei 2023",
        "2023-05",
        "2023-05-01T00:00:00Z",
        "2023-05-01T02:00:00+02:00",
        "Mon, 1 May 2023 00:00:00 +0000",
        date(2023, 5, 1),
        datetime(2023, 5, 1),
        datetime(2023, 5, 1, 2, tzinfo=timezone(timedelta(hours=2))),
        1682899200,
        1682899200000,
    ],
)
def test_a_date_is_read_however_it_is_written(value: Any) -> None:
    assert read_date(value) == datetime(2023, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [None, "", "soon", "05/06/2023", "31 June 2023", "in May 2023", True, 7, [], "2023-05-01 to 2023-06-01"],
)
def test_what_is_no_date_or_could_be_two_is_not_read(value: Any) -> None:
    assert read_date(value) is None


def test_a_date_at_the_end_of_the_calendar_is_not_read() -> None:
    assert read_date("9999-12-31T23:59:00-05:00") is None


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("policy_2023_05_01", date(2023, 5, 1), date(2023, 5, 1)),
        ("Wfh Policy Update May 2023", date(2023, 5, 1), date(2023, 5, 31)),
        ("leave-2022-02.pdf", date(2022, 2, 1), date(2022, 2, 28)),
        ("Fy2024 Company Sales Strategy", date(2024, 1, 1), date(2024, 12, 31)),
    ],
)
def test_a_period_has_a_first_and_a_last_day(name: str, first: date, last: date) -> None:
    (found,) = periods(name)

    assert (found.first, found.last) == (first, last)


@pytest.mark.parametrize("text", ["Order 120235 of room 1999b", "maybe 30 people", "build 20231345"])
def test_numbers_that_are_no_dates_are_left(text: str) -> None:
    assert [one for one in periods(text) if one.first.year == 2023] == []


def test_a_documents_own_date_stands_in_metadata_before_title_before_name() -> None:
    name = {"source": "a/leave-2021-01.md"}
    title = {**name, "title": "Leave May 2022"}
    metadata = {**title, "updated": "2023-04-05"}

    assert [str(own_date(one)) for one in (name, title, metadata)] == [
        "January 2021",
        "May 2022",
        "5 April 2023",
    ]
    assert [own_date(one).where for one in (name, title, metadata)] == ["name", "title", "updated"]  # type: ignore[union-attr]


def test_an_updated_at_that_was_set_aside_counts_as_stated() -> None:
    found = own_date({"updated_at": "2026-01-01", "original": {"updated_at": "1 May 2023"}})

    assert found == Dated(datetime(2023, 5, 1, tzinfo=UTC), "updated_at")


def test_a_year_inside_a_title_is_no_date_of_the_document() -> None:
    assert own_date({"title": "The 1918 Flu in Europe"}) is None


def test_times_of_ingestion_do_not_stand_beside_stated_dates() -> None:
    stated = {"updated_at": "2026-01-01", "updated": "2020-01-01"}
    silent = {"updated_at": "2026-01-01"}

    assert list(dates_of({"a": stated, "b": silent})) == ["a"]
    assert list(dates_of({"b": silent, "c": silent})) == ["b", "c"]


@pytest.mark.parametrize("number", range(1, 13))
def test_months_are_read_in_other_languages(number: int) -> None:
    names = OTHER_MONTHS[number - 1].split()

    found = [next(periods(f"Regel ab {name} 2021"), None) for name in names]

    assert [one.first if one else None for one in found] == [date(2021, number, 1)] * len(names)
