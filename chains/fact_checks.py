"""Exact checks of a claim against what it cites: its numbers, dates, units and names must stand there.

What is checked here needs no judgement: a figure that the passages lack is not theirs, however alike the
sentences are. English words for numbers, negation and opposites. Knows no encoder.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from .fact_values import CURRENCIES, MONTHS, UNITS, Day, Figure, Values, values_in
from .stop_words import ENGLISH

__all__ = ["Stated", "contradictions", "missing_facts", "stated"]

WORD = re.compile(r"[^\W_]+(?:['\u2019.&-][^\W_]+)*")
OPENING = tuple('.!?:;\u2022(["\u201c\u2018*-\n')  # a word after one of these may have its capital from it
ENDING = 3  # letters by which a name and its adjective may differ: German, Germany
IMPERATIVES = frozenset(
    "ask call check click contact choose email enter find go join open read see select send set talk tell "
    "turn use visit write yes".split()
)
# Checked as a number or a date, or no word at all.
NO_NAME = re.compile(rf"I|A|[AP]M|{'|'.join(UNITS.values())}|{'|'.join(map(str.title, MONTHS))}")
SURE_UNITS = CURRENCIES | {"%"}  # never left out where the number stands in prose

NEGATION = (
    r"\b(?:not|never|no|none|neither|nor|without|cannot|\w+n['\u2019]t|nobody|nothing|nowhere|hardly)\b"
)
NEGATIONS = re.compile(NEGATION, re.I)
NO_NEGATION = re.compile(
    r"\b(?:not only|not? (?:later|more|longer|less) than|no\. \d)",
    re.I,
)
DENIED = re.compile(
    NEGATION + r"|\b(?:prohibit\w*|forbid\w*|banned|disallow\w*|refus\w+|den(?:y|ie[sd])|exclud\w+)\b", re.I
)
COMPARED = 1000  # characters of a claim and a sentence
REACH = 4  # words after a negation that it can be about
# Words of which one says that the other is wrong.
OPPOSITES = (
    ({"allowed", "permitted", "may"}, {"prohibited", "forbidden", "banned", "disallowed"}),
    ({"increase", "increases", "increased", "rise", "rose"}, {"decrease", "decreases", "decreased", "fell"}),
    ({"before"}, {"after"}),
    ({"minimum", "least"}, {"maximum", "most"}),
    ({"more"}, {"less", "fewer"}),
    ({"always"}, {"never"}),
    ({"with"}, {"without"}),
    ({"required", "mandatory", "must"}, {"optional", "voluntary"}),
    ({"included", "includes", "including"}, {"excluded", "excludes", "excluding"}),
    ({"paid"}, {"unpaid"}),
    ({"accepted", "approved"}, {"rejected", "refused", "denied"}),
    ({"open", "opens"}, {"closed", "closes"}),
    ({"enabled"}, {"disabled"}),
    ({"higher", "larger"}, {"lower", "smaller"}),
    ({"first"}, {"last"}),
    ({"true"}, {"false"}),
)


@dataclass(frozen=True, slots=True)
class Stated:
    """What a passage states, title and headings included."""

    values: Values
    words: frozenset[str]
    capitals: frozenset[str]  # the words that are written in capitals: IT is not "it"
    initials: frozenset[str]  # of neighbouring words: "human resources" says HR


@lru_cache(maxsize=512)  # passages: every claim of an answer is held against the same ones
def stated(text: str) -> Stated:
    """The values and words of a text."""
    words = [_folded(found[0]) for found in WORD.finditer(text)]
    parts = {part for word in words for part in re.split(r"[-'\u2019.&]", word) if part}
    letters = "".join(word[0] for word in words)
    initials = {letters[n : n + size] for size in (2, 3, 4, 5) for n in range(len(letters) - size + 1)}
    capitals = frozenset(found[0] for found in WORD.finditer(text) if found[0].isupper())
    return Stated(values_in(text), frozenset(parts.union(words)), capitals, frozenset(initials))


def missing_facts(claim: str, passages: Sequence[Stated]) -> list[str]:
    """What the claim states and no passage does, each as a phrase for people.

    >>> missing_facts("Maria gets 30 days.", [stated("Every employee gets 25 days of leave.")])
    ['the number “30” is not in the passage']
    """
    values = values_in(claim)
    return [
        *_missing_figures(values.figures, passages),
        *_missing_days(values.days, passages),
        *_missing_times(values.times, passages),
        *_missing_names(claim, passages),
    ]


def _missing_figures(figures: Iterable[Figure], passages: Sequence[Stated]) -> Iterator[str]:
    known = [one for passage in passages for one in passage.values.figures]
    parts = {
        float(part)
        for passage in passages
        for day in passage.values.days
        for reading in day.readings
        for part in (reading[0], reading[2])
        if part
    }
    for figure in figures:
        same = [one for one in known if one.values & figure.values]
        if figure.common or figure.values & parts and figure.unit in ("", "ordinal"):
            continue
        if not same:
            yield f"the number “{figure.text}” is not in the passage"
        elif figure.unit and not _unit_fits(figure, same, known):
            yield f"“{figure.text}” has another unit in the passage than {figure.unit}"


def _unit_fits(figure: Figure, same: Sequence[Figure], known: Sequence[Figure]) -> bool:
    if any(one.unit == figure.unit for one in same):
        return True
    bare = any(not one.unit for one in same)
    return bare and (figure.unit not in SURE_UNITS or any(one.unit == figure.unit for one in known))


def _missing_days(days: Iterable[Day], passages: Sequence[Stated]) -> Iterator[str]:
    known = [reading for passage in passages for day in passage.values.days for reading in day.readings]
    years = {float(year) for year, _, _ in known} | {
        value
        for passage in passages
        for figure in passage.values.figures
        for value in figure.values
        if isinstance(value, float)
    }
    for day in days:
        if not any(_same_day(reading, other, years) for reading in day.readings for other in known):
            yield f"the date “{day.text}” is not in the passage"


def _same_day(claimed: tuple[int, int, int], given: tuple[int, int, int], years: set[float]) -> bool:
    """Whether all that is claimed of a date is given; its year may stand elsewhere, as in a heading."""
    year, month, day = claimed
    if month != given[1] or (day and day != given[2]):
        return False
    return not year or year == given[0] or (not given[0] and float(year) in years)


def _missing_times(times: Iterable[tuple[str, frozenset[int]]], passages: Sequence[Stated]) -> Iterator[str]:
    known = {minute for passage in passages for _, minutes in passage.values.times for minute in minutes}
    for text, minutes in times:
        if not minutes & known:
            yield f"the time “{text}” is not in the passage"


def _missing_names(claim: str, passages: Sequence[Stated]) -> Iterator[str]:
    for name in _names(claim):
        missing = [word for word in _parts(name) if not any(_names_it(word, one) for one in passages)]
        if missing:
            yield f"the name “{' '.join(missing)}” is not in the passage"


def _names(claim: str) -> Iterator[str]:
    """Runs of words with a capital; the first of a sentence only where another one follows."""
    run: list[str] = []
    end = 0
    for found in WORD.finditer(claim):
        word = found[0]
        before = claim[max(0, found.start() - 4) : found.start()].rstrip(" \u00a0")
        opening = not before or before.endswith(OPENING)
        named = any(letter.isupper() for letter in word) and not NO_NAME.fullmatch(word)
        if run and (not named or claim[end : found.start()].strip(" \u00a0")):
            yield from _whole(run)
            run = []
        if named and not (opening and word.lower() in ENGLISH | IMPERATIVES):
            run.append(f"^{word}" if opening else word)
        end = found.end()
    yield from _whole(run)


def _whole(run: Sequence[str]) -> Iterator[str]:
    """One name; a lone word at the beginning has its capital from the grammar, unless more stand inside."""
    words = [word.removeprefix("^") for word in run]
    lone = len(run) == 1 and run[0].startswith("^")
    if words and not (lone and not any(letter.isupper() or letter.isdigit() for letter in words[0][1:])):
        yield " ".join(words)


def _parts(name: str) -> list[str]:
    return [
        part
        for part in re.split(r"['\u2019]s?\b|[\s-]", name)
        if part and (part.isupper() or part.lower() not in ENGLISH)
    ]


def _names_it(word: str, passage: Stated) -> bool:
    folded = _folded(word)
    if word.isupper() and 1 < len(word) <= 3:
        return word in passage.capitals or folded in passage.initials
    if folded in passage.words or folded.replace(".", "") in passage.words:
        return True
    return (word.isupper() and folded in passage.initials) or any(
        abs(len(other) - len(folded)) <= ENDING
        and min(len(other), len(folded)) >= 4
        and (other.startswith(folded) or folded.startswith(other))
        for other in passage.words
    )


def contradictions(claim: str, stretch: str) -> list[str]:
    """Where a claim and the sentence that it is closest to say the opposite, by their words.

    >>> contradictions("Pets are not allowed.", "Pets are allowed in the office.")
    ['the passage does not say “not”']
    """
    claim, stretch = claim[:COMPARED], stretch[:COMPARED]
    here, there = _plain_words(claim), _plain_words(stretch)
    denied = NEGATIONS.search(claim) or NEGATIONS.search(stretch)
    found = [
        f"the passage says “{min(b & there)}”, not “{min(a & here)}”"
        for one, other in OPPOSITES
        for a, b in ((one, other), (other, one))
        if not denied and a & here and not b & here and b & there and not a & there
    ]
    if found:
        return found
    if not denied:
        return []
    if extra := _unmatched(claim, stretch):
        return [f"the passage does not say “{extra}”"]
    if lost := _unmatched(stretch, claim):
        return [f"the passage says “{lost}”"]
    return []


def _unmatched(text: str, other: str) -> str:
    """A negation in `text` whose next words stand in `other`, which denies nothing near them."""
    ours, negated = _scopes(other, DENIED)
    for negation, scope in _scopes(text, NEGATIONS)[1]:
        about = [word for word in scope if word in ours]
        if about and not any(set(about) & set(others) for _, others in negated):
            return negation
    return ""


def _scopes(text: str, negations: re.Pattern[str]) -> tuple[set[str], list[tuple[str, list[str]]]]:
    """The content words of a text, and each negation with the content words right after it."""
    text = NO_NEGATION.sub(" ", text)
    content = [
        (_stem(found[0]), found.start())
        for found in WORD.finditer(text)
        if found[0].lower() not in ENGLISH and not NEGATIONS.fullmatch(found[0])
    ]
    scopes = []
    for negation in negations.finditer(text):
        end = next((n for n in range(negation.end(), len(text)) if text[n] in ".;:!?"), len(text))
        after = [word for word, start in content if negation.end() <= start < end]
        scopes.append((negation[0].lower(), after[:REACH]))
    return {word for word, _ in content}, scopes


def _plain_words(text: str) -> set[str]:
    return {found[0].lower() for found in WORD.finditer(text)}


def _stem(word: str) -> str:
    from .analyser import document_tokens

    tokens = document_tokens(word, "english")
    return tokens[0] if tokens else word.lower()


def _folded(word: str) -> str:
    if word.isascii():
        return word.lower()
    bare = unicodedata.normalize("NFKD", word)
    return "".join(letter for letter in bare if not unicodedata.combining(letter)).casefold()
