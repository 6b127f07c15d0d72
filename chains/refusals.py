"""What is said in place of an answer: what was searched, what came closest, what to do next.

Knows no model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .abstention import FILTERED_OUT, NOTHING_FOUND
from .answer_language import language_note
from .splitting import PATH_SEPARATOR
from .state import RagState

__all__ = ["refusal"]

SHOWN = 200  # characters of the question


def refusal(state: RagState) -> str:
    """What was searched, what came closest, what to do next."""
    asked = " ".join(state["standalone"].split())
    if not asked:
        return "There is no question to answer. Ask something about the documents."
    shown = asked if len(asked) <= SHOWN else f"{asked[:SHOWN]}…"
    documents = state["documents"]
    verdict = state.get("_verdict")
    nothing = not documents and (verdict is None or verdict.reason != FILTERED_OUT)
    if nothing or (verdict is not None and verdict.reason == NOTHING_FOUND):
        note = language_note(asked, documents)
        advice = f"{note} Ask in that language" if note else "Try other words"
        return (
            f"I found nothing about this in the documents. I searched for “{shown}”. "
            f"{advice}, or add a document that covers it."
        )
    if verdict is not None and verdict.reason == FILTERED_OUT:
        return (
            f"Passages that may answer this were left out by {verdict.by}. I searched for “{shown}”. "
            "Ask without that filter, or widen it."
        )
    count = "the one passage" if len(documents) == 1 else f"the {len(documents)} closest passages"
    note = language_note(asked, documents)
    advice = f"{note} Ask in that language" if note else "Ask about a part of it"
    return (
        f"The documents do not say. I searched for “{shown}” and read {count}; "
        f"what comes closest is {_place(documents[0].metadata)}. {advice}, or add a document that covers it."
    )


def _place(closest: Mapping[str, Any]) -> str:
    """Title and headings; the title once."""
    name = str(closest.get("title") or closest.get("source") or "")
    path = str(closest.get("heading") or "")
    path = "" if path == name else path.removeprefix(f"{name}{PATH_SEPARATOR}")
    return f"“{name}”{f', under “{path}”' if path else ''}" if name else "an untitled passage"
