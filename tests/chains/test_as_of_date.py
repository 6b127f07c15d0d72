"""Documents as they stood on a day."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from langchain_core.documents import Document

from ragweave.chains import FilterError, KnowledgeBase
from ragweave.chains.as_of_date import as_of, as_of_phrase

from .fakes import WordEncoder


@pytest.mark.parametrize(
    ("day", "before"),
    [
        ("2022-12-31", "2023-01-01"),
        ("2022-12", "2023-01-01"),
        ("2022", "2023-01-01"),
        ("28 February 2022", "2022-03-01"),
        (date(2022, 12, 31), "2023-01-01"),
    ],
)
def test_a_day_month_or_year_counts_to_its_end(day: Any, before: str) -> None:
    assert as_of(day) == {"updated_at": {"lt": before}}


def test_a_time_counts_to_the_second_in_utc() -> None:
    wanted = {"updated": {"lte": "2022-12-31T10:30:00+00:00"}}

    assert as_of("2022-12-31T12:30:00+02:00", field="updated") == wanted
    assert as_of(datetime(2022, 12, 31, 10, 30, tzinfo=UTC), field="updated") == wanted


@pytest.mark.parametrize("day", ["soon", "", "05/06/2022", "2021 or 2022", 7])
def test_what_is_no_day_is_refused_with_the_remedy(day: Any) -> None:
    with pytest.raises(FilterError, match="is no date to look back to.*2022-12-31"):
        as_of(day)


@pytest.fixture(params=["folder", "server"])
def kb(request: pytest.FixtureRequest, tmp_path: Path) -> KnowledgeBase:
    if request.param == "folder":
        base = KnowledgeBase.open(tmp_path, embeddings=WordEncoder())
    else:
        base = KnowledgeBase(request.getfixturevalue("open_weaviate_store")(), WordEncoder())
    stamps = {
        "first": "2022-12-31",
        "noon": "2022-12-31T12:00:00+00:00",
        "last second": "2022-12-31T23:59:59Z",
        "next": "2023-01-01",
        "midnight": "2023-01-01T00:00:00+00:00",
    }
    base.ingest(
        [Document(id=key, page_content="leave", metadata={"updated_at": at}) for key, at in stamps.items()]
    )
    return base


def test_the_filter_lets_pass_what_was_there_by_the_end_of_the_day(kb: KnowledgeBase) -> None:
    found = kb.search("leave", filter=as_of("2022-12-31"))

    assert {one.metadata["source"] for one in found} == {"first", "noon", "last second"}


@pytest.mark.parametrize(
    ("question", "last"),
    [
        ("As of 2022, how many days could I work from home?", date(2022, 12, 31)),
        ("What were the rules as at 1 May 2021?", date(2021, 5, 1)),
        ("How many days did I get under the 2020 policy?", date(2020, 12, 31)),
        ("What did the March 2021 travel guidelines say?", date(2021, 3, 31)),
        ("Was remote work allowed in March 2021?", date(2021, 3, 31)),
        ("What was the leave policy in 2019?", date(2019, 12, 31)),
    ],
)
def test_a_question_about_how_things_stood_names_its_day(question: str, last: date) -> None:
    assert as_of_phrase(question) == last


@pytest.mark.parametrize(
    "question",
    [
        "Who won the election in 2020?",
        "How much leave do I get in 2026?",
        "What changes on 1 May 2023?",
        "When was the 1918 flu?",
        "What does the sales strategy for 2024 aim at?",
        "How many days a week do I have to be in the office?",
    ],
)
def test_a_question_that_only_holds_a_date_asks_for_no_earlier_time(question: str) -> None:
    assert as_of_phrase(question) is None
