"""A logistic regression, the area under a curve. NumPy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Flags", "Numbers", "area", "logistic"]

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]


def logistic(
    x: Numbers, y: Numbers, each: Numbers | None = None, *, ridge: float = 0.1, steps: int = 30
) -> tuple[Numbers, float]:
    """Weights and constant that fit best, by Newton's steps; `each` is what a row counts."""
    count = np.ones(len(x)) if each is None else each
    rows = np.hstack([x, np.ones((len(x), 1))])
    held = ridge * np.eye(rows.shape[1])
    held[-1, -1] = 1e-9
    weights = np.zeros(rows.shape[1])
    for _ in range(steps):
        p = 1 / (1 + np.exp(-rows @ weights))
        hessian = (rows * (count * p * (1 - p))[:, None]).T @ rows + held
        weights += np.linalg.solve(hessian, rows.T @ (count * (y - p)) - held @ weights)
    return weights[:-1], float(weights[-1])


def area(score: Numbers, positive: Flags) -> float:
    """Of all pairs of one positive and one other, the share where the positive scores higher; ties half."""
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = ((ends - counts + 1 + ends) / 2)[inverse]
    count = int(positive.sum())
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * (len(score) - count)))
