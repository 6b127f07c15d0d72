"""The two legs of a search on Weaviate, in a stable order, and Weaviate's own fusion of them.

Gives ids and scores only. Knows no passage and no writing.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from .filters import Expression
from .fusion import LEG_LIMIT
from .records import Vector
from .store import Legs, TimeDecay
from .weaviate_base import WeaviateBase
from .weaviate_filters import NOTHING, compile_filter, filter_properties
from .weaviate_schema import UPDATED, VECTOR_NAME

__all__ = ["WeaviateSearch"]

RESULTS_CAP = 10_000  # QUERY_MAXIMUM_RESULTS, the server's default
TIE_ROOM = 4  # hits asked for beyond the limit, which save a second call in most ties
# Half-lives that the server can take: Go writes no shorter ones, and its durations end at 292 years.
SHORTEST, LONGEST = timedelta(seconds=1), timedelta(days=36_500)
SURROGATE = re.compile("[\ud800-\udfff]")

Leg = Callable[[int, Any, Any], list[tuple[str, float]]]  # limit, passages, sources -> hits


class WeaviateSearch:
    """Searches the passages of one tenant; both legs are asked at once."""

    def __init__(self, base: WeaviateBase) -> None:
        self._base = base
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def legs(
        self, tokens: Sequence[str], vector: Vector | None, *, limit: int, where: Expression = ()
    ) -> Legs:
        """The best `limit` hits of each leg, both asked at once; ties are in order of the id."""
        query = _query(tokens)
        if not self._base.found() or limit < 1 or not (query or vector is not None):
            return Legs((), ())
        filters = self._filters(where)
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
        asked = min(limit + TIE_ROOM, RESULTS_CAP)
        while True:
            hits = self._base.read(partial(leg, asked), list[tuple[str, float]]())
            hits.sort(key=lambda hit: (-hit[1], hit[0]))
            if len(hits) < asked or asked == RESULTS_CAP or hits[limit - 1][1] > hits[-1][1]:
                return hits[:limit]
            asked = min(asked * 4, RESULTS_CAP)

    def native(
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
        filters = self._filters(where)
        if filters == NOTHING:
            return []
        hybrid = _Hybrid(_query(tokens), vector.tolist(), alpha, limit, filters)
        return self._base.read(hybrid.run, list[tuple[str, float]]())

    def decayed(
        self,
        tokens: Sequence[str],
        vector: Vector,
        *,
        alpha: float,
        limit: int,
        where: Expression = (),
        decay: TimeDecay,
    ) -> list[tuple[str, float]] | None:
        """The same with the age of `updated_at` counted in by the server, over all that the legs found.

        None where it would not count as `freshness.decay` does: the server is too old, passages have no
        date, there is nothing to search by words, a half-life that Go does not parse, or some date lies in
        the future, which Weaviate counts like one as far in the past.
        """
        query = _query(tokens)
        filters = self._filters(where)
        if not query or filters == NOTHING or not SHORTEST <= decay.half_life <= LONGEST:
            return None
        if not self._base.decays():
            return None
        hybrid = _Hybrid(query, vector.tolist(), alpha, limit, filters, decay)
        future = self._threads().submit(self._base.read, partial(_any_after, decay.now), True)
        hits = self._base.read(hybrid.run, list[tuple[str, float]]())
        return None if future.result() else hits

    def _filters(self, where: Expression) -> Any:
        known = self._base.known(filter_properties(where)) if where else frozenset[str]()
        return compile_filter(where, known)

    def close(self) -> None:
        """End the threads; a later search makes new ones."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False)

    def _threads(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(16, thread_name_prefix="weaviate-leg")
            return self._pool


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


@dataclass(frozen=True, slots=True)
class _Hybrid:
    """One hybrid query, by the server's relative-score fusion; with `decay` age counts."""

    query: str
    vector: list[float]
    alpha: float
    limit: int
    filters: Any
    decay: TimeDecay | None = None

    def run(self, passages: Any, _: Any) -> list[tuple[str, float]]:
        from weaviate.classes.query import HybridFusion, MetadataQuery

        reply = passages.query.hybrid(
            query=self.query,
            vector=self.vector,
            alpha=self.alpha,
            limit=self.limit,
            filters=self.filters,
            query_properties=["tokens"],
            target_vector=VECTOR_NAME,
            fusion_type=HybridFusion.RELATIVE_SCORE,
            boost=None if self.decay is None else _boost(self.decay, 2 * max(self.limit, LEG_LIMIT)),
            return_metadata=MetadataQuery(score=True),
            # A property that is not returned is not there for the server to count either.
            return_properties=[] if self.decay is None else [UPDATED],
        )
        return [(str(one.uuid), float(one.metadata.score)) for one in reply.objects]


def _boost(decay: TimeDecay, depth: int) -> Any:
    from weaviate.classes.query import Boost

    return Boost.time_decay(
        UPDATED,
        origin=decay.now,
        scale=decay.half_life,
        decay=0.5,
        curve=Boost.Curve.EXPONENTIAL,
        weight=decay.weight,
        depth=depth,
    )


def _any_after(now: datetime, passages: Any, _: Any) -> bool:
    from weaviate.classes.query import Filter

    later = Filter.by_property(UPDATED).greater_than(now)
    return bool(passages.query.fetch_objects(filters=later, limit=1, return_properties=[]).objects)
