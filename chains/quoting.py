"""An answer made of quotes: the sentences that the extractive reader chose, each with its mark.

Knows no language model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from langchain_core.documents import Document

from .citations import citation
from .extractive import Quote
from .quotable import stretches

__all__ = ["quoted_answer"]

ITEM = re.compile(r"([-*+•|]|\d+[.)])\s")  # how an item of a list, or a row, begins
BLOCK = re.compile(r"\n\s*([-*+•|]|\d+[.)])\s|```")  # a quote with lists, rows or code keeps its lines


def quoted_answer(quotes: Sequence[Quote], documents: Sequence[Document]) -> tuple[str, list[dict[str, Any]]]:
    """The answer and its citations; each quote stands in the answer as it does in its source.

    Line breaks inside a sentence become blanks; lists, tables and code keep theirs. Sentences that stand
    side by side in their source stand so here. Rows of a table stand together, below the row that names
    their columns and with one mark.
    """
    answer = last = ""
    citations = []
    ordered = _tables_together(_side_by_side(quotes, documents), documents)
    goes_on = False  # the table of the quote before
    for quote, following in zip_longest(ordered, ordered[1:]):
        document = documents[quote.document]
        shown = _shown(document.page_content[quote.start : quote.end])
        answer += "\n" if goes_on else _apart(last, shown)
        start, last = len(answer), shown
        answer += shown
        span = (quote.start, quote.end)
        citations.append(citation(quote.document + 1, document, span, (start, len(answer))))
        goes_on = following is not None and _one_table(quote, following, document.page_content)
        answer += "" if goes_on else f" [{quote.document + 1}]"
    return answer, citations


def _apart(last: str, shown: str) -> str:
    """What stands between two quotes: items go below one another, sentences side by side."""
    if not last:
        return ""
    if last.startswith("|") and shown.startswith("|"):  # another table
        return "\n\n"
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


def _tables_together(quotes: Sequence[Quote], documents: Sequence[Document]) -> list[Quote]:
    """In their order, but the rows of a table stand with its first, below the one that names the columns."""
    groups: dict[tuple[int, tuple[int, int]], list[Quote]] = {}
    for quote in quotes:
        head = _head(quote, documents[quote.document].page_content)
        rows = groups.setdefault((quote.document, head or (quote.start, quote.end)), [])
        if head and not rows:
            rows.append(Quote(quote.document, *head, quote.score, quote.cosine))
        rows.append(quote)
    return [one for rows in groups.values() for one in sorted(rows, key=lambda one: one.start)]


def _head(quote: Quote, text: str) -> tuple[int, int] | None:
    """Where the row stands that names the columns of a quoted row."""
    if not text.startswith("|", quote.start):
        return None
    return next((one.head for one in stretches(text) if one.start == quote.start), None)


def _one_table(quote: Quote, following: Quote, text: str) -> bool:
    """Whether two quotes are rows of one table of this text, the first of them above the other."""
    rows = all(text.startswith("|", one.start) for one in (quote, following))
    return rows and quote.document == following.document and "\n\n" not in text[quote.end : following.start]


def _shown(quote: str) -> str:
    return quote if BLOCK.search(quote) else re.sub(r"\s+", " ", quote)
