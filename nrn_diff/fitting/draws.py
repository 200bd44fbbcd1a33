"""Points that every start of a search draws for itself, round after round."""

from __future__ import annotations

import numpy as np

Array = np.ndarray

# Standard deviation of the unbounded variables around the best point, and what it shrinks by when none was better.
_SPREAD, _SHRINK = 0.6, 0.7


class Draws:
    """The first round is uniform between the bounds; later ones are normal around the best point of the start itself.

    centre [size]: added to unbounded variables. Starts know nothing of each other. The same seed and the same answers
    give the same points.
    """

    def __init__(self, seed: int, starts: int, draws: int, centre: Array) -> None:
        self._generators = [np.random.default_rng([seed, start]) for start in range(starts)]
        self._spread = np.full(starts, _SPREAD)
        self.draws, self.centre = draws, centre
        self.best, self.point = np.full(starts, np.inf), np.tile(centre, (starts, 1))

    def ask(self, going: Array) -> Array:
        """Points for the starts `going`, [len(going), draws, size]."""
        return np.stack([self._points(start) for start in going])

    def tell(self, going: Array, points: Array, losses: Array) -> None:
        """Their losses, [len(going), draws], infinite where there is none."""
        for start, mine, found in zip(going, points, losses, strict=True):
            k = int(np.argmin(found))
            if found[k] < self.best[start]:
                self.best[start], self.point[start] = found[k], mine[k]
            else:
                self._spread[start] *= _SHRINK

    def _points(self, start: int) -> Array:
        shape = (self.draws, len(self.centre))
        if np.isfinite(self.best[start]):
            return np.asarray(self.point[start] + self._spread[start] * self._generators[start].standard_normal(shape))
        uniform = self._generators[start].uniform(1e-3, 1 - 1e-3, shape)
        return np.asarray(self.centre + np.log(uniform / (1 - uniform)))
