"""The names in a text: quoted titles and runs of words in capitals.

Whether a name is that of a thing shows by the word beside it. English; knows no talk.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from .noun_phrases import FUNCTION_WORDS

__all__ = ["ASKING", "DATE", "KINDS", "is_work", "joined", "names_in", "owner", "with_article", "works_in"]

ASKING = frozenset(
    """who what when where why how which whose whom is are was were do does did can could should may
    must will would has have had am any anything tell explain show describe list name give find
    compare please i i'm my we our let help hi hello hey thanks thank ok okay yes no sure great
    sounds perhaps and but or so""".split()
)
# Orders that begin the sentences of a handbook and belong to no name: "Ask Fleet", "See Appendix B".
ORDERS = frozenset(
    """ask bring call check click contact email fill go install log open see send submit take talk tell
    try use visit write""".split()
)
# What a work, a group or a rule is called; beside it, a name is that of a thing and not of a person.
KINDS = (
    "album|film|movie|song|single|book|novel|show|series|band|club|team|company|play|musical|game|poem|record|"
    "magazine|tour|group|recording|label|act|policy|plan|product|project|program|programme|foundation|movement|"
    "office|contract|account|version|edition|package|subscription"
)
BEFORE = re.compile(rf"\b(?:{KINDS}|called|named|titled|entitled),? (?:the )?$", re.IGNORECASE)
AFTER = re.compile(rf",? ({KINDS})\b", re.IGNORECASE)
AROUND = re.compile(r"^the |\W*\d*\W*$", re.IGNORECASE)  # "The Black Album (1975)."
NO_NAME = re.compile(r"(?:I|I['’]\w+|ID|OK|TV|AM|PM|Let['’]s|[A-Z]?\d+)$")
QUOTED = re.compile(r"[\"“](\S[^\"“”]{1,60}?)[,.]?[\"”]")
NAME = re.compile(
    r"(?<![\w'’])(?:[A-Z][a-z]?\.\s?)*[A-Z][\w’-]*(?:'(?!s\b)\w+)*"
    r"(?:(?:\s(?:of|the|and|de|la|van|von|der|to|for|in|on|a|&)){0,2}"
    r"\s(?:[A-Z](?:[\w’-]|\.(?=\w|$)){0,2}\.|(?:[A-Z]|\d)(?:[\w’-]|\.(?=\w))*(?:'(?!s\b)\w+)*))*"
)
MONTH_OR_DAY = re.compile(
    r"(?:(?:Jan|Febr)uary|March|April|May|June|July|August|(?:Septem|Octo|Novem|Decem)ber|\w+day)\b"
)
DATE = re.compile(rf"\d|{MONTH_OR_DAY.pattern}")


@lru_cache(maxsize=512)
def names_in(text: str) -> tuple[str, ...]:
    """Quoted titles and runs of capitalised words, in order of appearance.

    >>> names_in('The band then released "Ceremony" and toured Europe with Ann Lee of the Cult.')
    ('Ceremony', 'Europe', 'Ann Lee of the Cult')
    """
    quoted = list(QUOTED.finditer(text))
    found = [(one.start(1), one[1]) for one in quoted if one[1][0].isupper() or one[1].count(" ") in (1, 2)]
    for match in NAME.finditer(text):
        if not any(one.start() <= match.start() < one.end() for one in quoted):
            found.extend(_trimmed(text, match))
    return tuple(name for _, name in sorted(found))


def _trimmed(text: str, match: re.Match[str]) -> Iterator[tuple[int, str]]:
    """The run without function words at its beginning; none where only a sentence's first word is left."""
    start, words = match.start(), match[0].split(" ")
    begins = start == 0 or text[:start].rstrip()[-1:] in '.?!:\n"“'
    while words and (
        (words[0].lower() in FUNCTION_WORDS and words[0] not in ("IT", "US"))
        or (begins and words[0].lower() in ASKING | ORDERS)
    ):
        start += len(words[0]) + 1
        words, begins = words[1:], False
    if begins and len(words) > 1 and words[0][1:].islower() and MONTH_OR_DAY.match(words[1]):
        start += len(words[0]) + 1  # "Starting May 2022"
        words, begins = words[1:], False
    plain = begins and len(words) == 1 and words[0][1:].islower() and not text.startswith("'s", match.end())
    if words and not plain and not any(map(NO_NAME.match, words[:1])):
        yield start, " ".join(words).rstrip(".-")


@lru_cache(maxsize=512)
def works_in(text: str) -> tuple[str, ...]:
    """Names that are surely those of things: in quotation marks, beside their kind, or all there is."""
    count = len(AROUND.sub("", text).split())
    return tuple(name for name in names_in(text) if count <= len(name.split()) or is_work(name, text))


def is_work(name: str, text: str) -> bool:
    """Whether a name of a text stands in quotation marks or beside its kind."""
    place = text.find(name)
    before, after = text[max(0, place - 24) : place], text[place + len(name) : place + len(name) + 24]
    return before.endswith(('"', "“")) or bool(BEFORE.search(before) or AFTER.match(after))


def with_article(name: str, said: str) -> str:
    """The name with the "the" and the kind that it had where it was said: "the Berlin office"."""
    place = said.find(name)
    kind = AFTER.match(said, place + len(name)) if place >= 0 else None
    whole = f"{name} {kind[1]}" if kind and kind[1].islower() and "," not in kind[0] else name
    return f"the {whole}" if said[max(0, place - 4) : place].lower() == "the " else whole


def owner(name: str) -> str:
    """The name as an owner: "Slayer's", "The Kinks'"."""
    return f"{name}'" if name.endswith("s") else f"{name}'s"


def joined(names: Sequence[str]) -> str:
    """The names as a sentence has them.

    >>> joined(["Ann", "Bob", "Eve"])
    'Ann, Bob and Eve'
    """
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
