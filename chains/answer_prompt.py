"""The messages that a chat model answers from: rules, history, and the question behind its fenced passages.

Passages are data. Their numbers are their places in `documents`, best first; knows no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.documents import Document
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from .budget import estimate_tokens
from .history_budget import fitted_history, shortened
from .prompt_fence import as_data, fence, one_line
from .prompts import PASSAGE, QUESTION, RULES, SHORT_RULES
from .state import RagState, text_of
from .version_notes import version_lines

__all__ = ["PromptParts", "ends_first", "passage_text", "plain_parts", "prompt_messages"]

QUESTION_TOKENS, HISTORY_TOKENS = 1000, 1000  # where no step has measured the model's window


@dataclass(frozen=True, slots=True)
class PromptParts:
    """Question and history as they fit the model; `short` asks for the rules of a small window."""

    question: str
    history: Sequence[BaseMessage]
    short: bool = False


def plain_parts(state: RagState) -> PromptParts:
    """The parts by estimate, where no step has fitted them."""
    return PromptParts(
        shortened(as_data(state["standalone"]), QUESTION_TOKENS, estimate_tokens),
        fitted_history(state["history"], HISTORY_TOKENS, estimate_tokens),
    )


def prompt_messages(state: RagState) -> list[BaseMessage]:
    """Rules, the last turns, and the question behind its passages, between two lines that none can hold."""
    parts: PromptParts = state.get("_prompt") or plain_parts(state)
    documents: Sequence[Document] = state["documents"]
    versions = version_lines(documents)
    listed = [
        passage_text(number, one, version)
        for number, (one, version) in enumerate(zip(documents, versions, strict=True), start=1)
    ]
    line = fence([parts.question, *map(text_of, parts.history), *listed])
    passages = "\n\n".join(listed[place] for place in ends_first(len(listed)))
    question = QUESTION.format(fence=line, passages=passages, question=parts.question)
    rules = (SHORT_RULES if parts.short else RULES).format(fence=line)
    return [SystemMessage(rules), *parts.history, HumanMessage(question)]


def passage_text(number: int, document: Document, version: str = "") -> str:
    """One passage with its header, as it stands in the prompt; `version` says which of several it is."""
    metadata = document.metadata
    title = one_line(str(metadata.get("title") or metadata.get("source") or "")) or "Untitled"
    return PASSAGE.format(
        number=number, title=title, place=_place(document, version), text=as_data(document.page_content)
    )


def ends_first(count: int) -> list[int]:
    """Places in the order of listing: the best first, the next best last, the weakest in the middle.

    Models read the two ends of a long prompt best (Liu et al., Lost in the Middle, 2023).

    >>> ends_first(5)
    [0, 2, 4, 3, 1]
    """
    return [*range(0, count, 2), *reversed(range(1, count, 2))]


def _place(document: Document, version: str) -> str:
    """The heading, the page and the version or day of the passage, as far as they are known."""
    metadata = document.metadata
    page, day = metadata.get("page"), str(metadata.get("updated_at") or "")[:10]
    parts = [
        one_line(str(metadata.get("heading") or "")),
        "" if page is None else f"page {page}",
        version or (f"updated {one_line(day)}" if day else ""),
    ]
    place = ", ".join(part for part in parts if part)
    return f" ({place})" if place else ""
