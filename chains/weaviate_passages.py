"""Passages as objects of their collection: written in batches, read by id or hash, deleted by source.

Knows no lease, no ledger and no search.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from .errors import IngestError
from .records import Chunk, Vector
from .weaviate_base import WeaviateBase
from .weaviate_filters import index_property, order_key
from .weaviate_schema import CHUNK_PROPERTIES, RUN, VECTOR_NAME, chunk_from, vector_of

__all__ = ["Passages", "Prepared", "batches"]

READ_BATCH = 500
WRITE_BATCH = 200  # objects of one request
WRITE_CHARACTERS = 4_000_000  # of one request; servers take 10 MB and more
RESULTS_CAP = 10_000  # QUERY_MAXIMUM_RESULTS, the server's default
READ_BACK_PAUSES = (0.0, 0.05, 0.2, 0.8)  # seconds; replicas of a cluster may lag

Prepared = tuple[Chunk, dict[str, Any]]  # a passage and its properties


class Passages:
    """The passages of one tenant."""

    def __init__(self, base: WeaviateBase) -> None:
        self._base = base

    def insert(self, batch: Sequence[Prepared], run: str) -> None:
        """Write a batch in one request; raise `IngestError` with the server's first reason.

        On this thread: the client's `batch.fixed_size` sends from threads of its own, where a dead server
        becomes a logged line for each object and no deadline of ours holds.
        """

        def insert(passages: Any, _: Any) -> str:
            from weaviate.classes.data import DataObject
            from weaviate.exceptions import WeaviateInsertManyAllFailedError

            objects = [
                DataObject(
                    uuid=chunk.id, properties=properties | {RUN: run}, vector={VECTOR_NAME: _list(chunk)}
                )
                for chunk, properties in batch
            ]
            try:
                failed = passages.data.insert_many(objects).errors
            except WeaviateInsertManyAllFailedError as error:
                return str(error)
            return "; ".join(error.message for error in list(failed.values())[:1])

        if reason := self._base.write(insert):
            raise IngestError(
                f"Weaviate did not store a passage of {batch[0][0].source!r}: {reason}.",
                remedy="Correct what it names, and ingest the source again.",
            )

    def written(self, run: str, wanted: int) -> int:
        """How many passages a run has written, by the server: it reports failures by object, if at all."""

        def count(passages: Any, _: Any) -> int:
            from weaviate.classes.query import Filter

            mine = Filter.by_property(RUN).equal(run)
            return int(passages.aggregate.over_all(filters=mine, total_count=True).total_count)

        stored = 0
        for pause in READ_BACK_PAUSES:
            time.sleep(pause)
            stored = self._base.write(count)
            if stored == wanted:
                break
        return stored

    def delete(self, source: str, *, except_run: str = "") -> None:
        """Delete a source's passages, until none matches: one call deletes no more than 10,000."""

        def delete(passages: Any, _: Any) -> int:
            from weaviate.classes.query import Filter

            where = Filter.by_property(index_property("source", "text")).equal(order_key(source))
            if except_run:
                where &= Filter.by_property(RUN).not_equal(except_run)
            done = passages.data.delete_many(where=where)
            if done.failed:
                raise IngestError(
                    f"Weaviate could not delete {done.failed} old passages of {source!r}.",
                    remedy="Check the server's log, and ingest the source again.",
                )
            return int(done.matches)

        while self._base.write(delete):
            pass

    def by_ids(self, ids: Sequence[str], *, vectors: bool) -> dict[str, Chunk]:
        """The passages with these ids, in this order; missing ones are left out."""
        wanted = [one for one in dict.fromkeys(ids) if _is_uuid(one)]
        found: dict[str, Chunk] = {}
        if not self._base.found():
            return found
        for some in _slices(wanted, READ_BATCH):
            for one in self._objects(some, list(CHUNK_PROPERTIES), vectors=vectors):
                vector = vector_of(one.vector) if vectors else None
                found[str(one.uuid)] = chunk_from(one.uuid, one.properties, vector)
        return {one: found[one] for one in wanted if one in found}

    def _objects(self, ids: Sequence[str], properties: list[str], *, vectors: bool = False) -> list[Any]:
        def fetch(passages: Any, _: Any) -> list[Any]:
            from weaviate.classes.query import Filter

            reply = passages.query.fetch_objects(
                filters=Filter.by_id().contains_any(list(ids)),
                limit=len(ids),
                return_properties=properties,
                include_vector=[VECTOR_NAME] if vectors else False,
            )
            return list(reply.objects)

        return self._base.read(fetch, [])

    def vectors(self, hashes: Iterable[str]) -> Mapping[str, Vector]:
        """Stored vectors by `Chunk.hash`, as many as are known."""
        known: dict[str, Vector] = {}
        if not self._base.found():
            return known
        for some in _slices(list(dict.fromkeys(hashes)), READ_BATCH):
            objects = self._by_hash(some, RESULTS_CAP)
            if len(objects) == RESULTS_CAP:  # texts that very many passages share
                objects = [one for single in some for one in self._by_hash([single], 1)]
            for one in objects:
                vector = vector_of(one.vector)
                if vector is not None:
                    known[one.properties["hash"]] = vector
        return known

    def _by_hash(self, hashes: Sequence[str], limit: int) -> list[Any]:
        def fetch(passages: Any, _: Any) -> list[Any]:
            from weaviate.classes.query import Filter

            reply = passages.query.fetch_objects(
                filters=Filter.by_property("hash").contains_any(list(hashes)),
                limit=limit,
                return_properties=["hash"],
                include_vector=[VECTOR_NAME],
            )
            return list(reply.objects)

        return self._base.read(fetch, [])

    def count(self) -> int:
        """Number of passages."""
        return self._base.read(
            lambda passages, _: int(passages.aggregate.over_all(total_count=True).total_count), 0
        )


def _list(chunk: Chunk) -> list[float]:
    if chunk.vector is None:
        raise IngestError(f"The passage {chunk.id} has no vector.", remedy="Encode it before it is stored.")
    vector: list[float] = chunk.vector.tolist()
    return vector


def batches(objects: Sequence[Prepared]) -> Iterator[list[Prepared]]:
    """The passages in requests of a size that servers take."""
    batch: list[Prepared] = []
    characters = 0
    for chunk, properties in objects:
        size = sum(len(str(value)) for value in properties.values()) + 8 * (
            0 if chunk.vector is None else len(chunk.vector)
        )
        if batch and (len(batch) == WRITE_BATCH or characters + size > WRITE_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append((chunk, properties))
        characters += size
    if batch:
        yield batch


def _slices(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _is_uuid(text: str) -> bool:
    with suppress(ValueError):
        return str(uuid.UUID(text)) == text.lower()
    return False
