"""A question becomes the queries that are searched: itself, and others where they are worth a search.

The gate is here: each method runs only where its cue is in the question, so that a plain question is one
query and costs no call of a model. The methods are next door; knows no store.
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from langchain_core.messages import BaseMessage
from langchain_core.runnables import Runnable, RunnableConfig

from .adapter_choice import for_rewriting
from .alone import StandaloneStep
from .budget import characters_beside
from .decompose import asks_for_several, decompose
from .knowledge_base import KnowledgeBase
from .lexicon import Lexicon
from .model_queries import MODEL_METHODS, SHOWN
from .queries import Query
from .replies import reply_text
from .retriever import KnowledgeBaseRetriever
from .spelling import repaired, repairs
from .state import RagState
from .step import Piece, Step
from .variants import LONG, acronym_variants, asked_in, keywords

__all__ = ["METHODS", "Methods", "lexicon_of", "transform_step", "transformer"]

# In the order in which they run: where there is room for few queries, the first count most.
METHODS = (
    "spelling", "decompose", "acronyms", "keywords", "rewrite", "multi_query", "hyde", "step_back",
)  # fmt: skip
Methods = Literal["auto"] | Sequence[str]
LexiconOf = Callable[[], Lexicon]
NO_LEXICON = (
    "the collection's words are not known: the retriever is no knowledge base, or a filter hides a part"
)
NOT_ENGLISH = "the collection is not in English"
FORM = 120  # tokens of the longest prompt without its question
TOO_LARGE = "the collection is too large for its words to be known"
# Chosen by nDCG@10 on one half of the questions that each changes. A repair is mostly right:
# .87 with weight 1, .88 with 4. The other wording of an acronym helps beside the question and hurts instead.
SPELLING_WEIGHT, ACRONYM_WEIGHT, KEYWORDS_WEIGHT = 4.0, 0.5, 0.5


def transformer(
    source: KnowledgeBase | Runnable[Any, Any] | None = None,
    model: Runnable[Any, Any] | None = None,
    *,
    methods: Methods = "auto",
    most: int = 6,
) -> StandaloneStep:
    """The step that makes queries of a question, for `rag_chain(transform=...)` or by itself.

    Args:
        source: the knowledge base or its retriever, whose words spelling and acronyms go by.
        model: a chat model; by default it is asked only to split what the rule cannot.
        methods: "auto", or the names of those that are to run: `METHODS` has them all.
        most: queries, the question among them.

    Raises:
        ValueError: an unknown method, or one that needs a model where there is none.

    >>> transformer(methods=["decompose"]).invoke("Rules for pets and for visitors?")
    ['Rules for pets and for visitors?', 'Rules for pets', 'Rules for visitors']
    """
    return StandaloneStep(transform_step(lexicon_of(source), model, methods=methods, most=most), "queries")


def lexicon_of(source: Any) -> LexiconOf | None:
    """What gives the lexicon of a knowledge base or its retriever; None for anything else.

    And for a retriever with a filter: what an acronym means may stand in what the filter hides.
    """
    if isinstance(source, KnowledgeBaseRetriever):
        return None if source.filter else source.kb.lexicon
    return source.lexicon if isinstance(source, KnowledgeBase) else None


def transform_step(
    lexicon: LexiconOf | None,
    model: Runnable[Any, Any] | None = None,
    *,
    methods: Methods = "auto",
    most: int = 6,
) -> Step:
    """Sets `queries`, the question first, and `_queries` with what is known of each."""
    wanted = _checked(methods, model)
    if most < 1:
        raise ValueError(f"most={most}: give the number of queries wanted, 1 or more.")

    def plan(state: RagState) -> _Plan:
        known = None if state.get("filter") else lexicon
        return _Plan(state["standalone"], known, model, wanted)

    def run(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> Iterator[Piece]:
        planned = plan(state)
        asked = planned.messages()
        # A model that raises is a method that gave nothing: the question itself is still searched.
        replies = model.batch(asked, for_rewriting(config), return_exceptions=True) if model and asked else []
        yield planned.finished(replies, detail, most, model)

    async def arun(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> AsyncIterator[Piece]:
        planned = await asyncio.to_thread(plan, state)  # it may read the collection
        asked = planned.messages()
        replies = (
            await model.abatch(asked, for_rewriting(config), return_exceptions=True)
            if model and asked
            else []
        )
        yield planned.finished(replies, detail, most, model)

    return Step("transform", run, arun)


def _checked(methods: Methods, model: Any) -> tuple[str, ...] | None:
    """The methods asked for, in the order in which they run; None for "auto"."""
    if methods == "auto":
        return None
    if isinstance(methods, str):
        raise ValueError(f"methods={methods!r}: give 'auto', or a list of {', '.join(METHODS)}.")
    for name in methods:
        if name not in METHODS:
            nearest = difflib.get_close_matches(name, METHODS, n=1, cutoff=0.0)[0]
            raise ValueError(
                f"Unknown method {name!r}: did you mean {nearest!r}? There are {', '.join(METHODS)}."
            )
        if model is None and name in MODEL_METHODS and name != "decompose":
            raise ValueError(f"The method {name!r} is a chat model's work: give a model, or leave it out.")
    return tuple(name for name in METHODS if name in methods)


@dataclass
class _Plan:
    """The methods of one question: those by rule are done at once, those by model wait for its replies."""

    question: str
    lexicon_of: LexiconOf | None
    model: Any
    wanted: tuple[str, ...] | None  # None: the gate decides
    queries: list[Query] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)  # methods that wait for a reply

    def __post_init__(self) -> None:
        self.queries.append(Query(self.question))
        if not self.question.strip():
            return
        self.base = self._spelt()
        if self._may("decompose"):
            self._decompose()
        if self._may("acronyms"):
            self._acronyms()
        if self._may("keywords"):
            self._keywords()
        self.asked.extend(name for name in self.wanted or () if name in MODEL_METHODS and name != "decompose")

    def messages(self) -> list[list[BaseMessage]]:
        """What the model is to be given, one list a call."""
        longest = min(SHOWN, characters_beside(FORM, self.model)) if self.asked else 0
        return [MODEL_METHODS[name].messages(self.base, longest=longest) for name in self.asked]

    def finished(self, replies: Sequence[Any], detail: dict[str, Any], most: int, model: Any) -> Piece:
        """The queries, the model's among them, and what the trace tells."""
        for name, reply in zip(self.asked, replies, strict=True):
            self._read(name, reply, detail)
        distinct: dict[str, Query] = {}
        for query in self.queries:
            distinct.setdefault(query.text, query)
        queries = list(distinct.values())
        detail["by"] = "model" if self.asked else "rule"
        detail["methods"] = self.told
        if self.asked:
            detail["model"] = _name(model)
            detail["tokens"] = _tokens(replies)
        if len(queries) > most:
            detail["not_searched"] = [query.text for query in queries[most:]]
        return {"queries": [query.text for query in queries[:most]], "_queries": queries[:most]}

    # -- by rule -------------------------------------------------------------------------------------------

    def _may(self, name: str) -> bool:
        return self.wanted is None or name in self.wanted

    def _tell(self, name: str, why: str, queries: Sequence[Query] = ()) -> None:
        self.told.append(
            {"name": name, "ran": bool(queries), "why": why, "queries": [query.text for query in queries]}
        )
        self.queries.extend(queries)

    @cached_property
    def lexicon(self) -> Lexicon | None:
        """The collection's words; None where the retriever is no knowledge base."""
        return self.lexicon_of() if self.lexicon_of else None

    def _lexicon(self, name: str) -> Lexicon | None:
        if self.lexicon is None:
            self._tell(name, NO_LEXICON)
        return self.lexicon

    def _spelt(self) -> str:
        """The question with its spelling repaired, which the other methods go on with."""
        lexicon = self._lexicon("spelling") if self._may("spelling") else None
        if lexicon is None:
            return self.question
        found = repairs(self.question, lexicon)
        if not found:
            why = TOO_LARGE if not lexicon.complete else "" if lexicon.english else NOT_ENGLISH
            self._tell("spelling", why or "no misspelt word was found")
            return self.question
        text = repaired(self.question, found)
        changed = ", ".join(f"{one.word} -> {one.meant}" for one in found)
        self._tell(
            "spelling",
            f"the collection has it otherwise: {changed}",
            [Query(text, "spelling", SPELLING_WEIGHT)],
        )
        return text

    def _acronyms(self) -> None:
        lexicon = self._lexicon("acronyms")
        if lexicon is None:
            return
        variants = [Query(text, "acronym", ACRONYM_WEIGHT) for text in acronym_variants(self.base, lexicon)]
        why = (
            "the collection says what it stands for"
            if variants
            else "no rare acronym that the collection explains"
        )
        self._tell("acronyms", why, variants)

    def _keywords(self) -> None:
        is_long = len(self.base.split()) > LONG
        if not is_long and self.wanted is None:
            self._tell("keywords", "the question is short")
            return
        asking = asked_in(self.base) if is_long else ""
        text = asking or keywords(self.base, self.lexicon)
        why = "the sentences of a long message that ask" if asking else "the words that carry meaning"
        self._tell("keywords", why, [Query(text, "keywords", KEYWORDS_WEIGHT)] if text else [])

    def _decompose(self) -> None:
        parts = decompose(self.base, together=self.lexicon.together if self.lexicon else None)
        if parts:
            self._tell("decompose", "it asks for several things", [Query(one, "part") for one in parts])
        elif self.model is not None and (self.wanted is not None or asks_for_several(self.base)):
            self.asked.append("decompose")
        else:
            self._tell("decompose", "it asks for one thing")

    # -- by model ------------------------------------------------------------------------------------------

    def _read(self, name: str, reply: Any, detail: dict[str, Any]) -> None:
        if isinstance(reply, Exception):
            self._degraded(name, f"The model failed at {name} ({type(reply).__name__})", detail)
            return
        queries = MODEL_METHODS[name].read(reply_text(reply), self.base)
        if not queries:
            self._degraded(name, f"The model's reply to {name} was not {MODEL_METHODS[name].form}", detail)
        elif name == "decompose" and len(queries) == 1:
            self._tell(name, "the model says that it asks for one thing")
        else:
            self._tell(name, "written by the model", queries)

    def _degraded(self, name: str, what: str, detail: dict[str, Any]) -> None:
        before = f"{detail['degraded']} " if "degraded" in detail else ""
        detail["degraded"] = f"{before}{what}; the question is searched without it."
        self._tell(name, what)


def _name(model: Any) -> str:
    name = getattr(model, "model_name", None) or getattr(model, "model", None)
    return name if isinstance(name, str) else type(model).__name__


def _tokens(replies: Sequence[Any]) -> dict[str, int]:
    used = [getattr(reply, "usage_metadata", None) or {} for reply in replies]
    return {kind: sum(one.get(f"{kind}_tokens", 0) for one in used) for kind in ("input", "output")}
