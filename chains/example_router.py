"""Routes by examples: the question is compared with what users ask of each route.

Knows the encoder by its interface alone; what the vectors say is `route_fit`'s affair.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any

from langchain_core.runnables import RunnableConfig

from .deciding import Router
from .embeddings import Encoder, open_encoder
from .errors import ChainError
from .routes import Decision, Route

if TYPE_CHECKING:  # NumPy takes a tenth of a second to import
    from .route_fit import Fit, RouteFit

__all__ = ["ExampleRouter"]

log = logging.getLogger(__name__)

MOST = 2000  # examples that are fitted, in a second or two; with more, train a classifier
SHOWN = 3  # routes in the trace
EXCERPT = 80  # characters of an example in a reason

# Everyday questions that no route is for: they show what this encoder finds unrelated.
EVERYDAY = (
    "What is the capital of Australia?",
    "Who wrote the novel that won the prize last year?",
    "How do I boil an egg?",
    "What will the weather be like tomorrow?",
    "Tell me a joke.",
    "How far is it from the earth to the moon?",
    "Which team won the match on Saturday?",
    "Can you translate this sentence into Spanish?",
    "What is the square root of two hundred and fifty?",
    "Write a poem about autumn.",
    "How do plants make oxygen?",
    "When did the second world war end?",
    "Recommend a film for tonight.",
    "Why is the sky blue?",
    "What is the meaning of life?",
    "How many people live in Brazil?",
    "Play some music.",
    "How do I train my dog to sit?",
    "Is it healthy to drink coffee every day?",
    "What time is it in Tokyo?",
    "How can I learn to play the guitar?",
    "How do I grow tomatoes on a balcony?",
    "Who painted the ceiling of the chapel?",
    "How does a car engine work?",
    "Where should I go on holiday this summer?",
    "Write a program that sorts a list.",
    "How tall is the highest mountain?",
    "What is the difference between a virus and a bacterium?",
    "How do I remove a stain from a shirt?",
    "I feel sad and do not know why.",
)


class ExampleRouter(Router):
    """Chooses the route whose examples are most like the question; none where no route fits.

    Five examples a route serve, twenty serve well; write them as users ask. A description counts as one more.
    Fitted at the first question, from the examples alone: the probabilities, and the threshold under which
    no route fits. For thousands of examples train a classifier and use `RunnableRouter`.

    Args:
        routes: each with examples, a description, or both.
        encoder: the knowledge base's `encoder`, any LangChain `Embeddings`, or a function that gives one;
            by default the packaged one.
        negatives: questions that no route is for, where you know some.
        threshold: replaces the fitted one: between 0 (every question has a route) and 2.
        fallback: the route of a question that none fits.

    Example:
        >>> leave = Route("leave", "days off and holidays", ["How many days of leave do I get?"])
        >>> it = Route("it", "computers and passwords", ["My laptop is broken"])
        >>> router = ExampleRouter([leave, it])
        >>> router.invoke("Can I take a day off?").name, router.invoke("How high is Everest?").name
        ('leave', None)
    """

    def __init__(
        self,
        routes: Iterable[Route],
        encoder: Any = None,
        *,
        negatives: Sequence[str] = (),
        threshold: float | None = None,
        fallback: str | None = None,
    ) -> None:
        super().__init__(routes, fallback=fallback)
        if not self._routes:
            raise ChainError("An ExampleRouter has no routes.", remedy="Give it one Route or more.")
        for route in self.routes:
            if not route.texts():
                raise ChainError(
                    f"The route {route.name!r} has neither examples nor a description to go by.",
                    remedy="Give it some, or find it by a RuleRouter.",
                )
        self._open = encoder if _is_function(encoder) else lambda: encoder
        self._negatives = tuple(negatives)
        self._given_threshold = threshold
        self._fitting = threading.Lock()
        self._fitted: _Fitted | None = None

    def decide(self, question: str, state: Mapping[str, Any], config: RunnableConfig) -> Decision:
        """The most probable route, with its nearest example as the reason."""
        if not question.strip():
            return Decision(None, "there is no question", by="examples")
        fitted = self._fitted or self._fit()
        fit = fitted.of(question)
        names = list(self._routes)
        order = sorted(range(len(names)), key=lambda number: -fit.probabilities[number])[:SHOWN]
        scores = {names[number]: round(float(fit.probabilities[number]), 4) for number in order}
        name = names[order[0]]
        threshold = fitted.fit.threshold if self._given_threshold is None else self._given_threshold
        if fit.fit < threshold:
            reason = f"{name!r} is nearest, but fits {fit.fit:.2f} of {threshold:.2f} needed"
            return Decision(None, reason, by="examples", scores=scores)
        example = fitted.texts[fit.nearest][:EXCERPT]
        return Decision(name, f"like “{example}” (cosine {fit.cosine:.2f})", scores[name], "examples", scores)

    def _fit(self) -> _Fitted:
        with self._fitting:
            if self._fitted is None:
                encoder = open_encoder(self._open())
                self._fitted = _Fitted(encoder, self.routes, [*EVERYDAY, *self._negatives])
            return self._fitted


class _Fitted:
    """The examples that are compared with, their fit, and how a question becomes a vector."""

    def __init__(self, encoder: Encoder, routes: Sequence[Route], others: Sequence[str]) -> None:
        import numpy as np

        from .route_fit import RouteFit

        pairs = _in_turns([[(text, number) for text in route.texts()] for number, route in enumerate(routes)])
        if len(pairs) > MOST:
            log.warning("%d examples of routes were given; %d of them are fitted.", len(pairs), MOST)
        self.texts = [text for text, _ in pairs[:MOST]]
        vectors = encoder.encode([*self.texts, *others])
        numbers = np.array([number for _, number in pairs[:MOST]], np.int64)
        self.fit: RouteFit = RouteFit(vectors[: len(numbers)], numbers, vectors[len(numbers) :])
        # Examples are encoded as documents. Most encoders treat a question alike, and remember its vector for
        # the search; for one that does not the question is encoded once more.
        alike = float(vectors[0] @ encoder.encode_query(self.texts[0])) > 0.999
        self._vector = encoder.encode_query if alike else lambda question: encoder.encode([question])[0]

    def of(self, question: str) -> Fit:
        return self.fit(self._vector(question))


def _in_turns(lists: Sequence[Sequence[tuple[str, int]]]) -> list[tuple[str, int]]:
    """One of each list, then the second of each, and so on, so that a limit takes from all alike."""
    return [pair for pair in chain.from_iterable(zip_longest(*lists)) if pair is not None]


def _is_function(given: object) -> bool:
    if not callable(given):
        return False
    return isinstance(given, type) or not (hasattr(given, "encode") or hasattr(given, "embed_documents"))
