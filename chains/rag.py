"""The chain from a question to an answer with its sources, as the data flows.

    question -> condense -> transform -> route -> retrieve -> filter, freshness -> rerank -> diversify
             -> expand -> abstain -> answer -> ground

Each step is a Runnable that sets one key of the state. This file only composes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any, cast

from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import Runnable, RunnableConfig

from .abstention import DOES_NOT_SAY, Verdict
from .alone import StandaloneStep
from .answering import Answering, Reader, abstain_step, encoder_judge, encoder_reader
from .condense import condense_step
from .document_step import document_step, shown
from .embeddings import Encoder, open_encoder
from .errors import ChainError
from .leaving import LeavableSequence
from .retrieve import retrieve_step, select_step
from .state import RagState
from .step import Piece, Step, entry, exit_step

__all__ = ["rag_chain"]

OPTIONAL = (  # steps that a call may leave out
    "condense", "transform", "route", "filter", "freshness", "rerank", "diversify", "abstain", "expand",
    "ground",
)  # fmt: skip
Choice = Any  # "auto", None, or a Runnable or LangChain component


def rag_chain(
    model: BaseChatModel | Runnable[Any, Any] | None,
    retriever: Runnable[str, list[Document]],
    *,
    condense: Choice = "auto",
    transform: Choice = "auto",
    route: Choice = "auto",
    fuse: Choice = "auto",
    filter: Choice = "auto",
    freshness: Choice = None,
    rerank: Choice = "auto",
    diversify: Choice = "auto",
    abstain: Choice = "auto",
    expand: Choice = "auto",
    prompt: Choice = "auto",
    reader: Choice = "auto",
    ground: Choice = "auto",
    strict: bool = False,
    trace: bool = True,
) -> Runnable[Any, dict[str, Any]]:
    """Build the chain: a Runnable from a question to an answer with citations.

    It takes a text, or `{"question", "history", "filter"}`, and gives the state: `answer` with marks `[1]`,
    `citations` whose quotes are verbatim, `documents`, `abstained`, `trace` and the rest. Streamed, the
    documents come before the first word.

    Each step is `"auto"` (what Ragweave has for it), `None` (left out), or a Runnable that takes the state
    and gives the step's value; `rerank`, `filter`, `diversify` and `expand` also take a LangChain document
    compressor, `prompt` a prompt template with `question`, `passages` and `history`.

    Args:
        model: any LangChain chat model, or None: the answer is quotes from the documents.
        retriever: `kb.as_retriever()`, or any LangChain retriever.
        condense: makes a follow-up stand alone, from the history.
        transform: from the question to the queries that are searched; a list of texts.
        route: sets `route`.
        fuse: takes a list of Documents for each query, gives one list.
        filter: reworks the documents found, before all else.
        freshness: a Runnable that reworks the documents by their dates.
        rerank: reorders the documents.
        diversify: drops near repeats.
        abstain: True, or a reason, where the documents do not hold the answer; None never abstains.
        expand: widens the passages.
        prompt: gives the messages for the model.
        reader: gives the quotes for an answer without a model.
        ground: sets `grounding`.
        strict: needs a `ground` step.
        trace: keep what each step did, in milliseconds and detail.

    Raises:
        TypeError: a step that does not exist, or a value that cannot be one.
    """
    _check(model, retriever)
    encoder = _encoder_of(retriever)
    quotes = cast(Reader, _chosen("reader", reader, encoder_reader(encoder), _as_reader))
    model_prompt = _chosen("prompt", prompt, None, _as_runnable)
    if strict and not isinstance(ground, Runnable):
        raise ChainError("strict=True has no grounding to go by.", remedy="Give a `ground` step as well.")
    reworking = [
        _reworking("filter", filter),
        _reworking("freshness", freshness),
        _reworking("rerank", rerank),
        _reworking("diversify", diversify),
    ]
    steps: list[Step | None] = [
        _setting("condense", "standalone", condense, condense_step(model), _question),
        _setting("transform", "queries", transform, None, _one_query),
        _setting("route", "route", route, None, _nothing),
        retrieve_step(retriever, _chosen("fuse", fuse, None, _as_runnable), wide=any(reworking)),
        *reworking,
        select_step(retriever) if any(reworking) else None,
        _abstaining(abstain, encoder, quotes if model is None else None),
        _reworking("expand", expand),
        Step("sources", _publish, traced=False),
        Answering(model, model_prompt, quotes).step(),
        _setting("ground", "grounding", ground, None, _nothing),
    ]
    chosen = [step for step in steps if step is not None]
    runnables: list[Runnable[Any, Any]] = [step.runnable(trace=trace) for step in chosen]
    chain = LeavableSequence(first=entry(trace=trace, optional=OPTIONAL), middle=runnables, last=exit_step())
    return chain.with_config(run_name="rag_chain")


def _check(model: Any, retriever: Any) -> None:
    if model is not None and not isinstance(model, Runnable):
        raise TypeError(
            f"model is a {type(model).__name__}: give a LangChain chat model, or None for quotes."
        )
    if not isinstance(retriever, Runnable):
        raise TypeError(
            f"retriever is a {type(retriever).__name__}: give kb.as_retriever() or a LangChain retriever."
        )


def _encoder_of(retriever: Runnable[Any, Any]) -> Callable[[], Encoder]:
    """The knowledge base's own encoder, or the default one; opened at its first use."""
    from .retriever import KnowledgeBaseRetriever

    if isinstance(retriever, KnowledgeBaseRetriever):
        kb = retriever.kb
        return lambda: kb.encoder
    return cache(open_encoder)


# -- what may stand for a step -----------------------------------------------------------------------------


def _chosen(name: str, choice: Choice, default: Any, convert: Callable[[str, Any], Any]) -> Any:
    if choice is None or choice == "auto":
        return default
    return convert(name, choice)


def _as_runnable(name: str, choice: Choice) -> Runnable[Any, Any]:
    if isinstance(choice, Runnable):
        return choice
    if callable(choice):
        from langchain_core.runnables import RunnableLambda

        return RunnableLambda(choice)
    raise TypeError(f"{name}={choice!r} is no step: give 'auto', None, or a Runnable.")


def _as_reader(name: str, choice: Choice) -> Reader:
    runnable = _as_runnable(name, choice)
    return lambda state, config: runnable.invoke(shown(state), config)


# -- steps -------------------------------------------------------------------------------------------------


def _setting(
    name: str, key: str, choice: Choice, default: Step | None, otherwise: Callable[[RagState], Any]
) -> Step:
    """A step that sets `key`: the caller's Runnable, the default, or the plain value where it is left out."""

    def instead(state: RagState) -> Piece:
        return {key: otherwise(state)}

    if choice == "auto" and default is not None:
        return replace(default, instead=instead)
    if isinstance(choice, StandaloneStep):
        return replace(choice.step, instead=instead)
    if choice is None or choice == "auto":
        return Step(name, lambda state, config, detail: iter([{key: otherwise(state)}]), traced=False)
    worker = _as_runnable(name, choice)

    def run(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> Iterator[Piece]:
        yield {key: worker.invoke(shown(state), config)}

    return Step(name, run, instead=instead)


def _question(state: RagState) -> str:
    return str(state["question"])


def _one_query(state: RagState) -> list[str]:
    return [state["standalone"]]


def _nothing(state: RagState) -> None:
    return None


def _reworking(name: str, choice: Choice) -> Step | None:
    if choice is None or choice == "auto":
        return None
    if isinstance(choice, StandaloneStep):
        return choice.step
    worker = choice if isinstance(choice, BaseDocumentCompressor) else _as_runnable(name, choice)
    return document_step(name, worker)


def _publish(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> Iterator[Piece]:
    yield {"documents": state["_documents"]}


def _abstaining(choice: Choice, encoder: Callable[[], Encoder], reader: Reader | None) -> Step | None:
    if choice is None:
        return None
    if choice == "auto":
        return abstain_step(encoder_judge(encoder), reader)
    worker = _as_runnable("abstain", choice)

    def decide(state: RagState, config: RunnableConfig) -> Verdict:
        given = worker.invoke(state, config)  # its documents are those found so far
        if isinstance(given, Verdict):
            return given
        return Verdict(bool(given), given if isinstance(given, str) else DOES_NOT_SAY if given else "", {})

    return abstain_step(decide, None)
