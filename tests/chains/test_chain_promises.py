"""What the chain promises in its corners: code in answers, odd routes and steps, foreign retrievers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda

from ragweave.chains import (
    ChainError,
    Diversify,
    KnowledgeBase,
    ReworkingRetriever,
    Route,
    SeveralRetrievers,
    rag_chain,
)
from ragweave.chains.citations import MarkFilter, bind_citations
from ragweave.chains.claims import claims
from ragweave.chains.grounding import strict_answer
from ragweave.chains.sqlite_store import SqliteStore

from .fakes import WordEncoder
from .two_policies import LEAVE, PAY, QUESTION, two_policies

CODE = "Take the first:\n\n```python\nfirst = a[0]\nrest = a[1:] or []\n```\n[1]\n\nOr write `a[0]` [1]."


@pytest.fixture
def kb(tmp_path: Path) -> Iterator[KnowledgeBase]:
    with two_policies(tmp_path / "kb") as kb:
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


# -- routes that answer by themselves ----------------------------------------------------------------------


def test_a_chain_that_is_itself_a_rag_chain_brings_the_documents_that_it_cites(kb: KnowledgeBase) -> None:
    inner = RunnableLambda(lambda state: state["question"]) | rag_chain(None, kb.as_retriever(), abstain=None)
    chain = rag_chain(None, kb.as_retriever(), route=lambda state: Route("own", chain=inner))

    pieces = list(chain.stream(QUESTION))
    state = chain.invoke(QUESTION)

    keys = [key for piece in pieces for key in piece if key != "trace"]
    assert keys.count("documents") == 1 and keys.index("documents") < keys.index("answer")
    first = state["citations"][0]
    assert first["document_id"] == state["documents"][first["n"] - 1].id


@pytest.mark.parametrize("reply", ["", "  \n", "[1]", "NOT IN THE DOCUMENTS"])
async def test_a_model_that_says_nothing_by_itself_leaves_an_answer(kb: KnowledgeBase, reply: str) -> None:
    chain = rag_chain(
        RunnableLambda(lambda messages: AIMessage(reply)),
        kb.as_retriever(),
        route=lambda state: Route("chat", direct=True),
    )

    state, twin = chain.invoke("Hm?"), await chain.ainvoke("Hm?")

    assert "no answer" in state["answer"] and state["answer"] == twin["answer"]


def test_what_a_route_says_by_itself_is_not_checked_against_documents(kb: KnowledgeBase) -> None:
    chain = rag_chain(
        _model("x"), kb.as_retriever(), route=lambda state: Route("hours", direct="We open at 9.")
    )

    assert chain.invoke("When?")["grounding"] is None


def test_an_answer_never_begins_with_the_blank_behind_a_mark_taken_out(kb: KnowledgeBase) -> None:
    chain = rag_chain(_model("[7] You get 25 days [1]."), kb.as_retriever(), abstain=None, ground=None)

    assert chain.invoke(QUESTION)["answer"] == "You get 25 days [1]."


# -- steps of the caller's ---------------------------------------------------------------------------------


async def test_a_step_may_be_an_async_function(kb: KnowledgeBase) -> None:
    async def two(state: dict[str, Any]) -> list[str]:
        return [state["standalone"], "When are salaries paid?"]

    state = await rag_chain(None, kb.as_retriever(), transform=two, abstain=None).ainvoke(QUESTION)

    assert state["queries"] == [QUESTION, "When are salaries paid?"]


@pytest.mark.parametrize(
    ("given", "queries"),
    [("pay day", ["pay day"]), ([], [QUESTION]), ((QUESTION, AIMessage("pay")), [QUESTION, "pay"])],
)
def test_what_a_transform_gives_is_read_as_texts(kb: KnowledgeBase, given: Any, queries: list[str]) -> None:
    state = rag_chain(None, kb.as_retriever(), transform=lambda state: given, abstain=None).invoke(QUESTION)

    assert state["queries"] == queries


def test_a_model_may_condense(kb: KnowledgeBase) -> None:
    chain = rag_chain(None, kb.as_retriever(), condense=lambda state: AIMessage(QUESTION), abstain=None)

    assert chain.invoke("And how many?")["standalone"] == QUESTION


def test_leaving_out_the_transform_leaves_the_corrective_round(kb: KnowledgeBase) -> None:
    def unsure(state: dict[str, Any]) -> bool:
        return "Overtime" in state["documents"][0].page_content

    chain = rag_chain(None, kb.as_retriever(k=1), abstain=unsure, again=lambda state: [QUESTION])

    state = chain.invoke("When is overtime paid?", {"configurable": {"without": ["transform"]}})

    assert "25 days" in state["answer"]


@pytest.mark.parametrize("step", ["condense", "transform", "fuse", "filter", "rerank", "expand"])
def test_a_step_that_gives_nothing_is_a_clear_error(kb: KnowledgeBase, step: str) -> None:
    own: Any = {step: lambda state: None}

    with pytest.raises(ChainError, match=f"step '{step}' gave a NoneType"):
        rag_chain(None, kb.as_retriever(), **own).invoke(QUESTION)


# -- retrievers of other people ----------------------------------------------------------------------------


class Given(BaseRetriever):
    """Finds what it was given."""

    found: list[Document]

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        return list(self.found)


@pytest.mark.parametrize(
    "metadata",
    [
        {"source": PurePosixPath("a/b.md"), "title": None, "heading": 3, "start": "10:00"},
        {"score": np.float32(0.5), "scores": {"vector": np.float32(0.75)}, "start": np.int64(0)},
        {"score": float("nan"), "scores": {"rerank": float("inf")}},
        {"scores": [0.5], "score": "high"},
        {"scores": None, "supersedes": 3, "superseded_by": ["x"], "version": 2},
    ],
)
async def test_odd_metadata_breaks_neither_the_answer_nor_the_trace(metadata: dict[str, Any]) -> None:
    found = Given(found=[Document(LEAVE, metadata=metadata), Document(PAY)])
    chain = rag_chain(None, found, abstain=None)

    state = chain.invoke(QUESTION)
    twin = await chain.ainvoke(f"{QUESTION[:-1]}, and when are salaries paid?")

    assert "25 days" in state["answer"] and "25 days" in twin["answer"]
    json.dumps([state["trace"], state["citations"], twin["trace"]], allow_nan=False)


def test_a_reworking_retriever_takes_the_filter_of_the_call(kb: KnowledgeBase) -> None:
    reworking = ReworkingRetriever(kb.as_retriever(), [Diversify()])
    asked = {"question": QUESTION, "filter": {"team": "money"}}

    for retriever in (reworking, SeveralRetrievers({"one": reworking})):
        state = rag_chain(None, retriever, abstain=None).invoke(asked)
        assert {one.metadata["source"] for one in state["documents"]} == {"pay"}


# -- what is said after an answer --------------------------------------------------------------------------


def _versions(folder: Path) -> KnowledgeBase:
    kb = KnowledgeBase(SqliteStore(folder), WordEncoder())
    new = {"source": "b", "title": "Leave policy (new)", "supersedes": "a"}
    old = {"source": "a", "title": "Leave policy"}
    kb.ingest([Document(LEAVE, metadata=new), Document(LEAVE.replace("25", "20"), metadata=old)])
    return kb


def test_notes_that_follow_an_answer_are_no_claims_of_the_model(tmp_path: Path) -> None:
    with _versions(tmp_path) as kb:
        model = _model("Employees get 20 days of annual leave each year [2].")
        state = rag_chain(model, kb.as_retriever(), abstain=None, again=None).invoke(QUESTION)

    (claim,) = state["grounding"]["claims"]
    assert "There is a newer version: [" in state["answer"]
    assert claim["claim"] == "Employees get 20 days of annual leave each year."


class BreakingOff(GenericFakeChatModel):
    """Fails after its last word."""

    def _stream(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        yield from super()._stream(*args, **kwargs)
        raise ConnectionError("gone")


@pytest.mark.parametrize("strict", [True, False])
async def test_that_a_model_broke_off_is_said_and_is_no_claim(kb: KnowledgeBase, strict: bool) -> None:
    said = "Employees get 25 days of annual leave each year [1]."
    model = BreakingOff(messages=iter([AIMessage(said)] * 4))
    chain = rag_chain(model, kb.as_retriever(), abstain=None, strict=strict, again=None, transform=None)

    state, twin = chain.invoke(QUESTION), await chain.ainvoke(QUESTION)

    assert state["answer"] == twin["answer"] == f"{said}\n\nThe model broke off here."
    assert state["grounding"]["unsupported"] == 0


async def test_what_a_model_said_by_itself_stays_where_it_breaks_off(kb: KnowledgeBase) -> None:
    model = BreakingOff(messages=iter([AIMessage("Glad to help.")] * 2))
    chain = rag_chain(model, kb.as_retriever(), route=lambda state: Route("chat", direct=True))

    state, twin = chain.invoke("Thanks"), await chain.ainvoke("Thanks")

    assert state["answer"] == twin["answer"] == "Glad to help.\n\nThe model broke off here."


# -- the stream, whatever answers --------------------------------------------------------------------------

ROUTES: list[Any] = [
    "auto",
    None,
    lambda state: Route("text", direct="We open at 9."),
    lambda state: Route("chat", direct=True),
    lambda state: Route("person", handoff=True),
    lambda state: Route("own", chain=RunnableLambda(lambda state: {"answer": "Own."})),
    lambda state: Route("pay", filter={"team": "money"}, k=1, long_context=True),
]
REPLIES = [
    None,
    "",
    "NOT IN THE DOCUMENTS",
    "[9]",
    "[1] You get 25 days [1]. [2] Ask",
    f"```\na[0]\n```\n[1] {LEAVE}",
]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("reply", REPLIES)
async def test_a_stream_is_the_state_whatever_answers(
    kb: KnowledgeBase, reply: str | None, route: Any
) -> None:
    model: Any = None if reply is None else RunnableLambda(lambda messages: AIMessage(str(reply)))
    chain = rag_chain(model, kb.as_retriever(), route=route)

    state = chain.invoke(QUESTION)
    pieces = list(chain.stream(QUESTION))
    twins = [piece async for piece in chain.astream(QUESTION)]

    for streamed in (pieces, twins):
        keys = [key for piece in streamed for key in piece]
        assert all(keys.count(key) == 1 for key in state.keys() - {"answer", "trace"})
        assert keys.index("documents") < keys.index("answer")
        assert "".join(piece.get("answer", "") for piece in streamed) == state["answer"] != ""
    json.dumps(state["trace"], allow_nan=False)
    for one in state["citations"]:
        assert one["quote"] == kb.text(one["source"])[one["source_start"] : one["source_end"]]
        assert state["answer"][one["answer_start"] : one["answer_end"]].strip()
        assert state["documents"][one["n"] - 1].id == one["document_id"]
