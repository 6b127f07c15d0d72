"""Candidate questions from titles, headings and sentences. Pure: passages in, questions out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

__all__ = ["Candidate", "candidates"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question and the source that it was made from."""

    question: str
    source: str


def candidates(documents: Iterable[tuple[str, str, list[Any]]]) -> list[Candidate]:
    """Stub."""
    return [Candidate(f"What is the {title}?", source) for source, title, _ in documents]
