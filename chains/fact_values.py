"""Numbers, dates and times of day as they stand in a text, each as the values that it can mean.

"1,000", "1 000", "a thousand" and "1k" are one value; "03/05/2024" is two dates. English words only.
Knows no claim and no passage.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["CURRENCIES", "MONTHS", "UNITS", "Day", "Figure", "Values", "values_in"]

ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth"
).split()
WORDS: dict[str, float] = {
    **{word: float(value) for value, word in enumerate(ONES)},
    **{word: 10.0 * value for value, word in enumerate(TENS, start=2)},
    **{word: float(value) for value, word in enumerate(ORDINALS, start=1)},
    **{f"{word[:-1]}ieth": 10.0 * value for value, word in enumerate(TENS, start=2)},
    "dozen": 12.0,
    "half": 0.5,
}
LETTERS = {"k": 1e3, "m": 1e6, "mn": 1e6, "bn": 1e9, "b": 1e9}
MONTHS = "january february march april may june july august september october november december".split()

# The forms of each unit. A number without one fits any.
UNITS = {
    "%": r"%|percent|per cent|percentage points?",
    "euro": r"€|euros?|EUR",
    "dollar": r"US\$|\$|dollars?|USD",
    "pound": r"£|pounds?|GBP",
    "yen": r"¥|yen|JPY",
    "second": r"seconds?|secs?",
    "minute": r"minutes?|mins?",
    "hour": r"hours?|hrs?|h",
    "day": r"days?",
    "week": r"weeks?",
    "month": r"months?",
    "year": r"years?|yrs?",
    "metre": r"met(?:re|er)s?|m",
    "kilometre": r"kilomet(?:re|er)s?|km",
    "mile": r"miles?",
    "gram": r"grams?|g",
    "kilogram": r"kilograms?|kilos?|kg",
    "megabyte": r"megabytes?|MB",
    "gigabyte": r"gigabytes?|GB",
    "degree": r"°\s?[CF]?|degrees?",
}
CURRENCIES = frozenset({"euro", "dollar", "pound", "yen"})
# "25 days", "25 vacation days", "a five-day week": the unit stands next to the number or a word further.
AFTER = re.compile(
    rf"[\s\u00a0-]{{0,2}}(?:[a-z]+[\s-]){{0,2}}?(?P<unit>{'|'.join(UNITS.values())})(?!\w)", re.ASCII
)
BEFORE = re.compile(r"(US\$|\$|€|£|¥|EUR|USD|GBP|JPY)\s?$")

WORD_NUMBER = "|".join(sorted((*WORDS, *SCALES), key=len, reverse=True))
NUMBER = re.compile(
    r"(?P<version>(?<![\w.])\d+(?:\.\d+){2,}(?![\w.]*\d))"
    r"|(?P<digits>(?<![\w.,])(?:\d{1,3}(?:[,.'\u2019 \u00a0\u202f]\d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)?))"
    r"(?P<decade>s\b)?(?P<ordinal>(?:st|nd|rd|th)\b)?"
    r"(?:\s?(?P<scale>hundred|thousand|million|billion|trillion|(?:k|mn?|bn|b)(?!\w)))?"
    rf"|(?P<words>\b(?:a\s+)?(?:{WORD_NUMBER})(?:(?:[\s-]+|\s+and\s+)(?:{WORD_NUMBER}))*\b)"
    r"|(?P<article>\b(?:a|an|per|each|every)(?=\s+(?:second|minute|hour|day|week|month|year)\b))",
    re.I,
)
MONTH = rf"(?P<month>{'|'.join(f'{name}|{name[:3]}' for name in MONTHS)}|sept)\b\.?"
DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
YEAR = r"(?P<year>1\d{3}|20\d\d)"
DATES = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        r"\b(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})\b",
        r"\b(?P<day>\d{1,2})[./](?P<month>\d{1,2})[./](?P<year>\d{4})\b",
        rf"\b{DAY}\s+(?:of\s+)?{MONTH}(?:,?\s+{YEAR}\b)?",
        rf"\b{MONTH}\s+{DAY}\b(?:,?\s+{YEAR}\b)?",
        rf"\b{MONTH},?\s+(?:of\s+)?{YEAR}\b",
    )
) + (
    # A month alone has its capital, and "May" something before it that makes it a month.
    re.compile(
        rf"\b(?P<month>{'|'.join(f'{n}|{n[:3]}' for n in map(str.title, MONTHS) if n != 'May')}|Sept"
        r"|(?<=[io]n )May|(?<=of )May|(?<=by )May|(?<=until )May|(?<=since )May|(?<=every )May)\b"
    ),
)
TIME = re.compile(
    r"\b(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2}))?\s?(?P<half>[ap])\.?m\b\.?"
    r"|\b(?P<hour24>\d{1,2}):(?P<minute24>\d{2})\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number: `values` are what it can mean, `unit` is "" where none stands with it, "ordinal" for 25th."""

    text: str
    values: frozenset[float | str]
    unit: str = ""
    common: bool = False  # "one", "first", "a week": often no number at all


@dataclass(frozen=True, slots=True)
class Day:
    """A date, or a part of one: each reading is (year, month, day), 0 for what it does not say."""

    text: str
    readings: frozenset[tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class Values:
    """All that a text states in numbers; times of day in minutes after midnight."""

    figures: tuple[Figure, ...]
    days: tuple[Day, ...]
    times: tuple[tuple[str, frozenset[int]], ...]


def values_in(text: str) -> Values:
    """The numbers, dates and times of a text, each once.

    >>> [sorted(one.values) for one in values_in("about 1,500 of twenty-five hundred").figures]
    [[1.5, 1500.0], [2500.0]]
    """
    days: dict[Day, None] = {}
    for pattern in DATES:
        for found in reversed(list(pattern.finditer(text))):
            if (day := _day(found)) is not None:
                days[day] = None
                text = _blanked(text, found)
    times: dict[tuple[str, frozenset[int]], None] = {}
    for found in reversed(list(TIME.finditer(text))):
        if minutes := _minutes(found):
            times[found[0].strip(" ."), minutes] = None
            text = _blanked(text, found)
    return Values(tuple(dict.fromkeys(_figures(text))), tuple(days), tuple(times))


def _blanked(text: str, found: re.Match[str]) -> str:
    return text[: found.start()] + " " * len(found[0]) + text[found.end() :]


def _day(found: re.Match[str]) -> Day | None:
    """A numeric date is read in both orders; None where it is no date of the calendar."""
    parts = {"year": None, "month": None, "day": None} | found.groupdict()
    year, day = int(parts["year"] or 0), int(parts["day"] or 0)
    name = str(parts["month"])
    if not name.isdigit():
        month = next(n for n, one in enumerate(MONTHS, start=1) if one.startswith(name[:3].lower()))
        readings = {(year, month, day)}
    else:
        readings = {(year, int(name), day)}
        if "-" not in found[0]:
            readings.add((year, day, int(name)))
    valid = frozenset(one for one in readings if 1 <= one[1] <= 12 and one[2] <= 31)
    return Day(found[0].strip(" ."), valid) if valid else None


def _minutes(found: re.Match[str]) -> frozenset[int]:
    hour, minute = int(found["hour"] or found["hour24"]), int(found["minute"] or found["minute24"] or 0)
    if hour > 23 or minute > 59:
        return frozenset()
    if found["half"]:
        return frozenset({(hour % 12 + (12 if found["half"].lower() == "p" else 0)) * 60 + minute})
    return frozenset({hour * 60 + minute} | ({(hour + 12) * 60 + minute} if 0 < hour < 12 else set()))


def _figures(text: str) -> Iterator[Figure]:
    for found in NUMBER.finditer(text):
        if found["version"]:
            yield Figure(found[0], frozenset({found[0]}))
            continue
        values = _values(found)
        if not values:
            continue
        alone = found[0].lower() in ("one", "first", "second", "half") or bool(found["article"])
        unit = "ordinal" if found["ordinal"] else _unit(text, found)
        yield Figure(found[0].strip(), values, unit, alone and (not unit or bool(found["article"])))


def _values(found: re.Match[str]) -> frozenset[float | str]:
    if found["article"]:
        return frozenset({1.0})
    if found["words"]:
        spoken = _spoken(found["words"])
        return frozenset() if spoken is None else frozenset({spoken})
    digits = re.sub(r"['\u2019 \u00a0\u202f]", "", found["digits"])
    if found["decade"]:
        return frozenset({f"{digits}s"})
    name = (found["scale"] or "").lower()
    scales = {SCALES.get(name) or LETTERS.get(name) or 1.0} | ({1.0} if name == "m" else set())  # or metres
    return frozenset(round(one * scale, 6) for one in _readings(digits) for scale in scales)


def _readings(digits: str) -> set[float]:
    """ "1,500" is 1500 in English and 1.5 in German, and "1.500" the other way round; both are taken."""
    if "," in digits and "." in digits:
        mark = max(",.", key=digits.rfind)  # the later one is the decimal mark
        digits = digits.replace("," if mark == "." else ".", "").replace(mark, ".")
        return {float(digits)} if digits.count(".") == 1 else {float(digits.replace(".", ""))}
    marks = re.findall(r"[.,]", digits)
    if not marks:
        return {float(digits)}
    whole = float(re.sub(r"[.,]", "", digits))
    if len(marks) > 1:
        return {whole}
    decimal = float(digits.replace(",", "."))
    return {decimal, whole} if re.search(r"[.,]\d{3}$", digits) else {decimal}


def _spoken(words: str) -> float | None:
    """The value of number words; None where they are several numbers, as in "two or"."""
    total = current = 0.0
    for word in re.split(r"[\s-]+", words.lower()):
        if word in ("a", "and"):
            continue
        if word == "hundred":
            current = (current or 1.0) * 100
        elif word in SCALES:
            total += (current or 1.0) * SCALES[word]
            current = 0.0
        elif word == "dozen" and current:
            current *= 12
        else:
            current += WORDS[word]
    return total + current


def _unit(text: str, found: re.Match[str]) -> str:
    before = BEFORE.search(text, max(0, found.start() - 5), found.start())
    after = AFTER.match(text, found.end())
    sign = before[1] if before else after["unit"] if after else ""
    return next((name for name, forms in UNITS.items() if sign and re.fullmatch(forms, sign)), "")
