"""An answer made of quotes: the sentences that the extractive reader chose, each with its mark.

Knows no language model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from langchain_core.documents import Document

from .citations import citation
from .extractive import Quote

__all__ = ["quoted_answer"]

BLOCK = re.compile(r"\n\s*([-*+•|]|\d+[.)])\s|```")  # a quote with lists, rows or code keeps its lines


def quoted_answer(quotes: Sequence[Quote], documents: Sequence[Document]) -> tuple[str, list[dict[str, Any]]]:
    """The answer and its citations; each quote stands in the answer as it does in its source.

    Line breaks inside a sentence become blanks; lists, tables and code keep theirs. Sentences that stand
    side by side in their source stand so here.
    """
    answer = ""
    citations = []
    for quote in _side_by_side(quotes, documents):
        document = documents[quote.document]
        shown = _shown(document.page_content[quote.start : quote.end])
        apart = "\n\n" if answer and ("\n" in shown or "\n" in answer) else " "
        start = len(answer) + len(apart) if answer else 0
        answer += f"{apart if answer else ''}{shown} [{quote.document + 1}]"
        span = (quote.start, quote.end)
        citations.append(citation(quote.document + 1, document, span, (start, start + len(shown))))
    return answer, citations


def _side_by_side(quotes: Sequence[Quote], documents: Sequence[Document]) -> list[Quote]:
    """In their order, but a quote goes before one that follows it directly in its passage."""
    ordered: list[Quote] = []
    for quote in quotes:
        text = documents[quote.document].page_content
        followers = [
            place
            for place, one in enumerate(ordered)
            if one.document == quote.document
            and one.start >= quote.end
            and not text[quote.end : one.start].strip()
        ]
        ordered.insert(followers[0] if followers else len(ordered), quote)
    return ordered


def _shown(quote: str) -> str:
    return quote if BLOCK.search(quote) else re.sub(r"\s+", " ", quote)
