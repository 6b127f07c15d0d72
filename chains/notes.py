"""What is said after an answer, where it has to be: versions, blanks in a document, languages, open parts.

Each note is a sentence of its own and cites nothing. Knows no model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from langchain_core.documents import Document

from .answer_language import language_note
from .placeholders import placeholder_note
from .version_notes import version_note

__all__ = ["notes_on_quotes", "notes_on_reply"]

APART = "\n\n"


def notes_on_quotes(
    question: str,
    documents: Sequence[Document],
    citations: Sequence[Mapping[str, Any]],
    *,
    missing: Iterable[str] = (),
) -> str:
    """What follows an answer made of quotes; `missing` are parts of the question that it leaves open."""
    open_parts = " ".join(f"The documents do not say: “{part}”." for part in missing)
    return _joined(
        open_parts,
        version_note(question, documents, _cited(citations)),
        placeholder_note(str(one["quote"]) for one in citations),
        language_note(question, documents),
    )


def notes_on_reply(answer: str, question: str, documents: Sequence[Document], cited: set[int]) -> str:
    """What follows an answer that a model wrote, which may have passed over versions and blanks."""
    return _joined(version_note(question, documents, cited), placeholder_note([answer]))


def _cited(citations: Sequence[Mapping[str, Any]]) -> set[int]:
    return {int(one["n"]) for one in citations}


def _joined(*notes: str) -> str:
    said = " ".join(note for note in notes if note)
    return f"{APART}{said}" if said else ""
