"""The one interface between a knowledge base and what keeps it.

A store keeps what it is given and finds it again. It knows no reader, no analyser and no encoder: tokens
and vectors come in ready made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from .filters import Expression
from .records import Chunk, EmbedderIdentity, SourceRecord, Vector

__all__ = ["SCHEMA_VERSION", "DecayingStore", "FusingStore", "Legs", "Store", "TimeDecay"]

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Legs:
    """The hits of the two legs as (chunk id, score), best first; a leg that was not asked for is empty."""

    keyword: Sequence[tuple[str, float]]  # BM25, higher is better
    vector: Sequence[tuple[str, float]]  # cosine, -1..1


class Store(Protocol):
    """Passages and the ledger of their sources, for one tenant.

    Construction does no I/O. Every method may raise `StoreUnavailable`, and `StoreMismatch` where the
    schema or the tenancy found is not the one this store was opened with. Safe to use from several threads.
    """

    def bind(self, identity: EmbedderIdentity) -> None:
        """Make the base if it is not there; raise `StoreMismatch` if another embedder built it."""

    def exists(self) -> bool:
        """Whether the base is there; every read of one that is not finds nothing."""

    def replace(self, record: SourceRecord, text: str, chunks: Sequence[Chunk]) -> None:
        """Make `record`, its extracted `text` and `chunks` all there is of `record.source`.

        New chunks are stored before old ones go. A process killed at any point leaves either the old state,
        the new one, or one that the next `replace` of the source (or `repair`) turns into a clean one. Two
        callers at once: the last one wins, whole. Needs `bind` first.
        """

    def remove(self, sources: Sequence[str]) -> None:
        """Delete the sources with their chunks, text and ledger lines; unknown names are no error."""

    def unfinished(self) -> list[str]:
        """Sources whose `replace` or `remove` was cut off: to be ingested again or removed."""

    def records(self) -> list[SourceRecord]:
        """The ledger, by source name. An unfinished source has `sha256 == ""`."""

    def text(self, source: str) -> str | None:
        """The extracted text of a source; None where it is unknown."""

    def texts(self, sources: Sequence[str]) -> dict[str, str]:
        """The extracted texts of several sources; unknown ones are left out."""

    def change_token(self) -> str:
        """Another one after every write of this tenant, by any process; "" where the base is not there.

        Cheap to ask. What other processes wrote may show up to 30 s later.
        """

    def chunks(self, source: str) -> list[Chunk]:
        """The chunks of a source, in order, with vectors."""

    def around(self, source: str, first: int, last: int) -> list[Chunk]:
        """The chunks of a source from one position to another, both included, in order, without vectors."""

    def get(self, ids: Sequence[str]) -> dict[str, Chunk]:
        """The chunks with these ids, without vectors; missing ones are left out."""

    def vectors(self, hashes: Iterable[str]) -> Mapping[str, Vector]:
        """Stored vectors by `Chunk.hash`, as many as are known."""

    def search(
        self, tokens: Sequence[str], vector: Vector | None, *, limit: int, where: Expression = ()
    ) -> Legs:
        """The best `limit` hits of each leg: BM25 over any of `tokens`, cosine to `vector`.

        Without tokens or without a vector that leg is empty. Ties are in order of the chunk's id.
        """

    def count(self) -> int:
        """Number of chunks."""

    def fields(self) -> frozenset[str]:
        """Metadata keys that at least one chunk has."""

    def languages(self) -> frozenset[str]:
        """Languages of the chunks."""

    def close(self) -> None:
        """Release what is held; a second call does nothing."""


@runtime_checkable
class FusingStore(Protocol):
    """A store whose server fuses the two legs itself, by relative scores too."""

    def hybrid_native(
        self, tokens: Sequence[str], vector: Vector, *, alpha: float, limit: int, where: Expression = ()
    ) -> Sequence[tuple[str, float]]:
        """The best `limit` hits as (chunk id, fused score), best first."""


@dataclass(frozen=True, slots=True)
class TimeDecay:
    """How the age of `updated_at` counts: by half after each half-life, with `weight` against relevance."""

    now: datetime
    half_life: timedelta
    weight: float


@runtime_checkable
class DecayingStore(Protocol):
    """A store whose server counts age in while it searches, by the formula of `freshness.blended`."""

    def hybrid_decayed(
        self,
        tokens: Sequence[str],
        vector: Vector,
        *,
        alpha: float,
        limit: int,
        where: Expression = (),
        decay: TimeDecay,
    ) -> Sequence[tuple[str, float]] | None:
        """The best `limit` hits of all that the two legs found; None where this server or base cannot."""
