"""Whether the passages hold the answer: what the reader would quote from them, and how the judge sees that.

Knows no retrieval; the search without a filter is handed in.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from langchain_core.documents import Document
from langchain_core.runnables import RunnableConfig

from .abstention import Verdict, judge, reason_without_filter
from .document_step import shown
from .embeddings import Encoder
from .extractive import Quote
from .own_judgement import asked
from .part_reading import answers_parts, read_question
from .state import RagState
from .step import Piece, Step

__all__ = ["Judge", "Reader", "abstain_step", "asked_parts", "encoder_judge", "encoder_reader"]

Reader = Callable[[RagState, RunnableConfig], list[Quote]]
Judge = Callable[[RagState, RunnableConfig], Verdict]
Search = Callable[[RagState, RunnableConfig], list[Document]]
Size = Callable[[RagState], int | None]
Detail = dict[str, Any]


def encoder_reader(encoder: Callable[[], Encoder], size: Size) -> Reader:
    """The extractive reader; the encoder is opened at the first question."""

    def read(state: RagState, config: RunnableConfig) -> list[Quote]:
        parts = asked_parts(state)
        return read_question(
            _spelt(state), parts, state["documents"], encoder(), size=size(state) if parts else None
        )

    return read


def _spelt(state: RagState) -> str:
    """The question as the documents spell it: misspelt words are found nowhere, and speak for no answer."""
    repaired = (query.text for query in state.get("_queries", ()) if query.kind == "spelling")
    return str(next(repaired, state["standalone"]))


def asked_parts(state: RagState) -> list[str]:
    """What a question asks for, where it is several things."""
    return [query.text for query in state.get("_queries", ()) if query.kind == "part"]


def encoder_judge(encoder: Callable[[], Encoder], size: Size, without_filter: Search) -> Judge:
    """The judge of `ragweave.chains.abstention`.

    `size` tells how many passages were searched; `without_filter` searches again without the call's filter,
    to tell that it was the filter.
    """

    def decide(state: RagState, config: RunnableConfig) -> Verdict:
        question, found = _spelt(state), state["documents"]
        filtered = [one for one in state.get("_dropped", ()) if not one[1].startswith("diversify")]
        quotes = state.get("_quotes")
        if answers_parts(quotes):
            return Verdict(False, "", {})
        passages = size(state)
        verdict = judge(question, found, encoder(), quotes=quotes, filtered=filtered, size=passages)
        if not verdict.abstain or not state["filter"]:
            return verdict
        others = without_filter(state, config)
        by = f"the filter on {', '.join(state['filter'])}"
        return reason_without_filter(verdict, question, others, encoder(), by=by, size=passages)

    return decide


def abstain_step(decide: Judge, reader: Reader | None) -> Step:
    """Decides whether the documents hold the answer; the reader's quotes are kept for it."""

    def run(state: RagState, config: RunnableConfig, detail: Detail) -> Iterator[Piece]:
        found = shown(state)
        quotes = {} if reader is None else {"_quotes": reader(found, config)}
        yield {**quotes, "_verdict": _told(decide(found + quotes, config), found, detail)}

    async def arun(state: RagState, config: RunnableConfig, detail: Detail) -> AsyncIterator[Piece]:
        found = shown(state)
        quotes = {} if reader is None else {"_quotes": await asked(reader, found, config)}
        yield {**quotes, "_verdict": _told(await asked(decide, found + quotes, config), found, detail)}

    return Step("abstain", run, arun, instead=lambda state: {})


def _told(verdict: Verdict, found: RagState, detail: Detail) -> Verdict:
    detail |= {"abstain": verdict.abstain, "reason": verdict.reason, "signals": verdict.signals}
    if verdict.by:
        detail["filtered_by"] = verdict.by
    if found["documents"] and not any("scores" in one.metadata for one in found["documents"]):
        detail["scored_by"] = "the encoder: the retriever gives no scores"
    return verdict
