"""The proof that deleted text no longer answers: it is searched for, and must not be found."""

from __future__ import annotations

from collections.abc import Sequence

from .records import Chunk
from .report import Probes
from .store import Store

__all__ = ["probe"]

MOST = 100  # searches for one run; every deleted id is looked up whatever their number


def probe(store: Store, gone: Sequence[Chunk]) -> Probes:
    """Look every deleted passage up by id, and search for up to `MOST` of them by words and by vector."""
    ids = {chunk.id for chunk in gone}
    found = set(store.get(sorted(ids)))
    step = max(1, len(gone) // MOST)
    for chunk in gone[::step]:
        legs = store.search(list(dict.fromkeys(chunk.tokens.split())), chunk.vector, limit=10)
        hits = {hit for leg in (legs.keyword, legs.vector) for hit, _ in leg}
        if chunk.id in hits:
            found.add(chunk.id)
    return Probes(searched=len(ids), found=len(found))
