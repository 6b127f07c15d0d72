"""Blending a reranker in: how its scores are read, what it cannot break, and what happens when it is late."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from pydantic import ValidationError

from ragweave.chains import KnowledgeBase, rag_chain
from ragweave.chains.rerank import LEFT_OUT, Rerank
from ragweave.chains.rework import Dropped, Reworked, Reworker, rescored
from ragweave.chains.sqlite_store import SqliteStore

from .fakes import WordEncoder

Work = Callable[[Sequence[Document], str], Sequence[Document]]


class Compressor(BaseDocumentCompressor):
    """Does what it is given to do."""

    work: Work
    given: list[list[Document]] = []

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> Sequence[Document]:
        self.given.append(list(documents))
        return self.work(documents, query)


def _passages(*fused: float) -> list[Document]:
    return [
        Document(f"passage {n}", id=f"p{n}", metadata={"score": score, "scores": {"fused": score}})
        for n, score in enumerate(fused)
    ]


def _ids(documents: Sequence[Document]) -> list[str | None]:
    return [document.id for document in documents]


def _scoring(scores: dict[str, float], key: str = "relevance_score") -> Compressor:
    """Copies without ids, best first, as most services' compressors give them back."""

    def work(documents: Sequence[Document], query: str) -> list[Document]:
        made = [
            Document(one.page_content, metadata={**one.metadata, key: scores[str(one.id)]})
            for one in documents
            if one.id in scores
        ]
        return sorted(made, key=lambda one: -one.metadata[key])

    return Compressor(work=work)


def _reversed(documents: Sequence[Document], query: str) -> list[Document]:
    return list(documents)[::-1]


# -- the blend ---------------------------------------------------------------------------------------------


def test_the_blend_is_the_weighted_sum_of_both_relative_scores() -> None:
    documents = _passages(0.9, 0.7, 0.1)

    reworked = Rerank(_scoring({"p0": -4.0, "p1": 6.0, "p2": 1.0}), weight=0.3).rework(documents, "q")

    # fused 1, .75, 0; reranker 0, 1, .5
    assert _ids(reworked.documents) == ["p1", "p0", "p2"]
    assert [one.metadata["score"] for one in reworked.documents] == pytest.approx([0.825, 0.7, 0.15])
    assert [one.metadata["scores"]["rerank"] for one in reworked.documents] == [6.0, -4.0, 1.0]
    assert reworked.detail["scores"] == {"p0": -4.0, "p1": 6.0, "p2": 1.0}
    assert documents[0].metadata == {"score": 0.9, "scores": {"fused": 0.9}}


def test_a_weight_of_one_replaces_the_order_and_of_none_keeps_it() -> None:
    documents, compressor = _passages(0.9, 0.7, 0.1), Compressor(work=_reversed)

    assert _ids(Rerank(compressor, weight=1).rework(documents, "q").documents) == ["p2", "p1", "p0"]
    assert _ids(Rerank(compressor, weight=0).rework(documents, "q").documents) == ["p0", "p1", "p2"]


def test_what_stands_is_the_last_stages_score_not_the_fused_one() -> None:
    documents = _passages(0.9, 0.8, 0.1)
    documents[0].metadata["score"], documents[1].metadata["score"] = 0.2, 1.0  # a stage moved p1 up
    documents = [documents[1], documents[0], documents[2]]

    reworked = Rerank(_scoring({"p0": 2.0, "p1": 1.0, "p2": 0.0}), weight=0.3).rework(documents, "q")

    assert _ids(reworked.documents) == ["p1", "p0", "p2"]


def test_scores_that_do_not_fit_the_order_give_way_to_ranks() -> None:
    documents = [Document(f"d{n}", id=f"p{n}", metadata={"score": n}) for n in range(3)]  # distances, say

    reworked = Rerank(_scoring({"p0": 1.0, "p1": 1.0, "p2": 1.0}), weight=0.5).rework(documents, "q")

    assert [one.metadata["score"] for one in reworked.documents] == [1.0, 0.75, 0.5]


def test_passages_without_scores_are_blended_by_their_ranks() -> None:
    documents = [Document(f"text {n}") for n in range(3)]

    reworked = Rerank(Compressor(work=_reversed), weight=0.6).rework(documents, "q")

    assert [one.page_content for one in reworked.documents] == ["text 2", "text 1", "text 0"]


def test_passages_that_the_reranker_did_not_see_stay_behind_in_order() -> None:
    documents, compressor = _passages(0.9, 0.8, 0.7, 0.6, 0.5), Compressor(work=_reversed)

    reworked = Rerank(compressor, weight=1, top=3).rework(documents, "q")

    assert _ids(compressor.given[-1]) == ["p0", "p1", "p2"]
    assert _ids(reworked.documents) == ["p2", "p1", "p0", "p3", "p4"]


def test_nothing_found_asks_nobody() -> None:
    compressor = Compressor(work=_reversed)

    assert Rerank(compressor).rework([], "q").documents == []
    assert compressor.given == []


# -- how rerankers answer ----------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["relevance_score", "rerank_score", "score"])
def test_scores_are_read_from_the_metadata(key: str) -> None:
    reworked = Rerank(_scoring({"p0": 0.1, "p1": 0.9}, key), weight=1).rework(_passages(0.9, 0.8), "q")

    assert reworked.detail["scored_by"] == key
    assert [one.metadata["scores"]["rerank"] for one in reworked.documents] == [0.9, 0.1]


def test_the_searchs_own_score_handed_through_is_not_the_rerankers() -> None:
    reworked = Rerank(Compressor(work=_reversed), weight=1).rework(_passages(0.9, 0.8), "q")

    assert reworked.detail["scored_by"] == "order"
    assert _ids(reworked.documents) == ["p1", "p0"]


def test_scores_that_are_not_finite_give_way_to_the_order() -> None:
    compressor = _scoring({"p0": float("nan"), "p1": 1.0})

    reworked = Rerank(compressor, weight=1).rework(_passages(0.9, 0.8), "q")

    assert reworked.detail["scored_by"] == "order"


def test_passages_behind_those_that_the_reranker_scored_get_nothing_from_it() -> None:
    def work(documents: Sequence[Document], query: str) -> list[Document]:
        first = [rescored(documents[1], rerank=0.9), rescored(documents[0], rerank=0.8)]
        return [*first, *documents[2:]]

    reworked = Rerank(Compressor(work=work), weight=1).rework(_passages(0.9, 0.8, 0.7, 0.6), "q")

    assert reworked.detail["scored_by"] == "scores.rerank"
    assert _ids(reworked.documents) == ["p1", "p0", "p2", "p3"]
    assert [one.metadata["score"] for one in reworked.documents] == pytest.approx([1, 1 / 3, 0, 0])


def test_a_reranker_that_writes_into_its_documents_changes_none_of_ours() -> None:
    def write(documents: Sequence[Document], query: str) -> Sequence[Document]:
        for place, one in enumerate(documents):
            one.metadata["relevance_score"] = float(place)
            one.metadata["scores"]["fused"] = -1.0
            one.page_content = "shortened"
        return documents

    documents = _passages(0.9, 0.8)

    reworked = Rerank(Compressor(work=write), weight=1).rework(documents, "q")

    assert _ids(reworked.documents) == ["p1", "p0"]
    assert documents[1].metadata == {"score": 0.8, "scores": {"fused": 0.8}}
    assert reworked.documents[0].page_content == "passage 1"
    assert reworked.documents[0].metadata["scores"] == {"fused": 0.8, "rerank": 1.0}


def test_passages_left_out_keep_a_place_by_their_own_score() -> None:
    reworked = Rerank(_scoring({"p2": 0.2}), weight=0.3).rework(_passages(1.0, 0.9, 0.8, 0.0), "q")

    # p2: .7 * .8 + .3 = .86; p0: .7, p1: .63, p3: 0
    assert _ids(reworked.documents) == ["p2", "p0", "p1", "p3"]
    assert "rerank" not in reworked.documents[1].metadata["scores"]
    assert list(reworked.dropped) == []


def test_the_worst_of_those_kept_is_still_above_those_left_out() -> None:
    reworked = Rerank(_scoring({"p2": 0.9, "p3": 0.2}), weight=1).rework(_passages(1, 0.9, 0.8, 0.7), "q")

    assert _ids(reworked.documents) == ["p2", "p3", "p0", "p1"]


def test_passages_left_out_go_where_that_is_wanted_and_the_reason_is_told() -> None:
    reranker = Rerank(_scoring({"p1": 0.2}), keep_dropped=False)

    reworked = reranker.rework(_passages(1.0, 0.9), "q")

    assert _ids(reworked.documents) == ["p1"]
    assert [(one.document.id, one.reason) for one in reworked.dropped] == [("p0", LEFT_OUT)]


def test_strangers_and_repeats_among_what_comes_back_are_left_out() -> None:
    def work(documents: Sequence[Document], query: str) -> list[Document]:
        return [Document("a stranger", id="x"), documents[1], documents[1], documents[0]]

    reworked = Rerank(Compressor(work=work), weight=1).rework(_passages(0.9, 0.8), "q")

    assert _ids(reworked.documents) == ["p1", "p0"]


def test_equal_passages_are_told_apart_by_the_order_they_came_in() -> None:
    documents = [Document("the same", metadata={"source": name}) for name in "ab"]
    compressor = Compressor(work=lambda given, query: [Document(one.page_content) for one in given])

    reworked = Rerank(compressor, weight=1).rework(documents, "q")

    assert [one.metadata["source"] for one in reworked.documents] == ["a", "b"]


def test_what_a_reworker_tells_and_why_it_drops_is_passed_on() -> None:
    class First(Reworker):
        def rework(self, documents: Sequence[Document], query: str) -> Reworked:
            return Reworked([documents[0]], [Dropped(documents[1], "too long")], {"model": "m1"})

    reworked = Rerank(First(), keep_dropped=False).rework(_passages(0.9, 0.8), "q")

    assert reworked.detail["model"] == "m1"
    assert reworked.dropped[0].reason == "too long"


# -- late, failing, wrong ----------------------------------------------------------------------------------


def test_past_the_deadline_the_order_stands_and_the_next_question_does_not_wait() -> None:
    go_on = threading.Event()

    def hang(documents: Sequence[Document], query: str) -> list[Document]:
        go_on.wait(30)
        return list(documents)[::-1]

    reranker, documents = Rerank(Compressor(work=hang), weight=1, deadline=0.05), _passages(0.9, 0.8)

    late = reranker.rework(documents, "q")
    skipped = reranker.rework(documents, "q")
    go_on.set()

    assert late.documents == skipped.documents == documents
    assert late.detail == {"degraded": "Compressor took longer than 0.05 s; the order before it stands."}
    assert "still at work on an earlier question" in skipped.detail["degraded"]


def test_a_reranker_that_raises_costs_only_its_opinion() -> None:
    def fail(documents: Sequence[Document], query: str) -> list[Document]:
        raise RuntimeError("no credit left")

    documents = _passages(0.9, 0.8)

    reworked = Rerank(Compressor(work=fail)).rework(documents, "q")

    assert reworked.documents == documents
    assert "Compressor failed (RuntimeError: no credit left)" in reworked.detail["degraded"]


@pytest.mark.parametrize("given", [None, "text", [{"text": "a dict"}]])
def test_something_else_than_documents_counts_as_a_failure(given: Any) -> None:
    reworked = Rerank(Compressor(work=lambda documents, query: given)).rework(_passages(0.9, 0.8), "q")

    assert _ids(reworked.documents) == ["p0", "p1"]
    assert "failed" in reworked.detail["degraded"]


def test_a_reranker_that_gives_nothing_back_changes_nothing() -> None:
    reworked = Rerank(Compressor(work=lambda documents, query: [])).rework(_passages(0.9, 0.8), "q")

    assert _ids(reworked.documents) == ["p0", "p1"]
    assert "gave none of the passages back" in reworked.detail["degraded"]


@pytest.mark.parametrize("wrong", [{"weight": 1.5}, {"deadline": 0}, {"top": 0}])
def test_settings_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Rerank(Compressor(work=_reversed), **wrong)


async def test_it_works_as_a_compressor_of_langchains_async_too() -> None:
    documents, reranker = _passages(0.9, 0.8), Rerank(Compressor(work=_reversed), weight=1)

    assert _ids(reranker.compress_documents(documents, "q")) == ["p1", "p0"]
    assert _ids(await reranker.acompress_documents(documents, "q")) == ["p1", "p0"]


# -- in the chain ------------------------------------------------------------------------------------------


async def test_a_reranker_that_hangs_costs_the_chain_its_deadline_and_the_trace_says_so(
    tmp_path: Path,
) -> None:
    go_on = threading.Event()

    def hang(documents: Sequence[Document], query: str) -> list[Document]:
        go_on.wait(30)
        return []

    with KnowledgeBase(SqliteStore(tmp_path / "kb"), WordEncoder()) as kb:
        kb.ingest([Document("You get 25 days of leave.", metadata={"source": "leave"})])
        hanging = Rerank(Compressor(work=hang), deadline=0.05)
        chain = rag_chain(None, kb.as_retriever(), abstain=None, rerank=hanging)

        states = [chain.invoke("days of leave"), await chain.ainvoke("days of leave")]
        go_on.set()

    entries = [entry for state in states for entry in state["trace"] if entry["step"] == "rerank"]
    told = [entry["detail"]["degraded"] for entry in entries]
    assert "took longer than 0.05 s" in told[0] and "still at work" in told[1]
    assert all("25 days" in state["answer"] for state in states)
