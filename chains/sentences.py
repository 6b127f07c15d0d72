r"""Sentences of a text, as offsets: what a quote is made of and where a long paragraph may be cut.

List items, table rows, headings and lines of code are sentences of their own; lines that were only
wrapped are not. Knows no document format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["is_list_item", "sentences", "states_a_sum"]

# Snowball's names to the codes that sentencex knows; any other language is cut by the English rules.
CODES = {
    "arabic": "ar", "armenian": "hy", "basque": "eu", "catalan": "ca", "danish": "da", "dutch": "nl",
    "english": "en", "finnish": "fi", "french": "fr", "german": "de", "greek": "el", "hindi": "hi",
    "hungarian": "hu", "indonesian": "id", "irish": "ga", "italian": "it", "lithuanian": "lt",
    "nepali": "ne", "norwegian": "no", "portuguese": "pt", "romanian": "ro", "russian": "ru",
    "serbian": "sr", "spanish": "es", "swedish": "sv", "tamil": "ta", "turkish": "tr", "yiddish": "yi",
    "chinese": "zh", "japanese": "ja", "korean": "ko", "thai": "th",
}  # fmt: skip

MARK = re.compile(r"[ \t]*(?:[-*+•‣◦▪–—o·]|\(?(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,5})[.)])[ \t]+(?=\S)")
SUM = re.compile(r"(?:[$€£¥]\s?-?\d[\d.,]*|\d\s?(?:[€£¥]|EUR|USD|GBP|CHF))$")
END = re.compile(r"[.!?]")
# What belongs to the sentence before: the mark of a note, pages as ":4-5", a closing bracket.
REST = re.compile(r"(?:\[[^\[\]]{1,30}\]|[:,;)\]”][^\s\[]*)+[.,;:!?]*\s*")
LINE = re.compile(r"[^\n]+")
NARROW = (
    45  # characters; where no line of a stretch is longer, its lines were not wrapped: verse, code, addresses
)
WRAP_SLACK = 0.85  # a line this full was wrapped because the next word did not fit; lines of PDFs are ragged


def sentences(text: str, language: str = "english") -> list[tuple[int, int]]:
    """Offsets of the sentences of a text, in order, without surrounding white space.

    Together they hold every character that is not white space. `language` is Snowball's name.

    >>> [("One. Two?")[a:b] for a, b in sentences("One. Two?")]
    ['One.', 'Two?']
    """
    code = CODES.get(language, "en")
    spans: list[tuple[int, int]] = []
    for start, end in _stretches(text):
        spans.extend(_sentences_of(text, start, end, code))
    return spans


def is_list_item(line: str) -> bool:
    """Whether a line begins with the mark of a list item.

    >>> is_list_item("- bread"), is_list_item("2) eggs"), is_list_item("-5 degrees")
    (True, True, False)
    """
    return MARK.match(line) is not None


def states_a_sum(line: str) -> bool:
    """Whether a line ends with a sum of money, as the lines of a receipt do.

    >>> states_a_sum("TOTAL $821.14"), states_a_sum("To pay: 20 EUR"), states_a_sum("Chapter 3")
    (True, True, False)
    """
    return SUM.search(line) is not None


def _stretches(text: str) -> Iterator[tuple[int, int]]:
    """Stretches that no sentence leaves: wrapped lines together, every other line alone."""
    for lines in _paragraphs(text):
        width = max(end - start for start, end in lines)
        first, last = lines[0]
        for start, end in lines[1:]:
            if _wrapped(text[first:last].rsplit("\n", 1)[-1], text[start:end], width):
                last = end
            else:
                yield first, last
                first, last = start, end
        yield first, last


def _paragraphs(text: str) -> Iterator[list[tuple[int, int]]]:
    """Runs of lines without a blank line between them."""
    lines: list[tuple[int, int]] = []
    for found in LINE.finditer(text):
        if not found.group().strip():
            if lines:
                yield lines
                lines = []
            continue
        if lines and found.start() - lines[-1][1] > 1:
            yield lines
            lines = []
        lines.append(found.span())
    if lines:
        yield lines


def _wrapped(line: str, following: str, width: int) -> bool:
    """Whether a line break only wraps a sentence: the next word would not have fitted."""
    if is_list_item(following) or line.lstrip().startswith("|") or following.lstrip().startswith("|"):
        return False
    if width < NARROW:
        return False
    word = following.split(maxsplit=1)[0]
    return len(line) + 1 + len(word) > WRAP_SLACK * width


def _sentences_of(text: str, start: int, end: int, code: str) -> Iterator[tuple[int, int]]:
    mark = MARK.match(text, start, end)
    body = mark.end() if mark else start
    stretch = text[body:end]
    if text[start:end].lstrip().startswith("|") or (stretch.isascii() and not END.search(stretch)):
        yield from _trimmed(text, start, end)
        return
    position, first = body, start
    for sentence in _segments(code, stretch.replace("\n", " ")):
        edge = position
        if position > body and (rest := REST.match(sentence)):
            alone = rest.end() == len(sentence)  # "[12]" with nothing after it
            edge += rest.end() if alone or not text[position - 1].isspace() else 0
        if edge > body:
            yield from _trimmed(text, first, edge)
            first = edge
        position += len(sentence)
    yield from _trimmed(text, first, position)


def _segments(code: str, text: str) -> list[str]:
    from sentencex import segment  # type: ignore[import-untyped]  # it ships no types

    try:
        return list(segment(code, text))
    except UnicodeEncodeError:  # it holds half a character; "?" is as long
        return list(segment(code, text.encode(errors="replace").decode()))


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    stretch = text[start:end]
    start += len(stretch) - len(stretch.lstrip())
    end -= len(stretch) - len(stretch.rstrip())
    if start < end:
        yield start, end
