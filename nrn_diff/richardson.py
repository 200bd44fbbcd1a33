"""Derivatives from function values alone: the judge of every gradient, applied to NEURON itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def derivative(
    f: Callable[[float], float], x: float, step: float, *, rtol: float = 1e-7, restarts: int = 3, rows: int = 5
) -> tuple[float, float]:
    """df/dx at x and an estimate of its error, from central differences extrapolated to step 0.

    step: the first half-width; each row of the tableau halves it. The entry with the smallest spread is taken (Ridders
    1982, Adv. Eng. Software 4:75-76). While the error estimate is above rtol * |df/dx|, the tableau is made anew from a
    tenth of the step, `restarts` times at most. f is called 2 * rows * (restarts + 1) times at most.
    """
    best = _tableau(f, x, step, rows)
    for _ in range(restarts):
        if best[1] <= rtol * abs(best[0]):
            break
        step /= 10
        best = min(best, _tableau(f, x, step, rows), key=lambda pair: pair[1])
    return best


def _tableau(f: Callable[[float], float], x: float, step: float, rows: int) -> tuple[float, float]:
    best, error = np.nan, np.inf
    table = np.empty((rows, rows))
    for i in range(rows):
        h = step / 2**i
        table[i, 0] = (f(x + h) - f(x - h)) / (2 * h)
        for j in range(1, i + 1):
            table[i, j] = table[i, j - 1] + (table[i, j - 1] - table[i - 1, j - 1]) / (4**j - 1)
            spread = max(abs(table[i, j] - table[i, j - 1]), abs(table[i, j] - table[i - 1, j - 1]))
            if spread < error:
                best, error = table[i, j], spread
        if i > 0 and abs(table[i, i] - table[i - 1, i - 1]) >= 2 * error:
            break  # rounding has taken over
    return float(best), float(error)
