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
from .mentions import FUNCTION_WORDS, Talk, content_words, folded, names_in, noun_phrases, talk_of, works_in
from .references import RESOLVERS, Resolver
from .stop_words import stop_words

__all__ = ["FollowUp", "complete"]

LONGEST = 500  # characters; a longer question has said what it is about
LOOKED_BACK = 3  # earlier questions that are completed in their turn, so that names reach over several turns

AUXILIARY = (
    "is|are|was|were|do|does|did|can|could|should|may|must|will|would|has|have|had|am|isn't|aren't|don't|doesn't|"
    "didn't|can't|won't"
)
YES_NO = re.compile(rf"^\s*(?:{AUXILIARY})\b", re.IGNORECASE)
ASKED = re.compile(rf"^\s*(what|who|when|where|why|how|which)\b(?= (?:{AUXILIARY})\b)", re.IGNORECASE)
CLAUSE = re.compile(rf"^\s*(?:who|what|when|where|why|how|which|whose|tell|{AUXILIARY})\b", re.IGNORECASE)
VERB = re.compile(rf"\b(?:{AUXILIARY}|i|we|you|tell|explain)\b", re.IGNORECASE)
OPENING = re.compile(
    r"^\s*(what about|how about|and what about|and|but|or|so|then|also)\b[\s,]*", re.IGNORECASE
)
BARE = re.compile(
    r"^\W*(?:(?:and|but|so|or)\W+)?(why|how|when|where|who|since when|until when|by whom|how long|how much|"
    r"how often|how many|how soon|by when|why not|how come|how so|what for)\W*$",
    re.IGNORECASE,
)
PREPOSITION = re.compile(
    r"^(for|in|on|at|with|to|from|of|by|during|under|without|per|after|before|within|outside|via)\b",
    re.IGNORECASE,
)
MORE = re.compile(
    r"^\W*(?:(?:and|but|so|or)\W+)?(?:(what|who|where|how) else|any(?:thing| thing|one|body)? else|"
    r"(?:any|are there any|is there any|were there any) (?:others?|more)|others?|more)\W*$",
    re.IGNORECASE,
)
OTHER = re.compile(r"\b(?:others?|else|another|any ?more|additional)\b", re.IGNORECASE)
BESIDES = re.compile(r"\b(?:besides|other than|aside from|apart from|except|in addition to)\b", re.IGNORECASE)
DEFINES = re.compile(
    r"^\W*(?:what|who)(?: is|'s| are| was| were| does)(?: meant by)? (?:an? |some )?"
    r"((?:[\w'-]+\s?){1,3}?)(?: mean)?\W*$",
    re.IGNORECASE,
)
VAGUE = frozenset(
    {"next", "different", "important", "interesting", "unique", "eligible", "included", "covered"}
)
POINTS = re.compile(
    r"\b(?:it|its|they|them|their|theirs|he|him|his|she|her|hers|this|that|these|those|there|others?|else|another|one|"
    r"ones|former|latter|then|same)\b",
    re.IGNORECASE,
)
END = re.compile(r"[\s?.!]*$")


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
    if not history or not question.strip() or len(question) > LONGEST:
        return FollowUp(question, alone=True)
    talk = talk_of(history)
    language = _language(question, talk)
    if language != "english":
        return _foreign(question, talk, language)
    asked: list[str] = []
    for earlier in talk.raw[-LOOKED_BACK:]:
        short = len(earlier) <= LONGEST
        asked.append(
            _completed(earlier, replace(talk, asked=tuple(asked)), RESOLVERS).text if short else earlier
        )
    return _completed(question, replace(talk, asked=tuple(asked)), (*RESOLVERS, _others, _anchored))


def _completed(question: str, talk: Talk, resolvers: Sequence[Resolver]) -> FollowUp:
    elliptic = _elliptic(question, talk)
    if elliptic:
        return elliptic
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


# -- what is left out --------------------------------------------------------------------------------------


def _elliptic(question: str, talk: Talk) -> FollowUp | None:
    """A question that is only a part of one: the rest is in the question before."""
    before = END.sub("", talk.question)
    if not before:
        return None
    bare = BARE.match(question)
    if bare:
        return _bare(bare[1].lower(), before, talk)
    if MORE.match(question) and not talk.subject:
        return _more(question, before, talk)
    opening = OPENING.match(question)
    rest = END.sub("", question[opening.end() :] if opening else question)
    for resolve in RESOLVERS:
        found = resolve(rest, talk)
        rest = found[0] if found else rest
    if not rest or CLAUSE.match(rest) or VERB.search(rest):
        return None
    words = len(rest.split())
    if PREPOSITION.match(rest) and words <= 8:
        return FollowUp(f"{_without_same(before, rest)} {rest}?", (before,))
    if (opening and words <= 8) or (words <= 2 and not talk.subject):
        return FollowUp(f"{before}, and {rest}?", (before,))
    return None


def _lower(question: str) -> str:
    return question[0].lower() + question[1:]


def _bare(asked: str, before: str, talk: Talk) -> FollowUp:
    """ "Why?", "When?" after a question."""
    if YES_NO.match(before):
        return FollowUp(f"{asked.capitalize()} {_lower(before)}?", (before,))
    if asked in ("why", "why not", "how so", "how come") and len(talk.answer.split()) > 3:
        said = " ".join(re.split(r"(?<=[.!?])\s", talk.answer)[0].split()[:25]).rstrip(".!?,")
        return FollowUp(f"{asked.capitalize()}: {said}?", (said,))
    if " " not in asked and ASKED.match(before):
        return FollowUp(f"{ASKED.sub(asked.capitalize(), before)}?", (before,))
    return FollowUp(f"{before}, {asked}?", (before,))


def _more(question: str, before: str, talk: Talk) -> FollowUp:
    """ "What else?", "Any others?"."""
    match = MORE.match(question)
    word = match[1] if match else None
    besides = _besides(before, talk)
    tail = f" besides {besides}?" if besides else "?"
    if word and before.lower().startswith(f"{word.lower()} "):
        return FollowUp(f"{before[: len(word)]} else{before[len(word) :]}{tail}", (before,))
    phrases = noun_phrases(before)
    if phrases and not word:
        thing = re.sub(r"^(?:the|my|your|our) ", "", phrases[0])
        return FollowUp(f"Any other {thing}{tail}", (phrases[0],))
    return FollowUp(f"{before}, and {END.sub('', question).lower().removeprefix('and ')}{tail}", (before,))


def _without_same(before: str, rest: str) -> str:
    """The question before without its end that begins with the same preposition: that end is replaced."""
    preposition = rest.split()[0]
    return re.sub(rf",? {preposition} (?:[\w'’-]+ ?){{1,4}}$", "", before, flags=re.IGNORECASE)


# -- what is taken for granted -----------------------------------------------------------------------------


def _others(text: str, talk: Talk) -> tuple[str, str] | None:
    """ "Any other awards?": besides the one that was just named."""
    if not OTHER.search(text) or BESIDES.search(text) or re.search(r"\b(?:article|section|page)\b", text):
        return None
    besides = _besides(text, talk)
    end = END.search(text)
    if not besides or not end:
        return None
    return f"{text[: end.start()]} besides {besides}{text[end.start() :]}", besides


def _besides(text: str, talk: Talk) -> str:
    names = [name for name in talk.others(names_in(talk.answer)) if name.lower() not in text.lower()]
    works = [name for name in talk.others(works_in(talk.answer)) if name in names]
    named = works[:3] or names[:1]
    if named:
        return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)
    answer = END.sub("", talk.answer)
    return _lower(answer) if 0 < len(answer.split()) <= 5 and "know" not in answer else ""


def _anchored(text: str, talk: Talk) -> tuple[str, str] | None:
    """A question that names nothing, in a talk with a title, is about the title."""
    if not talk.subject or talk.names_subject(text) or _is_definition(text) or names_in(text):
        return None
    low = folded(text)
    if any(name in low for name in talk.known) or re.search(r"\bare we (?:talking|speaking)\b", low):
        return None
    end = END.search(text)
    if not end:
        return None
    how = "to" if re.search(r"\bhappen", low) else "of"
    return f"{text[: end.start()]} {how} {talk.subject}{text[end.start() :]}", talk.subject


def _is_definition(text: str) -> bool:
    match = DEFINES.match(text)
    return bool(match) and not set(match[1].lower().split() if match else ()) & (FUNCTION_WORDS | VAGUE)


# -- other languages ---------------------------------------------------------------------------------------


def _language(question: str, talk: Talk) -> str:
    """The question's language; a short one is taken to be in the language of the questions before."""
    own = detect_language(question)
    if own != "english" or re.search(r"\b(?:the|what|how|who|which|is|are|does)\b", question, re.IGNORECASE):
        return own
    around = detect_language(" ".join((*talk.raw[-LOOKED_BACK:], question)))
    return around


def _foreign(question: str, talk: Talk, language: str) -> FollowUp:
    """Where a question of few words has said next to nothing, the words of the question before."""
    words = stop_words(language)
    said = [word for word in re.findall(r"\w[\w'’-]*", question) if word.lower() not in words]
    before = [word for word in re.findall(r"\w[\w'’-]*", talk.question) if word.lower() not in words]
    if len(said) > 2 or len(question.split()) > 6 or not before:
        return FollowUp(question)
    missing = " ".join(word for word in before if word.lower() not in question.lower())
    return FollowUp(f"{END.sub('', question)}, {missing}?", (missing,)) if missing else FollowUp(question)
