"""Documents as they stood on a day: a filter for it, and whether a question asks for it.

Plain functions; knows no store.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from .dates import Period, periods, read_date
from .errors import FilterError

__all__ = ["DOCUMENT", "as_of", "as_of_phrase"]

DOCUMENT = (
    r"(?:policy|policies|rules?|guidelines?|handbook|terms|conditions|regulations?|version|edition|procedure"
    r"|agreement|contract|manual|tariff|price list|code|standard)"
)
_FORCE = r"(?:valid|in force|in effect|effective|applicable|applied|allowed|permitted|required|entitled)"
# What must stand right before the date, and after it; each is a way to ask how things stood then.
_BEFORE = re.compile(
    r"\b(?:as (?:of|at|per)|(?:state|status|version|edition) (?:of|from))\s+(?:the\s+)?$", re.I
)
_THEN = r"\b(?:was|were|did|had|used to)\b"
_PAST_RULE = re.compile(rf"{_THEN}.*\b(?:the|our|your)\s+(?:[\w-]+\s+){{0,3}}{DOCUMENT}\b", re.I | re.S)
_PAST_FORCE = re.compile(rf"{_THEN}.*\b{_FORCE}\b", re.I | re.S)  # of a month or day: years are history
_DOCUMENT_NEXT = re.compile(rf"\s*(?:\w+[\s-]+){{0,3}}{DOCUMENT}\b", re.I)
_IN = re.compile(r"\b(?:in|on|during|at the end of)\s+$", re.I)


def as_of(day: str | date | datetime, field: str = "updated_at") -> dict[str, Any]:
    """A filter for what had been updated by the end of a day, month or year; a time counts to the second.

    Dates are compared as the ISO texts they are, so a day ends at midnight of the zone they were written
    in; Ragweave's own are in UTC. A document without the key does not pass.

    >>> as_of("2022-12-31"), as_of("2022", field="updated")
    ({'updated_at': {'lt': '2023-01-01'}}, {'updated': {'lt': '2023-01-01'}})

    Raises:
        FilterError: it is no date, or could be two.
    """
    if isinstance(day, datetime) or (isinstance(day, str) and re.search(r"\d[T ]\d\d:\d\d", day)):
        moment = read_date(day)
        if moment is not None:
            return {field: {"lte": moment.astimezone(UTC).isoformat()}}
    elif isinstance(day, date):
        return {field: {"lt": (day + timedelta(days=1)).isoformat()}}
    elif isinstance(day, str):
        found = list(periods(day))
        if len(found) == 1 and read_date(day) is not None:
            return {field: {"lt": (found[0].last + timedelta(days=1)).isoformat()}}
    raise FilterError(
        f"{day!r} is no date to look back to.",
        remedy='Give a date, or a text such as "2022-12-31" or "2022-12".',
    )


def as_of_phrase(question: str) -> date | None:
    """The last day of the time that a question asks about, where it asks how things stood then.

    Precision first: a year alone asks for nothing. Of several dates the question's first such one counts.

    >>> as_of_phrase("What did the 2020 policy say?"), as_of_phrase("Who won the election in 2020?")
    (datetime.date(2020, 12, 31), None)
    """
    return next((found.last for found in periods(question) if _asks(question, found)), None)


def _asks(question: str, found: Period) -> bool:
    before, after = question[: found.start], question[found.end :]
    if _BEFORE.search(before):
        return True
    if re.search(r"\b(?:the|our|your|old)\s+$", before, re.I) and _DOCUMENT_NEXT.match(after):
        return True
    if not _IN.search(before):
        return False
    month = (found.last - found.first).days < 31
    return bool(_PAST_RULE.search(question) or (month and _PAST_FORCE.search(question)))
