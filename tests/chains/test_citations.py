from __future__ import annotations

import pytest
from langchain_core.documents import Document

from ragweave.chains.citations import MarkFilter, bind_citations


def _streamed(pieces: list[str] | str, passages: int = 2) -> str:
    marks = MarkFilter(passages)
    return "".join(marks.feed(piece) for piece in pieces) + marks.finish()


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ("25 days [1].", "25 days [1]."),
        ("25 days [3].", "25 days."),
        ("25 days [1][9][2].", "25 days [1][2]."),
        ("25 days [1, 2].", "25 days [1][2]."),
        ("25 days [0] a year [].", "25 days a year."),
        ("An array a[i] and [sic] stay.", "An array a[i] and [sic] stay."),
        ("Unfinished [1", "Unfinished"),
        ("Ends with a blank ", "Ends with a blank"),
    ],
)
def test_marks_that_point_nowhere_go_however_the_answer_is_cut(answer: str, shown: str) -> None:
    assert _streamed([answer]) == shown
    assert _streamed(list(answer)) == shown


def test_an_unfinished_mark_is_held_back() -> None:
    marks = MarkFilter(2)

    assert marks.feed("Yes [") == "Yes"
    assert marks.feed("1") == ""
    assert marks.feed("] and") == " [1] and"


def test_a_citation_points_into_its_source_and_at_its_sentence() -> None:
    text = "Leave is generous. You get 25 days of leave a year. Ask early."
    document = Document(text, id="d", metadata={"source": "a.md", "title": "Leave", "start": 100})
    answer = "It is simple. There are 25 days of leave. [1] Ask someone."

    (citation,) = bind_citations(answer, [document])

    assert citation["quote"] == "You get 25 days of leave a year."
    assert text[citation["source_start"] - 100 : citation["source_end"] - 100] == citation["quote"]
    assert answer[citation["answer_start"] : citation["answer_end"]] == "There are 25 days of leave."
    assert (citation["n"], citation["document_id"], citation["source"]) == (1, "d", "a.md")


def test_two_marks_after_one_sentence_are_two_citations() -> None:
    documents = [Document("Cats sleep.", id="a"), Document("Dogs sleep.", id="b")]

    bound = bind_citations("Both sleep [1][2].", documents)

    assert [one["document_id"] for one in bound] == ["a", "b"]
    assert bound[0]["answer_start"] == bound[1]["answer_start"]


def test_an_answer_without_marks_has_no_citations() -> None:
    assert bind_citations("Nothing is cited.", [Document("x")]) == []
