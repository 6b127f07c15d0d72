"""Which marks of a sentence to show: those whose passages say what the sentence says.

Asked while the answer streams. Knows the checker by what it is asked alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from langchain_core.documents import Document

__all__ = ["Checker", "MarksCheck"]


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
        kept = self._supporting(claim, written) or self._elsewhere(claim, written)
        if kept != written:
            self.changed.append({"claim": claim, "written": written, "shown": kept})
        return kept

    def _supporting(self, claim: str, written: list[int]) -> list[int]:
        if not self._says(claim, written):
            return []
        if len(written) == 1:
            return written
        alone = [number for number in written if self._says(claim, [number])]
        return alone or written  # only together

    def _elsewhere(self, claim: str, written: list[int]) -> list[int]:
        others = [number for number in range(1, len(self.documents) + 1) if number not in written]
        if not others or not self._says(claim, others):
            return []
        return next(([number] for number in others if self._says(claim, [number])), [])

    def _says(self, claim: str, numbers: Sequence[int]) -> bool:
        return self.checker.check(claim, [self.documents[number - 1] for number in numbers]).supported
