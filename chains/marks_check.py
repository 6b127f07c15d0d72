"""Which marks of a sentence to show: those whose passages say what the sentence says.

Asked while the answer streams. Knows the checker by what it is asked alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

from langchain_core.documents import Document

__all__ = ["Checker", "MarksCheck", "supporting_marks"]


class Checked(Protocol):
    """What a checker says of one claim."""

    @property
    def supported(self) -> bool:
        """Whether the passages say so."""


class Checker(Protocol):
    """`Grounder` of grounding.py, or another."""

    def check(self, claim: str, passages: Sequence[Document]) -> Checked:
        """Whether the passages say what the claim says."""


@dataclass(slots=True)
class MarksCheck:
    """`keep` for `MarkFilter`; `changed` is for the trace: sentences whose marks are not those written."""

    checker: Checker
    documents: Sequence[Document]
    changed: list[dict[str, Any]] = field(default_factory=list)

    def keep(self, claim: str, written: list[int]) -> list[int]:
        """The marks that support the claim; if none does, the first passage that would, if any."""
        supporting = supporting_marks(claim, written, self.documents, self.checker)
        kept = supporting or self._elsewhere(claim, written)
        if kept != written:
            self.changed.append({"claim": claim, "written": written, "shown": kept})
        return kept

    def _elsewhere(self, claim: str, written: list[int]) -> list[int]:
        others = [number for number in range(1, len(self.documents) + 1) if number not in written]
        if not others or not _says(claim, others, self.documents, self.checker):
            return []
        saying = (one for one in others if _says(claim, [one], self.documents, self.checker))
        return list(islice(saying, 1))


def supporting_marks(
    claim: str, written: list[int], documents: Sequence[Document], checker: Checker
) -> list[int]:
    """Of the marks written, those whose passages say the claim alone; all where only together they do."""
    if not _says(claim, written, documents, checker):
        return []
    if len(written) == 1:
        return written
    return [one for one in written if _says(claim, [one], documents, checker)] or written


def _says(claim: str, numbers: Sequence[int], documents: Sequence[Document], checker: Checker) -> bool:
    return checker.check(claim, [documents[number - 1] for number in numbers]).supported
