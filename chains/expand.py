"""The context of an answer: passages grown to their sections, whole documents, or what a small window takes.

With a chat model the passages found become what it is given, within its window; without one nothing changes,
for quotes are taken from the passages themselves. Knows knowledge bases; of other retrievers' documents it
only fits what they gave.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from langchain_core.documents import Document
from langchain_core.messages import BaseMessage
from langchain_core.runnables import Runnable, RunnableConfig

from .alone import StandaloneStep
from .answer_prompt import PromptParts, prompt_messages
from .budget import Budget, Count, budget_of, counter_of, estimate_tokens, window_of
from .filters import Expression, both_filters
from .fitting import BUDGET, fit, passage_tokens
from .history_budget import fitted_history, shortened
from .long_context import Sources, Whole, whole_base, whole_documents
from .prompt_fence import as_data
from .retriever import KnowledgeBaseRetriever
from .rework import Dropped
from .spans import grown, is_passage, span_document
from .state import RagState, text_of
from .step import Piece, Step

__all__ = ["LongContext", "expand_step", "expander", "fit_step"]

LongContext = Literal["auto"] | bool

GROWTH = 2.0  # times the tokens of the hits: three times holds no more of what is asked, see docs/context.md
REACH = 8  # passages before and behind a hit that are read
MARGIN = 0.1  # of the window stays free where whole documents fill it
QUESTION_SHARE = 0.25  # of the prompt, at most
HISTORY_SHARE = 0.25  # of what rules and question leave, at most
MOST_HISTORY = 2000  # tokens; more of a conversation helps no answer from documents
SHORT_RULES_BELOW = 1024  # tokens of a window: the long rules would be a third of it and more
MESSAGE = 8  # tokens that a chat template puts around a message
FITTED = ("window", "answer_tokens", "counted_by", "passages", "dropped", "degraded")  # told of a mere fit
ROUNDS = 8  # in which a prompt that came out too long is made shorter


def expander(
    retriever: Runnable[str, list[Document]] | None = None,
    model: Runnable[Any, Any] | None = None,
    *,
    long_context: LongContext = "auto",
    window: int | None = None,
    growth: float = GROWTH,
) -> StandaloneStep:
    """The step as a Runnable of its own: from `{"question", "documents"}` to the Documents for the prompt."""
    step = expand_step(retriever, model, long_context=long_context, window=window, growth=growth)
    return StandaloneStep(step, "_documents")


def expand_step(
    retriever: Runnable[str, list[Document]] | None,
    model: Runnable[Any, Any] | None,
    *,
    long_context: LongContext = "auto",
    window: int | None = None,
    growth: float = GROWTH,
) -> Step:
    """Sets the documents that a model is given, and what of question and history fits beside them.

    Args:
        retriever: where the documents came from; a knowledge base's tells what stands around them.
        model: who answers; None changes nothing.
        long_context: whole documents in place of passages: True wherever they fit the window, "auto" where
            a route asks for it or they take no more room than grown passages may, False never.
        window: tokens that the model reads, where it does not tell.
        growth: how many times the tokens of the hits the context may have.
    """
    if long_context not in ("auto", True, False):
        raise TypeError(f"long_context={long_context!r} is none: give 'auto', True or False.")
    if growth < 1:
        raise TypeError(f"growth={growth!r} is less than the hits themselves: give 1 or more.")
    settings = _Settings(long_context, window, growth)

    def run(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> Iterator[Piece]:
        yield _expanded(state, _source(state, retriever), model, settings, detail)

    async def arun(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> AsyncIterator[Piece]:
        source = _source(state, retriever)
        yield await asyncio.to_thread(_expanded, state, source, model, settings, detail)

    def instead(state: RagState) -> Piece:
        """Left out, nothing grows; the prompt must fit all the same."""
        return _expanded(state, None, model, settings, {})

    return Step("expand", run, arun, instead=instead)


def fit_step(model: Runnable[Any, Any]) -> Step:
    """Cuts to the window that a model tells, where the caller's own step, or none, replaces `expand_step`."""

    def run(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> Iterator[Piece]:
        if "_prompt" not in state and state["_documents"] and window_of(model) is not None:
            told: dict[str, Any] = {}
            yield _expanded(state, None, model, _Settings(False, None, GROWTH), told)
            detail |= {key: told[key] for key in FITTED if key in told}

    return Step("fit", run)


@dataclass(frozen=True, slots=True)
class _Settings:
    long_context: LongContext
    window: int | None
    growth: float


@dataclass(frozen=True, slots=True)
class _Room:
    """What one prompt has room for."""

    budget: Budget
    count: Count
    parts: PromptParts
    passages: int  # tokens


def _source(state: RagState, retriever: Any) -> Any:
    return getattr(state.get("_route"), "retriever", None) or retriever


def _expanded(state: RagState, source: Any, model: Any, settings: _Settings, detail: dict[str, Any]) -> Piece:
    found: list[Document] = state["_documents"]
    verdict = state.get("_verdict")
    if model is None or not found or (verdict is not None and verdict.abstain):  # no model will read them
        detail["mode"] = "passages"
        return {"_documents": found}
    room = _room(state, model, settings, detail)
    documents = _chosen(state, found, source, settings, room, detail)
    kept, dropped = _within(state, documents, room)
    if not kept:
        detail["degraded"] = f"A window of {room.budget.window} tokens takes no passage beside the question."
    detail["passages"] = {"found": len(found), "given": len(kept)}
    detail["dropped"] = [{"id": one.document.id, "reason": one.reason} for one in dropped]
    return {"_documents": kept, "_prompt": room.parts}


# -- room --------------------------------------------------------------------------------------------------


def _room(state: RagState, model: Any, settings: _Settings, detail: dict[str, Any]) -> _Room:
    budget = budget_of(model, window=settings.window)
    own = _counter(model, detail)
    count = cache(own)  # of this turn alone: the same texts are counted again and again
    question = shortened(as_data(state["standalone"]), int(budget.prompt * QUESTION_SHARE), count)
    short = budget.window < SHORT_RULES_BELOW
    left = budget.prompt - _bare(state, PromptParts(question, (), short=short), count)
    history = fitted_history(state["history"], min(MOST_HISTORY, int(left * HISTORY_SHARE)), count)
    parts = PromptParts(question, history, short=short)
    bare = _bare(state, parts, count)
    detail |= {
        "window": budget.window,
        "answer_tokens": budget.answer_tokens,
        "counted_by": "the model's tokenizer" if own is not estimate_tokens else "estimate",
        "history": {"messages": len(state["history"]), "given": len(history)},
    }
    if budget.assumed:
        detail["window_by"] = "assumed: the model does not tell its window"
    if len(question) < len(as_data(state["standalone"])):
        detail["degraded"] = "The question was cut: it takes more than a quarter of the model's window."
    return _Room(budget, count, parts, max(0, budget.prompt - bare))


def _bare(state: RagState, parts: PromptParts, count: Count) -> int:
    """The tokens of the prompt without passages."""
    return _tokens(prompt_messages(RagState({**state, "_prompt": parts, "documents": []})), count)


def _counter(model: Any, detail: dict[str, Any]) -> Count:
    """The model's own counter, if it works: the step promises a context whatever the model does."""
    count = counter_of(model)
    if count is None:
        return estimate_tokens
    try:
        count("a")
    except Exception as error:  # the user's model; the answer step meets the same fault and reports it
        detail["degraded"] = f"The model counts no tokens ({type(error).__name__}); they are estimated."
        return estimate_tokens
    return count


def _tokens(messages: Sequence[BaseMessage], count: Count) -> int:
    return sum(count(text_of(message)) + MESSAGE for message in messages) + MESSAGE


# -- choice ------------------------------------------------------------------------------------------------


def _chosen(
    state: RagState,
    found: Sequence[Document],
    source: Any,
    settings: _Settings,
    room: _Room,
    detail: dict[str, Any],
) -> list[Document]:
    """Whole documents, grown passages, or what was found."""
    detail["mode"] = "passages"
    if not isinstance(source, KnowledgeBaseRetriever):
        detail["why"] = "the documents are not from a knowledge base"
        return list(found)
    sources = Sources(source.kb, _filter(state, source))
    hits = [one for one in found if _is_stored(one, sources)]
    if len(hits) < len(found):
        detail["why"] = "a step before changed the passages, or their documents changed since"
        return list(found)
    size = sum(passage_tokens(one, room.count) for one in hits)
    if size > room.passages:
        detail["why"] = f"the passages found are {size} tokens, and there is room for {room.passages}"
        return list(found)
    most = min(room.passages, int(settings.growth * size))
    asked = settings.long_context is True or getattr(state.get("_route"), "long_context", False)
    if settings.long_context is not False:
        roomy = int(room.passages - MARGIN * room.budget.window)
        whole = _whole(sources, hits, roomy if asked else min(most, roomy), room.count, asked=asked)
        detail |= {"mode": whole[0], "why": whole[1].why}
        if whole[1].documents:
            return list(whole[1].documents)
    return _sections(sources, hits, most, room.count)


def _whole(
    sources: Sources, hits: Sequence[Document], tokens: int, count: Count, *, asked: bool
) -> tuple[str, Whole]:
    if asked:
        base = whole_base(sources, hits, tokens=tokens, count=count)
        if base.documents:
            return "whole base", base
    documents = whole_documents(sources, hits, tokens=tokens, count=count)
    return ("whole documents" if documents.documents else "passages"), documents


def _filter(state: RagState, source: KnowledgeBaseRetriever) -> Expression:
    """All that the search was narrowed by: what it hid stays hidden."""
    return both_filters(source.filter, state["filter"], getattr(state.get("_route"), "filter", None))


def _is_stored(document: Document, sources: Sources) -> bool:
    """Whether a Document is still the stretch of its source's text that it says it is."""
    if not is_passage(document):
        return False
    metadata = document.metadata
    text = sources.text(str(metadata["source"]))
    return text[metadata["start"] : metadata["end"]] == document.page_content


def _sections(sources: Sources, hits: Sequence[Document], most: int, count: Count) -> list[Document]:
    near: dict[str, dict[int, Document]] = {}
    for hit in hits:
        source, place = str(hit.metadata["source"]), hit.metadata["chunk"]
        known = near.setdefault(source, {})
        if not {place - REACH, place + REACH} <= known.keys():
            known |= {
                one.metadata["chunk"]: one for one in sources.around(source, place - REACH, place + REACH)
            }
        known[place] = hit
    spans = grown(hits, near, room=most, size=lambda one: passage_tokens(one, count))
    return [
        span_document(
            span.hits[0],
            sources.text(span.source),
            first=near[span.source][span.first],
            last=near[span.source][span.last],
            whole=False,
        )
        for span in spans
    ]


# -- the window --------------------------------------------------------------------------------------------


def _within(
    state: RagState, documents: Sequence[Document], room: _Room
) -> tuple[list[Document], list[Dropped]]:
    """What fits, measured on the prompt as it is built."""
    tokens = room.passages
    kept = list(documents)
    dropped: list[Dropped] = []
    for _ in range(ROUNDS):
        kept, dropped = fit(documents, tokens, count=room.count, question=room.parts.question)
        built = RagState({**state, "_prompt": room.parts, "documents": kept})
        over = _tokens(prompt_messages(built), room.count) - room.budget.prompt
        if over <= 0:
            return kept, dropped
        tokens = max(0, tokens - over)
    return [], [Dropped(one, BUDGET) for one in documents]
