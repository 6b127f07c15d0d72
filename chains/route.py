"""The routing step: which kind of question this is, and what that sets for the steps after it.

Knows routers by their interface; what a route sets is carried out by those steps.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda

from .alone import StandaloneStep
from .deciding import FirstOf, Router
from .direct_answer import SEARCHING, answers_itself
from .document_step import shown
from .errors import ChainError
from .example_router import ExampleRouter
from .routes import Decision, Route
from .small_talk import SMALL_TALK, SmallTalk, asks_nothing
from .state import RagState
from .step import Piece, Step

__all__ = ["chosen_route_step", "route_step", "router", "small_talk_step"]

Titles = Callable[[], Sequence[str]]


def router(routes: Any, encoder: Any = None) -> StandaloneStep:
    """Routing for `rag_chain(route=...)`, or alone: its `invoke` gives the route as the state shows it.

    Args:
        routes: Routes, which are told apart by their examples; a router; or a list of both. Routers are
            asked first, in turn, then it is looked for small talk, then examples are compared.
        encoder: for the examples: the knowledge base's, any LangChain `Embeddings`, or a function that
            gives one; by default the packaged one.

    Example:
        >>> front = router([Route("it", "computers, printers, passwords", ["My laptop is broken"])])
        >>> front.invoke("My printer is broken")["name"], front.invoke("How do I cook rice?")
        ('it', None)
    """
    return StandaloneStep(route_step(routes, encoder), "route")


def route_step(routes: Any, encoder: Any = None, *, titles: Titles | None = None) -> Step:
    """Sets `route`, what the state shows of the route, and `_route`, the Route itself; both None without one.

    `routes` as for `router`; small talk is found before the examples are looked at.
    """
    chosen = _as_router(routes, encoder, titles)

    def run(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> Iterator[Piece]:
        yield _taken(chosen.decided(state, config), detail)

    async def arun(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> AsyncIterator[Piece]:
        yield _taken(await chosen.adecided(state, config), detail)

    return Step("route", run, arun, instead=_no_route)


def chosen_route_step(choice: Any, encoder: Callable[[], Any], *, titles: Titles | None = None) -> Step:
    """The step for `rag_chain(route=choice)`: "auto" finds small talk alone, None nothing.

    A Runnable or function of the caller's gives a `Route`, a `Decision`, or what `route` is to be: a name, or
    a dict such as `{"adapter": "legal"}`.
    """
    if isinstance(choice, StandaloneStep):
        return replace(choice.step, instead=choice.step.instead or _no_route)
    if choice is None:
        return Step("route", lambda state, config, detail: iter([_no_route(state)]), traced=False)
    if isinstance(choice, str):
        if choice != "auto":
            raise TypeError(f"route={choice!r} is no step: give 'auto', None, Routes, or a Runnable.")
        return route_step([], encoder, titles=titles)
    if isinstance(choice, (Router, Route, list, tuple)):
        return route_step(choice, encoder, titles=titles)
    return _own_step(choice)


def small_talk_step() -> Step:
    """Spares a greeting the work on its question: there is nothing to complete or to search in it."""

    def run(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> Iterator[Piece]:
        if asks_nothing(str(state["question"])):
            yield {"_skip": frozenset({"condense", "transform"})}

    return Step("small talk", run, traced=False)


def _no_route(state: RagState) -> Piece:
    return {"route": None, "_route": None}


def _as_router(given: Any, encoder: Any, titles: Titles | None) -> Router:
    if isinstance(given, Router):
        return given
    several = [given] if isinstance(given, Route) else list(given)
    routers = [one for one in several if isinstance(one, Router)]
    routes = [one for one in several if isinstance(one, Route)]
    if len(routers) + len(routes) < len(several):
        kinds = ", ".join(sorted({type(one).__name__ for one in several}))
        raise ChainError(
            f"The routes are of these kinds: {kinds}.",
            remedy="Give Routes, and routers such as RuleRouter that are asked before their examples.",
        )
    if routers and not routes:
        return FirstOf(routers)
    named = _named(routers, routes)
    if all(route.name != SMALL_TALK for route in routes):  # one of the caller's takes its place
        routers.append(SmallTalk(titles))
    compared = [route for route in routes if route.texts() or route.name not in named]
    return FirstOf([*routers, ExampleRouter(compared, encoder)] if compared else routers, routes)


def _named(routers: Sequence[Router], routes: Sequence[Route]) -> set[str]:
    """The names that the routers may decide for; `ChainError` for one that is none of the routes."""
    known = [route.name for route in routes] + [route.name for one in routers for route in one.routes]
    named = {name for one in routers for name in one.names}
    for name in sorted(named.difference(known)):
        near = get_close_matches(name, known, n=1, cutoff=0.0)[0]
        raise ChainError(
            f"A router decides for {name!r}, which is none of the routes.",
            remedy=f"Did you mean {near!r}? There are: {', '.join(dict.fromkeys(known))}.",
        )
    return named


def _own_step(choice: Any) -> Step:
    """What a Runnable of the caller's gives, as `route`."""
    if not isinstance(choice, Runnable) and not callable(choice):
        raise TypeError(f"route={choice!r} is no step: give 'auto', None, Routes, or a Runnable.")
    worker = choice if isinstance(choice, Runnable) else RunnableLambda(choice)

    def run(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> Iterator[Piece]:
        yield _own(worker.invoke(shown(state), config), detail)

    async def arun(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> AsyncIterator[Piece]:
        yield _own(await worker.ainvoke(shown(state), config), detail)

    return Step("route", run, arun, instead=_no_route)


def _own(given: Any, detail: dict[str, Any]) -> Piece:
    if isinstance(given, Route):
        given = Decision(given.name, "the caller's router", by="own", route=given)
    if isinstance(given, Decision):
        return _taken(given, detail)
    return {"route": given, "_route": None}


def _taken(decision: Decision, detail: dict[str, Any]) -> Piece:
    detail |= {"by": decision.by, "name": decision.name, "reason": decision.reason}
    if decision.scores:
        detail["scores"] = dict(decision.scores)
    if decision.degraded:
        detail["degraded"] = decision.degraded
    skip = SEARCHING if answers_itself(decision.route) else frozenset()
    return {"route": decision.public(), "_route": decision.route, "_skip": skip}
