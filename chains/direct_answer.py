"""What a route answers without a search: a fixed text, the model by itself, a chain of its own, a person.

Knows no retrieval and no passages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.documents import Document
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from langchain_core.runnables import Runnable

from .budget import budget_of, estimate_tokens
from .document_step import as_documents, shown
from .errors import ChainError
from .generation import BROKEN_OFF, Generated, gave_nothing
from .history_budget import fitted_history, shortened
from .prompts import DIRECT
from .replies import reply_chunk
from .routes import Route
from .state import RagState
from .step import Piece

__all__ = ["SEARCHING", "DirectAnswer", "answers_itself"]

# Steps with nothing to do where a route answers by itself.
SEARCHING = frozenset(
    {
        "retrieve",
        "filter",
        "freshness",
        "rerank",
        "versions",
        "diversify",
        "select",
        "abstain",
        "again",
        "expand",
        "ground",
    }
)
HANDOFF = "I am passing this on to a person, who will read this conversation."
NO_REPLY = "I have no answer to this. Put it in other words, or ask me something about the documents."
NO_MODEL = "I answer from the documents alone. Ask me something about them."
ENDING: Mapping[str, Any] = {
    "citations": [], "abstained": False, "adapter": "", "adapter_version": "", "usage": {},
}  # fmt: skip
HISTORY_TOKENS = 1000  # of the conversation that the model sees, and as many of the question
LEAST_TOKENS = 16  # of both in the smallest window
TEMPLATE = 64  # tokens around the messages


def answers_itself(route: Route | None) -> bool:
    """Whether the route needs no passages."""
    return route is not None and bool(route.direct or route.handoff or route.chain)


@dataclass(slots=True)
class DirectAnswer:
    """Collects what a route says, piece by piece, and what the state needs at its end."""

    route: Route
    model: Runnable[Any, Any] | None
    detail: dict[str, Any]
    generated: Generated = field(default_factory=lambda: Generated(0))
    given: dict[str, Any] = field(default_factory=dict)  # what a chain set besides the answer
    said: bool = False
    published: bool = False  # the documents that a chain brings

    @property
    def reply(self) -> Any:
        """The model's or the chain's reply, if it was a message."""
        return self.generated.reply

    def source(self, state: RagState) -> tuple[Runnable[Any, Any], Any] | None:
        """Who is to word the answer, and what it is given; None where the text is fixed."""
        if self.route.chain is not None:
            self.detail["by"] = "chain"
            return self.route.chain, shown(state)
        if self.route.direct is True and self.model is not None:
            self.detail["by"] = "model"
            return self.model, direct_messages(state, self.model)
        self.detail["by"] = "handoff" if self.route.handoff else "route"
        return None

    def pieces(self, chunk: Any) -> Iterator[Piece]:
        """What of one more chunk can be shown: texts and messages are the answer, a dict names its keys."""
        if isinstance(chunk, Mapping) and "documents" in chunk:
            yield from self._documents(as_documents("route", chunk["documents"]))
        if isinstance(chunk, Mapping):
            self.given |= {key: chunk[key] for key in ENDING if chunk.get(key) is not None}
            text = str(chunk.get("answer") or "")
        elif self.route.chain is None:
            text = self.generated.feed(chunk)
        else:
            text = str(reply_chunk(chunk).content)
        if text:
            yield from self._answer(text)

    def broken(self, error: Exception) -> Iterator[Piece]:
        """What a model said before it failed stays, and that it failed is said; any other error is one."""
        if self.detail["by"] == "model" and gave_nothing(error):
            return
        if isinstance(error, ChainError) or self.detail["by"] != "model" or not self.said:
            raise error
        self.detail["degraded"] = f"The model broke off: {type(error).__name__}: {error}"
        yield from self._answer(self.generated.finish() + BROKEN_OFF)

    def ending(self) -> Iterator[Piece]:
        """The rest of the answer, and every key that an answer sets."""
        text = self.generated.finish() if self.detail["by"] == "model" else self._fixed()
        if not (text or self.said):
            self.detail["degraded"] = f"The {self.detail['by']} gave no answer."
            text = NO_REPLY
        if text:
            yield from self._answer(text)
        yield {**ENDING, **self._said_of_itself(), **self.given}

    def _answer(self, text: str) -> Iterator[Piece]:
        yield from self._documents([])
        self.said = True
        yield {"answer": text}

    def _documents(self, documents: Sequence[Document]) -> Iterator[Piece]:
        """Those that a chain's citations number, once, before its answer."""
        if self.route.chain is not None and not self.published:
            self.published = True
            yield {"documents": list(documents)}

    def _said_of_itself(self) -> dict[str, Any]:
        made = self.generated
        if made.reply is None:
            return {}
        self.detail |= made.told
        return {"adapter": made.adapter, "adapter_version": made.adapter_version, "usage": made.usage}

    def _fixed(self) -> str:
        for said in (self.route.direct, self.route.handoff):
            if isinstance(said, str):
                return said
        if self.route.handoff:
            return HANDOFF
        return "" if self.route.chain else NO_MODEL


def direct_messages(state: RagState, model: Any) -> list[BaseMessage]:
    """What the model is given where it answers by itself, within its window."""
    room = budget_of(model).prompt - estimate_tokens(DIRECT) - TEMPLATE
    tokens = min(HISTORY_TOKENS, max(LEAST_TOKENS, room // 3))  # the estimate may be too low for small models
    talk = fitted_history(state["history"], tokens, estimate_tokens)
    asked = shortened(state["question"], tokens, estimate_tokens)
    return [SystemMessage(DIRECT), *talk, HumanMessage(asked)]
