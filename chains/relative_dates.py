"""Relative dates of an English question made absolute: "last month" becomes "last month (October 2026)".

Only where the words are surely a date as seen from today: "the last week of the course" and "paid in two
weeks" are left alone. Pure functions; the day is given, no clock is read here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

__all__ = ["absolute_dates"]

LONGEST = 2000  # characters; a longer text was pasted in, and its dates are its own
MONTHS = (
    "January February March April May June July August September October November December"
).split()  # not strftime's, which follow the process's locale
WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
NUMBERS = {"a": 1, "an": 1, "one": 1} | {
    word: number
    for number, word in enumerate(
        "two three four five six seven eight nine ten eleven twelve".split(), start=2
    )
}
NUMBER = rf"(?P<count>\d{{1,3}}|{'|'.join(NUMBERS)})"
UNIT = r"(?P<unit>day|week|month|year)s?"
WEEKDAY = rf"(?P<weekday>{'|'.join(WEEKDAYS)})"
# Something is to happen at that time; without it "in two weeks" is how long a thing takes.
COMING = re.compile(
    r"\b(?:will|shall|going to|due|starts?|begins?|expires?|leav(?:es?|ing)|mov(?:es?|ing)|arriv(?:es?|ing)|"
    r"coming|travell?ing|flying|planned|scheduled|happens?|i am|we are)\b|'(?:ll|m|re)\b",
    re.IGNORECASE,
)
AS_LONG = re.compile(r"\bhow (?:many|much|often)\b", re.IGNORECASE)
NAMED = re.compile(rf"\s*[(,]?\s*(?:the )?(?:\d|(?:{'|'.join(MONTHS)})\b)")  # the date is already there


def _day(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def _month(day: date) -> str:
    return f"{MONTHS[day.month - 1]} {day.year}"


def _in_months(day: date, months: int) -> date:
    """The first of the month that is so many months away."""
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def _shifted(today: date, count: int, unit: str) -> str:
    if unit in ("day", "week"):
        return _day(today + timedelta(days=count * (7 if unit == "week" else 1)))
    return _month(_in_months(today, count * (12 if unit == "year" else 1)))


def _near(match: re.Match[str], today: date) -> str:
    days = {"yesterday": -1, "last night": -1, "tomorrow": 1, "the day before yesterday": -2,
            "the day after tomorrow": 2}  # fmt: skip
    return _day(today + timedelta(days=days.get(" ".join(match["near"].lower().split()), 0)))


def _period(match: re.Match[str], today: date) -> str:
    away = {"last": -1, "next": 1}.get(match["which"].lower(), 0)
    unit = match["unit"].lower()
    if unit == "week":
        monday = today + timedelta(days=7 * away - today.weekday())
        return f"{_day(monday)} to {_day(monday + timedelta(days=6))}"
    if unit == "month":
        return _month(_in_months(today, away))
    if unit == "quarter":
        first = _in_months(today, 3 * away)
        return f"Q{(first.month + 2) // 3} {first.year}"
    return str(today.year + away)


def _weekday(match: re.Match[str], today: date) -> str:
    """ "Last Monday", "since Monday", "by Friday"; "next Friday" only where this week's cannot be meant."""
    ahead = (WEEKDAYS.index(match["weekday"].capitalize()) - today.weekday()) % 7
    how = match["how"].lower()
    if how in ("last", "since", "since last"):
        return _day(today + timedelta(days=ahead - 7)) if ahead or "last" in how else ""
    this_week = today.weekday() + ahead < 7
    if not ahead or (how == "next" and this_week) or (how == "this" and not this_week):
        return ""
    return _day(today + timedelta(days=ahead))


def _count(match: re.Match[str]) -> int:
    said = match["count"].lower()
    return int(said) if said.isdigit() else NUMBERS[said]


def _ago(match: re.Match[str], today: date) -> str:
    return _shifted(today, -_count(match), match["unit"].lower())


def _ahead(match: re.Match[str], today: date) -> str:
    ends = re.match(r"\s*[?.!,;]|\s*$", match["rest"])
    coming = COMING.search(match.string) and not AS_LONG.search(match.string)
    sure = match["sure"] or (ends and coming)
    return _shifted(today, _count(match), match["unit"].lower()) if sure else ""


def _stretch(match: re.Match[str], today: date) -> str:
    if not match["count"] and match["which"].lower() == "last":
        return ""  # "in the last week" may be that of something
    count = _count(match) if match["count"] else 1
    return f"since {_shifted(today, -count, match['unit'].lower())}"


RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], date], str]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), rule)
    for pattern, rule in (
        (
            r"\b(?P<near>the day before yesterday|the day after tomorrow|yesterday|tomorrow|today|tonight|"
            r"last night|this (?:morning|afternoon|evening))(?:['’]s)?\b",
            _near,
        ),
        (
            r"(?<!\bthe )(?<!\bmy )(?<!\bour )(?<!\bhis )(?<!\bher )(?<!\btheir )"
            r"\b(?P<which>last|this|next) (?P<unit>week|month|quarter|year)(?:['’]s)?\b"
            r"(?! (?:of|in|before|after)\b)",
            _period,
        ),
        (rf"\b(?P<how>last|this|next|since last|since|until|by) {WEEKDAY}\b", _weekday),
        (rf"\b{NUMBER} {UNIT} ago\b", _ago),
        (rf"\bin {NUMBER} {UNIT}(?P<sure>['’]? time)?(?=(?P<rest>.{{0,3}}))", _ahead),
        (rf"\b{NUMBER} {UNIT} (?P<sure>from (?:now|today))(?P<rest>)\b", _ahead),
        (
            rf"\b(?:in|over|during|within|for) the (?P<which>last|past) (?:{NUMBER} )?{UNIT}\b(?! of\b)",
            _stretch,
        ),
    )
)


MOST = 16  # dates of one question that are explained; a pasted text may have thousands


def absolute_dates(question: str, today: date) -> tuple[str, list[dict[str, str]]]:
    """The question with each relative date explained in brackets, and what was explained.

    >>> absolute_dates("What changed since last month?", date(2026, 11, 30))
    ('What changed since last month (October 2026)?', [{'phrase': 'last month', 'date': 'October 2026'}])
    >>> absolute_dates("What is the last step?", date(2026, 11, 30))
    ('What is the last step?', [])
    """
    if len(question) > LONGEST:
        return question, []
    found: list[tuple[int, int, str]] = []
    for pattern, rule in RULES:
        for match in pattern.finditer(question):
            if len(found) == MOST:
                break
            meant = rule(match, today) if _is_date(match) else ""
            if meant and not any(start < match.end() and match.start() < end for start, end, _ in found):
                found.append((*match.span(), meant))
    text, dates = question, []
    for start, end, meant in sorted(found, reverse=True):
        text = f"{text[:end]} ({meant}){text[end:]}"
        dates.append({"phrase": question[start:end], "date": meant})
    return text, dates[::-1]


def _is_date(match: re.Match[str]) -> bool:
    """Whether the words are meant as a date: no title ("USA Today"), no quotation, no date behind them."""
    text, start = match.string, match.start()
    quoted = text[:start].count('"') % 2 == 1
    titled = (
        start > 0 and text[start].isupper() and not re.search(r"[.?!:]\s*$", text[max(0, start - 20) : start])
    )
    return not quoted and not titled and not NAMED.match(text[match.end() :])
