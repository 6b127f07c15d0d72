"""A follow-up question completed by rule from what was said before: no model, no training, a millisecond.

What it points to and what it leaves out is put into words. A question that says by itself what it asks
comes back as it is, to the byte. Knows no retrieval.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from langchain_core.messages import BaseMessage

from .analyser import detect_language
from .besides import besides_the_known
from .elliptic import OPENING, filled_in
from .implied import END, POINTS, about_the_title, at_the_end
from .noun_phrases import FUNCTION_WORDS, content_words
from .references import RESOLVERS, Resolver
from .small_talk import asks_nothing
from .stop_words import stop_words
from .talk import Talk, talk_of

__all__ = ["FollowUp", "complete"]

LONGEST = 500  # characters; a longer question has said what it is about
LOOKED_BACK = 3  # earlier questions that are completed in their turn, so that names reach over several turns

SENTENCES = re.compile(r"(?<=[.!?]) +(?=\S)")
SHORT = re.compile(r"[^?]{1,24}$")
ASKING = re.compile(
    r"\W*(?:(?:and|but|so|or|also|then)\b\W*)?(?:who|whose|what|when|where|why|how|which|is|are|was|were|do|does|"
    r"did|can|could|should|may|must|will|would|has|have|had|any|anything|anyone|tell me|explain|show me|"
    r"describe|list|other|others|more|most|and|but)\b",
    re.IGNORECASE,
)
UNMISTAKABLE = frozenset("the what how who which when where why does did were they your".split())
ENGLISH = re.compile(rf"\b(?:{'|'.join(sorted(UNMISTAKABLE))})\b", re.IGNORECASE)
NEIGHBOURS = ("german", "french", "spanish", "italian", "portuguese", "dutch")


@dataclass(frozen=True)
class FollowUp:
    """The question that stands alone and what was carried into it; `alone`: it surely stood alone before."""

    text: str
    carried: tuple[str, ...] = ()
    alone: bool = False


def complete(question: str, history: Sequence[BaseMessage]) -> FollowUp:
    """The question with what it leaves open taken from the talk; itself if it is complete.

    >>> from langchain_core.messages import HumanMessage
    >>> complete("And for part-time staff?", [HumanMessage("How many days of leave are there?")]).text
    'How many days of leave are there for part-time staff?'
    >>> complete("Who approves it?", [HumanMessage("What is the Travel Policy?")]).text
    'Who approves the Travel Policy?'
    >>> complete("And how do I reset my password?", [HumanMessage("What is the Travel Policy?")]).text
    'And how do I reset my password?'
    """
    if not history or len(question) > LONGEST or asks_nothing(question):
        return FollowUp(question, alone=True)
    talk = talk_of(history)
    if not talk.subject and " ".join(question.split()) == next(iter(talk.raw), ""):
        return FollowUp(question, alone=True)  # the first question once more: nothing was before it
    aside, question = _last_sentence(question)
    made = _in_its_language(question, talk) if _asks(question) else FollowUp(question)
    return replace(made, text=aside + made.text)


def _last_sentence(message: str) -> tuple[str, str]:
    """What of a message is asked: all of it, or what follows on "Okay." and "That sounds good."."""
    sentences = SENTENCES.split(message)
    if len(sentences) > 1 and all(SHORT.match(one) for one in sentences[:-1]):
        return message[: len(message) - len(sentences[-1])], sentences[-1]
    return "", message


def _asks(question: str) -> bool:
    """Whether it is one question, and no order, report, or reply to a question of the answer."""
    return len(SENTENCES.split(question)) == 1 and ("?" in question or bool(ASKING.match(question)))


def _in_its_language(question: str, talk: Talk) -> FollowUp:
    language = _language(question, talk)
    if language != "english":
        return _foreign(question, talk, language)
    asked: list[str] = []
    earlier_resolvers = RESOLVERS if talk.subject else (*RESOLVERS, about_the_title)
    for index in range(max(0, len(talk.raw) - LOOKED_BACK), len(talk.raw)):
        earlier = talk.raw[index]
        asked.append(_completed(earlier, talk.until(index, asked), earlier_resolvers).text)
    return _completed(
        question, replace(talk, asked=tuple(asked)), (*RESOLVERS, about_the_title, besides_the_known)
    )


def _completed(question: str, talk: Talk, resolvers: Sequence[Resolver]) -> FollowUp:
    whole = filled_in(question, talk)
    if whole:
        return FollowUp(whole[0], (whole[1],))
    text, carried = question, []
    for resolve in resolvers:
        found = resolve(text, talk)
        if found:
            text, what = found
            carried.append(what)
    return FollowUp(text, tuple(dict.fromkeys(carried)), not carried and _stands_alone(question, talk))


def _stands_alone(question: str, talk: Talk) -> bool:
    """Whether nothing in the question points back, by a word or by a thing just spoken of."""
    if POINTS.search(question) or len(content_words(question)) < 2 or OPENING.match(question):
        return False
    near = {word.lower() for word in content_words(f"{talk.question} {talk.answer}")}
    definite = re.findall(r"\bthe (?:[\w-]+ )?([\w-]+)", question.lower())
    return not any(noun in near for noun in definite)


# -- other languages ---------------------------------------------------------------------------------------


def _language(question: str, talk: Talk) -> str:
    """The question's language; a short one is taken to be in the language of the questions before."""
    if ENGLISH.search(question):
        return "english"
    own = detect_language(question)
    if own != "english" or not re.search(r"[A-Za-z]", question):
        return own if own != "english" else "unknown"
    words = set(re.findall(r"\w+", " ".join((*talk.raw[-LOOKED_BACK:], question)).lower()))
    if words & UNMISTAKABLE:
        return "english"
    hits = {language: len(words & stop_words(language)) for language in NEIGHBOURS}
    best = max(NEIGHBOURS, key=lambda language: hits[language])
    return best if hits[best] > max(1, len(words & FUNCTION_WORDS)) else "english"


def _foreign(question: str, talk: Talk, language: str) -> FollowUp:
    """Behind a question of so few words that it says next to nothing, the question before in brackets."""
    words = stop_words(language)
    said = [word for word in re.findall(r"\w[\w'’-]*", question) if word.lower() not in words]
    before = END.sub("", talk.raw[-1]) if talk.raw else ""
    if len(said) > 2 or len(question.split()) > 6 or not before or before in question:
        return FollowUp(question)
    return FollowUp(at_the_end(question, f"({before})"), (before,))
