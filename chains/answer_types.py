"""What kind of thing a question asks for, and whether a sentence holds one.

English cues only; a question in another language has the type "other", for which nothing is claimed.
Knows no encoder and no store.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Literal, get_args

__all__ = ["ANSWER_TYPES", "AnswerType", "answer_type", "holds"]

AnswerType = Literal["person", "date", "number", "place", "reason", "name", "other"]
ANSWER_TYPES: tuple[AnswerType, ...] = get_args(AnswerType)

# The first pattern that matches decides, so "how many years" is a number and "what year" a date.
QUESTIONS: tuple[tuple[AnswerType, re.Pattern[str]], ...] = (
    (
        "number",
        re.compile(
            r"\bhow (many|much|often|long|far|old|large|big|tall|high|deep|fast|wide|soon|frequently)\b"
            r"|\b(what|which)\b[^,?]{0,30}\b(percent\w*|number|amount|proportion|rate|population|price|cost"
            r"|fee|size|length|distance|temperature|age|limit|maximum|minimum|ratio|fraction|version|port)\b",
            re.I,
        ),
    ),
    (
        "date",
        re.compile(
            r"\bwhen\b|\b(what|which)\b[^,?]{0,25}\b(year|date|day|month|century|decade|time|period|era)s?\b"
            r"|\bhow (recently|early|late)\b",
            re.I,
        ),
    ),
    ("reason", re.compile(r"\bwhy\b|\bwhat\b[^?]{0,25}\b(reasons?|causes?|caused)\b|\bhow come\b", re.I)),
    (
        "place",
        re.compile(
            r"\bwhere\b|\b(what|which)\b[^,?]{0,25}\b(city|cities|country|countries|state|place|region|town"
            r"|location|continent|area|river|island|province|county|village|nation|street)\b",
            re.I,
        ),
    ),
    ("person", re.compile(r"\bwho(m|se)?\b", re.I)),
    ("name", re.compile(r"\b(what|which)\b[^?]{0,30}\b(named?|called|title|term)\b|^which\b", re.I)),
)

NUMBER = re.compile(
    r"\d|\b(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|hundred"
    r"|thousand|million|billion|half|third|quarter|once|twice|dozen|several|most|daily|weekly|monthly"
    r"|yearly|annual(ly)?)\b",
    re.I,
)
DATE = re.compile(
    r"\b(1[0-9]{3}|20[0-9]{2})s?\b|\b\d+(st|nd|rd|th)\b|\bcentur(y|ies)\b|\bdecades?\b"
    r"|\b(january|february|march|april|june|july|august|september|october|november|december)\b"
    r"|\b(mon|tues|wednes|thurs|fri|satur|sun)day\b|\b\d+ (days?|weeks?|months?|years?|hours?|minutes?)\b",
    re.I,
)
REASON = re.compile(
    r"\b(because|due to|since|as a result|result(s|ed|ing)? (in|from)|caus\w+|reasons?|therefore|thus|so that"
    r"|in order to|led to|leads to|owing to|to (avoid|ensure|prevent|allow|protect))\b",
    re.I,
)
PLACE = re.compile(r"\b(in|at|from|near|to|of|on|into|across|throughout)\s+(the\s+)?[A-Z]")
CAPITALISED = re.compile(r"(?<!^)\b[A-Z][\w'’-]+")


def answer_type(question: str) -> AnswerType:
    """The type of answer that the question's own words announce.

    >>> answer_type("How many days of leave do I get?"), answer_type("Who approves it?")
    ('number', 'person')
    """
    return next((kind for kind, pattern in QUESTIONS if pattern.search(question)), "other")


def holds(kind: AnswerType, sentence: str, *, asked: Collection[str] = ()) -> bool:
    """Whether the sentence holds something of this type that is not among the question's words.

    `asked`: the question's words in lower case; a year that the question names is no answer to "when".
    The type "other" announces nothing, so nothing can be missing: always true.

    >>> holds("date", "It was founded in 1911.", asked={"1911"}), holds("date", "Founded in 1911.")
    (False, True)
    """
    if kind == "other":
        return True
    if kind in ("person", "name"):
        return any(match.lower() not in asked for match in CAPITALISED.findall(sentence))
    if kind == "reason":
        return REASON.search(sentence) is not None
    pattern = {"number": NUMBER, "date": DATE, "place": PLACE}[kind]
    if pattern.search(sentence) is None:
        return False
    rest = " ".join(word for word in sentence.split() if word.strip(".,;:()\"'").lower() not in asked)
    return pattern.search(rest) is not None
