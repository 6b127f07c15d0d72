"""What was named before "any other", "what else": the new question asks for what is besides it.

English; knows no model.
"""

from __future__ import annotations

import re

from .implied import END, lowered
from .names import DATE, joined, names_in, with_article, works_in
from .noun_phrases import FUNCTION_WORDS, items_in
from .talk import Talk

__all__ = ["besides", "besides_the_known"]

LISTED = 3  # names of a list that go into the question

OTHER = re.compile(r"\b(?:others?|else|another|any ?more|additional)\b", re.IGNORECASE)
LISTING = re.compile(r"^\W*(?:who|which|what|any|are there|is there|name|list)\b", re.IGNORECASE)
BESIDES = re.compile(
    r"\b(?:besides|other than|aside from|apart from|except|in addition to|article|section|page)\b",
    re.IGNORECASE,
)
BEFORE_BRACKET = re.compile(r"(?: \([^()]*\))?[\s?.!]*$")
NO_ANSWER = re.compile(r"(?:\bnot|n['’]t|\bno) (?:know|find|found|say|answer)\b", re.IGNORECASE)
SERIES = re.compile(r", [^,.;]+(?:, |,? (?:and|or) )")  # "A, B and C", whatever stands beside the names


def besides_the_known(text: str, talk: Talk) -> tuple[str, str] | None:
    """ "Any other awards?": besides the one that was just named."""
    if not talk.subject and not LISTING.match(talk.question):
        return None
    if not OTHER.search(text) or BESIDES.search(text):
        return None
    known = besides(text, talk)
    end = BEFORE_BRACKET.search(text)
    if not known or not end:
        return None
    return f"{text[: end.start()]} besides {known}{text[end.start() :]}", known


def besides(text: str, talk: Talk) -> str:
    """What was named last: a work, a name, those of a list, or an answer of three words."""
    answer = next((told for told in reversed(talk.told) if not NO_ANSWER.search(told)), "")
    names = [name for name in talk.others(names_in(answer)) if name.lower() not in text.lower()]
    works = [name for name in talk.others(works_in(answer)) if name in names]
    listed = len(items_in(answer)) > 1 or (len(names) > 2 and SERIES.search(answer))
    named = [with_article(name, answer) for name in (works or names)[: LISTED if listed else 1]]
    if named:
        return joined(named)
    answer = END.sub("", answer)
    short = 0 < len(answer.split()) <= 3 and not DATE.search(answer)
    return (lowered(answer) if answer.split()[0].lower() in FUNCTION_WORDS else answer) if short else ""
