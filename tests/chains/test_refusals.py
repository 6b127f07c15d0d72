"""What is said in place of an answer."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.documents import Document

from ragweave.chains.abstention import DOES_NOT_SAY, NOTHING_FOUND, Verdict
from ragweave.chains.refusals import refusal

TEXT = "You have to ask for the leave before you take it, and that is all there is to it."


def _state(question: str, reason: str = DOES_NOT_SAY, heading: str = "") -> Any:
    document = Document(TEXT, metadata={"title": "Leave", "heading": heading})
    return {"standalone": question, "documents": [document], "_verdict": Verdict(True, reason, {})}


@pytest.mark.parametrize(
    ("heading", "place"),
    [("", "“Leave”."), ("Leave", "“Leave”."), ("Leave > Sick leave", "“Leave”, under “Sick leave”.")],
)
def test_the_title_of_what_comes_closest_is_said_once(heading: str, place: str) -> None:
    assert f"what comes closest is {place}" in refusal(_state("How much sick leave?", heading=heading))


@pytest.mark.parametrize("reason", [DOES_NOT_SAY, NOTHING_FOUND])
def test_a_question_in_another_language_is_told_the_language_to_ask_in(reason: str) -> None:
    said = refusal(_state("Wie viele Tage habe ich noch und wann muss ich sie nehmen?", reason))

    assert "The passages are in English. Ask in that language, or add a document that covers it." in said
