"""A follow-up question completed by rule from what was said before: no model, no training, a millisecond.

What it points to and what it leaves out is put into words. A question that says by itself what it asks
comes back as it is, to the byte. Knows no retrieval.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from langchain_core.messages import BaseMessage

from .besides import besides_the_known
from .elliptic import OPENING, filled_in
from .implied import POINTS, about_the_title
from .noun_phrases import content_words
from .other_languages import completed_abroad, language_of
from .references import RESOLVERS, Resolver
from .small_talk import asks_nothing
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
    language = language_of(question, talk)
    if language != "english":
        abroad = completed_abroad(question, talk, language)
        return FollowUp(abroad[0], (abroad[1],)) if abroad else FollowUp(question)
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
    text = question
    carried: list[str] = []
    for resolve in resolvers:
        if resolve is about_the_title and carried and not talk.subject:
            continue  # what was carried over says it
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
