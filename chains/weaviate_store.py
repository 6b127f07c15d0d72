"""A knowledge base on a Weaviate server.

Knows no reader, no analyser and no encoder. Where the server is, how it fails and who may write when are
next door: `weaviate_url`, `weaviate_connection`, `weaviate_embedded`, `weaviate_lease`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from .errors import IngestError
from .filters import Expression
from .records import Chunk, EmbedderIdentity, SourceRecord, Vector
from .store import Legs, TimeDecay
from .weaviate_base import WeaviateBase
from .weaviate_connection import WeaviateConnection
from .weaviate_lease import Leases
from .weaviate_ledger import Ledger
from .weaviate_passages import Passages, Prepared, batches
from .weaviate_schema import chunk_properties
from .weaviate_search import WeaviateSearch
from .weaviate_url import EmbeddedPlace, ServerAddress, parse_weaviate_url

if TYPE_CHECKING:
    from .weaviate_embedded import EmbeddedServer

__all__ = ["WeaviateStore"]

ATTEMPTS = 5  # to write a source whose lease was lost to another writer


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
        self._passages = Passages(self._base)
        self._search = WeaviateSearch(self._base)

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
            except IngestError:
                self._leases.give_up(record.source, token)
                raise
            finally:
                self._leases.forget(token)
        raise IngestError(
            f"{record.source!r} could not be written: other writers took it over {ATTEMPTS} times.",
            remedy="Let one process ingest this source at a time.",
        )

    def _write(self, record: SourceRecord, text: str, objects: Sequence[Prepared], token: str) -> bool:
        """Write under a lease, new before old; False where the lease was lost, and all must be done again."""
        for batch in batches(objects):
            if not self._leases.keep(record.source, token):
                return False
            self._passages.insert(batch, token)
        wanted = len({chunk.id for chunk, _ in objects})
        written = self._passages.written(token, wanted)
        if not self._leases.keep(record.source, token):
            return False
        if written != wanted:
            raise IngestError(
                f"Of {wanted} passages of {record.source!r} Weaviate has {written} after writing them.",
                remedy="Check the server's log and disk, and ingest the source again.",
            )
        self._ledger.put(record, text)
        self._passages.delete(record.source, except_run=token)
        self._ledger.touch()
        return self._leases.release(record.source, token)

    def remove(self, sources: Sequence[str]) -> None:
        """Delete the sources with passages, text and ledger line; unknown names are no error."""
        for source in self._ledger.present(sources):
            for _ in range(ATTEMPTS):
                token = self._leases.take(source)
                try:
                    self._passages.delete(source)
                    self._ledger.delete(source)
                    self._ledger.touch()
                    if self._leases.release(source, token):
                        break
                finally:
                    self._leases.forget(token)

    def unfinished(self) -> list[str]:
        """Sources whose writer was cut off."""
        return self._ledger.unfinished()

    def records(self) -> list[SourceRecord]:
        """The ledger, by source name; a source that is being written or was cut off has no `sha256`."""
        return self._ledger.records()

    def text(self, source: str) -> str | None:
        """The extracted text of a source; None where it is unknown."""
        return self._ledger.text(source)

    def texts(self, sources: Sequence[str]) -> dict[str, str]:
        """The extracted texts of several sources; unknown ones are left out."""
        return self._ledger.texts(sources)

    def change_token(self) -> str:
        """Another one after every write; what other processes wrote shows after 30 s at most."""
        return self._ledger.change_token()

    def chunks(self, source: str) -> list[Chunk]:
        """The passages of a source, in order, with vectors."""
        record = self._ledger.record(source)
        if record is None:
            return []
        found = self._passages.by_ids(record.chunk_ids, vectors=True)
        return sorted(found.values(), key=lambda chunk: chunk.position)

    def around(self, source: str, first: int, last: int) -> list[Chunk]:
        """The passages of a source from one position to another, both included, in order, without vectors."""
        record = self._ledger.record(source)
        if record is None:
            return []
        found = self._passages.by_ids(record.chunk_ids[max(0, first) : max(0, last + 1)], vectors=False)
        return sorted(found.values(), key=lambda chunk: chunk.position)

    def get(self, ids: Sequence[str]) -> dict[str, Chunk]:
        """The passages with these ids, without vectors; missing ones are left out."""
        return self._passages.by_ids(ids, vectors=False)

    def vectors(self, hashes: Iterable[str]) -> Mapping[str, Vector]:
        """Stored vectors by `Chunk.hash`, as many as are known."""
        return self._passages.vectors(hashes)

    def search(
        self, tokens: Sequence[str], vector: Vector | None, *, limit: int, where: Expression = ()
    ) -> Legs:
        """The best `limit` hits of each leg; ties are in order of the id."""
        return self._search.legs(tokens, vector, limit=limit, where=where)

    def hybrid_native(
        self, tokens: Sequence[str], vector: Vector, *, alpha: float, limit: int, where: Expression = ()
    ) -> list[tuple[str, float]]:
        """Weaviate's own relative-score fusion, as (chunk id, score); answers use `search` and our fusion."""
        return self._search.native(tokens, vector, alpha=alpha, limit=limit, where=where)

    def hybrid_decayed(
        self,
        tokens: Sequence[str],
        vector: Vector,
        *,
        alpha: float,
        limit: int,
        where: Expression = (),
        decay: TimeDecay,
    ) -> list[tuple[str, float]] | None:
        """Weaviate's own time decay over both legs; None where this server or base cannot."""
        return self._search.decayed(tokens, vector, alpha=alpha, limit=limit, where=where, decay=decay)

    def count(self) -> int:
        """Number of passages."""
        return self._passages.count()

    def fields(self) -> frozenset[str]:
        """Metadata keys that at least one passage has."""
        return self._ledger.summary().fields

    def languages(self) -> frozenset[str]:
        """Languages of the passages."""
        return self._ledger.summary().languages

    def close(self) -> None:
        """Close the connection; a second call does nothing, and a later use connects anew."""
        self._search.close()
        self._connection.close()
        if self._server is not None:
            self._server.release()


def _embedded(place: EmbeddedPlace | None, timeout: float) -> EmbeddedServer | None:
    if place is None:
        return None
    from .weaviate_embedded import EmbeddedServer  # not on Windows, where Weaviate does not run

    return EmbeddedServer(place, timeout=timeout)
