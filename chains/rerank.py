"""Reranking: what another judge of relevance says is blended into the order that the search gave.

Any LangChain document compressor can be the judge. Knows no model and no store.

Alone a reranker that was not made for the documents at hand often hurts; with a weight of .3 it moves what
the search was unsure about. It has a deadline: an answer in the order of the search beats one that is late.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from numbers import Real
from typing import Any

from langchain_core.documents import BaseDocumentCompressor, Document
from pydantic import ConfigDict, Field, PrivateAttr

from .deadline import Late, StillBusy, Watch
from .errors import ChainError
from .rework import Dropped, Reworked, Reworker, rescored

__all__ = ["Rerank", "standing"]

WEIGHT = 0.3
DEADLINE = 2.0  # seconds
TOP = 30  # passages that the reranker sees
# Where rerankers put their scores, ours first: Cohere, Jina, Voyage, FlashRank and others `relevance_score`.
SCORE_KEYS = ("scores.rerank", "relevance_score", "rerank_score", "score")
SHOWN = 300  # characters of an error
LEFT_OUT = "the reranker left it out"


class Rerank(Reworker):
    """Blends a reranker's score with the score that the passages come with.

    Both are brought to 0..1 over the passages at hand (least and greatest), then added:
    `(1 - weight) * score + weight * rerank`. `metadata["scores"]["rerank"]` is the reranker's own number,
    `metadata["score"]` the blend. The reranker gives its order by `scores["rerank"]`, `relevance_score`,
    `rerank_score` or `score` in the metadata, higher is better, or by nothing but the order of what it
    returns. Its texts and metadata are not taken over, so quotes stay what they were.

    Past the deadline, or where the reranker fails, the order stays as it was and the trace says so.

    Args:
        compressor: any LangChain document compressor.
        weight: of the reranker; 1 replaces the order, 0 only shows the scores.
        deadline: in seconds; None waits as long as it takes.
        top: passages that the reranker sees; those after them keep their order, behind or among the others
            by their own score alone.
        keep_dropped: passages that the reranker leaves out stay, with nothing from it; else they go.
    """

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    compressor: BaseDocumentCompressor
    weight: float = Field(WEIGHT, ge=0, le=1)
    deadline: float | None = Field(DEADLINE, gt=0)
    top: int = Field(TOP, ge=1)
    keep_dropped: bool = True
    _watch: Watch = PrivateAttr(default_factory=Watch)

    def __init__(
        self,
        compressor: BaseDocumentCompressor,
        *,
        weight: float = WEIGHT,
        deadline: float | None = DEADLINE,
        top: int = TOP,
        keep_dropped: bool = True,
    ) -> None:
        # Pydantic's own __init__ takes keywords only.
        super().__init__(
            **{
                "compressor": compressor,
                "weight": weight,
                "deadline": deadline,
                "top": top,
                "keep_dropped": keep_dropped,
            }
        )

    def rework(self, documents: Sequence[Document], query: str) -> Reworked:
        """The passages in the blended order; in their own where the reranker gave nothing in time."""
        if not documents:
            return Reworked([])
        name = type(self.compressor).__name__
        seen = documents[: self.top]
        try:
            judged = self._watch.call(lambda: self._judged(seen, query), seconds=self.deadline)
        except Late:
            return _unchanged(documents, f"{name} took longer than {self.deadline:g} s")
        except StillBusy:
            return _unchanged(documents, f"{name} is still at work on an earlier question and was not asked")
        except Exception as error:  # a caller's model or service may raise anything; the order is an answer
            return _unchanged(documents, f"{name} failed ({type(error).__name__}: {_short(error)})")
        if not judged.scores and self.keep_dropped:
            return _unchanged(documents, f"{name} gave none of the passages back")
        return self._blended(documents, judged, detail={"reranker": name, "scored_by": judged.scored_by})

    def _judged(self, seen: Sequence[Document], query: str) -> _Judged:
        copies = [_copy(document) for document in seen]  # some rerankers write into what they are given
        told: Mapping[str, Any] = {}
        reasons: dict[int, str] = {}
        if isinstance(self.compressor, Reworker):
            reworked = self.compressor.rework(copies, query)
            returned: Sequence[Document] = reworked.documents
            told = reworked.detail
            reasons = {id(one.document): one.reason for one in reworked.dropped}
        else:
            returned = list(self.compressor.compress_documents(copies, query))
        if not all(isinstance(one, Document) for one in returned):
            raise ChainError("It gave something else than a list of Documents.")
        found = _recognised(copies, returned)
        scored_by, scores = _scores(seen, found)
        gone = {place: reasons.get(id(copy), LEFT_OUT) for place, copy in enumerate(copies)}
        for place in found:
            del gone[place]
        return _Judged(scores, scored_by, gone, told)

    def _blended(self, documents: Sequence[Document], judged: _Judged, *, detail: dict[str, Any]) -> Reworked:
        own, count = judged.scores, min(self.top, len(documents))
        relative = _relative(own, below=len(own) < count)
        blended: list[tuple[float, Document]] = []
        dropped: list[Dropped] = []
        for place, (document, before) in enumerate(zip(documents, standing(documents, count), strict=True)):
            if place in judged.left_out and not self.keep_dropped:
                dropped.append(Dropped(document, judged.left_out[place]))
                continue
            score = (1 - self.weight) * before + self.weight * relative.get(place, 0.0)
            told = rescored(document, rerank=own[place]) if place in own else document
            blended.append((score, told.model_copy(update={"metadata": {**told.metadata, "score": score}})))
        blended.sort(key=lambda one: -one[0])  # stable: equal ones keep their order
        detail |= {**judged.told, "scores": {str(documents[place].id): own[place] for place in own}}
        return Reworked([document for _, document in blended], dropped, detail)


@dataclass(frozen=True, slots=True)
class _Judged:
    """What a reranker made of the passages, by their place in what it was given."""

    scores: dict[int, float]
    scored_by: str
    left_out: dict[int, str]  # and why
    told: Mapping[str, Any] = field(default_factory=dict)


def _unchanged(documents: Sequence[Document], reason: str) -> Reworked:
    return Reworked(list(documents), detail={"degraded": f"{reason}; the order before it stands."})


def _short(error: Exception) -> str:
    line = next(iter(str(error).splitlines()), "")
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}…"


def _copy(document: Document) -> Document:
    metadata = dict(document.metadata)
    if "scores" in metadata:
        metadata["scores"] = dict(metadata["scores"])
    return document.model_copy(update={"metadata": metadata})


def _recognised(given: Sequence[Document], returned: Sequence[Document]) -> dict[int, Document]:
    """What came back by its place in what was given: the same object, else the same id, else the same text.

    Rerankers that copy often lose the id. Strangers, and a passage given back twice, are left out.
    """
    found: dict[int, Document] = {}
    marks: tuple[Callable[[Document], object], ...] = (id, lambda one: one.id, lambda one: one.page_content)
    places: list[dict[object, list[int]]] = []
    for mark in marks:
        by_mark: dict[object, list[int]] = {}
        for place, document in enumerate(given):
            by_mark.setdefault(mark(document), []).append(place)
        places.append(by_mark)
    for document in returned:
        for mark, by_mark in zip(marks, places, strict=True):
            value = mark(document)
            free = [place for place in by_mark.get(value, ()) if place not in found]
            if value is not None and value in by_mark:
                if free:
                    found[free[0]] = document
                break
    return found


def _scores(before: Sequence[Document], found: Mapping[int, Document]) -> tuple[str, dict[int, float]]:
    """The reranker's scores by place, and the key of the metadata where they were; else the order as scores.

    A key counts where the first passages have a number there that is not what they came with. Those behind
    them that have none were not looked at: a reranker may have a `top` of its own.
    """
    for key in SCORE_KEYS:
        numbers = [_number(document, key) for document in found.values()]
        scored = [number for number in numbers if number is not None]
        own = dict(zip(found, scored, strict=False))
        if numbers[: len(scored)] == scored and any(
            _number(before[place], key) != number for place, number in own.items()
        ):
            return key, own
    return "order", {place: 1 - rank / len(before) for rank, place in enumerate(found)}


def _relative(scores: Mapping[int, float], *, below: bool) -> dict[int, float]:
    """Brought to 0..1; with `below` the least stays above 0, which is what those without a score get."""
    if not scores:
        return {}
    most, least = max(scores.values()), min(scores.values())
    if below:
        least -= (most - least) / len(scores)
    span = most - least
    return {place: (score - least) / span if span > 0 else 1.0 for place, score in scores.items()}


def standing(documents: Sequence[Document], seen: int) -> list[float]:
    """The scores by which the passages are in this order, brought to 0..1 over those seen; else their ranks.

    The last stage's score comes first: freshness may have moved passages since they were fused.
    """
    for key in ("score", "scores.fused"):
        numbers = _numbers(documents, key)
        if numbers and numbers[0] > numbers[seen - 1] and numbers == sorted(numbers, reverse=True):
            least = numbers[seen - 1]
            return [max(0.0, (one - least) / (numbers[0] - least)) for one in numbers]
    last = max(1, seen - 1)
    return [max(0.0, 1 - rank / last) for rank in range(len(documents))]


def _numbers(documents: Iterable[Document], key: str) -> list[float]:
    """The numbers under a key of the metadata; none at all where a passage lacks it."""
    numbers = [_number(document, key) for document in documents]
    there = [number for number in numbers if number is not None]
    return there if len(there) == len(numbers) else []


def _number(document: Document, key: str) -> float | None:
    value: Any = document.metadata
    for name in key.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return float(value) if isinstance(value, Real) and isfinite(float(value)) else None
