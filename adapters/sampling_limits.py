"""Which values of `Sampling` make sense, said before any model is asked. Knows no torch."""

from __future__ import annotations

import math

from .errors import AdapterError
from .records import Sampling

__all__ = ["check_sampling"]

# What torch.Generator.manual_seed takes.
LOWEST_SEED = -(2**63)
HIGHEST_SEED = 2**64 - 1


def check_sampling(sampling: Sampling) -> None:
    """Refuse values that no request can be served with.

    Every engine calls this before it queues or sends a request, so that all refuse alike.

    Raises:
        AdapterError: names the first value at fault, what it may be, and what to do.
    """
    _check_number("temperature", sampling.temperature, 0, None, "Use 0 for the likeliest token.")
    _check_number("top_p", sampling.top_p, 0, 1, "Use 1 to leave every token in.", above=True)
    _check_number("top_k", sampling.top_k, 0, None, "Use 0 to leave every token in.")
    _check_number("min_p", sampling.min_p, 0, 1, "Use 0 to leave every token in.")
    _check_number(
        "repetition_penalty", sampling.repetition_penalty, 0, None, "Use 1 for no penalty.", above=True
    )
    _check_number("max_tokens", sampling.max_tokens, 1, None, "Ask for at least one token.")
    if sampling.logprobs is not None:
        _check_number("logprobs", sampling.logprobs, 0, None, "Use None to get no log probabilities.")
    if sampling.seed is not None:
        remedy = "Use None for a fresh one each call."
        _check_number("seed", sampling.seed, LOWEST_SEED, HIGHEST_SEED, remedy)
    for text in sampling.stop:
        if not text:
            raise AdapterError(
                f"stop holds an empty text: {sampling.stop!r}; each stop text has at least one character.",
                remedy="Leave the empty one out.",
            )


def _check_number(
    name: str, value: float, low: float, high: float | None, remedy: str, *, above: bool = False
) -> None:
    """`low` itself is allowed unless `above`; a `high` of None is no limit, but infinity never passes."""
    enough = value > low if above else value >= low
    if math.isfinite(value) and enough and (high is None or value <= high):
        return
    least = f"above {low}" if above else f"at least {low}"
    most = "" if high is None else f" and at most {high}"
    raise AdapterError(f"{name} is {value!r}; it has to be {least}{most}.", remedy=remedy)
