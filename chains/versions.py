"""Versions: where passages come from several versions of one document, the newest goes first.

Judges by titles, names, dates and what documents declare, never by their text. Knows no store and no model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from langchain_core.documents import Document

from .dates import periods
from .past_time import asked_time
from .rework import Dropped, Reworked, Reworker
from .version_names import Edition, edition_of, may_be_told, same_document

__all__ = ["Supersede", "Versions", "find_versions"]

_NUMBER = re.compile(r"\b(?:v|version |revision |rev\.? )(\d+(?:\.\d+)*)\b", re.IGNORECASE)
# A passage goes before another version's only if it is on the matter: a short update that is silent on it
# stays where it is. Told by the cosine with the question, as a share of the best version's; where no version
# has one, by the raw BM25. Not by the fused score, which is 0 for the last of whatever was found. .62 is the
# highest share that moves each of 198 newest versions that answer, on either half of the questions.
NEAR = {"vector": 0.6, "keyword": 0.2}
OF_THEN = 0.5  # of it will do for the version of the time asked about: the others are of another time
ALIKE = 0.85  # what older ones need where the newest is silent: they may be silent too; by hand


@dataclass(frozen=True, slots=True)
class Versions:
    """Sources that are versions of one document, newest first; `told_by` what the order was told by."""

    sources: tuple[str, ...]
    told_by: str
    when: Mapping[str, date | None]
    number: Mapping[str, tuple[int, ...]]


class Supersede(Reworker):
    """The newest of a document's versions goes before the older ones, which say by what they are replaced.

    Use it wherever rules are revised. It changes nothing where no two sources are versions of one document.
    Versions are told by what documents declare (`supersedes` or `version` in their metadata), and by titles
    and names that differ only in a date, a number or a word such as "update". Which is newer is told by
    declaration, version number or the documents' own dates, never by the time of ingestion.

    A question about an earlier time ("under the 2020 policy") gets the version of that time first, or the
    earliest one where there was none yet.

    Args:
        drop: leave the older versions out.

    >>> old = Document(page_content="Two days.", metadata={"source": "old", "title": "Leave Policy 2022"})
    >>> new = Document(page_content="Three days.", metadata={"source": "new", "title": "Leave Policy 2023"})
    >>> newest, older = Supersede().compress_documents([old, new], "How many days?")
    >>> newest.page_content, older.metadata["superseded_by"]
    ('Three days.', 'new')
    """

    drop: bool = False

    def rework(self, documents: Sequence[Document], query: str) -> Reworked:
        """Reorder the passages of versions among their own places; all other passages stay in theirs."""
        groups, undecided = find_versions(documents)
        if not groups:
            return Reworked(list(documents), detail=_detail((), undecided))
        ordered = list(documents)
        dropped: list[Dropped] = []
        for group in groups:
            wanted = _wanted(group, query)
            ordered = _marked(ordered, group, wanted[:1])
            ordered = _arranged(ordered, wanted)
            if self.drop and wanted:
                gone = [one for one in ordered if one.metadata.get("source") in wanted[1:]]
                dropped += [Dropped(one, f"replaced by {wanted[0]}") for one in gone]
                ordered = [one for one in ordered if one not in gone]
        return Reworked(ordered, dropped, _detail(groups, undecided))


def _detail(groups: Sequence[Versions], undecided: Sequence[Sequence[str]]) -> dict[str, Any]:
    told = [
        {"newest": one.sources[0], "older": list(one.sources[1:]), "told_by": one.told_by} for one in groups
    ]
    detail: dict[str, Any] = {"by": "rule", "versions": told}
    return {**detail, "undecided": [list(one) for one in undecided]} if undecided else detail


# -- which sources are versions of one document ------------------------------------------------------------


def find_versions(documents: Sequence[Document]) -> tuple[list[Versions], list[tuple[str, ...]]]:
    """The versions among the passages' sources, and those of which none can be told to be the newest."""
    metadata: dict[str, Mapping[str, Any]] = {}
    for document in documents:
        metadata.setdefault(str(document.metadata.get("source") or ""), document.metadata)
    metadata.pop("", None)
    told = {source: edition_of(one) for source, one in metadata.items() if may_be_told(one)}
    if not any(one.is_told for one in told.values()):
        return [], []
    editions = {source: told.get(source) or edition_of(one) for source, one in metadata.items()}
    groups: list[Versions] = []
    undecided: list[tuple[str, ...]] = []
    for group in _grouped(list(editions.values())):
        order, told_by = _newest_first(group)
        if order:
            when = {one.source: one.dated.when.date() if one.dated else None for one in order}
            number = {one.source: one.version for one in order}
            groups.append(Versions(tuple(one.source for one in order), told_by, when, number))
        else:
            undecided.append(tuple(one.source for one in group))
    return groups, undecided


def _grouped(editions: Sequence[Edition]) -> list[list[Edition]]:
    groups: list[list[Edition]] = []
    if not any(edition.is_told for edition in editions):
        return groups
    for edition in editions:
        own = [group for group in groups if any(same_document(edition, one) for one in group)]
        groups = [group for group in groups if group not in own]
        groups.append([one for group in own for one in group] + [edition])
    return [group for group in groups if len(group) > 1]


def _newest_first(group: Sequence[Edition]) -> tuple[list[Edition], str]:
    """Newest first, and what told it; nothing where the newest cannot be told."""
    for told_by, keys in (
        ("version", [one.version or (1,) for one in group] if any(one.version for one in group) else []),
        ("date", [one.dated.when for one in group if one.dated]),
        ("name", [one.mark for one in group]),
    ):
        ranked: list[Any] = sorted(keys, reverse=True)
        if len(keys) == len(group) and len(group) > 1 and ranked[0] != ranked[1]:
            by_source: dict[str, Any] = {one.source: key for one, key in zip(group, keys, strict=True)}
            order = sorted(group, key=lambda one: by_source[one.source], reverse=True)
            return _as_declared(order), told_by
    order = _as_declared(list(group))
    replaced = {name for one in group for name in one.declared}
    newest = [one for one in group if one.source not in replaced]
    return (order, "declared") if len(newest) == 1 and order[0] is newest[0] else ([], "")


def _as_declared(order: list[Edition]) -> list[Edition]:
    """What is declared to replace another goes before it, whatever the dates say."""
    for _ in order:
        for place, edition in enumerate(order):
            before = [k for k in range(place) if order[k].source in edition.declared]
            if before:
                order.insert(before[0], order.pop(place))
                break
        else:
            return order
    return order


# -- their passages ----------------------------------------------------------------------------------------


def _wanted(group: Versions, query: str) -> tuple[str, ...]:
    """The sources in the order in which the question wants them; empty where the search's order stays."""
    asked = asked_time(query)
    if asked is not None:
        first = _in_force(group, asked)
        return (first, *(one for one in group.sources if one != first)) if first else ()
    number = _NUMBER.search(query)
    if number and tuple(int(part) for part in number[1].split(".")) in group.number.values():
        return ()
    named = list(periods(query))
    newest = group.when[group.sources[0]]
    if named and not (newest and any(newest <= one.last for one in named)):
        return ()
    return group.sources


def _in_force(group: Versions, day: date) -> str:
    """The version that held on a day, else the earliest; "" where one without a date may have held."""
    dated = [(when, one) for one in group.sources if (when := group.when[one]) is not None]
    then = [one for when, one in dated if when <= day]
    if then:
        return then[0]
    return min(dated)[1] if len(dated) == len(group.sources) else ""


def _marked(documents: Sequence[Document], group: Versions, first: Sequence[str]) -> list[Document]:
    """The passages of versions with what replaces what, and which of them an earlier time puts first."""
    newest, *older = group.sources
    marked = []
    for document in documents:
        source = document.metadata.get("source")
        more: dict[str, Any] = {}
        if source == newest:
            declared = document.metadata.get("supersedes")
            said = [declared] if isinstance(declared, str) else list(declared or ())
            more["supersedes"] = list(dict.fromkeys([*older, *said]))
        elif source in older:
            more["superseded_by"] = newest
        if more and first and first[0] != newest:
            more["stands_behind"] = None if source == first[0] else first[0]
        marked.append(_with(document, **more) if more else document)
    return marked


def _with(document: Document, **more: Any) -> Document:
    return document.model_copy(update={"metadata": {**document.metadata, **more}})


def _arranged(documents: list[Document], wanted: Sequence[str]) -> list[Document]:
    """The best passage of each version, in the order wanted, on the places that these passages hold."""
    versions = [one for one in documents if one.metadata.get("source") in wanted]
    stage, best = _measure(versions)
    share = NEAR.get(stage, 0.0)
    if any("stands_behind" in one.metadata for one in versions):
        share *= OF_THEN
    found = _places(documents, wanted, stage, share * best)
    if wanted and wanted[0] not in found:
        found = _places(documents, wanted, stage, ALIKE * best)
    chosen = [found[source] for source in wanted if source in found]
    arranged = list(documents)
    for place, taken in zip(sorted(chosen), chosen, strict=True):
        score = documents[place].metadata.get("score")  # goes with the place, so that scores stay in order
        moved = documents[taken]
        arranged[place] = moved if score is None or place == taken else _with(moved, score=score)
    return arranged


def _places(documents: Sequence[Document], wanted: Sequence[str], stage: str, least: float) -> dict[str, int]:
    """For each version that is on the matter the place of its first passage that is."""
    places: dict[str, int] = {}
    for place, document in enumerate(documents):
        source = str(document.metadata.get("source"))
        if source in wanted and source not in places and _score(document, stage) >= least:
            places[source] = place
    return places


def _measure(versions: Sequence[Document]) -> tuple[str, float]:
    """The score by which a passage is on the matter, and the best one; none where a retriever gives none."""
    for stage in NEAR:
        best = max((_score(one, stage) for one in versions), default=0.0)
        if best > 0:
            return stage, best
    return "", 0.0


def _score(document: Document, stage: str) -> float:
    return float(document.metadata.get("scores", {}).get(stage, 0.0))
