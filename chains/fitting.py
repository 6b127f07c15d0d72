"""Passages in so many tokens: the last ones go, and the longest are cut between sentences.

Pure functions over Documents; knows no store and no model, only how tokens are counted.
"""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.documents import Document

from .analyser import document_tokens
from .answer_prompt import passage_text
from .budget import Count
from .evidence import asked_words, language_of
from .rework import Dropped
from .sentences import sentences

__all__ = ["BUDGET", "cut", "fit", "passage_tokens"]

BUDGET = "budget"  # the reason of what is dropped here
LEAST = 48  # tokens; less of a passage is hardly a sentence
LONGEST_HIT = 300  # tokens; a passage of no more is not cut while another could go in its place
READ = 200_000  # characters of one document that sentences are looked for in
NUMBER = 10  # of a passage, while its number is not known yet


def passage_tokens(document: Document, count: Count) -> int:
    """The tokens of a passage with its header."""
    return count(passage_text(NUMBER, document)) + 2  # and the blank line behind it


def fit(
    documents: Sequence[Document], tokens: int, *, count: Count, question: str
) -> tuple[list[Document], list[Dropped]]:
    """What fits of the documents, best first, and what does not.

    Where long ones would push others out, they are cut to an equal length first.
    """
    sizes = [passage_tokens(document, count) for document in documents]
    longest = max(LONGEST_HIT, _level(sizes, tokens))
    kept: list[Document] = []
    dropped: list[Dropped] = []
    left = tokens
    for document, size in zip(documents, sizes, strict=True):
        allowed = min(longest, left)
        one: Document | None = document
        if size > allowed:
            worth = allowed >= LEAST or not kept
            one = cut(document, allowed, count=count, question=question) if worth else None
        if one is None:
            dropped.append(Dropped(document, BUDGET))
            continue
        kept.append(one)
        left -= size if one is document else passage_tokens(one, count)
    return kept, dropped


def _level(sizes: Sequence[int], tokens: int) -> int:
    """The length that all may have so that together they fit: the short ones leave theirs to the long."""
    left, waiting = tokens, sorted(sizes)
    while waiting and waiting[0] <= left // len(waiting):
        left -= waiting.pop(0)
    return left // len(waiting) if waiting else max(sizes, default=0)


def cut(document: Document, tokens: int, *, count: Count, question: str) -> Document | None:
    """The sentences around the one that shares most words with the question; `start` and `end` move along.

    A single sentence that is too long is cut between words. None where not even a word fits.
    """
    text = document.page_content[:READ]
    language = language_of([document])
    spans = sentences(text, language)
    room = tokens - passage_tokens(_part(document, 0, 0), count)
    if not spans or room < 1:
        return None
    first = last = _best(question, text, spans, language)
    left = room - _tokens(text, spans[first], count)
    if left < 0:
        return _shortened(document, spans[first], room, count)
    growing = True
    while growing:
        growing = False
        for near in (last + 1, first - 1):
            if not 0 <= near < len(spans) or (cost := _tokens(text, spans[near], count)) > left:
                continue
            first, last, left, growing = min(first, near), max(last, near), left - cost, True
    return _part(document, spans[first][0], spans[last][1])


def _best(question: str, text: str, spans: Sequence[tuple[int, int]], language: str) -> int:
    asked = set(asked_words(question, language).tokens)
    shared = [len(asked & set(document_tokens(text[start:end], language))) for start, end in spans]
    return shared.index(max(shared))


def _tokens(text: str, span: tuple[int, int], count: Count) -> int:
    return count(text[span[0] : span[1]]) + 2  # and what stands between it and the next


def _shortened(document: Document, span: tuple[int, int], room: int, count: Count) -> Document | None:
    start, end = span
    text = document.page_content
    while end > start and count(text[start:end]) > room:
        end = start + (end - start) * 3 // 4
        blank = text.rfind(" ", start, end)
        end = blank if blank > start + (end - start) // 2 else end
    return _part(document, start, end) if end > start else None


def _part(document: Document, start: int, end: int) -> Document:
    moved = {}
    if isinstance(begin := document.metadata.get("start"), int):
        moved = {"start": begin + start, "end": begin + end}
    return document.model_copy(
        update={"page_content": document.page_content[start:end], "metadata": {**document.metadata, **moved}}
    )
