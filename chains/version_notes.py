"""What is said of a source's version: beside an answer, and to a model beside its passages.

Goes by the `supersedes` and `superseded_by` that `Supersede` left in the metadata: without versions among
the passages nothing is said. Knows no store and no model.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.documents import Document

from .analyser import detect_language, document_tokens, query_tokens
from .dates import own_date
from .fact_checks import contradictions
from .fact_values import Values, values_in
from .past_time import asked_time
from .sentences import sentences

__all__ = ["version_lines", "version_note"]

ON_THE_QUESTION = 0.5  # share of the question's words that a sentence must have to be set against another
SHOWN = 200  # characters of an older version's sentence
YEARS = frozenset(float(year) for year in range(1900, 2100))
SAME = 0.6  # share of common words from which two sentences say the same in other words


def version_note(question: str, documents: Sequence[Document], cited: Collection[int]) -> str:
    """From when the cited sources are, where versions of them are known, and what an older one says.

    Args:
        question: as it is searched, standing alone.
        documents: the passages shown, in the order of their marks.
        cited: the numbers of the marks in the answer, from 1.

    >>> old = {"source": "a", "title": "Leave Policy 2022", "superseded_by": "b"}
    >>> new = {"source": "b", "title": "Leave Policy 2023", "supersedes": ["a"]}
    >>> texts = ("You get 30 days of leave.", new), ("You get 25 days of leave.", old)
    >>> found = [Document(page_content=text, metadata=metadata) for text, metadata in texts]
    >>> print(version_note("How many days of leave do I get?", found, {1}))
    As of 2023 (Leave Policy 2023). An older version of 2022 says otherwise: “You get 25 days of leave.”
    """
    numbers = [number for number in sorted(cited) if 1 <= number <= len(documents)]
    notes: dict[str, str] = {}
    for number in numbers:
        metadata = documents[number - 1].metadata
        source = str(metadata.get("source") or "")
        if first := metadata.get("stands_behind"):
            notes.setdefault(source, _from(question, documents[number - 1]))
            notes.setdefault(first, _of_then(question, documents, first))
        elif newest := metadata.get("superseded_by"):  # it may itself replace an older one
            notes.setdefault(source, _of_older(question, documents, documents[number - 1], str(newest)))
        elif metadata.get("supersedes"):
            notes.setdefault(source, _of_newest(question, documents, documents[number - 1]))
    return " ".join(note for note in notes.values() if note)


def _of_newest(question: str, documents: Sequence[Document], newest: Document) -> str:
    replaced = any(one.metadata.get("superseded_by") == newest.metadata.get("source") for one in documents)
    if not replaced and own_date(newest.metadata) is None:
        return f"From {_title(newest)}, which replaces an older version."  # and may itself be replaced
    note = _from(question, newest) or f"From the newest version, {_title(newest)}."
    other = _disagreeing(question, documents, newest)
    if other is None:
        return note
    older, said, otherwise = other
    when = own_date(older.metadata)
    version = f"An older version of {when}" if when else f"An older version, {_title(older)},"
    return f"{note} {version} {'says otherwise' if otherwise else 'puts it differently'}: “{_short(said)}”"


def _of_older(question: str, documents: Sequence[Document], older: Document, newest: str) -> str:
    note = _from(question, older) or f"From an older version, {_title(older)}."
    for number, document in enumerate(documents, start=1):
        if document.metadata.get("source") == newest:
            since = own_date(document.metadata)
            return f"{note} There is a newer version{f' of {since}' if since else ''}: [{number}]."
    return f"{note} There is a newer version."


def _of_then(question: str, documents: Sequence[Document], first: str) -> str:
    """Which version an answer from another one should have come from, as far as it is shown."""
    asked = asked_time(question)
    for number, document in enumerate(documents, start=1):
        dated = own_date(document.metadata) if document.metadata.get("source") == first else None
        if dated and asked:
            which = "latest version by then" if dated.when.date() <= asked else "earliest version here"
            return f"The {which} is of {dated}: [{number}]."
    return ""


def _from(question: str, document: Document) -> str:
    """From when a version is, and how that stands to the time asked about; "" where it has no date."""
    dated, asked = own_date(document.metadata), asked_time(question)
    if dated is None:
        return ""
    title = _title(document)
    goes_first = document.metadata.get("stands_behind", "") is None  # as the version of that time
    if asked is None or (dated.when.date() <= asked and not goes_first):
        return f"As of {dated} ({title})."
    if dated.when.date() <= asked:
        return f"As of {dated} ({title}), the latest version by then."
    if goes_first:
        return f"The earliest version here is of {dated} ({title}), after the time that is asked about."
    return f"As of {dated} ({title}), after the time that is asked about."


def _title(document: Document) -> str:
    return str(document.metadata.get("title") or document.metadata.get("source") or "untitled")


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= SHOWN else f"{plain[:SHOWN].rsplit(' ', 1)[0]}…"


# -- what an older version says ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Said:
    """A sentence on the question, its words, and how many of the question's it has."""

    document: Document
    text: str
    words: frozenset[str]
    matched: int


def _disagreeing(
    question: str, documents: Sequence[Document], newest: Document
) -> tuple[Document, str, bool] | None:
    """An older version, its sentence on the question, and whether it holds another value or the opposite."""
    source = newest.metadata.get("source")
    older = [one for one in documents if one.metadata.get("superseded_by") == source]
    current = [one for one in documents if one.metadata.get("source") == source]
    language = detect_language(newest.page_content)
    titles = " ".join(str(one.metadata.get("title") or "") for one in (newest, *older))
    asked = set(query_tokens(question, [language])) - set(document_tokens(titles, language))
    said = _best(current, asked, language)
    if said is None:
        return None
    for name in dict.fromkeys(one.metadata.get("source") for one in older):
        was = _best([one for one in older if one.metadata.get("source") == name], asked, language)
        if was is None or not asked & was.words & said.words:
            continue
        if _differ(values_in(was.text), values_in(said.text)) or contradictions(was.text, said.text):
            return was.document, was.text, True
        alike = len(was.words & said.words) / min(len(was.words), len(said.words))
        if alike < SAME and min(was.matched, said.matched) >= min(2, len(asked)):
            return was.document, was.text, False
    return None


def _best(documents: Sequence[Document], asked: set[str], language: str) -> _Said | None:
    """The sentence that has most of the question's words, if it has enough of them.

    Words of the titles do not count: they are said of every sentence of every version.
    """
    best: _Said | None = None
    for document in documents:
        for start, end in sentences(document.page_content, language):
            text = document.page_content[start:end]
            words = frozenset(document_tokens(text, language))
            matched = len(asked & words)
            if matched and matched >= ON_THE_QUESTION * len(asked) and (not best or matched > best.matched):
                best = _Said(document, text, words, matched)
    return best


def _differ(one: Values, other: Values) -> bool:
    """Whether figures or days of one are not in the other, where both have some."""
    figures = list(_figures(one)), list(_figures(other))
    if all(figures) and any(_lacks(here, there) for here, there in (figures, figures[::-1])):
        return True
    days = [{reading for day in values.days for reading in day.readings} for values in (one, other)]
    return all(days) and not days[0] & days[1] and not all(figures)


def _figures(values: Values) -> Iterator[tuple[Any, str]]:
    """The numbers, without bare years: from when a version holds is no disagreement."""
    for figure in values.figures:
        year = not figure.unit and bool(figure.values & YEARS)
        if not figure.common and not year:
            yield figure.values, figure.unit


def _lacks(here: Sequence[tuple[Any, str]], there: Sequence[tuple[Any, str]]) -> bool:
    """Whether a figure here has no equal there, of the same unit where both name one."""
    return any(
        not any(value & other and (not unit or not kind or unit == kind) for other, kind in there)
        for value, unit in here
    )


# -- for a prompt ------------------------------------------------------------------------------------------


def version_lines(documents: Sequence[Document]) -> list[str]:
    """For each passage what a prompt should say of its version; "" where it is not one of several.

    >>> old = {"source": "a", "updated": "2022-01-31", "superseded_by": "b"}
    >>> new = {"source": "b", "updated": "2023-05-01", "supersedes": ["a"]}
    >>> version_lines([Document(page_content="", metadata=metadata) for metadata in (new, old)])
    ['updated 2023-05-01, replaces [2]', 'updated 2022-01-31, replaced by [1]']
    """
    first: dict[str, int] = {}
    for number, document in enumerate(documents, start=1):
        first.setdefault(str(document.metadata.get("source") or ""), number)
    return [_line(document, first) for document in documents]


def _line(document: Document, first: dict[str, int]) -> str:
    metadata = document.metadata
    older, newest = metadata.get("supersedes") or [], metadata.get("superseded_by")
    if not older and not newest:
        return ""
    dated = own_date(metadata)
    parts = [f"updated {dated.when:%Y-%m-%d}"] if dated else []
    if newest:
        parts.append(f"replaced by [{first[newest]}]" if newest in first else "replaced by a newer version")
    else:
        marks = ", ".join(f"[{number}]" for number in sorted(first[one] for one in older if one in first))
        parts.append(f"replaces {marks}" if marks else "the newest version")
    return ", ".join(parts)
