"""Routes by rule: patterns, or a function of your own, for each. Knows no encoder and no model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig

from .deciding import Router
from .errors import ChainError
from .routes import Decision, Route, check_name

__all__ = ["RuleRouter"]

Rule = str | re.Pattern[str] | Sequence[str | re.Pattern[str]] | Callable[[str], bool]


class RuleRouter(Router):
    """The first route one of whose patterns occurs in the question, or whose function says True.

    Patterns are regular expressions, in upper or lower case alike, found anywhere in the question.

    Args:
        rules: for each route's name one pattern, several, or a function of the question.
        routes: the routes that they name; in a `FirstOf` those of the other routers count too.

    Example:
        >>> router = RuleRouter({"billing": [r"\\binvoice", "refund"], "shouting": str.isupper})
        >>> router.invoke("Where is my INVOICE?")
        Decision(name='billing', reason="it says 'INVOICE'", score=None, by='rule', ...
    """

    def __init__(
        self, rules: Mapping[str, Rule], routes: Iterable[Route] = (), *, fallback: str | None = None
    ) -> None:
        super().__init__(routes, fallback=fallback)
        if not isinstance(rules, Mapping):
            raise ChainError(
                f"The rules are a {type(rules).__name__}.",
                remedy='Give a dict from route to pattern, such as {"billing": "invoice|refund"}.',
            )
        self._rules = {name: _compiled(name, rule) for name, rule in rules.items()}
        for name in self._rules:
            if self._routes:
                self._check_known(name, "The rule for")

    @property
    def names(self) -> Sequence[str]:
        """The names that have a rule."""
        return tuple(self._rules)

    def decide(self, question: str, state: Mapping[str, Any], config: RunnableConfig) -> Decision:
        """The first rule that holds, in the order given."""
        for name, rule in self._rules.items():
            reason = rule(question)
            if reason:
                return Decision(name, reason, by="rule")
        return Decision(None, "no rule holds", by="rule")


def _compiled(name: str, rule: Rule) -> Callable[[str], str]:
    """From a question to the reason why the rule holds, "" where it does not."""
    check_name(name)
    if callable(rule):
        return lambda question: "its rule holds" if rule(question) else ""
    patterns = [_pattern(name, one) for one in ([rule] if isinstance(rule, (str, re.Pattern)) else rule)]

    def found(question: str) -> str:
        hits = (pattern.search(question) for pattern in patterns)
        return next((f"it says {hit[0]!r}" for hit in hits if hit), "")

    return found


def _pattern(name: str, given: Any) -> re.Pattern[str]:
    if isinstance(given, re.Pattern):
        return given
    try:
        pattern = re.compile(given, re.IGNORECASE)
    except (re.error, TypeError) as error:
        raise ChainError(
            f"The rule for {name!r} has the pattern {given!r}, which is no regular expression: {error}.",
            remedy="Correct it; write \\ before a character that stands for itself.",
        ) from error
    if pattern.search(""):
        raise ChainError(
            f"The rule for {name!r} has the pattern {given!r}, which holds for every question.",
            remedy="Give a pattern that needs a word.",
        )
    return pattern
