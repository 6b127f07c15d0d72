"""What is said of a source's version beside an answer and in a prompt."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.documents import Document

from ragweave.chains.version_notes import version_lines, version_note
from ragweave.chains.versions import Supersede

QUESTION = "How many days a week do I have to be in the office?"
NEW = "Starting May 1, 2023, employees will be required to work from the office three days a week."


def newest(text: str = NEW, **more: Any) -> Document:
    metadata = {
        "source": "c",
        "title": "Wfh Policy Update May 2023",
        "updated": "2023-05-01",
        "supersedes": ["b"],
    }
    return Document(page_content=text, metadata={**metadata, **more})


def older(text: str, **more: Any) -> Document:
    metadata = {"source": "b", "title": "April Update", "updated": "2022-04-29", "superseded_by": "c"}
    return Document(page_content=text, metadata={**metadata, **more})


def test_a_note_says_from_when_the_newest_version_is() -> None:
    assert version_note(QUESTION, [newest()], {1}) == "As of 1 May 2023 (Wfh Policy Update May 2023)."


def test_a_version_from_after_the_time_asked_about_is_told_to_be_late() -> None:
    question = "What was the rule in 2021?"

    notes = [
        version_note(question, [newest()], {1}),
        version_note(question, [older("Two days.")], {1}),
        version_note(question, [older("Two days.", updated="2021-03-01")], {1}),
    ]

    assert notes == [
        "As of 1 May 2023 (Wfh Policy Update May 2023), after the time that is asked about.",
        "As of 29 April 2022 (April Update), after the time that is asked about. There is a newer version.",
        "As of 1 March 2021 (April Update). There is a newer version.",
    ]


RULES = (
    ("2020", "Work From Home Policy", "2020-03-01", "Full time."),
    ("2022", "Work From Home Update", "2022-04-29", "Two days."),
    ("2023", "Wfh Policy Update", "2023-05-01", "Three days."),
)


def found_for(question: str) -> list[Document]:
    documents = [
        Document(text, metadata={"source": source, "title": title, "updated": day})
        for source, title, day, text in RULES
    ]
    return Supersede().rework(documents, question).documents


def test_a_note_says_that_the_version_is_the_one_of_the_time_asked_about() -> None:
    question = "What was the rule in 2022?"

    note = version_note(question, found_for(question), {1})

    assert note == (
        "As of 29 April 2022 (Work From Home Update), the latest version by then. "
        "There is a newer version of 1 May 2023: [2]."
    )


def test_a_note_says_that_there_was_no_version_yet() -> None:
    question = "What was the rule in 2018?"

    note = version_note(question, found_for(question), {1})

    assert note == (
        "The earliest version here is of 1 March 2020 (Work From Home Policy), after the time that is asked "
        "about. There is a newer version of 1 May 2023: [2]."
    )


@pytest.mark.parametrize(
    ("year", "which"),
    [
        (2021, "The latest version by then is of 1 March 2020: [1]."),
        (2018, "The earliest version here is of 1 March 2020: [1]."),
    ],
)
def test_an_answer_from_a_later_version_names_once_the_one_of_the_time(year: int, which: str) -> None:
    question = f"What was the rule in {year}?"

    note = version_note(question, found_for(question), {2, 3})

    assert note == (
        f"As of 1 May 2023 (Wfh Policy Update), after the time that is asked about. {which} "
        "As of 29 April 2022 (Work From Home Update), after the time that is asked about."
    )


def test_an_older_version_with_another_number_says_otherwise() -> None:
    was = older("All eligible employees come to the office two days a week. Pets stay at home.")

    note = version_note(QUESTION, [newest(), was], {1})

    assert note == (
        "As of 1 May 2023 (Wfh Policy Update May 2023). An older version of 29 April 2022 says otherwise: "
        "“All eligible employees come to the office two days a week.”"
    )


@pytest.mark.parametrize(
    "text",
    [
        "Since 2022 employees are required to work from the office three days a week.",
        "The office has a kitchen.",
        "",
    ],
)
def test_an_older_version_that_agrees_or_is_silent_is_not_quoted(text: str) -> None:
    assert "older" not in version_note(QUESTION, [newest(), older(text)], {1})


def test_the_opposite_in_words_says_otherwise() -> None:
    now = newest("Dogs are not allowed in the kitchen.", title="Pet Policy 2023")
    was = older("Dogs are allowed in the kitchen.", title="Pet Policy 2022")

    assert "says otherwise: “Dogs are allowed" in version_note(
        "Are dogs allowed in the kitchen?", [now, was], {1}
    )


def test_an_answer_from_an_older_version_names_the_newer_one() -> None:
    note = version_note(QUESTION, [older("Two days a week."), newest()], {1})

    assert note == "As of 29 April 2022 (April Update). There is a newer version of 1 May 2023: [2]."


def test_a_newer_version_that_is_not_shown_is_only_told() -> None:
    assert version_note(QUESTION, [older("Two days.")], {1}).endswith("There is a newer version.")


def test_a_version_without_a_date_is_named_by_its_title() -> None:
    undated = newest(title="Travel Policy v2", updated=None)

    assert version_note(QUESTION, [undated], {1}) == (
        "From Travel Policy v2, which replaces an older version."
    )


@pytest.mark.parametrize("cited", [set(), {2}, {0, 3, -1}])
def test_without_a_cited_version_there_is_no_note(cited: set[int]) -> None:
    plain = Document(page_content=NEW, metadata={"source": "x", "title": "Other"})

    assert version_note(QUESTION, [newest(), plain], cited) == ""


def test_a_long_sentence_is_cut_at_a_word() -> None:
    was = older(f"Employees are in the office two days a week {'and so on ' * 40}.")

    note = version_note(QUESTION, [newest(), was], {1})

    assert note.endswith("…”")
    assert len(note) < 320


def test_lines_tell_dates_and_what_replaces_what() -> None:
    plain = Document(page_content="", metadata={"source": "x", "updated": "2024-01-01"})

    lines = version_lines([older("a"), plain, newest(), older("b")])

    assert lines == [
        "updated 2022-04-29, replaced by [3]",
        "",
        "updated 2023-05-01, replaces [1]",
        "updated 2022-04-29, replaced by [3]",
    ]


def test_lines_name_no_passage_that_is_not_shown() -> None:
    assert version_lines([newest()]) == ["updated 2023-05-01, the newest version"]
    assert version_lines([older("a")]) == ["updated 2022-04-29, replaced by a newer version"]


def test_a_version_between_two_others_is_not_called_the_newest() -> None:
    first = Document("20 days of leave.", metadata={"source": "a", "title": "A"})
    second = Document("22 days of leave.", metadata={"source": "b", "title": "B", "supersedes": "a"})
    third = Document("25 days of leave.", metadata={"source": "c", "title": "C", "supersedes": ["b"]})
    found = Supersede().rework([second, first, third], "How many days of leave?").documents
    place = 1 + [one.metadata["source"] for one in found].index("b")

    note = version_note("How many days of leave?", found, {place})

    assert note.startswith("From an older version, B. There is a newer version: [")


def test_a_source_found_alone_is_not_called_the_newest() -> None:
    alone = Document("20 days of leave.", metadata={"source": "p", "title": "P", "supersedes": "q"})

    assert version_note("How many days of leave?", [alone], {1}) == "From P, which replaces an older version."
