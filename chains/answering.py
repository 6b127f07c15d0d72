"""The last steps: is there an answer, who gives it, and what it stands on.

Knows no retrieval. The reader quotes where there is no chat model, or where the model gives nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from langchain_core.runnables import Runnable, RunnableConfig

from .abstention import NOTHING_FOUND, Verdict, judge
from .adapter_choice import check_answered, check_model, for_answer
from .citations import bind_citations
from .embeddings import Encoder
from .extractive import Quote, select_quotes
from .generation import Generated, prompt_messages
from .leaving import has_left
from .quoting import quoted_answer
from .state import RagState
from .step import Piece, Step

__all__ = ["Reader", "abstain_step", "answer_step", "encoder_judge", "encoder_reader"]

Reader = Callable[[RagState, RunnableConfig], list[Quote]]
Judge = Callable[[RagState, RunnableConfig], Verdict]
SHOWN = 200  # characters of the question in an abstention


def encoder_reader(encoder: Callable[[], Encoder]) -> Reader:
    """The extractive reader; the encoder is opened at the first question."""

    def read(state: RagState, config: RunnableConfig) -> list[Quote]:
        return select_quotes(state["standalone"], state["documents"], encoder())

    return read


def encoder_judge(encoder: Callable[[], Encoder]) -> Judge:
    """The judge of `ragweave.chains.abstention`."""

    def decide(state: RagState, config: RunnableConfig) -> Verdict:
        return judge(state["standalone"], state["documents"], encoder(), quotes=state.get("_quotes"))

    return decide


def abstain_step(decide: Judge, reader: Reader | None) -> Step:
    """Publishes the documents and decides whether they hold the answer; the reader's quotes are kept."""

    def run(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> Iterator[Piece]:
        quotes = {} if reader is None else {"_quotes": reader(state, config)}
        verdict = decide(state + quotes, config)
        detail |= {"abstain": verdict.abstain, "reason": verdict.reason, "signals": verdict.signals}
        if state["documents"] and not any("scores" in one.metadata for one in state["documents"]):
            detail["scored_by"] = "the encoder: the retriever gives no scores"
        yield {**quotes, "_verdict": verdict}

    return Step("abstain", run)


def answer_step(model: Runnable[Any, Any] | None, prompt: Any, reader: Reader) -> Step:
    """Streams `answer`, then sets `citations, abstained, adapter, adapter_version, usage`."""

    def run(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> Iterator[Piece]:
        config = for_answer(config, state.get("route"))
        check_model(model, config)
        if _declines(state):
            yield from _abstention(state, detail)
            return
        if model is None:
            quotes = state["_quotes"] if "_quotes" in state else reader(state, config)
            yield from _quotation(state, quotes, detail)
            return
        messages = prompt_messages(state) if prompt is None else prompt.invoke(_for_prompt(state), config)
        generated = Generated(len(state["documents"]))
        for chunk in () if has_left(config) else model.stream(messages, config):
            if has_left(config):
                return
            yield from _said(generated.feed(chunk))
        if has_left(config):
            return
        yield from _said(generated.finish())
        yield from _ending(state, generated, reader, config, detail)

    async def arun(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> AsyncIterator[Piece]:
        if model is None or _declines(state):
            for piece in run(state, config, detail):
                yield piece
            return
        config = for_answer(config, state.get("route"))
        check_model(model, config)
        messages = (
            prompt_messages(state) if prompt is None else await prompt.ainvoke(_for_prompt(state), config)
        )
        generated = Generated(len(state["documents"]))
        async for chunk in model.astream(messages, config):
            for piece in _said(generated.feed(chunk)):
                yield piece
        for piece in (*_said(generated.finish()), *_ending(state, generated, reader, config, detail)):
            yield piece

    return Step("answer", run, arun)


def _said(text: str) -> Iterator[Piece]:
    if text:
        yield {"answer": text}


def _declines(state: RagState) -> bool:
    verdict = state.get("_verdict")
    return not state["documents"] or (verdict is not None and verdict.abstain)


def _for_prompt(state: RagState) -> dict[str, Any]:
    """What a prompt template of the caller's can name."""
    messages = prompt_messages(state)
    return {**state, "question": state["standalone"], "passages": str(messages[-1].content)}


def _ending(
    state: RagState, generated: Generated, reader: Reader, config: RunnableConfig, detail: dict[str, Any]
) -> Iterator[Piece]:
    """What follows a model's reply: its citations, or what stands in for a reply that is none."""
    check_answered(generated.reply, config)
    if generated.declined:
        yield from _abstention(state, detail, generated)
    elif not generated.shown.strip():
        detail["degraded"] = "The model gave no answer; quotes stand in for it."
        yield from _quotation(state, reader(state, config), detail, generated)
    else:
        detail["by"] = "model"
        yield _end(generated.shown, bind_citations(generated.shown, state["documents"]), False, generated)


def _quotation(
    state: RagState, quotes: list[Quote], detail: dict[str, Any], generated: Generated | None = None
) -> Iterator[Piece]:
    if not quotes:
        yield from _abstention(state, detail, generated)
        return
    answer, citations = quoted_answer(quotes, state["documents"])
    detail |= {"by": "reader", "quotes": len(quotes)}
    yield {"answer": answer}
    yield _end(answer, citations, False, generated)


def _abstention(
    state: RagState, detail: dict[str, Any], generated: Generated | None = None
) -> Iterator[Piece]:
    detail |= {"by": "abstention"}
    answer = _not_found(state)
    yield {"answer": answer}
    yield _end(answer, [], True, generated)


def _end(answer: str, citations: list[dict[str, Any]], abstained: bool, generated: Generated | None) -> Piece:
    return {
        "citations": citations,
        "abstained": abstained,
        "adapter": generated.adapter if generated else "",
        "adapter_version": generated.adapter_version if generated else "",
        "usage": generated.usage if generated else {},
    }


def _not_found(state: RagState) -> str:
    """What was searched, what came closest, what to do next."""
    asked = " ".join(state["standalone"].split())
    if not asked:
        return "There is no question to answer. Ask something about the documents."
    shown = asked if len(asked) <= SHOWN else f"{asked[:SHOWN]}…"
    documents = state["documents"]
    verdict = state.get("_verdict")
    if not documents or (verdict is not None and verdict.reason == NOTHING_FOUND):
        return (
            f"I found nothing about this in the documents. I searched for “{shown}”. "
            "Try other words, or add a document that covers it."
        )
    closest = documents[0].metadata
    name = closest.get("title") or closest.get("source") or "an untitled passage"
    place = f", under “{closest['heading']}”" if closest.get("heading") else ""
    count = "the one passage" if len(documents) == 1 else f"the {len(documents)} closest passages"
    return (
        f"The documents do not say. I searched for “{shown}” and read {count}; "
        f"what comes closest is “{name}”{place}. Ask about a part of it, or add a document that covers it."
    )
