"""Questions of which most is left out: "Why?", "And for contractors?", "Any others?".

The rest stands in the question before; what is made of both is a question again. English; knows no model.
"""

from __future__ import annotations

import re

from .besides import besides
from .implied import END, lowered
from .names import names_in
from .noun_phrases import items_in, noun_phrases
from .references import RESOLVERS
from .talk import Talk

__all__ = ["CLAUSE", "OPENING", "filled_in"]

LONGEST = 300  # characters of a question before; a longer message is more than a question

AUXILIARY = (
    "is|are|was|were|do|does|did|can|could|should|may|must|will|would|has|have|had|am|isn't|aren't|don't|doesn't|"
    "didn't|can't|won't"
)
YES_NO = re.compile(rf"^\s*(?:{AUXILIARY})\b", re.IGNORECASE)
ASKED = re.compile(rf"^\s*(what|who|when|where|why|how|which)\b(?= (?:{AUXILIARY})\b)", re.IGNORECASE)
CLAUSE = re.compile(rf"^\s*(?:who|what|when|where|why|how|which|whose|tell|{AUXILIARY})\b", re.IGNORECASE)
VERB = re.compile(rf"\b(?:{AUXILIARY}|[Ii]|we|you|tell|explain)\b")  # not the month of May
OPENING = re.compile(
    r"^\s*(what about|how about|and what about|and|but|or|so|then|also)\b[\s,]*", re.IGNORECASE
)
BARE = re.compile(
    r"^\W*(?:(?:and|but|so|or)\W+)?(why|how|when|where|who|since when|until when|by whom|how long|how much|"
    r"how often|how many|how soon|by when|why not|how come|how so|what for)\W*$",
    re.IGNORECASE,
)
PREPOSITION = re.compile(
    r"^(?:even |also |only )?"
    r"(for|in|on|at|with|to|from|of|by|during|under|without|per|after|before|within|outside|via)\b",
    re.IGNORECASE,
)
CONDITION = re.compile(r"^\W*(?:what |even )?((?:if|unless|while)\b[^,]+)$", re.IGNORECASE)
MORE = re.compile(
    r"^\W*(?:(?:and|but|so|or)\W+)?(?:(what|who|where|how) else|any(?:thing| thing|one|body)? else|"
    r"(?:any|are there any|is there any|were there any) (?:others?|more)|others?|more)\W*$",
    re.IGNORECASE,
)


def filled_in(question: str, talk: Talk) -> tuple[str, str] | None:
    """The whole question and what was carried into it; None where the question is no fragment."""
    before = END.sub("", talk.question)
    if not before or len(before) > LONGEST or not (CLAUSE.match(before) or "?" in talk.question):
        return None
    bare = BARE.match(question)
    if bare:
        return _bare(bare[1].lower(), before)
    if MORE.match(question) and not talk.subject:
        return _more(question, before, talk)
    opening = OPENING.match(question)
    if not opening and "?" not in question:
        return None  # "In Oakland", said where the answer asked for a place
    rest = END.sub("", question[opening.end() :] if opening else question)
    for resolve in RESOLVERS:
        found = resolve(rest, talk)
        rest = found[0] if found else rest
    condition = CONDITION.match(rest) if not talk.subject else None
    if condition:
        return f"{before} {lowered(condition[1])}?", before
    if not rest or CLAUSE.match(rest) or VERB.search(rest):
        return None
    words = len(rest.split())
    if PREPOSITION.match(rest) and words <= 8:
        return f"{_without_same(before, rest)} {lowered(rest)}?", before
    item = _instead(before, rest, talk) or (opening and _other_name(before, rest, talk))
    if item:
        return f"{item}?", before
    if (opening and words <= 8) or (words <= 2 and not talk.subject):
        return f"{before}, and {rest}?", before
    return None


def _bare(asked: str, before: str) -> tuple[str, str]:
    """ "Why?", "When?" after a question."""
    if YES_NO.match(before):
        return f"{asked.capitalize()}{':' if 'not' in asked else ''} {lowered(before)}?", before
    if " " not in asked and asked != "why" and ASKED.match(before):
        return f"{ASKED.sub(asked.capitalize(), before)}?", before
    return f"{before}, and {asked}?", before


def _more(question: str, before: str, talk: Talk) -> tuple[str, str]:
    """ "What else?", "Any others?"."""
    match = MORE.match(question)
    word = match[1] if match else None
    known = besides(before, talk)
    tail = f" besides {known}?" if known else "?"
    if word and before.lower().startswith(f"{word.lower()} "):
        return f"{before[: len(word)]} else{before[len(word) :]}{tail}", before
    phrases = noun_phrases(before)
    if phrases and not word:
        thing = re.sub(r"^(?:the|my|your|our) ", "", phrases[0])
        return f"Any other {thing}{tail}", phrases[0]
    return f"{before}, and {END.sub('', question).lower().removeprefix('and ')}{tail}", before


def _instead(before: str, rest: str, talk: Talk) -> str:
    """The question before with another item of the same list: "And the third?" """
    for told in reversed(talk.told):
        items = items_in(told)
        if rest in items:
            other = next((item for item in items if item in before), "")
            return before.replace(other, rest) if other else ""
    return ""


def _other_name(before: str, rest: str, talk: Talk) -> str:
    """The question before with another name for its only one: "What about Spain?" """
    names = list(talk.others(names_in(before)))
    name = rest.removeprefix("the ")
    if len(names) != 1 or names_in(f"of {name}") != (name,):
        return ""
    return re.sub(rf"\b(?:the )?{re.escape(names[0])}\b", lambda _: rest, before)


def _without_same(before: str, rest: str) -> str:
    """The question before without its end that begins with the same preposition: that end is replaced."""
    preposition = PREPOSITION.sub(r"\1", rest).split()[0]
    return re.sub(rf",? {preposition} [\w'’-]+(?: [\w'’-]+){{0,3}}$", "", before, flags=re.IGNORECASE)
