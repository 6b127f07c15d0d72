"""Which marks of a sentence are shown, by a checker that knows what each passage says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from langchain_core.documents import Document

from ragweave.chains.citations import MarkFilter
from ragweave.chains.marks_check import MarksCheck

DOCUMENTS = [Document("apples are red"), Document("pears are green"), Document("plums are blue")]


@dataclass
class Said:
    supported: bool


class Words:
    """A claim is supported if the passages together hold each of its words."""

    def check(self, claim: str, passages: Sequence[Document]) -> Said:
        held = {word for one in passages for word in one.page_content.split()}
        return Said(set(claim.lower().strip(".").split()) <= held)


@pytest.mark.parametrize(
    ("claim", "written", "shown"),
    [
        ("Apples are red.", [1], [1]),
        ("Apples are red.", [1, 2], [1]),  # one of them says nothing of it
        ("Apples are green.", [1, 2], [1, 2]),  # only together
        ("Apples are red.", [2], [1]),  # said elsewhere
        ("Apples are yellow.", [1, 2], []),
    ],
)
def test_marks_that_support_are_shown(claim: str, written: list[int], shown: list[int]) -> None:
    check = MarksCheck(Words(), DOCUMENTS)

    kept = check.keep(claim, written)

    assert kept == shown
    changed = [{"claim": claim, "written": written, "shown": shown}]
    assert check.changed == ([] if kept == written else changed)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_a_streamed_answer_has_the_same_marks_however_it_is_cut(size: int) -> None:
    written = "Fruit. Apples are red [2]. Pears are green [1, 2] [9]. Plums are yellow. [3] Done [1"
    check = MarksCheck(Words(), DOCUMENTS)
    marks = MarkFilter(len(DOCUMENTS), check.keep)

    pieces = [marks.feed(written[start : start + size]) for start in range(0, len(written), size)]

    said = "".join(pieces) + marks.finish()
    assert said == "Fruit. Apples are red [1]. Pears are green [2]. Plums are yellow. Done"
