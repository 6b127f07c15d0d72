"""What a text speaks of without a name: its words, things and lists.

By articles and short lists of words, so for English. Knows no talk.
"""

from __future__ import annotations

import re

__all__ = ["FUNCTION_WORDS", "OWN", "content_words", "items_in", "noun_phrases"]

# Words that begin sentences and name nothing, and those that only connect.
FUNCTION_WORDS = frozenset(
    """a an the this that these those it its he she his her him they their them we you i my your our me
    us and or but so if as at by for from in into of on onto to with without about after before
    between during since until while when where who whom whose which what why how is are was were be
    been being do does did done has have had can could should would may might must will shall not no
    yes there here then than also only just very too any some all each both more most other others
    another such own same one two many much few several every either neither however although though
    because despite due per via over under again once ever never always already often still yet even get got
    go goes went please""".split()
)
WORD = re.compile(r"\w[\w'’-]*")
DETERMINED = re.compile(r"\b(the|an?|my|your|our|any|some)\s+", re.IGNORECASE)
MEASURED = re.compile(r"\b(?:how many|how much|which|what (?:kind|sort|type)s? of)\s+", re.IGNORECASE)
HAVING = re.compile(
    r"\b(?:have|get|offer|need|request|(?:apply|ask|pay) for)\s+"
    r"(?!(?:an?|the|to|my|your|our|any|some)\b)(?=[a-z-])",
    re.IGNORECASE,
)
DOING = re.compile(
    r"\b(?:do|does|did|can|could|should|may|must|will|would|are|were|have|has)\s+(?=[a-z-]+s\b)",
    re.IGNORECASE,
)
NOUN = re.compile(r"(?!.*['’](?:t|re|ve|ll|d|m)$|that['’]s)\w")
NO_THING = re.compile(
    r"(?:.*\d.*|mind|help|kind|morning|afternoon|evening|day|week|month|year|time|date|lot|bit|moment|way|works)s?$"
)
OWN = ("my", "your", "our")
NUMBERED = re.compile(r"(?:^|\s)(?:\d+[.)]|[-*•])\s+([^\n]+?)(?=\s+(?:\d+[.)]|[-*•])\s|$)", re.MULTILINE)
SERIES_ENDS = re.compile(r"[.?!;](?:\s|$)")
CHOICE = re.compile(r"\b(?:the|an?) [\w'’-]+(?: [\w'’-]+){0,2}$")


def content_words(text: str) -> list[str]:
    """The words that carry meaning, in order."""
    return [word for word in WORD.findall(text) if word.lower() not in FUNCTION_WORDS]


def noun_phrases(text: str) -> list[str]:
    """What a question speaks of without a name.

    >>> noun_phrases("How many days of leave do contractors get under the annual plan?")
    ['days of leave', 'contractors', 'the annual plan']
    """
    found: list[tuple[int, str]] = []
    for pattern in (DETERMINED, MEASURED, HAVING, DOING):
        for match in pattern.finditer(text):
            head = _run(text[match.end() :], most=1 if pattern is DOING else 4)
            article = match[1].lower() if pattern is DETERMINED else ""
            kept = article if article in OWN else "the" if article else ""
            if head and not NO_THING.match(head):
                found.append((match.start(), f"{kept} {head}".strip()))
    return [phrase for _, phrase in sorted(found)]


def _run(text: str, *, most: int) -> str:
    words: list[str] = []
    for match in re.finditer(r"[\w'’-]+|[^\w\s]", text):
        word = match[0]
        if word == "of" and words and "of" not in words and most > 1:
            words.append(word)
        elif len(words) >= most or word.lower() in FUNCTION_WORDS or not NOUN.match(word):
            break
        else:
            words.append(word)
    return " ".join(words[:-1] if words and words[-1] == "of" else words)


def items_in(text: str) -> list[str]:
    """What an answer enumerates: a list, or "A, B and C".

    >>> items_in("There are two: the basic plan and the premium plan.")
    ['the basic plan', 'the premium plan']
    """
    listed = [match[1].strip(" .;,") for match in NUMBERED.finditer(text)]
    if len(listed) > 1:
        items = [item.split(":")[0] for item in listed]
        return items if all(len(item.split()) <= 6 for item in items) else []
    series = SERIES_ENDS.split(text.partition(": ")[2] or text, maxsplit=1)[0]
    joint = " and " if " and " in series else " or "
    left, _, last = series.rpartition(joint)
    items = [item.strip() for item in [*left.rstrip(", ").split(", "), last]]
    first = CHOICE.search(items[0]) if len(items[0].split()) > 4 else None
    items[0] = first[0] if first else items[0]
    return items if all(0 < len(item.split()) <= 4 for item in items) else []
