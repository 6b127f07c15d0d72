"""Freshness: a passage's age counts towards its score, by exponential decay.

The formula is the one of Weaviate's time decay: scores are min-max normalised over the candidates, blended
as `(1 - weight) * score + weight * decay`, and normalised again. Knows no store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from statistics import fmean
from typing import Any

from langchain_core.documents import Document
from pydantic import ConfigDict

from .dates import AUTO, Dated, date_of, read_date
from .errors import ChainError
from .fusion import relative_scores
from .rework import Reworked, Reworker, rescored

__all__ = ["Freshness", "blended", "decay", "freshness_choice"]

Hit = tuple[str, float]
HALF_LIFE, WEIGHT = 180, 0.3


class Freshness(Reworker):
    """Newer passages rise, older ones sink; by how much, `weight` says.

    Use it where newer is better whatever the question: news, tickets, changing rules. Leave it off where
    dates say nothing about worth, as in a library; see `Supersede` where only versions of one document
    compete.

    A passage without a readable date gets the mean decay of those that have one, so that it neither rises
    nor sinks among them. Dates in the future count as now.

    Args:
        field: a key of metadata, or "auto": the caller's own date, else one in title or name, else
            `updated_at`.
        half_life: days, or a timedelta, after which a passage counts half as fresh.
        weight: of freshness against the score so far; 0 changes nothing.
        now: what ages are counted from; by default the time of each call.

    Raises:
        ChainError: a half-life, weight or `now` that cannot be one.

    >>> old = Document(page_content="two days", metadata={"updated_at": "2022-05-01", "score": 0.9})
    >>> new = Document(page_content="three days", metadata={"updated_at": "2023-05-01", "score": 0.8})
    >>> fresh = Freshness(weight=0.6, now="2023-06-01")
    >>> [one.page_content for one in fresh.compress_documents([old, new], "")]
    ['three days', 'two days']
    """

    model_config = ConfigDict(frozen=True)

    field: str = "updated_at"
    half_life: timedelta = timedelta(days=HALF_LIFE)
    weight: float = WEIGHT
    now: datetime | None = None

    def __init__(
        self,
        field: str = "updated_at",
        half_life: float | timedelta = HALF_LIFE,
        weight: float = WEIGHT,
        *,
        now: str | date | None = None,
    ) -> None:
        checked: dict[str, Any] = {
            "field": _checked_field(field),
            "half_life": _checked_half_life(half_life),
            "weight": _checked_weight(weight),
            "now": _checked_now(now),
        }
        super().__init__(**checked)

    def moment(self) -> datetime:
        """What ages are counted from."""
        return self.now or datetime.now(UTC)

    def decays(self, metadata: Mapping[str, Mapping[str, Any]], now: datetime) -> dict[str, float | None]:
        """For each id how fresh its metadata is, 0..1; None without a readable date."""
        dated = {key: date_of(one, self.field) for key, one in metadata.items()}
        return self._decays(dated, now)

    def _decays(self, dated: Mapping[str, Dated | None], now: datetime) -> dict[str, float | None]:
        return {
            key: None if one is None else decay(now - one.when, self.half_life) for key, one in dated.items()
        }

    def told(self, now: datetime, by: str) -> dict[str, Any]:
        """What the trace tells of these settings; `by` is "server" or "rule"."""
        days = round(self.half_life / timedelta(days=1), 4)
        return {
            "by": by,
            "field": self.field,
            "half_life": days,
            "weight": self.weight,
            "now": now.isoformat(timespec="seconds"),
        }

    def rework(self, documents: Sequence[Document], query: str) -> Reworked:
        """Score and order the passages anew; those that the search has scored so already stay as they are."""
        now = self.moment()
        told = self.told(now, "rule")
        if not documents or self.weight == 0:
            return Reworked(list(documents), detail=told)
        if all("freshness" in one.metadata.get("scores", {}) for one in documents):
            scores = {one.id: one.metadata["scores"]["freshness"] for one in documents}
            return Reworked(list(documents), detail={**told, "by": "search", "scores": scores})
        return self._reworked(documents, now, told)

    def _reworked(self, documents: Sequence[Document], now: datetime, told: dict[str, Any]) -> Reworked:
        dated = {str(place): date_of(one.metadata, self.field) for place, one in enumerate(documents)}
        decays = self._decays(dated, now)
        known = [one for one in decays.values() if one is not None]
        if not known:
            told["degraded"] = f"No passage has a date under {self.field!r}, so the order stays."
            return Reworked(list(documents), detail=told)
        neutral = fmean(known)
        best = blended(_scored(documents), decays, self.weight)
        ordered = sorted(best, key=lambda hit: (-hit[1], int(hit[0])))  # equals keep their order
        fresh = {place: neutral if one is None else one for place, one in decays.items()}
        told |= {
            "scores": {documents[int(place)].id: round(one, 6) for place, one in fresh.items()},
            "dates_from": dict(Counter(one.where for one in dated.values() if one)),
            "undated": [documents[int(place)].id for place, one in decays.items() if one is None],
            "neutral": round(neutral, 6),
        }
        return Reworked(
            [_fresh(documents[int(place)], fresh[place], score) for place, score in ordered], detail=told
        )


def _fresh(document: Document, freshness: float, score: float) -> Document:
    scored = rescored(document, freshness=freshness)
    scored.metadata["score"] = score  # of the copy; the stage's own score is the decay
    return scored


def _scored(documents: Sequence[Document]) -> list[Hit]:
    """The passages' scores so far; their order where a retriever gives none."""
    scores = [one.metadata.get("score") for one in documents]
    if all(isinstance(one, (int, float)) for one in scores):
        return [(str(place), float(one)) for place, one in enumerate(scores) if one is not None]
    return [(str(place), -float(place)) for place in range(len(documents))]


# -- the formula -------------------------------------------------------------------------------------------


def decay(age: timedelta, half_life: timedelta) -> float:
    """1 for what is new or of the future, half as much after each half-life.

    >>> decay(timedelta(days=360), timedelta(days=180)), decay(timedelta(days=-1), timedelta(days=180))
    (0.25, 1.0)
    """
    return float(0.5 ** max(age / half_life, 0.0))


def blended(hits: Sequence[Hit], decays: Mapping[str, float | None], weight: float) -> list[Hit]:
    """The hits with freshness counted in, best first; equal ones in order of the id.

    An undated hit gets the mean of the dated ones. With weight 0, or no date at all, hits come back as is.

    >>> blended([("a", 9.0), ("b", 8.0), ("c", 1.0)], {"a": 0.1, "b": 0.9, "c": None}, 0.5)
    [('b', 1.0), ('a', 0.47058823529411775), ('c', 0.0)]
    """
    known = [one for one in (decays.get(key) for key, _ in hits) if one is not None]
    if weight == 0 or not known:
        return list(hits)
    neutral = fmean(known)
    combined = []
    for key, relative in relative_scores(hits).items():
        fresh = decays.get(key)
        combined.append((key, (1 - weight) * relative + weight * (neutral if fresh is None else fresh)))
    return sorted(relative_scores(combined).items(), key=lambda hit: (-hit[1], hit[0]))


# -- what callers give -------------------------------------------------------------------------------------


def freshness_choice(choice: Any) -> Freshness | None:
    """What `rag_chain(freshness=...)` takes as a `Freshness`: "auto", or (field, half_life, weight).

    Raises:
        TypeError: it is none of these.
    """
    if choice is None or isinstance(choice, Freshness):
        return choice
    if choice == "auto":
        return Freshness(AUTO)
    if isinstance(choice, (tuple, list)) and 1 <= len(choice) <= 3:
        return Freshness(*choice)
    raise TypeError(
        f"freshness={choice!r} is no step: give None, 'auto', (field, half_life, weight), or a Runnable."
    )


def _checked_field(field: Any) -> str:
    if isinstance(field, str) and field.strip():
        return field
    raise ChainError(
        f"freshness cannot go by the field {field!r}.", remedy='Name a key of metadata, or give "auto".'
    )


def _checked_half_life(half_life: Any) -> timedelta:
    try:
        span = half_life if isinstance(half_life, timedelta) else timedelta(days=half_life)
    except (TypeError, ValueError, OverflowError):
        span = timedelta(0)
    if isinstance(half_life, bool) or span <= timedelta(0):
        raise ChainError(f"The half-life is {half_life!r}.", remedy="Give days, more than 0, or a timedelta.")
    return span


def _checked_weight(weight: Any) -> float:
    if isinstance(weight, (int, float)) and not isinstance(weight, bool) and 0 <= weight <= 1:
        return float(weight)
    raise ChainError(
        f"The weight of freshness is {weight!r}.",
        remedy="Give a number from 0 (relevance only) to 1 (age only).",
    )


def _checked_now(now: Any) -> datetime | None:
    if now is None:
        return None
    moment = read_date(now)
    if moment is None:
        raise ChainError(
            f"now={now!r} is no date.", remedy='Give a date, a datetime, or a text "2026-01-31".'
        )
    return moment
