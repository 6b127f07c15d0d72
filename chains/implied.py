"""What a whole question takes for granted: the title of the talk, or what was named before "any other".

English; knows no model.
"""

from __future__ import annotations

import re

from .mentions import DATE, FUNCTION_WORDS, Talk, content_words, names_in, noun_phrases, works_in
from .references import with_article

__all__ = ["END", "POINTS", "about_the_title", "besides", "besides_the_known", "lowered"]

OTHER = re.compile(r"\b(?:others?|else|another|any ?more|additional)\b", re.IGNORECASE)
LISTING = re.compile(r"^\W*(?:who|which|what|any|are there|is there|name|list)\b", re.IGNORECASE)
BESIDES = re.compile(r"\b(?:besides|other than|aside from|apart from|except|in addition to)\b", re.IGNORECASE)
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
ASKS_OF = re.compile(
    r"^\W*wh(?:at|o) (?:is|are|was|were) (?:the|some) (?:[\w-]+ ){0,2}[\w-]+\W*$", re.IGNORECASE
)
OF_THE_TALK = re.compile(
    r"\bwe (?:talking|speaking)\b|^(?!.*\b(?:other|else)\b).*\bth(?:e|is) (?:article|section|page)\b"
)
BEFORE_BRACKET = re.compile(r"(?: \([^()]*\))?[\s?.!]*$")
NO_ANSWER = re.compile(r"(?:\bnot|n['’]t|\bno) (?:know|find|found|say|answer)\b", re.IGNORECASE)
END = re.compile(r"[\s?.!？。]*$")
STARTS = re.compile(r"^\W*(?:who|what|when|where|which|how|is|are|was|were|any)\b", re.IGNORECASE)


def besides_the_known(text: str, talk: Talk) -> tuple[str, str] | None:
    """ "Any other awards?": besides the one that was just named."""
    if not talk.subject and not LISTING.match(talk.question):
        return None
    if not OTHER.search(text) or BESIDES.search(text) or re.search(r"\b(?:article|section|page)\b", text):
        return None
    known = besides(text, talk)
    end = BEFORE_BRACKET.search(text)
    if not known or not end:
        return None
    return f"{text[: end.start()]} besides {known}{text[end.start() :]}", known


def besides(text: str, talk: Talk) -> str:
    """What was named last: the works, or up to three names, or an answer of three words."""
    answer = next((told for told in reversed(talk.told) if not NO_ANSWER.search(told)), "")
    names = [name for name in talk.others(names_in(answer)) if name.lower() not in text.lower()]
    works = [name for name in talk.others(works_in(answer)) if name in names]
    named = [with_article(name, answer) for name in (works or names)[:3]]
    if named:
        return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)
    answer = END.sub("", answer)
    return lowered(answer) if 0 < len(answer.split()) <= 3 and not DATE.match(answer) else ""


def lowered(question: str) -> str:
    """With a small first letter, to stand inside a sentence."""
    return question[0].lower() + question[1:]


def about_the_title(text: str, talk: Talk) -> tuple[str, str] | None:
    """A short question that names nothing is about the title of the talk, else about the question before."""
    words = len(content_words(text))
    if words > 2 and not POINTS.search(text):
        return None
    if (words > 1 and OWN.search(text)) or talk.names_known(text) or _is_definition(text):
        return None
    end = END.search(text)
    if not end or OF_THE_TALK.search(text.lower()):
        return None
    if not talk.subject:
        thing = next(iter(noun_phrases(talk.question)), "")
        named = not OWN.match(thing) and " " in thing.removeprefix("the ")
        about = thing if named else " ".join(content_words(talk.question)[:6])
        undated = [word for word in content_words(text) if not DATE.match(word)]
        if len(undated) > 1 or not about or OWN.search(text) or not STARTS.match(text):
            return None
        return f"{text[: end.start()]} ({about}){text[end.start() :]}", about
    if talk.names_subject(text) or _names_aspect(text, talk):
        return None
    how = "to" if "happen" in text.lower() else "of" if ASKS_OF.match(text) else ""
    about = f"{how} {talk.subject}" if how else f"({talk.subject})"
    return f"{text[: end.start()]} {about}{text[end.start() :]}", talk.subject


def _names_aspect(text: str, talk: Talk) -> bool:
    """Whether the question has every word of the second title, in whatever form."""
    words = {_root(word) for word in content_words(talk.title)}
    return bool(words) and words <= {_root(word) for word in content_words(text)}


def _root(word: str) -> str:
    return re.sub(r"(?:ies|es|s|y)$", "", word.lower())


def _is_definition(text: str) -> bool:
    match = DEFINES.match(text)
    return bool(match) and not set(match[1].lower().split() if match else ()) & (FUNCTION_WORDS | VAGUE)
