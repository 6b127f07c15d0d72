"""The steps of the chain that can be left out: what each does, in a sentence, and which are off at first."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any

__all__ = ["NEEDS", "OFF", "STEPS", "left_out", "steps_of", "unknown_step"]

# In the order of the chain; the sentences stand beside the switches of the page.
STEPS: Mapping[str, str] = {
    "condense": "Makes a follow-up question stand alone, from what was said before.",
    "transform": "Searches with more queries than the question itself where that helps.",
    "route": "Chooses where to search, or whether to, by the kind of question.",
    "filter": "Drops passages that have too little to do with the question.",
    "freshness": "Prefers newer passages.",
    "rerank": "Puts the passages found into a better order.",
    "versions": "Puts the newest version of a document before its older ones.",
    "diversify": "Drops passages that repeat others.",
    "abstain": "Gives no answer where the documents do not hold one.",
    "again": "Searches once more in other words before it gives no answer.",
    "expand": "Adds what stands around the passages found.",
    "ground": "Checks the sentences of an answer against its sources.",
}
# What is newest is not always what is asked for; a floor and a reranker help some documents and hurt others.
OFF = frozenset({"filter", "freshness", "rerank"})

NEEDS: Mapping[str, str] = {  # what a chain lacks that does not have the step
    "again": "Needs a chat model.",
    "expand": "Needs a chat model.",
    "ground": "Needs a chat model.",
}


def steps_of(chain: Any, *, model: bool) -> list[str]:
    """The steps that a chain has, with or without a chat `model`; all where it does not tell."""
    inner = chain
    while hasattr(inner, "bound"):  # what with_config wraps around it
        inner = inner.bound
    there = {step.name for step in getattr(inner, "steps", ())}
    if not model:
        there -= {"ground"}  # it is there, and sets nothing: quotes need no check
    return [name for name in STEPS if name in there or not there]


def left_out(without: Collection[str], also: Collection[str]) -> list[str]:
    """The steps that a chain leaves out: those off at first but for `also`, and those of `without`.

    >>> left_out(["route"], []), left_out([], ["freshness", "rerank", "filter"])
    (['route', 'filter', 'freshness', 'rerank'], [])
    """
    return [name for name in STEPS if name in without or (name in OFF and name not in also)]


def unknown_step(name: str) -> str:
    """What to say of a name that is no step's; "" for one that is.

    >>> unknown_step("rerenk")
    "there is no step 'rerenk', did you mean 'rerank'?"
    """
    if name in STEPS:
        return ""
    close = get_close_matches(name, STEPS, n=1, cutoff=0.0)[0]  # always names one
    return f"there is no step {name!r}, did you mean {close!r}?"
