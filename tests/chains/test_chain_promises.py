"""What the chain promises in its corners: code in answers, odd routes and steps, other people's retrievers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage

from ragweave.chains import KnowledgeBase
from ragweave.chains.citations import MarkFilter, bind_citations
from ragweave.chains.claims import claims
from ragweave.chains.grounding import strict_answer
from ragweave.chains.sqlite_store import SqliteStore

from .fakes import WordEncoder

LEAVE = "Employees get 25 days of annual leave each year. Leave must be approved by the manager."
PAY = "Salaries are paid on the 25th of each month. Overtime is paid with the next salary."
QUESTION = "How many days of annual leave do employees get?"
CODE = "Take the first:\n\n```python\nfirst = a[0]\nrest = a[1:] or []\n```\n[1]\n\nOr write `a[0]` [1]."


@pytest.fixture
def kb(tmp_path: Path) -> Iterator[KnowledgeBase]:
    with KnowledgeBase(SqliteStore(tmp_path / "kb"), WordEncoder()) as kb:
        kb.ingest(
            [
                Document(LEAVE, metadata={"source": "leave", "title": "Leave policy", "team": "people"}),
                Document(PAY, metadata={"source": "pay", "title": "Pay policy", "team": "money"}),
            ]
        )
        yield kb


def _model(*replies: str) -> GenericFakeChatModel:
    return GenericFakeChatModel(messages=iter(AIMessage(reply) for reply in replies))


def _spans(answer: str, bound: list[dict[str, Any]]) -> list[str]:
    return [answer[one["answer_start"] : one["answer_end"]] for one in bound]


# -- code and tables in an answer --------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_brackets_in_code_are_no_marks(size: int) -> None:
    marks = MarkFilter(1, lambda claim, written: [])

    shown = "".join(marks.feed(CODE[at : at + size]) for at in range(0, len(CODE), size)) + marks.finish()

    assert shown == CODE.replace("\n[1]\n", "\n").replace("` [1].", "`.")


def test_boxes_to_tick_are_no_marks() -> None:
    marks = MarkFilter(1)

    assert marks.feed("- [ ] Ask early.\n- [ ] Fill in the form.") + marks.finish() == (
        "- [ ] Ask early.\n- [ ] Fill in the form."
    )


def test_a_mark_below_a_block_of_code_is_bound_to_the_code() -> None:
    bound = bind_citations(CODE, [Document("first = a[0]", id="a")])

    assert _spans(CODE, bound) == ["first = a[0]\nrest = a[1:] or []", "Or write `a[0]`"]


def test_a_block_of_code_is_one_claim() -> None:
    found = claims(CODE)

    assert [(one.text, one.cited) for one in found] == [
        ("first = a[0]\nrest = a[1:] or []", (1,)),
        ("Or write `a[0]`.", (1,)),
    ]


def test_the_head_of_a_table_is_no_claim() -> None:
    found = claims("| Kind | Days |\n|---|---|\n| Annual | 25 [1] |\n")

    assert [one.text for one in found] == ["| Annual | 25 |"]


def test_strict_keeps_code_as_it_was_written() -> None:
    code = "Write this:\n\n```python\nfor one in all:\n    print(one)\n```"
    answer = f"{code}\n\nBananas are  yellow."
    given = [{"start": one.start, "end": one.end, "supported": True, "removed": []} for one in claims(answer)]
    given[-1]["supported"] = False

    assert strict_answer(answer, {"claims": given}) == code


# -- marks where none is expected --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "spans"),
    [
        ("[1] You get 25 days. Ask early.", ["You get 25 days."]),
        ("You get 25 days [1]. [2]", ["You get 25 days", "You get 25 days"]),
        ("You get 25 days [9]. Ask [0] early.", []),
        ("[1]", []),
    ],
)
def test_every_mark_is_bound_to_words(answer: str, spans: list[str]) -> None:
    bound = bind_citations(answer, [Document("25 days.", id="a"), Document("Ask.", id="b")])

    assert _spans(answer, bound) == spans


def test_a_long_run_of_blanks_does_not_hold_up_an_answer() -> None:
    marks = MarkFilter(1)

    assert len(marks.feed(f"{' ' * 50_000}x [1] ")) == 50_001
