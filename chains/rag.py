"""The chain from a question to an answer with its sources, as the data flows.

    question -> condense -> transform -> route -> retrieve -> filter -> freshness -> rerank -> versions
             -> diversify -> select -> abstain -> again -> expand -> answer -> ground

Each step is a Runnable that sets one key of the state. This file only composes them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, cast

from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import Runnable

from .answering import Answering
from .choices import Choice, as_runnable, check_retriever, chosen, reworking, setting
from .condense import condense_step
from .diversify import Diversify
from .document_step import publish_step
from .embeddings import Encoder, open_encoder
from .errors import ChainError
from .expand import expand_step, fit_step
from .freshness import Freshness, freshness_choice
from .grounding import Grounder, ground_step
from .judging import Judge, Reader, abstain_step, encoder_judge, encoder_reader
from .leaving import LeavableSequence
from .own_judgement import Own, own_judge, own_reader
from .rerank import Rerank
from .retrieve import retrieve_step, select_step, size_of, unfiltered
from .retriever import KnowledgeBaseRetriever
from .route import chosen_route_step, small_talk_step
from .second_try import second_try_step
from .several_retrievers import SeveralRetrievers
from .state import RagState
from .step import Step, entry, exit_step
from .transform import lexicon_of, transform_step
from .versions import Supersede

__all__ = ["OPTIONAL", "rag_chain", "retrieval_chain"]

FINDING = ("condense", "transform", "route", "filter", "freshness", "rerank", "versions", "diversify")
OPTIONAL = (*FINDING, "abstain", "again", "expand", "ground")  # steps that a call may leave out


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
    versions: Choice = "auto",
    diversify: Choice = "auto",
    abstain: Choice = "auto",
    again: Choice = "auto",
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
    compressor, `prompt` a prompt template with `question`, `passages` and `history`. A call leaves steps out
    with `config={"configurable": {"without": ["rerank"]}}`.

    Args:
        model: any LangChain chat model, or None: the answer is quotes from the documents.
        retriever: `kb.as_retriever()`, or any LangChain retriever.
        condense: makes a follow-up stand alone, from the history; a `condenser`.
        transform: from the question to the queries that are searched: a `transformer`, or a list of texts.
        route: Routes, or a router; sets `route`.
        fuse: takes a list of Documents for each query, gives one list.
        filter: drops passages by their own scores, a `ScoreFilter`.
        freshness: (field, half-life in days, weight), or a `Freshness`.
        rerank: a `Rerank`, or any compressor, which is then blended with the search's own score.
        versions: a `Supersede`: the newest of a document's versions first.
        diversify: a `Diversify`: drops repeats.
        abstain: True, or a reason, where the documents do not hold the answer; None never abstains.
        again: a `transformer` whose queries are tried, once, before the chain abstains.
        expand: an `expander`: widens the passages to the model's window.
        prompt: gives the messages for the model.
        reader: gives the quotes for an answer without a model: texts that stand in the documents.
        ground: a `Grounder`: checks what a model said against what it cites; sets `grounding`.
        strict: leave out what the cited passages do not support; abstain where nothing is left.
        trace: keep what each step did, in milliseconds and detail.

    Raises:
        TypeError: a step that does not exist, or a value that cannot be one.
    """
    _check(model, retriever)
    encoder = _encoder_of(retriever)
    size = partial(size_of, retriever)
    quotes = cast(Reader, chosen("reader", reader, encoder_reader(encoder, size), _as_reader))
    finding = Finding(condense, transform, route, fuse, filter, freshness, rerank, versions, diversify)
    question, search = finding.steps(model, retriever, encoder)
    judge = encoder_judge(encoder, size, partial(unfiltered, retriever))
    ours = model is None and not isinstance(quotes, Own)  # its quotes say how sure they are
    search = [*search, *_abstaining(abstain, judge, quotes if ours else None)]
    grounder = _grounder(ground, model, encoder, strict=strict)
    steps: list[Step | None] = [
        *question,
        *search,
        _second_try(again, model, retriever, search, trace=trace),
        reworking("expand", expand, None if model is None else expand_step(retriever, model)),
        None if model is None or expand == "auto" else fit_step(model),
        publish_step(),
        Answering(model, chosen("prompt", prompt, None, as_runnable), quotes, grounder, strict).step(),
        setting("ground", "grounding", "auto" if grounder else ground, _ground(grounder), _nothing),
    ]
    return _sequence("rag_chain", steps, trace=trace)


def retrieval_chain(
    retriever: Runnable[str, list[Document]],
    *,
    model: BaseChatModel | Runnable[Any, Any] | None = None,
    condense: Choice = "auto",
    transform: Choice = "auto",
    route: Choice = "auto",
    fuse: Choice = "auto",
    filter: Choice = "auto",
    freshness: Choice = None,
    rerank: Choice = "auto",
    versions: Choice = "auto",
    diversify: Choice = "auto",
    trace: bool = True,
) -> Runnable[Any, dict[str, Any]]:
    """The first half of `rag_chain`: from a question to its `documents`, for chains that answer themselves.

    It takes what `rag_chain` takes and gives `standalone, queries, route, documents, trace`; the arguments
    are those of `rag_chain`. `model` words queries; it may be None.
    """
    _check(model, retriever)
    finding = Finding(condense, transform, route, fuse, filter, freshness, rerank, versions, diversify)
    question, search = finding.steps(model, retriever, _encoder_of(retriever))
    return _sequence("retrieval_chain", [*question, *search, publish_step()], trace=trace)


@dataclass(frozen=True, slots=True)
class Finding:
    """What was chosen for the steps from the question to the passages."""

    condense: Choice
    transform: Choice
    route: Choice
    fuse: Choice
    filter: Choice
    freshness: Choice
    rerank: Choice
    versions: Choice
    diversify: Choice

    def steps(
        self, model: Any, retriever: Runnable[Any, Any], encoder: Callable[[], Encoder]
    ) -> tuple[list[Step], list[Step]]:
        """Those that make the question ready, and those that search for it."""
        default_transform = transform_step(lexicon_of(retriever), model)
        question = [
            small_talk_step(),
            setting("condense", "standalone", self.condense, condense_step(model), _question),
            setting("transform", "queries", self.transform, default_transform, _one_query),
            chosen_route_step(self.route, encoder, titles=_titles(retriever)),
        ]
        fresh = _freshness(self.freshness)
        reworked = [
            reworking("filter", self.filter),
            reworking("freshness", fresh if fresh else self.freshness),
            reworking("rerank", _rerank(self.rerank)),
            reworking("versions", self.versions, Supersede()),
            reworking("diversify", self.diversify, Diversify()),
        ]
        found = [step for step in reworked if step is not None]
        fuse = chosen("fuse", self.fuse, None, as_runnable)
        first = retrieve_step(retriever, fuse, wide=bool(found), freshness=fresh)
        return question, [first, *found, *([select_step(retriever)] if found else [])]


def _sequence(name: str, steps: list[Step | None], *, trace: bool) -> Runnable[Any, dict[str, Any]]:
    there = [step for step in steps if step is not None]
    runnables: list[Runnable[Any, Any]] = [step.runnable(trace=trace) for step in there]
    chain = LeavableSequence(first=entry(trace=trace, optional=OPTIONAL), middle=runnables, last=exit_step())
    return chain.with_config(run_name=name)


def _check(model: Any, retriever: Any) -> None:
    if model is not None and not isinstance(model, Runnable):
        raise TypeError(
            f"model is a {type(model).__name__}: give a LangChain chat model, or None for quotes."
        )
    check_retriever(retriever)


def _encoder_of(retriever: Runnable[Any, Any]) -> Callable[[], Encoder]:
    """The knowledge base's own encoder, or the default one; opened at its first use."""
    if isinstance(retriever, KnowledgeBaseRetriever):
        kb = retriever.kb
        return lambda: kb.encoder
    if isinstance(retriever, SeveralRetrievers) and retriever.encoder is not None:
        return lambda: retriever.encoder or open_encoder()
    return cache(open_encoder)


def _titles(retriever: Runnable[Any, Any]) -> Callable[[], list[str]] | None:
    """The titles of the documents, for whoever asks what the bot can do; not where some are hidden."""
    if not isinstance(retriever, KnowledgeBaseRetriever) or retriever.filter:
        return None
    kb = retriever.kb
    return lambda: [source.title for source in kb.sources()]


def _as_reader(name: str, choice: Choice) -> Reader:
    return own_reader(as_runnable(name, choice))


def _question(state: RagState) -> str:
    return str(state["question"])


def _one_query(state: RagState) -> list[str]:
    return [state["standalone"]]


def _nothing(state: RagState) -> None:
    return None


def _rerank(choice: Choice) -> Choice:
    """A compressor that is none of ours is blended, not obeyed."""
    is_foreign = isinstance(choice, BaseDocumentCompressor) and not isinstance(choice, Rerank)
    return Rerank(choice) if is_foreign else choice


def _abstaining(choice: Choice, judge: Judge, reader: Reader | None) -> list[Step]:
    if choice is None:
        return []
    if choice == "auto":
        return [abstain_step(judge, reader)]
    return [abstain_step(own_judge(as_runnable("abstain", choice)), None)]


def _second_try(
    choice: Choice, model: Any, retriever: Runnable[Any, Any], search: Sequence[Step], *, trace: bool
) -> Step | None:
    """By default a chat model puts the question otherwise; without one there is nothing new to try."""
    if choice == "auto" and model is not None:
        requery = transform_step(lexicon_of(retriever), model, methods=["rewrite", "step_back"])
    elif choice is None or choice == "auto":
        return None
    else:
        requery = setting("again", "queries", choice, None, _one_query)
    return second_try_step(requery, search, trace=trace)


def _grounder(choice: Choice, model: Any, encoder: Callable[[], Encoder], *, strict: bool) -> Grounder | None:
    if isinstance(choice, Grounder):
        return choice
    if choice == "auto":
        return None if model is None else Grounder(encoder())  # quotes need no check
    if strict:
        raise ChainError(
            f"strict=True cannot go by ground={choice!r}.", remedy="Leave ground out, or give a Grounder."
        )
    return None


def _ground(grounder: Grounder | None) -> Step | None:
    return None if grounder is None else ground_step(grounder).step


def _freshness(choice: Choice) -> Freshness | None:
    """The settings where they are ours; a Runnable of the caller's is none."""
    return None if isinstance(choice, Runnable) or callable(choice) else freshness_choice(choice)
