"""The earlier time that a question asks about, where several dated versions of a document compete.

By rule, from words alone. Knows no document: whoever has versions decides what was in force then.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from .as_of_date import DOCUMENT, as_of_phrase
from .dates import Period, periods

__all__ = ["asked_time"]

SHORT = 6  # words of a question that is no sentence: "office days 2021"
_PAST = re.compile(
    r"\b(?:was|were|did|had|used to|could|applied|existed|counted"
    r"|war|waren|galt|galten|hatte|hatten|wurden?|durften?|mussten?|konnten?|sollten?|gab|betrug"
    r"|étai(?:t|ent)|avai(?:t|ent)|fallait|pouvai(?:t|ent)|devai(?:t|ent)|valai(?:t|ent)|existai(?:t|ent)"
    r"|s[’']appliquai(?:t|ent)"
    r"|eran?|estaban?|había|tenían?|podían?|debían?|regían?|valían?|fue|fueron"
    r"|erano|aveva(?:no)?|poteva(?:no)?|doveva(?:no)?|valeva(?:no)?|vigeva(?:no)?"
    r"|eram|tinham?|havia|podiam?|deviam?|valiam?|vigorava"
    r"|hadden|mochte?n?|moest(?:en)?|kon(?:den)?"
    r"|był[aoy]?|obowiązywał\w*|был[аои]?|действовал\w*)\b",
    re.IGNORECASE,
)
# A question about today, whatever past its other clause tells of: "do I get", "is there".
_PRESENT = re.compile(
    r"\b(?:do|does|is|are|am|can|may|must|will|shall|should|has|have)\s+"
    r"(?:i|we|you|they|he|she|it|there|the|my|our|your|an?|any|all|every\w*|employees|staff)\b",
    re.IGNORECASE,
)
# What happened then, to someone or something: the rule that is asked for may be of any time.
_EVENT = (
    r"(?:hired|joined|born|employed|started|starting|promoted|founded|bought|purchased|signed|built|issued)"
)
_EVENT_BEFORE = re.compile(rf"\b{_EVENT}\s+(?:\w+\s+)?(?:in|on|before|since|after)\s+$", re.IGNORECASE)
_UNTIL = re.compile(
    r"\b(?:before|prior to|until|till|up to|vor|bis|avant|jusqu[’']en|antes de|hasta|prima del?|fino al?)"
    r"\s+(?:the\s+)?$",
    re.IGNORECASE,
)
_SINCE = re.compile(
    r"\b(?:since|after|seit|ab|nach|depuis|après|desde|después de|dopo|sinds|na)\s+(?:the\s+)?$",
    re.IGNORECASE,
)
_DOCUMENT_OF = re.compile(rf"\b{DOCUMENT}\s+(?:of|from|for|in)\s+(?:the\s+)?(?:year\s+)?$", re.IGNORECASE)
_YEAR_UNIT = re.compile(r"\s?[年년]")
_BEHIND = re.compile(
    r"\s*(?:eingestellt|geboren|begonnen|angefangen|embauch|contratad|assunt"
    r"|[年년]\s?(?:以[来來后後降]|之?[后後]|起|から|부터|이후))",
    re.IGNORECASE,
)  # "hired", and "since" as Chinese, Japanese and Korean have it
_VERB = re.compile(
    r"\b(?:is|are|am|be|do|does|can|may|must|will|shall|should|has|have|what|when|who|why|how|which|where)\b",
    re.IGNORECASE,
)


def asked_time(question: str) -> date | None:
    """The last day of the time that a question asks about; None where it asks about today.

    Beside what `as_of_phrase` tells for sure, it takes a past tense with a date for such a question, in some
    languages, and a few words with a year: wrong for "Who won in 2020?", right where dated rules compete.

    >>> asked_time("How many days did I have to come in during 2021?"), asked_time("Homeoffice-Regel 2021")
    (datetime.date(2021, 12, 31), datetime.date(2021, 12, 31))
    """
    asked = as_of_phrase(question)
    if asked is not None:
        return asked
    found = next((one for one in periods(question) if _asks(question, one)), None)
    if found is None:
        return None
    return found.first - timedelta(days=1) if _UNTIL.search(question[: found.start]) else found.last


def _asks(question: str, found: Period) -> bool:
    before, after = question[: found.start], question[found.end :]
    if _SINCE.search(before) or _EVENT_BEFORE.search(before) or _BEHIND.match(after):
        return False
    if _YEAR_UNIT.match(after) or _DOCUMENT_OF.search(before):
        return True
    if _PAST.search(question):
        return _PRESENT.search(question) is None
    short = len(question.split()) <= SHORT and not _VERB.search(question)
    return short and not _UNTIL.search(before) and not (re.search(r"\w", before) and re.search(r"\w", after))
