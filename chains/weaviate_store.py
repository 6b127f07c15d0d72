"""A knowledge base on a Weaviate server.

Knows no reader, no analyser and no encoder. Where the server is, how it fails and who may write when are
next door: `weaviate_url`, `weaviate_connection`, `weaviate_embedded`, `weaviate_lease`.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from .errors import IngestError
from .filters import Expression
from .records import Chunk, EmbedderIdentity, SourceRecord, Vector
from .store import Legs
from .weaviate_base import WeaviateBase
from .weaviate_connection import WeaviateConnection
from .weaviate_filters import NOTHING, compile_filter, filter_properties, index_property, order_key
from .weaviate_lease import Leases
from .weaviate_ledger import Ledger
from .weaviate_schema import (
    CHUNK_PROPERTIES,
    RUN,
    VECTOR_NAME,
    chunk_from,
    chunk_properties,
    vector_of,
)
from .weaviate_url import EmbeddedPlace, ServerAddress, parse_weaviate_url

if TYPE_CHECKING:
    from .weaviate_embedded import EmbeddedServer

__all__ = ["WeaviateStore"]

READ_BATCH = 500
WRITE_BATCH = 200  # objects of one request
WRITE_CHARACTERS = 4_000_000  # of one request; servers take 10 MB and more
HIT_CAP = 10_000  # QUERY_MAXIMUM_RESULTS, the server's default
TIE_ROOM = 4  # hits asked for beyond the limit, which save a second call in most ties
ATTEMPTS = 5  # to write a source whose lease was lost to another writer

SURROGATE = re.compile("[\ud800-\udfff]")
Leg = Callable[[int, Any, Any], list[tuple[str, float]]]  # limit, passages, sources -> hits


class WeaviateStore:
    """`Store` on Weaviate 1.27 or newer: on a server, a cluster, in the cloud, or one that it starts itself.

    Use it for more than 100,000 passages, or where several hosts share one knowledge base.

    Args:
        url: `weaviate://host:8080?grpc=50051&collection=Docs`, `weaviates://cluster.example` (TLS) or
            `weaviate+embedded:///data/folder?binary=/path/weaviate-server`.
        tenant: Keeps everything of one tenant apart, by Weaviate's own multi-tenancy.
        api_key: The server's key.
        timeout: Seconds for one call on a server that is slow or hangs. A server that is down is told
            within 3 s whatever this is.

    Raises:
        ChainError: The URL is malformed.
    """

    def __init__(
        self, url: str, *, tenant: str | None = None, api_key: str | None = None, timeout: float = 10.0
    ) -> None:
        parsed = parse_weaviate_url(url)
        self._api_key = api_key or ""
        self._address = parsed.address
        self._server = _embedded(parsed.embedded, timeout)
        self._connection = WeaviateConnection(self._locate, timeout=timeout)
        self._base = WeaviateBase(self._connection, parsed.collection, tenant)
        self._leases = Leases(self._base, timeout=timeout)
        self._ledger = Ledger(self._base, self._leases)
        self._pool: ThreadPoolExecutor | None = None

    def _locate(self) -> tuple[ServerAddress, str]:
        if self._server is not None:
            return self._server.address()
        assert self._address is not None  # a URL names one of the two
        return self._address, self._api_key

    def bind(self, identity: EmbedderIdentity) -> None:
        """Make the base if it is not there; `StoreMismatch` if another encoder built it."""
        self._base.bind(identity)

    def exists(self) -> bool:
        """Whether the base is there; with a tenant, whether that tenant is."""
        return self._base.found()

    def replace(self, record: SourceRecord, text: str, chunks: Sequence[Chunk]) -> None:
        """Make `record`, `text` and `chunks` all there is of the source; the last of two callers wins, whole.

        Raises:
            IngestError: The server did not take a passage, or another writer does not finish.
        """
        objects = [(chunk, chunk_properties(chunk, "")) for chunk in chunks]
        self._base.add_properties(
            {name for _, properties in objects for name in properties if name.startswith(("f_", "m_"))}
        )
        for _ in range(ATTEMPTS):
            token = self._leases.take(record.source)
            try:
                if self._write(record, text, objects, token):
                    return
            finally:
                self._leases.abandon(token)
        raise IngestError(
            f"{record.source!r} could not be written: other writers took it over {ATTEMPTS} times.",
            remedy="Let one process ingest this source at a time.",
        )

    def _write(
        self, record: SourceRecord, text: str, objects: Sequence[tuple[Chunk, dict[str, Any]]], token: str
    ) -> bool:
        """Write under a lease, new before old; False where the lease was lost, and all must be done again."""
        for batch in _batches(objects):
            if not self._leases.keep(record.source, token):
                return False
            self._insert(batch, token)
        self._read_back(record.source, token, len({chunk.id for chunk, _ in objects}))
        if not self._leases.keep(record.source, token):
            return False
        self._ledger.put(record, text)
        self._delete_passages(record.source, except_run=token)
        self._ledger.touch()
        return self._leases.release(record.source, token)

    def _insert(self, batch: Sequence[tuple[Chunk, dict[str, Any]]], run: str) -> None:
        """One request, on this thread: `batch.fixed_size` sends from threads of its own, where a dead server
        becomes a logged line for each object, and no deadline of ours holds."""

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

    def _read_back(self, source: str, run: str, wanted: int) -> None:
        """Count what this run wrote: Weaviate reports failures by object, and some not at all."""

        def count(passages: Any, _: Any) -> int:
            from weaviate.classes.query import Filter

            mine = Filter.by_property(RUN).equal(run)
            return int(passages.aggregate.over_all(filters=mine, total_count=True).total_count)

        stored = self._base.write(count)
        if stored != wanted:
            raise IngestError(
                f"Of {wanted} passages of {source!r} Weaviate has {stored} after writing them.",
                remedy="Check the server's log and disk, and ingest the source again.",
            )

    def _delete_passages(self, source: str, *, except_run: str = "") -> None:
        """Delete until nothing matches: one call deletes no more than 10,000."""

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

    def remove(self, sources: Sequence[str]) -> None:
        """Delete the sources with passages, text and ledger line; unknown names are no error."""
        for source in self._ledger.present(sources):
            for _ in range(ATTEMPTS):
                token = self._leases.take(source)
                try:
                    self._delete_passages(source)
                    self._ledger.delete(source)
                    self._ledger.touch()
                    if self._leases.release(source, token):
                        break
                finally:
                    self._leases.abandon(token)

    def unfinished(self) -> list[str]:
        """Sources whose writer was cut off."""
        return self._ledger.unfinished()

    def records(self) -> list[SourceRecord]:
        """The ledger, by source name; a source that is being written or was cut off has no `sha256`."""
        return self._ledger.records()

    def text(self, source: str) -> str | None:
        """The extracted text of a source; None where it is unknown."""
        return self._ledger.text(source)

    def chunks(self, source: str) -> list[Chunk]:
        """The passages of a source, in order, with vectors."""
        record = self._ledger.record(source)
        if record is None:
            return []
        found = self._chunks(record.chunk_ids, vectors=True)
        return sorted(found.values(), key=lambda chunk: chunk.position)

    def get(self, ids: Sequence[str]) -> dict[str, Chunk]:
        """The passages with these ids, without vectors; missing ones are left out."""
        return self._chunks(ids, vectors=False)

    def _chunks(self, ids: Sequence[str], *, vectors: bool) -> dict[str, Chunk]:
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
            objects = self._by_hash(some, HIT_CAP)
            if len(objects) == HIT_CAP:  # texts that very many passages share
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

    def search(
        self, tokens: Sequence[str], vector: Vector | None, *, limit: int, where: Expression = ()
    ) -> Legs:
        """The best `limit` hits of each leg, both asked at once; ties are in order of the id."""
        query = _query(tokens)
        if not self._base.found() or limit < 1 or not (query or vector is not None):
            return Legs((), ())
        known = self._base.known(filter_properties(where)) if where else frozenset[str]()
        filters = compile_filter(where, known)
        if filters == NOTHING:
            return Legs((), ())
        keyword = partial(_keyword_leg, query, filters)
        if vector is None:
            return Legs(self._best(keyword, limit), ())
        near = partial(_vector_leg, vector.tolist(), filters)
        if not query:
            return Legs((), self._best(near, limit))
        other = self._threads().submit(self._best, keyword, limit)
        hits = self._best(near, limit)
        return Legs(other.result(), hits)

    def _best(self, leg: Leg, limit: int) -> list[tuple[str, float]]:
        """The best hits in a stable order: where equal scores reach past what was asked for, ask for more."""
        asked = min(limit + TIE_ROOM, HIT_CAP)
        while True:
            hits = self._base.read(partial(leg, asked), list[tuple[str, float]]())
            hits.sort(key=lambda hit: (-hit[1], hit[0]))
            if len(hits) < asked or asked == HIT_CAP or hits[limit - 1][1] > hits[-1][1]:
                return hits[:limit]
            asked = min(asked * 4, HIT_CAP)

    def hybrid_native(
        self,
        tokens: Sequence[str],
        vector: Vector,
        *,
        alpha: float,
        limit: int,
        where: Expression = (),
    ) -> list[tuple[str, float]]:
        """Weaviate's own relative-score fusion of the two legs, as (chunk id, score), best first.

        Use `search` and our fusion for answers; this one is for comparing the two.
        """
        known = self._base.known(filter_properties(where)) if where else frozenset[str]()
        filters = compile_filter(where, known)
        if filters == NOTHING:
            return []

        def hybrid(passages: Any, _: Any) -> list[tuple[str, float]]:
            from weaviate.classes.query import HybridFusion, MetadataQuery

            reply = passages.query.hybrid(
                query=_query(tokens),
                vector=vector.tolist(),
                alpha=alpha,
                limit=limit,
                filters=filters,
                query_properties=["tokens"],
                target_vector=VECTOR_NAME,
                fusion_type=HybridFusion.RELATIVE_SCORE,
                return_metadata=MetadataQuery(score=True),
                return_properties=[],
            )
            return [(str(one.uuid), float(one.metadata.score)) for one in reply.objects]

        return self._base.read(hybrid, list[tuple[str, float]]())

    def count(self) -> int:
        """Number of passages."""
        return self._base.read(
            lambda passages, _: int(passages.aggregate.over_all(total_count=True).total_count), 0
        )

    def fields(self) -> frozenset[str]:
        """Metadata keys that at least one passage has."""
        return self._ledger.summary().fields

    def languages(self) -> frozenset[str]:
        """Languages of the passages."""
        return self._ledger.summary().languages

    def close(self) -> None:
        """Close the connection; a second call does nothing, and a later use connects anew."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False)
        self._connection.close()
        if self._server is not None:
            self._server.release()

    def _threads(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(8, thread_name_prefix="weaviate-leg")
        return self._pool


def _embedded(place: EmbeddedPlace | None, timeout: float) -> EmbeddedServer | None:
    if place is None:
        return None
    from .weaviate_embedded import EmbeddedServer  # not on Windows, where Weaviate does not run

    return EmbeddedServer(place, timeout=timeout)


def _query(tokens: Sequence[str]) -> str:
    """The tokens as Weaviate splits them again; one that is no UTF-8 is in no passage."""
    return " ".join(token for token in tokens if token.strip() and not SURROGATE.search(token))


def _keyword_leg(query: str, filters: Any, limit: int, passages: Any, _: Any) -> list[tuple[str, float]]:
    from weaviate.classes.query import MetadataQuery

    reply = passages.query.bm25(
        query=query,
        query_properties=["tokens"],
        limit=limit,
        filters=filters,
        return_metadata=MetadataQuery(score=True),
        return_properties=[],
    )
    return [(str(one.uuid), float(one.metadata.score)) for one in reply.objects]


def _vector_leg(
    vector: list[float], filters: Any, limit: int, passages: Any, _: Any
) -> list[tuple[str, float]]:
    from weaviate.classes.query import MetadataQuery

    reply = passages.query.near_vector(
        near_vector=vector,
        target_vector=VECTOR_NAME,
        limit=limit,
        filters=filters,
        return_metadata=MetadataQuery(distance=True),
        return_properties=[],
    )
    return [(str(one.uuid), 1.0 - float(one.metadata.distance)) for one in reply.objects]


def _list(chunk: Chunk) -> list[float]:
    if chunk.vector is None:
        raise IngestError(f"The passage {chunk.id} has no vector.", remedy="Encode it before it is stored.")
    vector: list[float] = chunk.vector.tolist()
    return vector


def _batches(
    objects: Sequence[tuple[Chunk, dict[str, Any]]],
) -> Iterator[list[tuple[Chunk, dict[str, Any]]]]:
    batch: list[tuple[Chunk, dict[str, Any]]] = []
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
