"""What every router is: a Runnable from a question, or a state, to a `Decision`; and several in turn.

Knows no way of deciding.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from itertools import chain
from typing import Any, cast

from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import ensure_config

from .errors import ChainError
from .routes import Decision, Route, unique_routes
from .state import RagState, first_state

__all__ = ["FirstOf", "Router"]


class Router(Runnable[Any, Decision]):
    """A Runnable from a question, or a state of the chain, to a `Decision`.

    Where no route fits, the decision's name is None and the chain goes on as without routes, or it is
    `fallback`, the name of one of the routes.
    """

    def __init__(self, routes: Iterable[Route], *, fallback: str | None = None) -> None:
        self._routes = unique_routes(routes)
        self.fallback = fallback
        if fallback is not None:
            self._check_known(fallback, "The fallback")

    @property
    def routes(self) -> Sequence[Route]:
        """What it decides between."""
        return tuple(self._routes.values())

    @property
    def names(self) -> Sequence[str]:
        """The names that it may decide for."""
        return tuple(self._routes)

    @abstractmethod
    def decide(self, question: str, state: Mapping[str, Any], config: RunnableConfig) -> Decision:
        """The decision for a question that stands alone; `state["question"]` is as it was typed."""

    async def adecide(self, question: str, state: Mapping[str, Any], config: RunnableConfig) -> Decision:
        """`decide` for async callers; in a thread, where a router has nothing better."""
        return await asyncio.to_thread(self.decide, question, state, config)

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Decision:
        """Decide on a question, a message, or a dict with `question` and perhaps `standalone`."""
        # LangChain passes a config to functions that take one; its types do not say so.
        return self._call_with_config(cast(Any, self.decided), input, config)

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Decision:
        """`invoke` without blocking the event loop."""
        return await self._acall_with_config(cast(Any, self.adecided), input, config)

    def decided(self, given: Any, config: RunnableConfig) -> Decision:
        """What `invoke` gives, without a run of its own in LangChain's callbacks: for use inside a run."""
        question, state = _asked(given)
        return self._settled(self.decide(question, state, ensure_config(config)))

    async def adecided(self, given: Any, config: RunnableConfig) -> Decision:
        """`decided` for async callers."""
        question, state = _asked(given)
        return self._settled(await self.adecide(question, state, ensure_config(config)))

    def _settled(self, decision: Decision) -> Decision:
        """The decision with its route, or the fallback."""
        if decision.name is None and self.fallback is not None:
            reason = f"the fallback: {decision.reason}" if decision.reason else "the fallback"
            decision = replace(decision, name=self.fallback, reason=reason, score=None)
        if decision.name is None or decision.route is not None:
            return decision
        return replace(decision, route=self._routes.get(decision.name))

    def _check_known(self, name: str, what: str) -> None:
        if name not in self._routes:
            close = get_close_matches(name, list(self._routes), n=1, cutoff=0.0)
            nearest = f"Did you mean {close[0]!r}? " if close else ""
            raise ChainError(
                f"{what} {name!r} is none of the routes.",
                remedy=f"{nearest}There are: {', '.join(self._routes) or 'none'}.",
            )


class FirstOf(Router):
    """Several routers in turn: the first that decides. Cheap and certain ones go first.

    Args:
        routers: the first of them is asked first.
        routes: what their names mean, beside the routes that they know themselves.
        fallback: the route of a question that none fits.

    Example:
        >>> from ragweave.chains.deciding import FirstOf
        >>> from ragweave.chains.rule_router import RuleRouter
        >>> front = FirstOf([RuleRouter({"billing": "invoice|refund"}), RuleRouter({"it": "password"})])
        >>> front.invoke("I forgot my password").name
        'it'
    """

    def __init__(
        self, routers: Iterable[Router], routes: Iterable[Route] = (), *, fallback: str | None = None
    ) -> None:
        self._routers = list(routers)
        for one in self._routers:
            if not isinstance(one, Router):
                raise ChainError(
                    f"{one!r} is no router.",
                    remedy="Give routers such as RuleRouter or ExampleRouter; RunnableRouter makes one of a "
                    "classifier.",
                )
        known = chain.from_iterable(one.routes for one in self._routers)
        super().__init__(chain(routes, known), fallback=fallback)

    @property
    def names(self) -> Sequence[str]:
        """The names that one of them may decide for."""
        return tuple(dict.fromkeys(chain.from_iterable(one.names for one in self._routers)))

    def decide(self, question: str, state: Mapping[str, Any], config: RunnableConfig) -> Decision:
        """The first decision with a name; else the last one, which says why not."""
        last, degraded = Decision(None, "there is no router"), []
        for one in self._routers:
            last = one.decided(state, config)
            degraded.append(last.degraded)
            if last.name is not None:
                break
        return replace(last, degraded=" ".join(filter(None, degraded)))

    async def adecide(self, question: str, state: Mapping[str, Any], config: RunnableConfig) -> Decision:
        """`decide`, with routers that await."""
        last, degraded = Decision(None, "there is no router"), []
        for one in self._routers:
            last = await one.adecided(state, config)
            degraded.append(last.degraded)
            if last.name is not None:
                break
        return replace(last, degraded=" ".join(filter(None, degraded)))


def _asked(given: Any) -> tuple[str, Mapping[str, Any]]:
    """The question that stands alone, and the state; a bare question is a state of its own."""
    if isinstance(given, Mapping) and "question" in given:
        return str(given.get("standalone") or given["question"]), given
    state = first_state(given)
    return str(state["question"]), RagState(state)
