"""Freshness: a passage's age counts towards its score, by exponential decay.

The formula is the one of Weaviate's time decay: scores are min-max normalised over the candidates, blended
as `(1 - weight) * score + weight * decay`, and normalised again. Knows no store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from statistics import fmean
from typing import Any

from langchain_core.documents import Document
from pydantic import ConfigDict

from .dates import AUTO, Dated, dates_of, read_date
from .errors import ChainError
from .fusion import relative_scores
from .rework import Reworked, Reworker, rescored

__all__ = ["Aged", "Freshness", "blended", "decay", "freshness_choice"]

Hit = tuple[str, float]
HALF_LIFE, WEIGHT = 180, 0.3


@dataclass(frozen=True, slots=True)
class Aged:
    """Hits with age counted in, best first, and the decay of each; `undated` ones have the mean."""

    hits: list[Hit]
    decays: dict[str, float]
    dated: dict[str, Dated]
    undated: list[str]


class Freshness(Reworker):
    """Newer passages rise, older ones sink; by how much, `weight` says.

    Use it where newer is better whatever the question: news, tickets, changing rules. Leave it off where
    dates say nothing about worth, as in a library; see `Supersede` where only versions of one document
    compete.

    A passage without a readable date gets the mean decay of those that have one, so that it neither rises
    nor sinks among them. Dates in the future count as now.

    Args:
        field: a key of metadata, or "auto": the dates that documents state in metadata, title or name;
            `updated_at` where none of the passages found states one.
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

    def aged(
        self, hits: Sequence[Hit], metadata: Mapping[str, Mapping[str, Any]], now: datetime
    ) -> Aged | None:
        """The hits by relevance and age; None where no date is to be read, and the order stays."""
        dated = dates_of(metadata, self.field)
        if not dated:
            return None
        known = {key: decay(now - one.when, self.half_life) for key, one in dated.items()}
        neutral = fmean(known.values())
        decays = {key: known.get(key, neutral) for key, _ in hits}
        return Aged(
            blended(hits, decays, self.weight), decays, dated, [key for key in decays if key not in known]
        )

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
            told["by"] = documents[0].metadata.get("freshness_by", "rule")
            told["scores"] = {one.id: round(one.metadata["scores"]["freshness"], 6) for one in documents}
            return Reworked(list(documents), detail=told)
        named = {str(place): one for place, one in enumerate(documents)}
        aged = self.aged(_scored(documents), {place: one.metadata for place, one in named.items()}, now)
        if aged is None:
            told["degraded"] = f"No passage has a date under {self.field!r}, so the order stays."
            return Reworked(list(documents), detail=told)
        told |= {
            "scores": {named[place].id: round(one, 6) for place, one in aged.decays.items()},
            "dates_from": dict(Counter(one.where for one in aged.dated.values())),
            "undated": [named[place].id for place in aged.undated],
        }
        ordered = sorted(aged.hits, key=lambda hit: (-hit[1], int(hit[0])))  # equals keep their order
        return Reworked(
            [_fresh(named[place], aged.decays[place], score) for place, score in ordered], detail=told
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


def blended(hits: Sequence[Hit], decays: Mapping[str, float], weight: float) -> list[Hit]:
    """The hits with their decays counted in, best first; equal ones in order of the id.

    >>> blended([("a", 9.0), ("b", 8.0), ("c", 1.0)], {"a": 0.1, "b": 0.9, "c": 0.5}, 0.5)
    [('b', 1.0), ('a', 0.47058823529411775), ('c', 0.0)]
    """
    combined = [
        (key, (1 - weight) * relative + weight * decays[key])
        for key, relative in relative_scores(hits).items()
    ]
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
