"""What the examples' vectors say of a question: a probability for each route, and whether any fits at all.

Kernel ridge regression, which is both a nearest-neighbour vote and a linear head: where examples are few,
the nearest count; where they are many, what sets routes apart. Its leave-one-out values come with the
solution, so the probabilities and the threshold are fitted on examples that it has not seen. Arrays in,
numbers out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Fit", "RouteFit"]

Floats = NDArray[np.float64]
Vectors = NDArray[np.floating]

# Chosen on the training part of banking77, with 5 and with 20 examples a route.
SHARPNESS = 4.0  # exponent of the kernel for a cosine of 1 less one of an everyday question
RIDGE = 0.1
# Share of the examples, each seen as a question, that the threshold keeps. Few examples say little about
# where it lies, so PRIOR examples at USUAL are added to them.
KEPT = 0.95
PRIOR, USUAL = 4, 0.6
HIGHEST = 1.0  # threshold: examples that repeat each other would ask for another repetition
TEMPERATURES = np.geomspace(2, 40, 30)


@dataclass(frozen=True, slots=True)
class Fit:
    """How well each route fits a question."""

    probabilities: Floats  # shape (routes,): given that one of them fits
    fit: float  # the best route's score and the nearest example's nearness, each about 0 to 1
    nearest: int  # row of the nearest example
    cosine: float  # with it


class RouteFit:
    """Fitted on unit vectors of examples, their routes' numbers, and vectors that no route is for."""

    def __init__(self, examples: Vectors, routes: NDArray[np.int64], others: Vectors) -> None:
        self._examples: Floats = np.asarray(examples, np.float64)
        unrelated: Floats = np.asarray(others, np.float64)
        # Encoders differ in what they give two texts that have nothing to do with each other.
        self._unrelated = float(np.median(self._examples @ unrelated.T))
        right = np.eye(int(routes.max()) + 1)[routes]
        inverse = np.linalg.inv(self._kernel(self._examples) + RIDGE * np.eye(len(routes)))
        self._weights: Floats = inverse @ right
        unseen = right - self._weights / np.diag(inverse)[:, None]  # each example by the others
        self._temperature = _temperature(unseen, routes)
        self.threshold = self._threshold(unseen, routes, unrelated)

    def __call__(self, vector: Vectors) -> Fit:
        """The fit of a question's unit vector."""
        scores, cosines = self._scores(np.asarray(vector, np.float64)[None])
        nearest = int(cosines[0].argmax())
        fits = float(self._fits(scores, cosines)[0])
        return Fit(_softmax(scores * self._temperature)[0], fits, nearest, float(cosines[0, nearest]))

    def _kernel(self, vectors: Floats) -> Floats:
        apart = (1 - vectors @ self._examples.T) / (1 - self._unrelated)
        return np.exp(-SHARPNESS * apart)

    def _scores(self, vectors: Floats) -> tuple[Floats, Floats]:
        return self._kernel(vectors) @ self._weights, vectors @ self._examples.T

    def _fits(self, scores: Floats, cosines: Floats) -> Floats:
        nearness = (cosines.max(axis=1) - self._unrelated) / (1 - self._unrelated)
        fits: Floats = scores.max(axis=1) + nearness
        return fits

    def _threshold(self, unseen: Floats, routes: NDArray[np.int64], others: Floats) -> float:
        """What fits less is for no route: most examples fit better, and no everyday question does."""
        cosines = self._examples @ self._examples.T
        np.fill_diagonal(cosines, -1)
        several = np.bincount(routes)[routes] > 1  # a route's only example is no question of its own
        fits = self._fits(unseen, cosines)[several]
        usual = np.quantile(fits, 1 - KEPT) if len(fits) else USUAL
        kept = (len(fits) * usual + PRIOR * USUAL) / (len(fits) + PRIOR)
        return float(max(min(kept, HIGHEST), np.quantile(self._fits(*self._scores(others)), KEPT)))


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _temperature(unseen: Floats, routes: NDArray[np.int64]) -> float:
    """The one under which the routes of unseen examples are most probable."""
    rows = np.arange(len(routes))
    surprise = [-np.log(_softmax(unseen * one)[rows, routes] + 1e-9).mean() for one in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(surprise))])
