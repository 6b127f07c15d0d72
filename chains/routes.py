"""Routes: what a question of some kind sets for its answer, and what a router decides. Plain values.

Knows no model, no store and no adapter; adapters are names here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from langchain_core.runnables import Runnable

from .errors import ChainError
from .filters import parse_filter

__all__ = ["Decision", "Route", "check_name", "unique_routes"]

NO_ROUTE = "none"  # what a model says where none fits, so no route may be called so


@dataclass(frozen=True, slots=True)
class Route:
    """A kind of question, and what it sets. What is left out stays as it is without the route.

    Args:
        name: what the state, the trace and the settings call it.
        description: which questions it is for, in a sentence; a model reads it, and it counts as an example.
        examples: questions as users ask them, in their words.
        retriever: a LangChain retriever or a `KnowledgeBase` to search in place of the chain's.
        filter: holds beside the call's own filter.
        adapter: the name of the adapter that words the answer.
        chain: a Runnable that takes the state and gives the answer, or a dict of the state's keys.
        direct: True, and the model answers without passages; a text, and that is the answer.
        long_context: whole documents in place of passages, where they fit.
        handoff: True, or the sentence that a person takes over with.
        k: how many passages.

    Example:
        >>> Route("leave", "days off", ["Can I take Friday off?"], filter={"team": "hr"}, adapter="hr").sets()
        {'filter': {'team': 'hr'}, 'adapter': 'hr'}
    """

    name: str
    description: str = ""
    examples: Sequence[str] = ()
    _: KW_ONLY
    retriever: Any = None
    filter: Mapping[str, Any] | None = None
    adapter: str | None = None
    chain: Runnable[Any, Any] | None = None
    direct: bool | str = False
    long_context: bool = False
    handoff: bool | str = False
    k: int | None = None

    def __post_init__(self) -> None:
        check_name(self.name)
        if isinstance(self.examples, str):
            raise _wrong(self.name, f"examples is the text {self.examples!r}", "Give a list of questions.")
        object.__setattr__(self, "examples", tuple(self.examples))
        if not all(isinstance(one, str) and one.strip() for one in self.examples):
            raise _wrong(self.name, "one of the examples is empty or no text", "Give questions as texts.")
        object.__setattr__(self, "retriever", _as_retriever(self.name, self.retriever))
        parse_filter(self.filter)
        object.__setattr__(self, "filter", dict(self.filter) if self.filter else None)
        if self.chain is not None and not isinstance(self.chain, Runnable):
            raise _wrong(self.name, f"chain is a {type(self.chain).__name__}", "Give a LangChain Runnable.")
        if self.k is not None and (isinstance(self.k, bool) or not isinstance(self.k, int) or self.k < 1):
            raise _wrong(self.name, f"k is {self.k!r}", "Give the number of passages wanted, 1 or more.")
        self._check_together()

    def _check_together(self) -> None:
        given = self._given()
        alone = [name for name in ("direct", "chain", "handoff") if name in given]
        if len(alone) > 1:
            raise _wrong(self.name, f"sets {' and '.join(alone)}", "Each of them gives the answer: keep one.")
        allowed = {"adapter"} if self.direct is True else set()
        spare = sorted(given.keys() - allowed - set(alone)) if alone else []
        if spare:
            raise _wrong(
                self.name,
                f"sets {alone[0]}, and {', '.join(spare)} as well",
                f"With {alone[0]} nothing is searched for it: leave the others out.",
            )

    def sets(self) -> dict[str, Any]:
        """What it sets, as JSON can hold it: a retriever and a chain by their names."""
        given = self._given()
        named = {key: given[key].get_name() for key in ("retriever", "chain") if key in given}
        return given | named

    def texts(self) -> list[str]:
        """What questions are compared with: the examples, and the description as one more."""
        return [*self.examples, *([self.description] if self.description.strip() else [])]

    def _given(self) -> dict[str, Any]:
        names = ("retriever", "filter", "adapter", "chain", "direct", "long_context", "handoff", "k")
        pairs = ((name, getattr(self, name)) for name in names)
        return {
            name: value for name, value in pairs if value is not None and value is not False and value != {}
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """Which route a question takes, and why; `name` None where none fits.

    `score` means what `by` says: a probability by examples, the classifier's own by a classifier.
    """

    name: str | None
    reason: str = ""
    score: float | None = None
    by: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)  # of the best routes, for the trace
    degraded: str = ""  # what did not work
    route: Route | None = None  # the route of that name, where the router knows it

    def public(self) -> dict[str, Any] | None:
        """The decision as the state shows it; None without a route."""
        if self.name is None:
            return None
        known = {"name": self.name, "reason": self.reason, "score": self.score, "by": self.by}
        return known | (self.route.sets() if self.route else {})


def check_name(name: Any) -> None:
    """Raise `ChainError` for what cannot be a route's name."""
    if not isinstance(name, str) or not name.strip() or name != name.strip():
        raise ChainError(f"A route is called {name!r}.", remedy="Give a text without spaces around it.")
    if name.casefold() == NO_ROUTE:
        raise ChainError(
            f"A route is called {name!r}, which says that none fits.", remedy="Call it otherwise."
        )


def unique_routes(routes: Iterable[Route]) -> dict[str, Route]:
    """The routes by name; `ChainError` where two different ones share a name."""
    known: dict[str, Route] = {}
    for route in routes:
        if not isinstance(route, Route):
            raise ChainError(
                f"{route!r} is no Route.", remedy='Write Route("name", "what it is for", [...]).'
            )
        if known.setdefault(route.name, route) is not route:
            raise ChainError(f"Two routes are called {route.name!r}.", remedy="Give each its own name.")
    return known


def _as_retriever(name: str, given: Any) -> Any:
    if given is None or isinstance(given, Runnable):
        return given
    if callable(getattr(given, "as_retriever", None)):  # a KnowledgeBase; any of LangChain's vector stores
        return given.as_retriever()
    raise _wrong(
        name, f"retriever is a {type(given).__name__}", "Give a KnowledgeBase or a LangChain retriever."
    )


def _wrong(name: str, what: str, remedy: str) -> ChainError:
    return ChainError(f"The route {name!r}: {what}.", remedy=remedy)
