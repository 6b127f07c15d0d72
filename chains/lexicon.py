"""The words of a collection: their counts, its acronyms, its fixed pairs ("terms and conditions").

Read from the collection's own text, source by source, and kept up to date by what changed. Knows no store:
`LexiconKeeper` is given what it reads with.
"""

from __future__ import annotations

import re
import threading
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from .records import SourceRecord
from .stop_words import stop_words

__all__ = ["Lexicon", "LexiconKeeper", "letter_bits", "terms"]

MOST_TERMS = 400_000  # distinct ones in memory, some 60 MB; a book has 10,000
MOST_CHARACTERS = 40_000_000  # read for one lexicon: some seconds. What is left out makes spelling unsafe
BATCH = 200  # sources read at once
ENGLISH = 0.9  # of the sources
LONG_FORM = 90  # characters before "(WFH)" in which its words are looked for
WORDS = re.compile(r"[^\W\d_]{2,}")
JOINED = re.compile(r"\s+(?:and|or|&)\s+(?:(?:the|an?|our|your|their)\s+)?")
PARENTHESIS = re.compile(r"\(([^()\n]{2,80})\)")
ACRONYM = re.compile(r"[A-Z][A-Za-z0-9&/-]{0,7}[A-Z0-9](?:s)?")


@dataclass(frozen=True)
class Lexicon:
    """What a collection's text says about words; asked in microseconds.

    `complete` is False where the collection was too large to be read whole: that a word is not in `counts`
    then says nothing.
    """

    counts: Mapping[str, int] = field(default_factory=dict)  # words in lower case
    pairs: frozenset[tuple[str, str]] = frozenset()  # words that "and" or "or" joins somewhere
    expansions: Mapping[str, str] = field(default_factory=dict)  # "WFH" -> "work from home"
    english: bool = True  # nearly all of it
    complete: bool = True
    is_word: Callable[[str], bool] = field(default=lambda word: False)  # of the language, wherever it stands

    def together(self, first: str, second: str) -> bool:
        """Whether the collection joins the two words by "and" or "or", in either order."""
        a, b = first.lower().strip(".,;:!?\"'"), second.lower().strip(".,;:!?\"'")
        return (a, b) in self.pairs or (b, a) in self.pairs

    @cached_property
    def acronyms(self) -> Mapping[str, str]:
        """The other way round: "work from home" -> "WFH"."""
        return {long.lower(): short for short, long in self.expansions.items()}

    @cached_property
    def by_shape(self) -> Mapping[tuple[str, int], Sequence[tuple[str, int]]]:
        """The words by first letter and length, with their letters: where a misspelt word is near."""
        shapes: dict[tuple[str, int], list[tuple[str, int]]] = {}
        for word in self.counts:
            shapes.setdefault((word[0], len(word)), []).append((word, letter_bits(word)))
        return shapes

    @cached_property
    def by_beginning(self) -> Mapping[str, Sequence[str]]:
        """The words by their first three letters: its other forms are there."""
        beginnings: dict[str, list[str]] = {}
        for word in self.counts:
            beginnings.setdefault(word[:3], []).append(word)
        return beginnings


@dataclass(frozen=True, slots=True)
class Kept:
    """The terms of one source, by number, so that they can be taken off again: eight bytes a term."""

    of: tuple[str, str]  # sha256 and title
    numbers: array[int]
    counts: array[int]
    characters: int

    def totals(self) -> dict[int, int]:
        return dict(zip(self.numbers, self.counts, strict=True))


class LexiconKeeper:
    """Makes the lexicon at its first use and again after a change, reading only the sources that changed.

    Args:
        token: what changes whenever the collection does; cheap.
        records: the ledger of the collection.
        read: the texts of the sources named.
        is_word: whether a word is one of the language.
    """

    def __init__(
        self,
        token: Callable[[], str],
        records: Callable[[], Iterable[SourceRecord]],
        read: Callable[[Sequence[str]], Mapping[str, str]],
        *,
        is_word: Callable[[str], bool] = lambda word: False,
    ) -> None:
        self._token, self._records, self._read, self._is_word = token, records, read, is_word
        self._lock = threading.Lock()
        self._made: tuple[str, Lexicon] | None = None
        self._numbers: dict[str, int] = {}
        self._terms: list[str] = []
        self._totals: Counter[int] = Counter()
        self._kept: dict[str, Kept] = {}

    def lexicon(self) -> Lexicon:
        """The lexicon of the collection as it is now; the same object until it changes."""
        token = self._token()
        made = self._made
        if made is not None and made[0] == token:
            return made[1]
        with self._lock:
            if self._made is None or self._made[0] != token:
                self._made = (token, self._renewed())
            return self._made[1]

    def _renewed(self) -> Lexicon:
        records = {one.source: one for one in self._records() if one.sha256}
        for source in [source for source, kept in self._kept.items() if kept.of != _version(records, source)]:
            kept = self._kept.pop(source)
            self._totals.subtract(kept.totals())
        new = [source for source in records if source not in self._kept]
        for start in range(0, len(new), BATCH):
            if not self._has_room():
                break
            for source, text in self._read(new[start : start + BATCH]).items():
                self._keep(records[source], text)
        english = sum("english" in one.languages for one in records.values()) >= ENGLISH * len(records)
        return self._snapshot(english=english, complete=len(self._kept) == len(records))

    def _has_room(self) -> bool:
        read = sum(kept.characters for kept in self._kept.values())
        return read < MOST_CHARACTERS and len(self._terms) < MOST_TERMS

    def _keep(self, record: SourceRecord, text: str) -> None:
        found = Counter(terms(f"{record.title}\n{text}"))
        numbers = array("I", (self._number(term) for term in found))
        kept = Kept((record.sha256, record.title), numbers, array("I", found.values()), len(text))
        self._kept[record.source] = kept
        self._totals.update(kept.totals())

    def _number(self, term: str) -> int:
        number = self._numbers.setdefault(term, len(self._terms))
        if number == len(self._terms):
            self._terms.append(term)
        return number

    def _snapshot(self, *, english: bool, complete: bool) -> Lexicon:
        counts: dict[str, int] = {}
        pairs: list[tuple[str, str]] = []
        long_forms: dict[str, tuple[int, str]] = {}
        for number, count in self._totals.items():
            term = self._terms[number]
            if count <= 0:
                continue
            if "=" in term:
                short, long = term.split("=", 1)
                long_forms[short] = max(long_forms.get(short, (0, "")), (count, long))
            elif "&" in term:
                first, second = term.split("&", 1)
                pairs.append((first, second))
            else:
                counts[term] = count
        expansions = {short: long for short, (_, long) in long_forms.items()}
        return Lexicon(counts, frozenset(pairs), expansions, english, complete, self._is_word)


def letter_bits(word: str) -> int:
    """The letters of a word as bits; where two words have many that differ, they are far apart."""
    bits = 0
    for letter in word:
        bits |= 1 << (ord(letter) & 31)
    return bits


def _version(records: Mapping[str, SourceRecord], source: str) -> tuple[str, str] | None:
    record = records.get(source)
    return None if record is None else (record.sha256, record.title)


def terms(text: str) -> Iterator[str]:
    """What a text adds to a lexicon: words, pairs as "terms&conditions", acronyms as "WFH=work from home".

    >>> list(terms("Work from home (WFH) rules and terms"))[-2:]
    ['rules&terms', 'WFH=Work from home']
    """
    lowered = text.lower()
    yield from WORDS.findall(lowered)
    stretches = JOINED.split(lowered)
    for before, after in zip(stretches, stretches[1:], strict=False):
        first, second = before[-40:].split()[-1:], after[:40].split()[:1]
        if first and second:
            pair = first[0].strip("\"'("), second[0].strip(".,;:!?\"')")
            if pair[0].isalpha() and pair[1].isalpha():
                yield "&".join(pair)
    for found in PARENTHESIS.finditer(text):
        inside, before = found[1].strip(), text[max(0, found.start() - LONG_FORM) : found.start()].rstrip()
        yield from _acronym(inside, before)


def _acronym(inside: str, before: str) -> Iterator[str]:
    """ "Work From Home (WFH)" and "WFH (work from home)"."""
    if ACRONYM.fullmatch(inside):
        long = _long_form(inside, re.split(r"[.;:!?\n]\s", before)[-1])
        if long:
            yield f"{_singular(inside)}={long}"
        return
    last = before.split()[-1:] if before else []
    if last and ACRONYM.fullmatch(last[0]) and _long_form(last[0], inside) == inside:
        yield f"{_singular(last[0])}={inside}"


def _singular(short: str) -> str:
    return short[:-1] if short.endswith("s") and len(short) > 2 else short


def _long_form(short: str, before: str) -> str:
    """The last words of a text that a short form stands for: its letters in order, the first begins a word.

    After Schwartz and Hearst (2003). At least half of the letters must begin a word, which keeps out words
    that hold the letters by chance.
    """
    sought = [letter.lower() for letter in _singular(short) if letter.isalnum()]
    words = before.split()
    longest = min(len(sought) + 5, 2 * len(sought) + 1)
    text = " ".join(words[-longest:])
    at, place, begins = len(text), len(sought) - 1, 0
    while place >= 0:
        at -= 1
        while at >= 0 and not (
            text[at].lower() == sought[place] and (place > 0 or at == 0 or not text[at - 1].isalnum())
        ):
            at -= 1
        if at < 0:
            return ""
        begins += at == 0 or not text[at - 1].isalnum()
        place -= 1
    long = text[at:].strip(" ,\"'“”")
    if len(long) <= len(short) or 2 * begins < len(sought) or short in long.split():
        return ""
    return "" if long.split()[0].lower() in stop_words("english") or _unlike(long, len(sought)) else long


def _unlike(long: str, letters: int) -> bool:
    """Whether a long form has words that no letter stands for, function words apart."""
    words = [word for word in re.split(r"[\s-]+", long.lower()) if word and word not in stop_words("english")]
    return len(words) > letters
