"""What a pointing word can stand for: the names, things, lists and places of the last turns, likeliest first.

English; replaces nothing and knows no model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .names import KINDS, joined, names_in, owner, with_article, works_in
from .noun_phrases import FUNCTION_WORDS, OWN, items_in, noun_phrases
from .talk import Talk, bare, folded

__all__ = [
    "KIND",
    "PLACE_TOLD",
    "full_name",
    "list_spoken_of",
    "of_subject",
    "place_told",
    "several",
    "thing",
]

KIND = re.compile(rf"^(?:{KINDS})s?$", re.IGNORECASE)
PLACED = re.compile(r"\b(?:in|at|from|near|on|to) (?:the )?$", re.IGNORECASE)
WHERE_IS = re.compile(
    r"^\W*(?:and )?(?:where(?: exactly)? is|how do (?:i|we) (?:find|get to)) (?:it|that|this)\b",
    re.IGNORECASE,
)
# "Go to the front desk": how and where.
PLACE_TOLD = re.compile(
    r"\b((?i:to|at|in|on|near|from) the )([a-z-]+"
    r"(?: (?!(?:is|and|or|of|on|in|at|for|with|by|to|from|behind|near|next|above|below)\b)[a-z-]+)?)"
)
SEVERAL = re.compile(r"(?:\b[a-z-]+ )?\b[a-z-]{3,}s\b")
VERBS = frozenset("sounds looks seems works thanks says does guess needs wants".split())
NO_PLURAL = re.compile(r"(?:ss|us|is)$")


def thing(text: str, talk: Talk, *, plural: bool = False) -> str:
    """What was spoken of last and is not in the question yet: a name, the subject, else a thing."""
    low = text.lower()
    for name in _things(talk, plural):
        head = name.split()[-1]
        if name.lower() not in low and not (name[0].islower() and re.search(rf"\b{re.escape(head)}\b", low)):
            return name
    return ""


def _things(talk: Talk, plural: bool) -> Iterator[str]:
    works = () if not talk.subject and len(items_in(talk.answer)) > 1 else works_in(talk.answer)
    where: list[str] = []  # "in France": rather the thing that is there
    for said, names in ((talk.question, names_in(talk.question)), (talk.answer, works)):
        if talk.aspect and folded(talk.title) in folded(said):
            yield talk.title
        for name in talk.others(names):
            if not talk.subject and PLACED.search(said[: max(0, said.find(name))]):
                where.append(name)
            else:
                yield with_article(name, said)
    if talk.subject:
        yield talk.subject
    told = [name for name in talk.others(names_in(talk.answer)) if " " in name]
    if len(told) == 1:  # "I recommend Hunan Chef."
        yield with_article(told[0], talk.answer)
    phrases = noun_phrases(talk.question)
    yield from sorted(phrases, key=lambda phrase: phrase.endswith("s") != plural)
    yield from where
    if not talk.subject and not names_in(talk.answer):
        yield from [
            phrase for phrase in noun_phrases("".join(talk.asked[-2:-1])) if not phrase.startswith(OWN)
        ]


def of_subject(name: str, talk: Talk) -> str:
    """The name as something of the talk's subject: "The Cult's Ceremony"."""
    apart = talk.subject and not talk.names_subject(name) and name[0].isupper()
    return f"{owner(talk.subject)} {name}" if apart else name


def full_name(noun: str, text: str, talk: Talk) -> str:
    """The name in the last turns that the noun is the head of: "policy" in "Travel Policy"."""
    head = re.compile(rf"\b{re.escape(noun)}(?:$| of )", re.IGNORECASE)
    for said in (talk.question, talk.answer, *reversed(talk.asked), *reversed(talk.raw)):
        for name in map(bare, talk.others(names_in(said))):
            if head.search(name) and " " in name and name.lower() not in text.lower():
                return name if name.lower().startswith("the ") else f"the {name}"
    return ""


def list_spoken_of(talk: Talk) -> str:
    """The list of the last answer, else of the one that has what the last question names."""
    for told in reversed(talk.told):
        items = items_in(told)
        if 1 < len(items) <= 4 and (told == talk.answer or any(item in talk.question for item in items)):
            return joined(items)
    return ""


def several(question: str) -> str:
    """The last things that a question names without a word before them: "carry over unused days"."""
    for match in reversed(list(SEVERAL.finditer(question))):
        words = [word for word in match[0].split() if word.lower() not in FUNCTION_WORDS]
        if (
            words
            and words[-1] == match[0].split()[-1]
            and words[-1] not in VERBS
            and not NO_PLURAL.search(words[-1])
        ):
            return " ".join(words)
    return ""


def place_told(text: str, talk: Talk) -> str:
    """Where somebody asks where that is: the place that the answer sent them to."""
    told = PLACE_TOLD.findall(talk.answer) if WHERE_IS.match(text) and not talk.subject else []
    return f"the {told[-1][1]}" if told else ""
