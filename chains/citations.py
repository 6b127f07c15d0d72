"""Marks like [1] in an answer: checked while they stream, and bound to the words they stand on.

Pure functions over texts and Documents; knows no model.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.documents import Document

from .analyser import document_tokens
from .code_spans import AHEAD, CodeScanner, outside_code
from .evidence import language_of, read_passage
from .quotable import FENCE, stretches
from .sentences import sentences

__all__ = ["MarkFilter", "bind_citations", "citation"]

MARK = re.compile(r"\[(\d{1,9})\]")
# Looking back keeps a long run of blanks from being tried at each place.
GROUP = re.compile(r"(?<!\s)\s*\[\d{1,9}\](?:\s*\[\d{1,9}\])*")
# A group of marks as models write it: "[1, 3] [2]", now and then "[]"; "[ ]" is a box to tick.
ONE = r"\[(?:[,;\s]*\d[\d,;\s]*)?\]"
WRITTEN = re.compile(rf"(?<!\s)\s*{ONE}(?:\s*{ONE})*")
OPEN_GROUP = re.compile(rf"(?<!\s)(?:\s*{ONE})*\s*(?:\[[\d,;\s]{{0,20}})?$")  # may still grow
WORD = re.compile(r"\w")

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
        self._code = CodeScanner()

    @property
    def waits(self) -> bool:
        """Whether a whole group is held back, which `keep` may be asked about next."""
        return self._keep is not None and "]" in self._held

    def feed(self, piece: str) -> str:
        """What of the answer so far can be shown."""
        text = self._held + piece
        shown, place = self._checked(text, _ready(text))
        self._held = text[place:]
        return shown

    def finish(self) -> str:
        """What was held back: whole marks; an unfinished one is dropped."""
        text, self._held = self._held, ""
        ready = _ready(text)
        shown, _ = self._checked(text, ready, last=True)
        rest = text[ready:]
        if self._code.is_code(rest):
            return shown + rest.rstrip()
        if whole := WRITTEN.match(rest):
            return shown + self._checked(whole[0], len(whole[0]), last=True)[0]
        return shown if rest.lstrip().startswith("[") else shown + rest.rstrip()

    def _checked(self, text: str, ready: int, *, last: bool = False) -> tuple[str, int]:
        """What can be shown, and where that ends: at `ready`, or before a mark that may be in code."""
        shown, place = "", 0
        for group in WRITTEN.finditer(text, 0, ready):
            begin = group.end() - len(group[0].lstrip())
            blank = text[group.start() : begin]
            shown += self._read(text[place : group.start()])
            place = group.start()
            if "\n" in blank:  # backticks open nothing beyond their line
                self._code.feed(blank)
            is_code = self._code.is_code(text[begin : begin + AHEAD + 1])
            if is_code is None and not last:
                return shown, place
            if is_code:
                shown, place = shown + self._read(blank), begin
            else:
                shown, place = shown + self._kept(group[0]), group.end()
                self._before = ""
                self._code.feed(group[0])
        return shown + self._read(text[place:ready]), ready

    def _read(self, text: str) -> str:
        self._code.feed(text)
        self._before += text
        return text

    def _kept(self, group: str) -> str:
        numbers = [int(number) for number in re.findall(r"\d+", group) if len(number) < 10]
        valid = [number for number in dict.fromkeys(numbers) if 1 <= number <= self._passages]
        spans = sentences(self._before) if self._keep is not None and valid else []
        if spans and self._keep is not None:
            valid = list(self._keep(self._before[spans[-1][0] : spans[-1][1]], valid))
        blank = group[: len(group) - len(group.lstrip())]
        return blank + "".join(f"[{number}]" for number in valid) if valid else ""


def _ready(text: str) -> int:
    """Where a group begins that may still grow; else the end."""
    unfinished = OPEN_GROUP.search(text)
    return len(text) if unfinished is None else unfinished.start()


def bind_citations(answer: str, documents: Sequence[Document]) -> list[dict[str, Any]]:
    """A citation for each mark: the sentence it stands after, and the passage's words that come closest.

    A mark at the very beginning belongs to the sentence that follows; one that points nowhere has none.
    """
    bound: list[dict[str, Any]] = []
    groups = list(outside_code(GROUP, answer))
    begin, claim = 0, None
    for place, group in enumerate(groups):
        claim = _claim(answer, begin, group.start()) or claim
        if claim is None:
            until = groups[place + 1].start() if place + 1 < len(groups) else len(answer)
            claim = _claim(answer, group.end(), until, last=False)
        numbers = dict.fromkeys(int(mark) for mark in MARK.findall(group[0]))
        for number in numbers if claim else ():
            if claim and 1 <= number <= len(documents):
                document = documents[number - 1]
                quote = _closest(answer[claim[0] : claim[1]], document)
                bound.append(citation(number, document, quote, claim))
        begin = group.end()
    return bound


def _claim(answer: str, begin: int, end: int, *, last: bool = True) -> tuple[int, int] | None:
    """The last sentence of a stretch, or its first; a block of code is one; None where there are no words."""
    text = answer[begin:end]
    said = [span for span in sentences(text) if WORD.search(text[span[0] : span[1]])]
    if last and FENCE.match(text.rstrip().rpartition("\n")[2]):
        said = [(one.start, one.end) for one in stretches(text) if one.kind == "code"] or said
    if not said:
        return None
    start, stop = said[-1 if last else 0]
    return begin + start, begin + stop


def _closest(claim: str, document: Document) -> tuple[int, int]:
    """The stretch of a passage that shares most words with a claim, for its length."""
    text = document.page_content
    language = language_of([document])
    wanted = set(document_tokens(claim, language))
    read = [(one.stretch.start, one.stretch.end, one.present) for one in read_passage(text, language)]

    def shared(stretch: tuple[int, int, frozenset[str]]) -> tuple[float, int]:
        start, _, have = stretch
        return len(wanted & have) / (len(wanted | have) or 1), -start

    return max(read, key=shared)[:2] if read else (0, len(text))


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
