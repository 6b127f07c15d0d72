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

ITEM = re.compile(r"([-*+•|]|\d+[.)])\s")  # how an item of a list, or a row, begins
BLOCK = re.compile(r"\n\s*([-*+•|]|\d+[.)])\s|```")  # a quote with lists, rows or code keeps its lines


def quoted_answer(quotes: Sequence[Quote], documents: Sequence[Document]) -> tuple[str, list[dict[str, Any]]]:
    """The answer and its citations; each quote stands in the answer as it does in its source.

    Line breaks inside a sentence become blanks; lists, tables and code keep theirs. Sentences that stand
    side by side in their source stand so here.
    """
    answer = last = ""
    citations = []
    for quote in _side_by_side(quotes, documents):
        document = documents[quote.document]
        shown = _shown(document.page_content[quote.start : quote.end])
        answer += _apart(last, shown)
        start, last = len(answer), shown
        answer += f"{shown} [{quote.document + 1}]"
        span = (quote.start, quote.end)
        citations.append(citation(quote.document + 1, document, span, (start, start + len(shown))))
    return answer, citations


def _apart(last: str, shown: str) -> str:
    """What stands between two quotes: items go below one another, sentences side by side."""
    if not last:
        return ""
    items = [ITEM.match(one) is not None for one in (last, shown)]
    if all(items) and "\n" not in last + shown:
        return "\n"
    return "\n\n" if any(items) or "\n" in last + shown else " "


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
