"""Marks like [1] in an answer: checked while they stream, and bound to the words they stand on.

Pure functions over texts and Documents; knows no model.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.documents import Document

from .analyser import detect_language, document_tokens
from .quotable import stretches
from .sentences import sentences

__all__ = ["MarkFilter", "bind_citations", "citation"]

MARK = re.compile(r"\[(\d+)\]")
GROUP = re.compile(r"(?:\s*\[\d+\])+")
WRITTEN = re.compile(r"(?:\s*\[[\d,;\s]*\])+")  # a group of marks as models write it: "[1, 3] [2]"
OPEN_GROUP = re.compile(r"(?:\s*\[[\d,;\s]*\])*\s*(?:\[[\d,;\s]{0,20})?$")  # may still grow

Keep = Callable[[str, list[int]], Sequence[int]]  # a sentence and the passages it cites -> those to show


class MarkFilter:
    """Lets a streamed answer pass, but for marks that point nowhere; an unfinished group is held back.

    `[1, 3]` becomes `[1][3]`. With `keep` each group is shown to it first, with the sentence before it, and
    what it gives back is written in its place.

    >>> marks = MarkFilter(passages=2)
    >>> [marks.feed(piece) for piece in ("25 days ", "[", "1", "] a year [7].")] + [marks.finish()]
    ['25 days', '', '', ' [1] a year.', '']
    """

    def __init__(self, passages: int, keep: Keep | None = None) -> None:
        self._passages = passages
        self._keep = keep
        self._held = ""
        self._before = ""  # the answer's text since the last group

    @property
    def waits(self) -> bool:
        """Whether a whole group is held back, which `keep` may be asked about next."""
        return self._keep is not None and "]" in self._held

    def feed(self, piece: str) -> str:
        """What of the answer so far can be shown."""
        text = self._held + piece
        unfinished = OPEN_GROUP.search(text)
        ready = len(text) if unfinished is None else unfinished.start()
        self._held = text[ready:]
        return self._checked(text[:ready])

    def finish(self) -> str:
        """What was held back: whole marks; an unfinished one is dropped."""
        whole = WRITTEN.match(self._held)
        rest, self._held = self._held, ""
        return self._checked(whole[0]) if whole else "" if rest.lstrip().startswith("[") else rest.rstrip()

    def _checked(self, text: str) -> str:
        shown, place = "", 0
        for group in WRITTEN.finditer(text):
            self._before += text[place : group.start()]
            shown += text[place : group.start()] + self._kept(group[0])
            self._before, place = "", group.end()
        self._before += text[place:]
        return shown + text[place:]

    def _kept(self, group: str) -> str:
        numbers = [int(number) for number in re.findall(r"\d+", group)]
        valid = [number for number in dict.fromkeys(numbers) if 1 <= number <= self._passages]
        spans = sentences(self._before) if self._keep is not None and valid else []
        if spans and self._keep is not None:
            valid = list(self._keep(self._before[spans[-1][0] : spans[-1][1]], valid))
        blank = group[: len(group) - len(group.lstrip())]
        return blank + "".join(f"[{number}]" for number in valid) if valid else ""


def bind_citations(answer: str, documents: Sequence[Document]) -> list[dict[str, Any]]:
    """A citation for each mark: the sentence it stands after, and the passage's words that come closest."""
    bound: list[dict[str, Any]] = []
    begin = 0
    for group in GROUP.finditer(answer):
        spans = sentences(answer[begin : group.start()])
        if spans:
            start, end = begin + spans[-1][0], begin + spans[-1][1]
            for number in dict.fromkeys(int(mark) for mark in MARK.findall(group[0])):
                document = documents[number - 1]
                quote = _closest(answer[start:end], document.page_content)
                bound.append(citation(number, document, quote, (start, end)))
        begin = group.end()
    return bound


def _closest(claim: str, passage: str) -> tuple[int, int]:
    """The stretch of a passage that shares most words with a claim, for its length."""
    language = detect_language(passage)
    wanted = set(document_tokens(claim, language))

    def shared(span: tuple[int, int]) -> tuple[float, int]:
        have = set(document_tokens(passage[span[0] : span[1]], language))
        return len(wanted & have) / (len(wanted | have) or 1), -span[0]

    spans = [(one.start, one.end) for one in stretches(passage, language)] or [(0, len(passage))]
    return max(spans, key=shared)


def citation(
    number: int, document: Document, quote: tuple[int, int], claim: tuple[int, int]
) -> dict[str, Any]:
    """One citation; `quote` in offsets into the passage, `claim` into the answer."""
    text = document.page_content[quote[0] : quote[1]]
    begin = document.metadata.get("start", 0)
    return {
        "n": number,
        "document_id": document.id or hashlib.sha256(document.page_content.encode()).hexdigest()[:32],
        "source": document.metadata.get("source", ""),
        "title": document.metadata.get("title", ""),
        "quote": text,
        "source_start": begin + quote[0],
        "source_end": begin + quote[1],
        "answer_start": claim[0],
        "answer_end": claim[1],
    }
