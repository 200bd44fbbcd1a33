"""Points that every start of a search draws for itself, round after round."""

from __future__ import annotations

import numpy as np

Array = np.ndarray

# Standard deviations of the unbounded variables around the best point, from refinement to nearly all over the bounds:
# with one of them alone, starts stayed where they were.
_NEAREST, _FARTHEST = 0.15, 1.5


class Draws:
    """The first round is uniform between the bounds; later ones are normal around the best point of the start
    itself, near and far.

    centre [size]: added to unbounded variables. Starts know nothing of each other. The same seed and the same answers
    give the same points.
    """

    def __init__(self, seed: int, starts: int, draws: int, centre: Array) -> None:
        self._generators = [np.random.default_rng([seed, start]) for start in range(starts)]
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

    def _points(self, start: int) -> Array:
        shape = (self.draws, len(self.centre))
        if np.isfinite(self.best[start]):
            spread = np.geomspace(_NEAREST, _FARTHEST, self.draws)[:, None]
            return np.asarray(self.point[start] + spread * self._generators[start].standard_normal(shape))
        uniform = self._generators[start].uniform(1e-3, 1 - 1e-3, shape)
        return np.asarray(self.centre + np.log(uniform / (1 - uniform)))
