"""Stretches of neighbouring passages of one source, and the Document that such a stretch is.

Pure functions over Documents; knows no store, no model and no question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from langchain_core.documents import Document

from .splitting import PATH_SEPARATOR

__all__ = ["Span", "grown", "is_passage", "runs", "span_document"]

Size = Callable[[Document], int]
Near = Mapping[str, Mapping[int, Document]]  # passages by source and place


@dataclass(slots=True)
class Span:
    """The passages from `first` to `last` of the source of `hits`, which were found, best first."""

    hits: list[Document]
    first: int
    last: int

    @property
    def source(self) -> str:
        """The source of all of them."""
        return str(self.hits[0].metadata["source"])

    @property
    def section(self) -> str:
        """The path of headings above the best of them."""
        return _heading(self.hits[0])


def is_passage(document: Document) -> bool:
    """Whether a Document tells its place as those of a knowledge base do."""
    places = [document.metadata.get(key) for key in ("chunk", "start", "end")]
    return "source" in document.metadata and all(isinstance(place, int) for place in places)


def grown(hits: Sequence[Document], near: Near, *, room: int, size: Size) -> list[Span]:
    """The hits with what stands around them in their sections, as much as `room` tokens take, best first.

    All take a step in turn, the best first: the passage behind, the passage before. Hits that meet become
    one, for they are of one section.
    """
    spans = [Span([hit], hit.metadata["chunk"], hit.metadata["chunk"]) for hit in hits]
    spans = _joined(spans)
    left = room - sum(size(hit) for hit in hits)
    growing = True
    while growing and left > 0:
        growing = False
        for span in list(spans):
            if not any(one is span for one in spans):
                continue  # joined with a better one in this turn
            for place in (span.last + 1, span.first - 1):
                found = near.get(span.source, {}).get(place)
                if found is None or not _same_section(span.section, _heading(found)):
                    continue
                taken = _owner(spans, span.source, place)
                cost = 0 if taken is not None else size(found)
                if cost > left:
                    continue
                span.first, span.last = min(span.first, place), max(span.last, place)
                left -= cost
                growing = True
                spans = _joined(spans)
                if not any(one is span for one in spans):
                    break
    return spans


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Spans of one section that touch become the best of them."""
    kept: list[Span] = []
    for span in spans:
        other = next((one for one in kept if _touches(one, span)), None)
        if other is None:
            kept.append(span)
            continue
        other.first, other.last = min(other.first, span.first), max(other.last, span.last)
        other.hits += [hit for hit in span.hits if all(hit is not known for known in other.hits)]
        return _joined([*kept, *spans[spans.index(span) + 1 :]])
    return kept


def _touches(one: Span, other: Span) -> bool:
    if one.source != other.source or one.first > other.last + 1 or other.first > one.last + 1:
        return False
    overlap = one.first <= other.last and other.first <= one.last
    return overlap or _same_section(one.section, other.section) or _same_section(other.section, one.section)


def _owner(spans: Sequence[Span], source: str, place: int) -> Span | None:
    return next((one for one in spans if one.source == source and one.first <= place <= one.last), None)


def _same_section(section: str, heading: str) -> bool:
    """Whether a heading is the section's own, or below it."""
    return heading == section or heading.startswith(section + PATH_SEPARATOR) or not section


def _heading(document: Document) -> str:
    return str(document.metadata.get("heading") or "")


def runs(passages: Sequence[Document]) -> Iterator[list[Document]]:
    """Passages in order as lists without a gap: of one source each."""
    run: list[Document] = []
    for one in passages:
        follows = run and (one.metadata["source"], one.metadata["chunk"]) == (
            run[-1].metadata["source"],
            run[-1].metadata["chunk"] + 1,
        )
        if run and not follows:
            yield run
            run = []
        run.append(one)
    if run:
        yield run


def span_document(best: Document, text: str, *, first: Document, last: Document, whole: bool) -> Document:
    """The Document of a stretch: the best hit's id, scores and keys, and all of the source's text between.

    `whole` takes the text from its beginning to its end, headings before the first passage included.
    """
    start, end = (0, len(text)) if whole else (first.metadata["start"], last.metadata["end"])
    metadata = {
        **best.metadata,
        "start": start,
        "end": end,
        "expanded": [first.metadata["chunk"], last.metadata["chunk"]],
    }
    if whole:  # the best hit's place is not the document's
        metadata.pop("heading", None)
    if "page" in metadata:
        metadata["page"] = first.metadata.get("page", metadata["page"])
    return best.model_copy(update={"page_content": text[start:end], "metadata": metadata})
