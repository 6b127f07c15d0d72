"""Whether two documents are versions of one, told from titles, names and what they declare.

Precision first: two rules that only sound alike must never be taken for one. Knows no passage's text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from .dates import MONTH_NAMES, OWN_KEYS, Dated, own_date, periods

__all__ = ["Edition", "Name", "edition_of", "may_be_told", "read_name", "same_document"]

# What a later text replaces an earlier one of. Not reports, minutes, notes, plans: each stands for its time.
KINDS = frozenset(
    "agreement charter code condition contract faq guide guideline handbook instruction manual policy"
    " procedure process protocol regulation rule scheme standard tariff term".split()
)
# The same in other languages, at the end of a word as well: German writes "Reiserichtlinie".
OTHER_KINDS = (
    "richtlinie", "richtlinien", "regelung", "regelungen", "vorschrift", "vorschriften", "handbuch",
    "leitfaden", "vereinbarung", "vertrag", "règlement", "politique", "charte", "procédure", "contrat",
    "manuel", "reglamento", "política", "normativa", "contrato", "guía", "procedimiento", "regolamento",
    "politica", "contratto", "manuale", "regulamento", "reglement", "beleid", "handboek", "richtlijn",
)  # fmt: skip
NUMBERED = frozenset("v ver version rev revision edition issue release".split())
ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5}
EARLY = frozenset("archived draft former obsolete old outdated previous superseded".split())
LATE = frozenset("amended amendment current final latest revised update updated".split())
MARKS = EARLY | LATE
MARKS_BEFORE = MARKS - {"current", "final"}
ARTICLES = frozenset(("a", "an", "the", "our", "your"))
# Keys that say what a document is for: two values, two documents.
SCOPES = (
    "audience", "brand", "category", "country", "department", "lang", "language", "locale", "product",
    "region", "site", "team",
)  # fmt: skip
_WORD = re.compile(r"[^\W_]+(?:\.\d+)*")
_NUMBERED_WORD = re.compile(r"(?:v|ver|version|rev|revision)\.?(\d+(?:\.\d+)*)")
_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)")
_NUMBER = re.compile(r"\d+(?:\.\d+)*")
_CUE = re.compile(rf"(?:19|20)\d\d|(?<![a-z])(?:{'|'.join(sorted(NUMBERED | MARKS))})(?![a-z])")
_DECLARING = frozenset(("original", "version", "supersedes", "replaces", *OWN_KEYS))


@dataclass(frozen=True, slots=True)
class Name:
    """A title or file name without what tells versions apart, and that."""

    words: tuple[str, ...]  # of what it is about, singular
    kind: str  # one of KINDS, "" without
    version: tuple[int, ...]  # (2, 1) for "v2.1"
    mark: int  # -1 for a word such as "old", 1 for one such as "update"
    dated: bool


@dataclass(frozen=True, slots=True)
class Edition:
    """A source as one of several versions of a document."""

    source: str
    title: Name
    name: Name
    folder: tuple[str, ...]
    dated: Dated | None
    version: tuple[int, ...]
    declared: frozenset[str]  # names of the sources that it says it replaces
    scope: Mapping[str, str]
    initials: frozenset[str]  # of title and name: versions share one

    @property
    def mark(self) -> int:
        """-1 where title or name call it old, 1 where they call it new."""
        return self.title.mark or self.name.mark

    @property
    def is_marked(self) -> bool:
        """Whether it is told to be a version, other than by a date."""
        return bool(self.version or self.mark)

    @property
    def is_told(self) -> bool:
        """Whether anything tells it to be a version: of two that nothing tells, neither is."""
        return bool(self.version or self.dated or self.declared or self.mark)


def may_be_told(metadata: Mapping[str, Any]) -> bool:
    """A cheap test: False where nothing can make the source's edition `is_told`, as for most sources."""
    if not _DECLARING.isdisjoint(metadata):
        return True
    folder, _, name = str(metadata.get("source") or "").rpartition("/")
    return bool(
        re.search(r"\d", folder) or _tells(folder) or _tells(name) or _tells(str(metadata.get("title") or ""))
    )


@lru_cache(maxsize=4096)
def _tells(text: str) -> bool:
    """Whether a year, or a word that versions are called by, stands anywhere in it."""
    return _CUE.search(text.lower()) is not None


def edition_of(metadata: Mapping[str, Any]) -> Edition:
    """What the metadata of a passage tells of its source as a version."""
    source = str(metadata.get("source") or "")
    path = PurePosixPath(source)
    title, name = read_name(str(metadata.get("title") or "")), read_name(path.stem)
    folders = [folder for folder in path.parts[:-1] if _words(folder)]  # without "2023" and "v2"
    said = _version(str(metadata.get("version") or ""))
    return Edition(
        source,
        title,
        name,
        tuple(folders),
        own_date(metadata) if may_be_told(metadata) else None,  # a date is one of the things that tell
        said or title.version or name.version or _version(" ".join(path.parts[:-1])),
        frozenset(_names(metadata.get("supersedes")) + _names(metadata.get("replaces"))),
        {key: metadata[key] for key in SCOPES if isinstance(metadata.get(key), str)},
        frozenset(f"{at}{one.words[0][0]}" for at, one in (("t", title), ("n", name)) if one.words),
    )


def same_document(one: Edition, other: Edition) -> bool:
    """Whether two sources are versions of one document: declared, or by title and name.

    Titles must say the same apart from what tells versions apart, and something must tell them apart.
    """
    if not (one.is_told or other.is_told):
        return False
    if one.source in other.declared or other.source in one.declared:
        return True
    if one.initials.isdisjoint(other.initials) or one.folder != other.folder:
        return False  # the first, for speed alone
    if any(other.scope.get(key, said) != said for key, said in one.scope.items()):
        return False
    if _same_name(one.title, other.title):
        kind = one.title.kind or other.title.kind
        return _numbers_differ(one, other) or bool(kind and _told_apart(one, other))
    # The title may have changed while the file kept its name.
    return bool(one.name.words) and one.name == _like(one.name, other.name) and _numbers_differ(one, other)


def _numbers_differ(one: Edition, other: Edition) -> bool:
    return bool(one.version or other.version) and one.version != other.version


def _told_apart(one: Edition, other: Edition) -> bool:
    if one.dated and other.dated:
        return one.dated.when != other.dated.when
    return one.is_marked or other.is_marked


def _like(name: Name, other: Name) -> Name:
    """`other` with the version of `name`: equal to it where only the version differs."""
    return Name(other.words, other.kind, name.version, name.mark, name.dated)


def _same_name(one: Name, other: Name) -> bool:
    if not one.words or not other.words:
        return False
    if one.kind != other.kind:
        # "Work From Home Update" and "Work From Home Policy": an update names no kind; two words must agree.
        bare = one if not one.kind else other
        if bare.kind or bare.mark != 1 or max(len(one.words), len(other.words)) < 2:
            return False
    short, long = sorted((one.words, other.words), key=len)
    return short == long or (len(short) < len(long) and _spells_out(long, short))


def _spells_out(words: Sequence[str], short: Sequence[str]) -> bool:
    """Whether words are those of a shorter title with its acronyms spelled out: "wfh" as work, from, home."""
    place = 0
    for word in short:
        run = words[place : place + len(word)]
        if words[place : place + 1] == (word,):
            place += 1
        elif 2 <= len(word) <= 6 and "".join(part[0] for part in run) == word:
            place += len(word)
        else:
            return False
    return place == len(words)


# -- reading a name ----------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def read_name(text: str) -> Name:
    """A title or file name taken apart.

    >>> read_name("Wfh Policy Update May 2023")
    Name(words=('wfh',), kind='policy', version=(), mark=1, dated=True)
    >>> read_name("leave-rules_v2.1").version
    (2, 1)
    """
    words, version, mark, dated = _stripped(text)
    kind = next((kind for word in reversed(words) if (kind := _kind(word))), "")
    if not kind:
        return Name(tuple(words), "", version, mark, dated)
    return Name(tuple([word for word in words if word != kind]), kind, version, mark, dated)


def _kind(word: str) -> str:
    """The word, or its end, where it names a kind of document that is replaced as a whole; else ""."""
    if word in KINDS:
        return word
    if not word.endswith(OTHER_KINDS):
        return ""
    return next((kind for kind in OTHER_KINDS if word.endswith(kind)), "")


def _words(text: str) -> list[str]:
    return _stripped(text)[0]


@lru_cache(maxsize=1024)
def _version(text: str) -> tuple[int, ...]:
    """The number in "2.1", "v2" or "version 2"."""
    plain = re.fullmatch(r"\s*(\d+(?:\.\d+)*)\s*", text)
    return _numbers(plain[1]) if plain else _stripped(text)[1]


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def _stripped(text: str) -> tuple[list[str], tuple[int, ...], int, bool]:
    """Words, version number, mark, and whether a date was in it; versions stand at either end of a name."""
    dates = list(periods(text))
    for found in reversed(dates):
        text = f"{text[: found.start]} {text[found.end :]}"
    words = [word for word in _WORD.findall(text.replace("_", " ").lower()) if word not in ARTICLES]
    version: tuple[int, ...] = ()
    mark = 0
    while words:
        number, taken = _number_at_end(words)
        if taken:
            version = version or number
            del words[-taken:]
        elif words[-1] in MARKS:
            mark = mark or (-1 if words[-1] in EARLY else 1)
            del words[-1]
        elif words[0] in MARKS_BEFORE:
            mark = mark or (-1 if words[0] in EARLY else 1)
            del words[0]
        elif words[-1] in MONTH_NAMES or words[0] in MONTH_NAMES:
            del words[-1 if words[-1] in MONTH_NAMES else 0]
        else:
            break
    return [_singular(word) for word in words], version, mark, bool(dates)


def _number_at_end(words: list[str]) -> tuple[tuple[int, ...], int]:
    """A version number at the end, and of how many words it is made."""
    if match := _NUMBERED_WORD.fullmatch(words[-1]):
        return _numbers(match[1]), 1
    if len(words) > 1 and words[-2] in NUMBERED and _NUMBER.fullmatch(words[-1]):
        return _numbers(words[-1]), 2
    if len(words) > 1 and words[-1] in NUMBERED:
        if words[-2] in ORDINALS:
            return (ORDINALS[words[-2]],), 2
        if match := _ORDINAL.fullmatch(words[-2]):
            return (int(match[1]),), 2
    return (), 0


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _names(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, (list, tuple)) else ()
