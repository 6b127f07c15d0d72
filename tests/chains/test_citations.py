from __future__ import annotations

import random
import time
from itertools import pairwise

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


# -- backticks ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ("Take `a[9]` [1].", "Take `a[9]` [1]."),
        ("Take `a first [9]. Then b [1].", "Take `a first. Then b [1]."),
        ("Take `a first [9].\nThen `b[9]` [1].", "Take `a first.\nThen `b[9]` [1]."),
        ("Take ``a `b[9]` [9].", "Take ``a `b[9]`."),
        ("Take ``a`[9]`` [1].", "Take ``a`[9]`` [1]."),
        (f"Take `a [9]. {'Far away. ' * 50}b` [1].", f"Take `a. {'Far away. ' * 50}b` [1]."),
        ("Take `a [1]", "Take `a [1]"),
    ],
)
def test_a_backtick_that_nothing_closes_hides_no_mark(answer: str, shown: str, size: int) -> None:
    pieces = [answer[at : at + size] for at in range(0, len(answer), size)]

    assert _streamed(pieces) == shown


def test_a_mark_behind_a_backtick_that_nothing_closes_is_a_citation() -> None:
    answer = "Call `first to get it. [1]\nIt is `a[0]`. [1]"

    bound = bind_citations(answer, [Document("Call first to get it: a[0].", id="a")])

    assert [answer[one["answer_start"] : one["answer_end"]] for one in bound] == [
        "Call `first to get it.",
        "It is `a[0]`.",
    ]


@pytest.mark.parametrize("seed", range(20))
def test_what_is_shown_does_not_depend_on_how_an_answer_is_cut(seed: int) -> None:
    chance = random.Random(seed)
    parts = ["`", "``", "```", "\n", " ", "[1]", "[9]", "[1", "[2, 1]", "word", ". ", "~~~", "]"]

    for _ in range(50):
        answer = "".join(chance.choices(parts, k=25))
        cuts = sorted(chance.choices(range(len(answer) + 1), k=6))
        pieces = [answer[start:end] for start, end in pairwise([0, *cuts, len(answer)])]
        assert _streamed(pieces) == _streamed([answer])


def test_a_long_line_of_marks_behind_backticks_takes_no_time() -> None:
    answer = "Take `a " + "word [1] " * 5_000

    started = time.perf_counter()
    _streamed([answer[at : at + 5] for at in range(0, len(answer), 5)])
    bind_citations(answer[:9000], [Document("word", id="a")])

    assert time.perf_counter() - started < 8
