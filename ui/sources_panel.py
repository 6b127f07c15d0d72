"""The cards beside an answer: from passages and citations to plain values that the page draws as text.

Knows no Gradio and no HTML: the page makes text nodes of what stands here, so nothing needs escaping.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from langchain_core.documents import Document

from ragweave.chains.dates import own_date

__all__ = ["Card", "source_cards"]

Card = dict[str, Any]
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def source_cards(
    documents: Sequence[Document],
    citations: Iterable[Mapping[str, Any]] = (),
    *,
    name: Callable[[str], str] = str,
) -> list[Card]:
    """One card a passage: the cited ones first, then the others in their order.

    A card's number is its passage's, the one that marks in the answer name.
    `name` says how a source is called before users.

    `parts` is the passage cut into (text, quoted) pieces; joined they are the passage, unchanged.
    """
    cited: dict[int, list[Mapping[str, Any]]] = {}
    for citation in citations:
        cited.setdefault(int(citation["n"]), []).append(citation)
    cards = [
        _card(document, number, cited.get(number, []), name)
        for number, document in enumerate(documents, start=1)
    ]
    return sorted(cards, key=lambda card: not card["cited"])


def _card(
    document: Document, number: int, citations: Sequence[Mapping[str, Any]], name: Callable[[str], str]
) -> Card:
    metadata = document.metadata
    source = name(str(metadata.get("source", "")))
    return {
        "number": number,
        "cited": bool(citations),
        "title": str(metadata.get("title") or file_name(source) or "Untitled"),
        "source": source,
        "place": _place(metadata),
        "date": _date(metadata),
        "score": _score(metadata),
        "parts": _parts(document.page_content, int(metadata.get("start") or 0), citations),
    }


def file_name(source: str) -> str:
    """The last part of a path, whichever way its slashes lean."""
    return source.replace("\\", "/").rstrip("/").rpartition("/")[2]


def short_date(value: Any) -> str:
    """An ISO time as people write a date, or "" for what is no time.

    >>> short_date("2024-03-05T10:00:00+00:00")
    '5 Mar 2024'
    """
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return ""
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}"


def _date(metadata: Mapping[str, Any]) -> str:
    """The document's own date, as the answer names it; else when its file was changed."""
    dated = own_date(metadata)
    return str(dated) if dated else short_date(metadata.get("updated_at"))


def _place(metadata: Mapping[str, Any]) -> str:
    page, heading = metadata.get("page"), str(metadata.get("heading") or "")
    parts = heading.split(" > ") if heading else []
    if parts and parts[0] == metadata.get("title"):
        parts = parts[1:]  # the title stands above it already
    where = [f"page {page}"] if page else []
    return " · ".join(where + ([" › ".join(parts)] if parts else []))


def _score(metadata: Mapping[str, Any]) -> float | None:
    scores = metadata.get("scores")
    fused = scores.get("fused") if isinstance(scores, Mapping) else None
    score = fused if fused is not None else metadata.get("score")
    return round(min(1.0, max(0.0, float(score))), 2) if isinstance(score, (int, float)) else None


def _parts(text: str, offset: int, citations: Iterable[Mapping[str, Any]]) -> list[tuple[str, bool]]:
    parts: list[tuple[str, bool]] = []
    position = 0
    for start, end in _merged(_span(text, offset, citation) for citation in citations):
        parts += [(text[position:start], False), (text[start:end], True)]
        position = end
    parts.append((text[position:], False))
    return [part for part in parts if part[0]]


def _span(text: str, offset: int, citation: Mapping[str, Any]) -> tuple[int, int]:
    quote = str(citation.get("quote") or "")
    start = int(citation.get("source_start") or 0) - offset
    if not quote or text[start : start + len(quote)] != quote or start < 0:
        start = text.find(quote)  # a passage widened to its parent starts elsewhere
    return (start, start + len(quote)) if quote and start >= 0 else (0, 0)


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        elif start < end:
            merged.append((start, end))
    return merged
