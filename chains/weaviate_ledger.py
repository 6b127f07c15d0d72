"""The truth about sources, in the companion collection: ledger lines, extracted texts, unfinished marks.

Knows no passages. A stamp that changes with every write tells other processes that their summaries are old.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from .records import SourceRecord
from .weaviate_base import WeaviateBase
from .weaviate_lease import Leases
from .weaviate_schema import (
    RECORD_PROPERTIES,
    STATE_ID,
    record_from,
    record_properties,
    source_uuid,
    unpack_text,
)

__all__ = ["Ledger"]

PAGE = 500
TEXTS = 50  # read in one call: they may be long
RECHECK_SECONDS = 30.0
NEVER = (-RECHECK_SECONDS, "")


@dataclass(frozen=True, slots=True)
class Summary:
    """What a search needs to know of all sources."""

    stamp: str
    fields: frozenset[str]
    languages: frozenset[str]


EMPTY = Summary("", frozenset(), frozenset())


class Ledger:
    """Reads and writes the lines of one tenant."""

    def __init__(self, base: WeaviateBase, leases: Leases) -> None:
        self._base = base
        self._leases = leases
        self._summary = EMPTY
        self._asked = NEVER  # when the stamp was read last, and what it was
        self._lock = threading.Lock()

    def records(self) -> list[SourceRecord]:
        """All lines by name; a source that is being written, or was left so, has no sha256."""
        lines, leases = self._read()
        for name in leases:
            known = lines.get(name) or SourceRecord(name, "", "", "", "", "", "", (), (), ())
            lines[name] = replace(known, sha256="")
        return [lines[name] for name in sorted(lines)]

    def unfinished(self) -> list[str]:
        """Sources whose writer is gone."""
        _, leases = self._read()
        return sorted(name for name, lease in leases.items() if self._leases.is_left_over(lease))

    def record(self, source: str) -> SourceRecord | None:
        """One line."""
        found = self._fetch(source, ["record"])
        return None if found is None else record_from(found)

    def text(self, source: str) -> str | None:
        """The extracted text of a source."""
        found = self._fetch(source, ["text"])
        return None if found is None else unpack_text(found["text"])

    def texts(self, sources: Sequence[str]) -> dict[str, str]:
        """The extracted texts of several sources; unknown ones are left out."""
        texts: dict[str, str] = {}
        ids = [source_uuid("source", source) for source in dict.fromkeys(sources)]
        for start in range(0, len(ids), TEXTS):
            found = self._base.read(partial(_texts, ids[start : start + TEXTS]), dict[str, str]())
            texts |= {name: unpack_text(packed) for name, packed in found.items()}
        return texts

    def change_token(self) -> str:
        """The stamp of the last write; asked of the server every 30 s, and after a write of our own."""
        with self._lock:
            asked, stamp = self._asked
        if time.monotonic() < asked + RECHECK_SECONDS:
            return stamp
        stamp = self._base.read(lambda _, sources: _stamp(sources), "")
        with self._lock:
            self._asked = (time.monotonic(), stamp)
        return stamp

    def present(self, sources: Sequence[str]) -> list[str]:
        """Those of the sources that have a line or an unfinished mark."""
        wanted = {source_uuid(kind, source): source for source in sources for kind in ("source", "lease")}
        ids = list(wanted)
        names: set[str] = set()
        for start in range(0, len(ids), PAGE):
            some = ids[start : start + PAGE]
            names.update(wanted[one] for one in self._base.read(partial(_ids, some), list[str]()))
        return [source for source in dict.fromkeys(sources) if source in names]

    def put(self, record: SourceRecord, text: str) -> None:
        """Write a line; the old one is replaced."""
        self._upsert(source_uuid("source", record.source), record_properties(record, text))

    def delete(self, source: str) -> None:
        """Delete a line."""

        def delete(_: Any, sources: Any) -> None:
            from weaviate.classes.query import Filter

            sources.data.delete_many(where=Filter.by_id().equal(source_uuid("source", source)))

        self._base.write(delete)

    def touch(self) -> None:
        """Tell every process that the summary has changed."""
        self._upsert(STATE_ID, {"kind": "state", "token": uuid.uuid4().hex})
        with self._lock:
            self._asked = NEVER

    def summary(self) -> Summary:
        """Fields and languages of all sources; read anew only after a write."""
        stamp = self._base.read(lambda _, sources: _stamp(sources), "")
        with self._lock:
            if stamp and stamp == self._summary.stamp:
                return self._summary
        lines = self._read()[0].values()
        summary = Summary(
            stamp,
            frozenset(field for line in lines for field in line.fields),
            frozenset(language for line in lines for language in line.languages),
        )
        with self._lock:
            self._summary = summary
        return summary

    def _read(self) -> tuple[dict[str, SourceRecord], dict[str, dict[str, Any]]]:
        properties = [*RECORD_PROPERTIES, "token", "holder"]
        lines: dict[str, SourceRecord] = {}
        leases: dict[str, dict[str, Any]] = {}
        for one in self._base.read(lambda _, sources: _all(sources, properties), list[dict[str, Any]]()):
            if one["kind"] == "source":
                lines[one["name"]] = record_from(one)
            elif one["kind"] == "lease":
                leases[one["name"]] = one
        return lines, leases

    def _fetch(self, source: str, properties: list[str]) -> dict[str, Any] | None:
        def fetch(_: Any, sources: Any) -> dict[str, Any] | None:
            found = sources.query.fetch_object_by_id(
                source_uuid("source", source), return_properties=properties
            )
            return None if found is None else dict(found.properties)

        return self._base.read(fetch, None)

    def _upsert(self, identifier: str, properties: dict[str, Any]) -> None:
        def upsert(_: Any, sources: Any) -> None:
            from weaviate.classes.data import DataObject

            sources.data.insert_many([DataObject(uuid=identifier, properties=properties)])

        self._base.write(upsert)


def _all(sources: Any, properties: list[str]) -> list[dict[str, Any]]:
    """Every object, by cursor: a query gives no more than 10,000."""
    objects: list[dict[str, Any]] = []
    after = None
    while True:
        page = sources.query.fetch_objects(limit=PAGE, after=after, return_properties=properties).objects
        objects.extend(dict(one.properties) for one in page)
        if len(page) < PAGE:
            return objects
        after = page[-1].uuid


def _ids(ids: Sequence[str], _: Any, sources: Any) -> list[str]:
    from weaviate.classes.query import Filter

    found = sources.query.fetch_objects(
        filters=Filter.by_id().contains_any(list(ids)), limit=len(ids), return_properties=[]
    )
    return [str(one.uuid) for one in found.objects]


def _texts(ids: Sequence[str], _: Any, sources: Any) -> dict[str, str]:
    from weaviate.classes.query import Filter

    found = sources.query.fetch_objects(
        filters=Filter.by_id().contains_any(list(ids)), limit=len(ids), return_properties=["name", "text"]
    )
    return {str(one.properties["name"]): str(one.properties["text"]) for one in found.objects}


def _stamp(sources: Any) -> str:
    found = sources.query.fetch_object_by_id(STATE_ID, return_properties=["token"])
    return "" if found is None else str(found.properties["token"])
