"""Fusion: the hits of the keyword and the vector leg become one list.

Relative scores: each leg is min-max normalised over the hits fetched, so the best hit of a leg has 1 and
its last one 0, and the two are added with the weights `1 - alpha` (keyword) and `alpha` (vector). Pure
functions over (id, score) pairs; knows no store.

A fused score says which hit of *this* search is better. It says nothing about whether any of them is good.
"""

from __future__ import annotations

from collections.abc import Sequence

from .errors import ChainError

__all__ = ["DEFAULT_ALPHA", "LEG_LIMIT", "fuse", "relative_scores"]

# nDCG@10 by benchmarks/retrieval.py with .40, .45, .50: covid-faq .746 .760 .770, squad2-dev .907 .905 .902,
# fastapi-docs .933 .933 .929, scifact .729 .730 .730.
DEFAULT_ALPHA = 0.45
LEG_LIMIT = 100  # hits per leg whatever k is: with 50 half a point of nDCG@10 is lost

Hit = tuple[str, float]


def relative_scores(hits: Sequence[Hit]) -> dict[str, float]:
    """Each score as (score - lowest) / (highest - lowest); 1 for all where they are equal, one hit included.

    >>> relative_scores([("a", 8.0), ("b", 5.0), ("c", 4.0)])
    {'a': 1.0, 'b': 0.25, 'c': 0.0}
    """
    if not hits:
        return {}
    lowest = min(score for _, score in hits)
    span = max(score for _, score in hits) - lowest
    return {id_: (score - lowest) / span if span > 0 else 1.0 for id_, score in hits}


def fuse(keyword: Sequence[Hit], vector: Sequence[Hit], *, alpha: float = DEFAULT_ALPHA) -> list[Hit]:
    """One list of hits, best first; equal scores are in order of the id.

    A hit that one leg lacks gets 0 from it, and so does every hit where a leg is empty: scores then reach
    `alpha` or `1 - alpha` only. A leg of weight 0 is left out, as if it had not been searched.

    Args:
        keyword: Hits of the keyword leg, in any order.
        vector: Hits of the vector leg, in any order.
        alpha: Weight of the vector leg, 0 to 1.

    Raises:
        ChainError: If alpha is not between 0 and 1.

    >>> fuse([("a", 8.0), ("b", 4.0)], [("b", 0.9), ("c", 0.5)], alpha=0.5)
    [('a', 0.5), ('b', 0.5), ('c', 0.0)]
    """
    if not 0 <= alpha <= 1:
        raise ChainError(
            f"alpha is {alpha!r}; it weighs the vector leg against the keyword leg.",
            remedy="Give a number from 0 (keywords only) to 1 (vectors only).",
        )
    fused: dict[str, float] = {}
    for hits, weight in ((keyword, 1 - alpha), (vector, alpha)):
        if weight > 0:
            for id_, relative in relative_scores(hits).items():
                fused[id_] = fused.get(id_, 0.0) + weight * relative
    return sorted(fused.items(), key=lambda hit: (-hit[1], hit[0]))
