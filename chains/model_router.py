"""Routes by a chat model that reads what each route is for. Knows no encoder.

The reply counts only if it is the name of a route, whole; whatever else it says is no route, and told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.runnables import Runnable, RunnableConfig

from .adapter_choice import for_rewriting
from .deciding import Router
from .errors import ChainError
from .prompts import ROUTE
from .replies import reply_text
from .routes import NO_ROUTE, Decision, Route

__all__ = ["ModelRouter"]

EXAMPLES = 3  # of each route in the prompt
LONGEST = 1000  # characters of the question that the model is shown


class ModelRouter(Router):
    """Asks a chat model which route a question takes; one call, as the base model, for each question.

    Without training it tells apart what a description tells apart. Where users' questions are at hand,
    `ExampleRouter` costs no call.

    Args:
        model: any LangChain chat model.
        routes: each with a description, examples, or both.
        fallback: the route of a question that none fits.

    Example:
        >>> from langchain_core.language_models.fake_chat_models import FakeListChatModel
        >>> model = FakeListChatModel(responses=["it", "I think it is about computers"])
        >>> router = ModelRouter(model, [Route("it", "computers and passwords")])
        >>> router.invoke("I forgot my password").name, router.invoke("I forgot my password").name
        ('it', None)
    """

    def __init__(
        self, model: Runnable[Any, Any], routes: Iterable[Route], *, fallback: str | None = None
    ) -> None:
        super().__init__(routes, fallback=fallback)
        self._model = model
        for route in self.routes:
            if not route.texts():
                raise ChainError(
                    f"The route {route.name!r} has no description that a model could read.",
                    remedy="Give it one, or examples.",
                )

    def decide(self, question: str, state: Mapping[str, Any], config: RunnableConfig) -> Decision:
        """The route that the model names."""
        try:
            reply = self._model.invoke(self._messages(question), for_rewriting(config))
        except Exception as error:  # any model, any failure: the question goes on without a route
            return _failed(error)
        return self._parsed(reply)

    async def adecide(self, question: str, state: Mapping[str, Any], config: RunnableConfig) -> Decision:
        """`decide` for async callers."""
        try:
            reply = await self._model.ainvoke(self._messages(question), for_rewriting(config))
        except Exception as error:  # any model, any failure: the question goes on without a route
            return _failed(error)
        return self._parsed(reply)

    def _messages(self, question: str) -> list[BaseMessage]:
        shown = " ".join(question.split())[:LONGEST]
        return [HumanMessage(ROUTE.format(routes="\n".join(map(_line, self.routes)), question=shown))]

    def _parsed(self, reply: Any) -> Decision:
        said = reply_text(reply).strip().strip("\"'`.").strip().casefold()
        if said == NO_ROUTE:
            return Decision(None, "the model says that none fits", by="model")
        for name in self._routes:
            if said == name.casefold():
                return Decision(name, "the model's choice", by="model")
        return Decision(
            None, "no route in the reply", by="model", degraded="The model's reply named no route."
        )


def _line(route: Route) -> str:
    examples = "; ".join(route.examples[:EXAMPLES])
    such_as = f" Such as: {examples}" if examples else ""
    return f"- {route.name}: {route.description}{such_as}"


def _failed(error: Exception) -> Decision:
    told = f"The model that chooses the route failed ({type(error).__name__}); none was taken."
    return Decision(None, "the model failed", by="model", degraded=told)
