"""Dates of a document: in its metadata, in its title, in its name.

Plain functions from values to values. Knows no store, no clock, and nothing of what a date is good for.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

__all__ = [
    "AUTO",
    "MONTH_NAMES",
    "OWN_KEYS",
    "Dated",
    "Period",
    "dates_of",
    "own_date",
    "periods",
    "read_date",
]

AUTO = "auto"  # the field that stands for: whatever dates the documents state
# What callers call the date of a document, most telling first.
OWN_KEYS = (
    "updated",
    "last_updated",
    "last_modified",
    "modified",
    "modified_at",
    "effective",
    "effective_date",
    "valid_from",
    "date",
    "published",
    "published_at",
    "created",
    "created_at",
)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH_NAMES = frozenset(
    "january february march april may june july august september october november december".split()
)
# In German, French, Spanish, Italian, Portuguese and Dutch, where not as in English; month by month.
OTHER_MONTHS = (
    "januar janvier enero gennaio janeiro januari",
    "februar février febrero febbraio fevereiro februari",
    "märz mars marzo março maart",
    "avril abril aprile",
    "mai mayo maggio maio mei",
    "juni juin junio giugno junho",
    "juli juillet julio luglio julho",
    "août agosto augustus",
    "septembre septiembre settembre setembro",
    "oktober octobre octubre ottobre outubro",
    "novembre noviembre novembro",
    "dezember décembre diciembre dicembre dezembro",
)
_OTHER = {name: number for number, names in enumerate(OTHER_MONTHS, start=1) for name in names.split()}
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    rf"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?|{'|'.join(_OTHER)})\.?(?: de)?"
)
_YEAR = r"(?P<year>(?:19|20)\d\d)(?!\d)"
_DAY = r"(?P<day>0?[1-9]|[12]\d|3[01])"
_NUMBER = r"(?P<number>0[1-9]|1[0-2])"
_SHAPES = (
    rf"(?P<year>(?:19|20)\d\d)(?P<gap>[-./ ]?){_NUMBER}(?P=gap){_DAY}(?!\d)",  # 2023-05-01, 20230501
    rf"{_DAY}\.(?P<number>0?[1-9]|1[0-2])\.{_YEAR}",  # 1.5.2023
    rf"{_DAY}(?:st|nd|rd|th|er|\.)?[ -]?(?:of |de )?{_MONTH},?[ -]?{_YEAR}",  # 1 May 2023, 1 de mayo de 2023
    rf"(?<![a-z]){_MONTH} ?{_DAY}(?:st|nd|rd|th)?,? {_YEAR}",  # May 1, 2023
    rf"(?<![a-z]){_MONTH},?[ -]?{_YEAR}",  # May 2023
    rf"(?P<year>(?:19|20)\d\d)[- ]?{_MONTH}(?![a-z])",  # 2023-May
    rf"(?P<year>(?:19|20)\d\d)[-./]{_NUMBER}(?![\d])",  # 2023-05
    rf"(?:fy ?)?{_YEAR}",
)
_DATES = [re.compile(rf"(?<!\d){shape}", re.IGNORECASE) for shape in _SHAPES]
_HAS_YEAR = re.compile(r"(?:19|20)\d\d")
_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_SECONDS, _MILLISECONDS = (1e8, 1e11), (1e11, 1e14)  # numbers that can be nothing but Unix times


@dataclass(frozen=True, slots=True)
class Period:
    """A day, month or year named in a text, at `text[start:end]`: its first and its last day."""

    start: int
    end: int
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Dated:
    """When a document is from, and where that stands: a key of its metadata, "title" or "name"."""

    when: datetime
    where: str
    unit: str = "day"  # or "month", "year": how exact it is

    def __str__(self) -> str:
        """The date in words: "1 May 2023", "May 2023", "2023"."""
        if self.unit == "year":
            return f"{self.when:%Y}"
        return f"{self.when:%B %Y}" if self.unit == "month" else f"{self.when.day} {self.when:%B %Y}"


def read_date(value: Any) -> datetime | None:
    """A moment, in UTC, from what metadata holds; None where it is no date or could be two.

    A month or a year counts from its first day, a time without a zone as UTC.

    >>> read_date("May 2023"), read_date("05/06/2023")
    (datetime.datetime(2023, 5, 1, 0, 0, tzinfo=datetime.timezone.utc), None)
    """
    if isinstance(value, datetime):
        return _in_utc(value)
    if isinstance(value, date):
        return _midnight(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _unix_time(float(value))
    return _from_text(value.strip()) if isinstance(value, str) else None


def _from_text(text: str) -> datetime | None:
    try:
        return _in_utc(datetime.fromisoformat(text))
    except ValueError:
        pass
    found = next(periods(text), None)
    if found and not re.search(r"\w", text[: found.start] + text[found.end :]):
        return _midnight(found.first)
    try:
        return _in_utc(parsedate_to_datetime(text))  # as mails write it
    except (ValueError, IndexError, TypeError):
        return None


def _in_utc(moment: datetime) -> datetime | None:
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:  # at either end of the calendar
        return None


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _unix_time(number: float) -> datetime | None:
    if _SECONDS[0] <= number < _SECONDS[1]:
        return datetime.fromtimestamp(number, UTC)
    if _MILLISECONDS[0] <= number < _MILLISECONDS[1]:
        return datetime.fromtimestamp(number / 1000, UTC)
    return None


def periods(text: str) -> Iterator[Period]:
    """The days, months and years named in a text, in order; underscores part words, as in file names.

    >>> [text.first.isoformat() for text in periods("leave_policy-2023-05.pdf, since 1 March 2020")]
    ['2023-05-01', '2020-03-01']
    """
    if not _HAS_YEAR.search(text):  # every date here has one; most names have none
        return
    plain = text.replace("_", " ")
    place = 0
    while True:
        matches = [match for shape in _DATES if (match := shape.search(plain, place))]
        if not matches:
            return
        match = min(matches, key=lambda one: (one.start(), -one.end()))
        place = match.end()
        found = _period(match)
        if found:
            yield found


def _period(match: re.Match[str]) -> Period | None:
    parts = match.groupdict()
    year = int(parts["year"])
    named = parts.get("month")
    month = _month(named.lower()) if named else int(parts.get("number") or 0)
    day = int(parts.get("day") or 0)
    try:
        first = date(year, month or 1, day or 1)
    except ValueError:  # 31 June
        return None
    last = first if day else date(year, month, monthrange(year, month)[1]) if month else date(year, 12, 31)
    return Period(match.start(), match.end(), first, last)


def _month(name: str) -> int:
    return _OTHER.get(name) or MONTHS.index(name[:3]) + 1


# -- of a document -----------------------------------------------------------------------------------------


def dates_of(metadata: Mapping[str, Mapping[str, Any]], field: str = AUTO) -> dict[str, Dated]:
    """The dates of documents, by their keys, under one key of the metadata; those without are left out.

    With "auto" they are the documents' own. Where none states one, `updated_at` stands for all: beside dates
    that are stated, a time of ingestion would make whatever states none the newest.
    """
    if field == AUTO:
        own = {key: dated for key, one in metadata.items() if (dated := own_date(one))}
        return own or dates_of(metadata, "updated_at")
    return {key: dated for key, one in metadata.items() if (dated := _under(one, field))}


def own_date(metadata: Mapping[str, Any]) -> Dated | None:
    """The date that the document itself states: in the caller's metadata, its title or its name.

    `updated_at` is none: it may be the time of ingestion or of a copy. Where the caller's own `updated_at`
    was set aside because it is no ISO date, it counts.

    >>> own_date({"title": "Wfh Policy Update May 2023", "updated_at": "2026-01-01"}).when.date()
    datetime.date(2023, 5, 1)
    """
    original = metadata.get("original")
    if isinstance(original, Mapping) and (found := _under(original, "updated_at")):
        return found
    for key in OWN_KEYS:
        if key in metadata and (found := _under(metadata, key)):
            return found
    title, source = str(metadata.get("title") or ""), str(metadata.get("source") or "")
    return _in_name(title, "title") or _in_name(_stem(source), "name")


def _under(metadata: Mapping[str, Any], key: str) -> Dated | None:
    value = metadata.get(key)
    when = read_date(value)
    if when is None:
        return None
    if not isinstance(value, str) or _ISO_DAY.match(value):
        return Dated(when, key)
    found = next(periods(value), None)
    return Dated(when, key, _unit(found) if found else "day")


def _unit(period: Period) -> str:
    days = (period.last - period.first).days
    return "day" if days == 0 else "month" if days < 31 else "year"


def _stem(source: str) -> str:
    return PurePosixPath(source).stem


@lru_cache(maxsize=4096)
def _in_name(name: str, where: str) -> Dated | None:
    """The last date in a name. A bare year counts at the end or in brackets only: not "The 1918 Flu"."""
    for found in reversed(list(periods(name))):
        rest = name[found.end :]
        if _unit(found) != "year" or not re.search(r"\w", rest) or rest[:1] in ")]":
            return Dated(_midnight(found.first), where, _unit(found))
    return None
