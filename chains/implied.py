"""What a short question takes for granted: the title of the talk, or what the question before was about.

English; knows no model.
"""

from __future__ import annotations

import re

from .names import DATE
from .noun_phrases import FUNCTION_WORDS, content_words, noun_phrases
from .talk import Talk

__all__ = ["END", "POINTS", "about_the_title", "at_the_end", "lowered"]

KEPT = 6  # words of the question before

DEFINES = re.compile(
    r"^\W*(?:what|who)(?: is|'s| are| was| were| does)(?: meant by)? (?:an? |some )?"
    r"((?:[\w'-]+\s?){1,3}?)(?: mean)?\W*$",
    re.IGNORECASE,
)
VAGUE = frozenset(
    {"next", "different", "important", "interesting", "unique", "eligible", "included", "covered"}
)
OWN = re.compile(r"\b(?:i|we|my|our|you|your)\b", re.IGNORECASE)
POINTS = re.compile(
    r"\b(?:it|its|they|them|their|theirs|he|him|his|she|her|hers|this|that|these|those|there|others?|else|another|one|"
    r"ones|former|latter|then|same)\b",
    re.IGNORECASE,
)
TAKES = re.compile(r"\btakes?\b", re.IGNORECASE)
SAME = re.compile(r"\bthe same\b", re.IGNORECASE)
SAYS_LITTLE = frozenset("long take takes often soon different".split())
HAPPENED = re.compile(r"^\W*(?:\w+ )?what (?:else |really )?(?:has |had )?happen(?:s|ed)?\b", re.IGNORECASE)
ASKS_OF = re.compile(
    r"^\W*wh(?:at|o) (?:is|are|was|were) (?:the|some) (?:[\w-]+ ){0,2}[\w-]+\W*$", re.IGNORECASE
)
OF_THE_TALK = re.compile(
    r"\bwe (?:talking|speaking)\b|^(?!.*\b(?:other|else)\b).*\bth(?:e|is) (?:article|section|page)\b"
)
END = re.compile(r"[\s?.!？。]*$")
STARTS = re.compile(
    r"^\W*(?:who|what|when|where|which|how|is|are|was|were|do(?= \w+s\b)|does|did|any)\b", re.IGNORECASE
)


def lowered(question: str) -> str:
    """With a small first letter, to stand inside a sentence."""
    return question[0].lower() + question[1:]


def about_the_title(text: str, talk: Talk) -> tuple[str, str] | None:
    """A short question that names nothing is about the title of the talk, else about the question before."""
    if OF_THE_TALK.search(text.lower()) or _is_definition(text):
        return None
    if not talk.subject:
        return _about_the_question_before(text, talk)
    words = len(content_words(text))
    whole = (words > 2 and not POINTS.search(text)) or (words > 1 and OWN.search(text))
    if whole or not (talk.headed or _says_little(text)):
        return None
    if talk.names_subject(text) or talk.names_known(text) or _names_aspect(text, talk):
        return None
    happened = HAPPENED.match(text)
    if happened:
        return f"{happened[0]} to {talk.subject}{text[happened.end() :]}", talk.subject
    about = f"of {talk.subject}" if ASKS_OF.match(text) else f"({talk.subject})"
    return at_the_end(text, about), talk.subject


def _about_the_question_before(text: str, talk: Talk) -> tuple[str, str] | None:
    """In brackets, where a short question says next to nothing: "How long does that take?"."""
    if not _says_little(text) or talk.names_known(text) or not STARTS.match(text):
        return None
    thing = next(iter(noun_phrases(talk.question)), "")
    named = not OWN.match(thing) and " " in thing.removeprefix("the ") and not TAKES.search(text)
    about = thing if named else " ".join(content_words(talk.question)[:KEPT])
    if not named and "?" not in talk.question:
        return None  # "Sounds good to me."
    return (at_the_end(text, f"({about})"), about) if about else None


def _says_little(text: str) -> bool:
    """Whether a question has one word of its own, or "the same"; one that speaks of "my" things has more."""
    said = [word for word in content_words(text) if not DATE.match(word)]
    empty = len(said) < 2 or SAYS_LITTLE.issuperset(word.lower() for word in said)
    return not OWN.search(text) and (empty or bool(SAME.search(text)))


def at_the_end(text: str, what: str) -> str:
    """The question with something before its question mark."""
    end = END.search(text)
    place = end.start() if end else len(text)
    return f"{text[:place]} {what}{text[place:]}"


def _names_aspect(text: str, talk: Talk) -> bool:
    """Whether the question has every word of the second title, in whatever form."""
    words = {_root(word) for word in content_words(talk.title)}
    return bool(words) and words <= {_root(word) for word in content_words(text)}


def _root(word: str) -> str:
    return re.sub(r"(?:ies|es|s|y)$", "", word.lower())


def _is_definition(text: str) -> bool:
    match = DEFINES.match(text)
    return bool(match) and not set(match[1].lower().split() if match else ()) & (FUNCTION_WORDS | VAGUE)
