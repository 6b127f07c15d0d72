"""The newest version of a document goes before the older ones."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.documents import Document

from ragweave.chains.versions import Supersede, find_versions

QUESTION = "How many days may I work from home?"


def passage(source: str, title: str, score: float = 1.0, text: str = "", **more: Any) -> Document:
    scores = {"vector": score, "fused": score}
    metadata = {"source": source, "title": title, "score": score, "scores": scores, **more}
    return Document(id=f"{source}-{text}", page_content=text or title, metadata=metadata)


def rules() -> list[Document]:
    return [
        passage("2020", "Work From Home Policy", 1.0, "full time", updated="2020-03-01"),
        passage("pets", "Office Pet Policy", 0.9),
        passage("2022", "April Work From Home Update", 0.8, updated="2022-04-29"),
        passage("2020", "Work From Home Policy", 0.7, "equipment", updated="2020-03-01"),
        passage("2023", "Wfh Policy Update May 2023", 0.6, updated="2023-05-01"),
    ]


def order(documents: Any) -> list[str]:
    return [one.metadata["source"] for one in documents]


def test_the_newest_takes_the_first_place_of_its_versions() -> None:
    reworked = Supersede().rework(rules(), QUESTION)

    assert order(reworked.documents) == ["2023", "pets", "2022", "2020", "2020"]
    assert reworked.detail == {
        "by": "rule",
        "versions": [{"newest": "2023", "older": ["2022", "2020"], "told_by": "date"}],
    }


def test_scores_stay_in_order() -> None:
    found = Supersede().compress_documents(rules(), QUESTION)

    assert [one.metadata["score"] for one in found] == [1.0, 0.9, 0.8, 0.7, 0.6]


def test_passages_say_what_they_replace_and_by_what_they_are_replaced() -> None:
    found = rules()

    newest, pets, middle, *_ = Supersede().compress_documents(found, QUESTION)

    assert newest.metadata["supersedes"] == ["2022", "2020"]
    assert middle.metadata["superseded_by"] == "2023"
    assert not {"supersedes", "superseded_by"} & pets.metadata.keys()
    assert all("superseded_by" not in one.metadata for one in found)


def test_without_versions_nothing_changes() -> None:
    found = [
        passage("a", "Leave Policy", updated="2022-01-01"),
        passage("b", "Travel Policy", updated="2023-01-01"),
    ]

    reworked = Supersede().rework(found, QUESTION)

    assert reworked.documents == found
    assert reworked.detail == {"by": "rule", "versions": []}


def test_drop_leaves_older_versions_out_and_says_why() -> None:
    reworked = Supersede(drop=True).rework(rules(), QUESTION)

    assert order(reworked.documents) == ["2023", "pets"]
    assert {one.reason for one in reworked.dropped} == {"replaced by 2023"}
    assert len(reworked.dropped) == 3


def test_a_newest_version_that_is_silent_on_the_matter_stays_where_it_is() -> None:
    found = [*rules()[:4], passage("2023", "Wfh Policy Update May 2023", 0.5, updated="2023-05-01")]

    reworked = Supersede().rework(found, QUESTION)

    assert order(reworked.documents) == order(found)
    assert reworked.documents[0].metadata["superseded_by"] == "2023"


@pytest.mark.parametrize(("score", "first"), [(0.9, "2022"), (0.8, "2020")])
def test_where_the_newest_is_silent_an_older_one_goes_first_that_is_as_near_as_the_oldest(
    score: float, first: str
) -> None:
    found = rules()
    found[2] = passage("2022", "April Work From Home Update", score, updated="2022-04-29")
    found[4] = passage("2023", "Wfh Policy Update May 2023", 0.2, updated="2023-05-01")

    assert order(Supersede().compress_documents(found, QUESTION))[0] == first


def test_how_the_search_ranks_a_version_among_others_says_nothing_of_whether_it_is_silent() -> None:
    found = [
        passage("a", "Leave Policy 2022", scores={"vector": 0.6, "fused": 1.0}),
        passage("b", "Leave Policy 2023", scores={"vector": 0.5, "fused": 0.0}),
    ]

    assert order(Supersede().compress_documents(found, QUESTION)) == ["b", "a"]


@pytest.mark.parametrize(("keyword", "first"), [(4.0, "b"), (1.0, "a")])
def test_without_cosines_the_words_tell_whether_a_version_is_silent(keyword: float, first: str) -> None:
    found = [
        passage("a", "Leave Policy 2022", scores={"keyword": 9.0}),
        passage("b", "Leave Policy 2023", scores={"keyword": keyword}),
    ]

    assert order(Supersede().compress_documents(found, QUESTION))[0] == first


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("What did the 2020 work from home policy say?", "2020"),
        ("As of June 2022, how many days could I stay home?", "2022"),
        ("As of 2023, how many days may I stay home?", "2023"),
        ("What changed in the office in May 2023?", "2023"),
        ("What changed in the office in March 2020?", "2020"),
        ("How many days were required in 2021?", "2020"),
        ("What was the rule before May 2023?", "2022"),
        ("Wie viele Tage galten 2022?", "2022"),
        ("Combien de jours fallait-il venir en 2022 ?", "2022"),
        ("2022年的远程办公规定是什么？", "2022"),
        ("office days 2022", "2022"),
        ("How many days were required in 2024?", "2023"),
        ("How many days will I have in 2026?", "2023"),
        ("How many days do I get if I was ill in 2021?", "2020"),
        ("How many days are there for those hired in 2022?", "2020"),
    ],
)
def test_a_question_about_an_earlier_time_gets_the_version_of_that_time(question: str, first: str) -> None:
    found = rules()

    assert order(Supersede().compress_documents(found, question))[0] == first


def test_a_question_about_a_time_before_all_versions_gets_the_earliest() -> None:
    found = rules()

    reworked = Supersede().rework(found, "What was the rule on office days in 2018?")

    assert order(reworked.documents)[0] == "2020"
    assert reworked.documents[0].metadata["stands_behind"] is None
    assert reworked.documents[2].metadata["stands_behind"] == "2020"


def test_no_version_is_called_the_earliest_where_one_has_no_date() -> None:
    found = [
        passage("b", "Travel Policy v2", 0.9, updated="2022-01-01"),
        passage("a", "Travel Policy v1", 0.8),
    ]

    reworked = Supersede().rework(found, "What was the rule in 2019?")

    assert order(reworked.documents) == ["b", "a"]
    assert all("stands_behind" not in one.metadata for one in reworked.documents)


def test_a_question_that_names_an_older_version_number_keeps_the_order() -> None:
    found = [passage("a", "Travel Policy v1", 1.0), passage("b", "Travel Policy v2", 0.9)]

    assert order(Supersede().compress_documents(found, "What does v1 of the travel policy say?")) == [
        "a",
        "b",
    ]
    assert order(Supersede().compress_documents(found, "What does the travel policy say?")) == ["b", "a"]


def test_version_numbers_count_before_dates_and_as_numbers() -> None:
    found = [
        passage("nine", "Travel Policy v9", updated="2024-01-01"),
        passage("ten", "Travel Policy v10", updated="2023-01-01"),
        passage("none", "Travel Policy", updated="2025-01-01"),
    ]

    (group,), _ = find_versions(found)

    assert group.sources == ("ten", "nine", "none")


def test_what_is_declared_counts_before_dates() -> None:
    found = [
        passage("a", "Hours", updated="2024-01-01"),
        passage("b", "Working time", updated="2023-01-01", supersedes="a"),
    ]

    (group,), _ = find_versions(found)

    assert group.sources == ("b", "a")


def test_a_declaration_is_enough_without_dates() -> None:
    found = [
        passage("a", "Hours"),
        passage("b", "Working time", supersedes=["a"]),
        passage("c", "Time", replaces="b"),
    ]

    (group,), _ = find_versions(found)

    assert (group.sources, group.told_by) == (("c", "b", "a"), "declared")


def test_where_none_can_be_told_to_be_the_newest_the_order_stays_and_is_told() -> None:
    found = [
        passage("a", "Leave Policy (2022)", 0.9, updated_at="2026-01-01"),
        passage("b", "Leave Policy (update)", 0.8, updated_at="2025-01-01"),
        passage("c", "Leave Policy (final)", 0.7, updated_at="2024-01-01"),
    ]

    reworked = Supersede().rework(found, QUESTION)

    assert reworked.documents == found
    assert reworked.detail["undecided"] == [["a", "b", "c"]]


def test_passages_without_scores_and_sources_are_taken_as_they_are() -> None:
    found = [
        Document(page_content="no source"),
        Document(page_content="old", metadata={"source": "a", "title": "Leave Policy 2022"}),
        Document(page_content="new", metadata={"source": "b", "title": "Leave Policy 2023"}),
    ]

    ordered = Supersede().compress_documents(found, QUESTION)

    assert [one.page_content for one in ordered] == ["no source", "new", "old"]
