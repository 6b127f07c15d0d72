"""An answer as the claims it makes: its sentences and list items, each with the marks that follow it.

What asserts nothing about the documents is no claim: greetings, questions, lead-ins, "the documents do not
say". Knows no passage.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate

from .code_spans import CodeScanner, outside_code
from .quotable import is_lead_in
from .sentences import sentences

__all__ = ["Claim", "asserted", "claims", "without_marks"]

# The blanks before a mark go with it; looking back keeps a long run of blanks from being tried at each place.
ONE = r"\[\d{1,9}(?:\s*[,;]\s*\d{1,9})*\]"
MARKS = re.compile(rf"(?<!\s)\s*(?:{ONE}\s*(?=\[)|{ONE})+")
LIST_MARK = re.compile(r"^\s*(?:[-*+\u2022\u2013]|\(?\d{1,3}[.)])\s+")
HEADING = re.compile(r"\s*(?:#{1,6}\s|\*\*[^*]+\*\*:?\s*$|\|?[\s|:-]+$)")
# Says where the rest stands; the rest is the claim.
FRAME = re.compile(
    r"^(?:according to|based on|as (?:stated|described|mentioned|noted) in|per|in)\s+"
    r"(?:the|your|these|this|our|passages?|\[)[^,]{0,60}"
    r"\b(?:documents?|passages?|handbook|polic(?:y|ies)|sources?|text|context|information|manual|guide|page|faq)"
    r"\b[^,]{0,40},\s*"
    r"|^(?:the|your|these|this)\s+(?:documents?|passages?|handbook|polic(?:y|ies)|sources?|text|context)\s+"
    r"(?:says?|states?|mentions?|explains?|notes?|specif(?:y|ies)|indicates?)\s+that\s+"
    r"|^(?:yes|no|sure|certainly|so|also|however|in addition|additionally|moreover|in short|in summary)"
    r"[,:]\s+",
    re.I,
)
SILENT = re.compile(
    r"\b(?:documents?|passages?|sources?|texts?|context|handbook|information|polic(?:y|ies)|pages?)\b[^.,]{0,40}"
    r"\b(?:do(?:es)?|did)(?: not|n['\u2019]t) (?:say|state|mention|specify|contain|describe|provide"
    r"|answer|tell|explain|address|hold)\b"
    r"|\b(?:not|n['\u2019]t|never) (?:stated|mentioned|specified)\b"
    r"|\b(?:there is|i (?:have|found|see)) no (?:information|mention|answer|detail)"
    r"|\bi (?:could|can|do)(?: ?not|n['\u2019]t|['\u2019]t) (?:find|know|tell|say|see)\b",
    re.I,
)
POLITE = re.compile(
    r"\W*(?:hi|hello|hey|sure|certainly|of course|great question|good question|thanks?|thank you"
    r"|you['\u2019]re welcome|here (?:is|are)|i hope|let me know|feel free|please (?:let me|feel free)"
    r"|if you have (?:any )?(?:other|more|further)|happy to help|glad to help|is there anything)\b",
    re.I,
)
RULE = re.compile(r"\s*\n[ \t]*\|?(?:[ \t]*:?-+:?[ \t]*(?:\||$|(?=\n)))+", re.M)  # below the head of a table
FENCES = re.compile(r"^[ \t>]*(?:`{3,}|~{3,})[^\n]*\n?|\n?[ \t>]*(?:`{3,}|~{3,})[ \t]*$")
POLITE_WORDS = 14  # a longer one says something as well


@dataclass(frozen=True, slots=True)
class Claim:
    """`answer[start:end]` is the sentence, marks inside it included; `text` is what it asserts."""

    text: str
    start: int
    end: int
    cited: tuple[int, ...]


def claims(answer: str) -> list[Claim]:
    """What an answer asserts, in order.

    >>> [(one.text, one.cited) for one in claims("Hello! You get 25 days [1]. Ask early. [2][3]")]
    [('You get 25 days.', (1,)), ('Ask early.', (2, 3))]
    """
    bare, cuts = _bare(answer)
    spans = _spans(bare)
    starts = [start for start, _ in spans]
    cited: list[list[int]] = [[] for _ in spans]
    for place, _, numbers in cuts:
        if spans:  # the one that the mark stands in or after
            cited[max(0, bisect_left(starts, place) - 1)] += numbers
    places = [place for place, _, _ in cuts]
    cut_before = [0, *accumulate(length for _, length, _ in cuts)]
    found = []
    for (start, end), numbers in zip(spans, cited, strict=True):
        text = asserted(FENCES.sub("", bare[start:end]))
        if text and not RULE.match(bare, end):
            # In the answer itself; marks right there count with what stands before them.
            first = start + cut_before[bisect_right(places, start)]
            last = end + cut_before[bisect_left(places, end)]
            found.append(Claim(text, first, last, tuple(dict.fromkeys(numbers))))
    return found


def without_marks(answer: str) -> str:
    """The answer without its marks.

    >>> without_marks("You get 25 days [1], a year [2][3].")
    'You get 25 days, a year.'
    """
    return _bare(answer)[0]


def _spans(bare: str) -> list[tuple[int, int]]:
    """The sentences; a block of code is one, for half of it is no code."""
    scanner, place = CodeScanner(), 0
    spans: list[tuple[int, int]] = []
    for start, end in sentences(bare):
        scanner.feed(bare[place:start])
        goes_on = scanner.fenced
        scanner.feed(bare[start:end])
        place = end
        if goes_on and spans:
            spans[-1] = spans[-1][0], end
        else:
            spans.append((start, end))
    return spans


def _bare(answer: str) -> tuple[str, list[tuple[int, int, list[int]]]]:
    """The answer without marks; for each group its place there, its length, and its numbers."""
    texts, cuts, length, position = [], [], 0, 0
    for group in outside_code(MARKS, answer):
        texts.append(answer[position : group.start()])
        length += len(texts[-1])
        cuts.append((length, len(group[0]), [int(number) for number in re.findall(r"\d+", group[0])]))
        position = group.end()
    return "".join([*texts, answer[position:]]), cuts


def asserted(sentence: str) -> str:
    """The sentence without its list mark and frame; "" where it asserts nothing.

    >>> asserted("- According to the handbook, you get 25 days."), asserted("Is that so?")
    ('you get 25 days.', '')
    """
    text = LIST_MARK.sub("", sentence).strip().strip("*_").strip()
    while framed := FRAME.match(text):
        text = text[framed.end() :]
    words = len(text.split())
    if not re.search(r"\w", text) or HEADING.match(sentence) or text.endswith("?") or SILENT.search(text):
        return ""
    if POLITE.match(text) and words <= POLITE_WORDS:
        return ""
    if is_lead_in(text) and not re.search(r"\d", text):
        return ""
    return text
