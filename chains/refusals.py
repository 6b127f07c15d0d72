"""What is said in place of an answer: what was searched, what came closest, what to do next.

Knows no model.
"""

from __future__ import annotations

from .abstention import FILTERED_OUT, NOTHING_FOUND
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
        return (
            f"I found nothing about this in the documents. I searched for “{shown}”. "
            "Try other words, or add a document that covers it."
        )
    if verdict is not None and verdict.reason == FILTERED_OUT:
        return (
            f"Passages that may answer this were left out by {verdict.by}. I searched for “{shown}”. "
            "Ask without that filter, or widen it."
        )
    closest = documents[0].metadata
    name = closest.get("title") or closest.get("source") or "an untitled passage"
    place = f", under “{closest['heading']}”" if closest.get("heading") else ""
    count = "the one passage" if len(documents) == 1 else f"the {len(documents)} closest passages"
    return (
        f"The documents do not say. I searched for “{shown}” and read {count}; "
        f"what comes closest is “{name}”{place}. Ask about a part of it, or add a document that covers it."
    )
