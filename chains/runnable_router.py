"""Routes by a classifier of your own: whatever has LangChain's Runnable interface. Knows no model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from langchain_core.messages import BaseMessage
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda

from .deciding import Router
from .routes import NO_ROUTE, Decision, Route
from .state import text_of

__all__ = ["RunnableRouter"]

LABELS = ("label", "name", "route")
FORMS = "a label, a (label, score) pair, or a dict with `label` and perhaps `score`"


class RunnableRouter(Router):
    """A classifier as a router: it is given the question and gives a label, which is the name of a route.

    A label alone, a (label, score) pair, `{"label": ..., "score": ...}`, a list of those as Hugging Face
    pipelines give it, where the best counts, or a chat model's message. None and "none" are no route.
    A label that is no route, or a classifier that fails, is no route either, and the trace says so.

    Args:
        classifier: a Runnable, or a function of the question.
        routes: those that its labels name.
        threshold: scores below it are no route.
        fallback: the route of a question that none fits.

    Example:
        >>> classifier = lambda question: ("it", 0.9) if "laptop" in question else ("weather", 0.4)
        >>> router = RunnableRouter(classifier, [Route("it")])
        >>> router.invoke("My laptop is broken").name, router.invoke("Will it rain?").degraded
        ('it', "The classifier's label 'weather' is no route.")
    """

    def __init__(
        self,
        classifier: Runnable[Any, Any] | Callable[[str], Any],
        routes: Iterable[Route],
        *,
        threshold: float = 0.0,
        fallback: str | None = None,
    ) -> None:
        super().__init__(routes, fallback=fallback)
        self._classifier = classifier if isinstance(classifier, Runnable) else RunnableLambda(classifier)
        self._threshold = threshold

    def decide(self, question: str, state: Mapping[str, Any], config: RunnableConfig) -> Decision:
        """The route of the classifier's label."""
        try:
            given = self._classifier.invoke(question, config)
        except Exception as error:  # any classifier, any failure: the question goes on without a route
            return _none(f"The classifier of routes failed ({type(error).__name__}); none was taken.")
        return self._read(given)

    async def adecide(self, question: str, state: Mapping[str, Any], config: RunnableConfig) -> Decision:
        """`decide` for async callers."""
        try:
            given = await self._classifier.ainvoke(question, config)
        except Exception as error:  # any classifier, any failure: the question goes on without a route
            return _none(f"The classifier of routes failed ({type(error).__name__}); none was taken.")
        return self._read(given)

    def _read(self, given: Any) -> Decision:
        found = _label(given)
        if found is None:
            return _none(f"The classifier of routes gave {str(given)[:80]!r}, not {FORMS}.")
        label, score = found
        if label.casefold() == NO_ROUTE:
            return Decision(None, "the classifier says that none fits", score, "classifier")
        if label not in self._routes:
            return _none(f"The classifier's label {label!r} is no route.")
        if score is not None and score < self._threshold:
            reason = f"{label!r} scores {score:.2f} of {self._threshold:.2f} needed"
            return Decision(None, reason, score, "classifier", {label: score})
        return Decision(label, "the classifier's label", score, "classifier", _scores(label, score))


def _scores(label: str, score: float | None) -> dict[str, float]:
    return {} if score is None else {label: score}


def _none(degraded: str) -> Decision:
    return Decision(None, "the classifier gave no route", by="classifier", degraded=degraded)


def _label(given: Any) -> tuple[str, float | None] | None:
    """Label and score in any of the forms; None for anything else."""
    if isinstance(given, BaseMessage):
        given = text_of(given).strip()
    if given is None:
        return NO_ROUTE, None
    if isinstance(given, str):
        return given.strip(), None
    if isinstance(given, Mapping):
        label = next((given[key] for key in LABELS if key in given), None)
        return (label, _number(given.get("score"))) if isinstance(label, str) else None
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], str):
        return given[0], _number(given[1])
    if isinstance(given, Sequence):
        found = [one for one in map(_label, given) if one is not None]
        return max(found, key=lambda one: one[1] or 0.0, default=None)
    return None


def _number(score: Any) -> float | None:
    try:
        return None if score is None else float(score)
    except (TypeError, ValueError):
        return None
