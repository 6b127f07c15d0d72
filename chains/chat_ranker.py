"""A chat model as a reranker: one call that puts the passages in order.

Knows no retrieval. What the model replies is a list of numbers, or it counts as no reply.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from typing import Any

from langchain_core.documents import Document
from langchain_core.messages import HumanMessage
from langchain_core.runnables import Runnable
from langchain_core.runnables.config import ensure_config
from pydantic import ConfigDict, Field

from .adapter_choice import for_rewriting
from .budget import budget_of, count_tokens
from .errors import ChainError
from .passage_text import passage_text
from .prompts import RANK
from .replies import reply_text
from .rework import Reworked, Reworker, rescored

__all__ = ["ChatRanker", "UnreadableRanking", "parse_ranking"]

TOP = 20  # passages in the prompt
PASSAGE_LENGTH = 600  # characters of each: with 20 of them some 3,000 tokens
QUESTION_LENGTH = 2000  # characters
SHORTEST, SHORT_QUESTION = 150, 300  # characters of a passage and of the question, in a small window
ANSWER = 128  # tokens of the reply and of the template around the prompt
SHOWN = 80  # characters of a reply in an error
RANKING = re.compile(r"[\[\]\d,>\s]+\.?")  # 3, 1, 2; [3] > [1]; [3, 1]
NUMBER = re.compile(r"\d+")


class UnreadableRanking(ChainError):
    """The model's reply is no list of the passages' numbers."""


class ChatRanker(Reworker):
    """Orders passages by one call of a chat model.

    Use it where a large model is at hand and no cross-encoder: it costs a call of some 3,000 tokens before
    every answer. `Rerank(ChatRanker(model))` blends its order with the search's, and survives a reply that
    is no list. The model is called as its base, whatever adapter the answer is to come from.

    Args:
        model: any LangChain chat model.
        top: passages that the model is shown, 600 characters of each, or less and fewer where its window is
            small; those after them keep their order.
    """

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    model: Any
    top: int = Field(TOP, ge=2, le=100)

    def __init__(self, model: Runnable[Any, Any], *, top: int = TOP) -> None:
        if not isinstance(model, Runnable):
            raise TypeError(f"model is a {type(model).__name__}: give a LangChain chat model.")
        # Pydantic's own __init__ takes keywords only.
        super().__init__(**{"model": model, "top": top})

    def rework(self, documents: Sequence[Document], query: str) -> Reworked:
        """The passages in the model's order; those that it leaves out follow in theirs.

        Raises:
            UnreadableRanking: the reply is no list of the passages' numbers, each once.
        """
        if len(documents) < 2:
            return Reworked(list(documents))
        shown, prompt = _fitted(documents[: self.top], query, self.model)
        reply = self.model.invoke([HumanMessage(prompt)], for_rewriting(ensure_config()))
        named = parse_ranking(reply_text(reply), len(shown))
        order = named + [place for place in range(len(shown)) if place not in named]
        ranked = [rescored(shown[place], rerank=1 - rank / len(order)) for rank, place in enumerate(order)]
        return Reworked([*ranked, *documents[len(shown) :]], detail=_told(reply, len(named)))


def parse_ranking(reply: str, passages: int) -> list[int]:
    """The places, from 0, that a reply names by their numbers, from 1.

    >>> parse_ranking("3, 1", 4)
    [2, 0]

    Raises:
        UnreadableRanking: anything else than numbers, one that stands for no passage, or one named twice.
    """
    reply = reply.strip()
    numbers = [int(number[:9]) for number in NUMBER.findall(reply)]
    if not numbers or not RANKING.fullmatch(reply) or len(set(numbers)) < len(numbers):
        problem = "is no list of numbers, each once"
    elif not all(1 <= number <= passages for number in numbers):
        problem = f"names a passage that there is not among {passages}"
    else:
        return [number - 1 for number in numbers]
    raise UnreadableRanking(
        f"The ranking {reply[:SHOWN]!r} {problem}.", remedy="Give a model that follows instructions."
    )


def _fitted(documents: Sequence[Document], query: str, model: Any) -> tuple[Sequence[Document], str]:
    """The passages that the model's window takes, and the prompt: shorter ones first, then fewer."""
    room = budget_of(model).window - ANSWER
    length, question = PASSAGE_LENGTH, query[:QUESTION_LENGTH]
    while count_tokens(model, prompt := _prompt(documents, question, length)) > room:
        if length > SHORTEST:
            length = max(SHORTEST, length * 3 // 4)
        elif len(question) > SHORT_QUESTION:
            question = question[:SHORT_QUESTION]
        elif len(documents) > 2:
            documents = documents[: max(2, len(documents) * 3 // 4)]
        else:
            break  # the model says that it is too much
    return documents, prompt


def _prompt(documents: Sequence[Document], query: str, length: int) -> str:
    passages = "\n\n".join(
        f"[{number}] {passage_text(document)[:length]}" for number, document in enumerate(documents, start=1)
    )
    fence = f"===== {secrets.token_hex(8)} ====="  # no passage can hold it
    return RANK.format(fence=fence, passages=passages, question=query)


def _told(reply: Any, named: int) -> dict[str, Any]:
    used = getattr(reply, "usage_metadata", None) or {}
    told: dict[str, Any] = {"by": "model", "named": named}
    if name := getattr(reply, "response_metadata", {}).get("model_name"):
        told["model"] = str(name)
    if used:
        told["tokens"] = {"input": used["input_tokens"], "output": used["output_tokens"]}
    return told
