"""Variables of artificial cells over time: events change them, and nothing else does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .frame import Variables

Array = np.ndarray


@dataclass(frozen=True)
class Watched:
    """A variable of a cell. element: of an array, -1 for a scalar."""

    cell: int
    variable: str
    element: int = -1

    def read(self, values: Variables) -> float:
        """Its present value."""
        value = values[self.variable]
        return float(value[self.element] if isinstance(value, list) else value)


@dataclass(frozen=True)
class Course:
    """Values [n] of a variable, each from its time on: times [n] (ms), ascending, the first -inf."""

    times: Array
    values: Array

    def sampled(self, grid: Array) -> Array:
        """What Vector.record finds, [n_steps + 1]. grid [2 * n_steps + 1] (ms): `time_grid` of the run.

        A step records before it delivers the events of its second half (fadvance.cpp).
        """
        known = np.concatenate([grid[:1], grid[1::2]])
        return self.values[np.searchsorted(self.times, known, side="right") - 1]

    def at(self, times: Array) -> Array:
        """What is found at other times (ms) [n], where nothing changes it."""
        return self.values[np.searchsorted(self.times, times, side="right") - 1]

    def changes_at(self, times: Array) -> Array:
        """Those of the times (ms) at which the variable changes: NEURON's whole queue decides what a sample finds."""
        return np.intersect1d(self.times[1:], times[times > 0.0])


@dataclass
class Log:
    """What cells held when. watched: of each course, in order."""

    watched: Sequence[Watched]
    _times: list[list[float]] = field(init=False)
    _values: list[list[float]] = field(init=False)

    def __post_init__(self) -> None:
        self._times, self._values = [[] for _ in self.watched], [[] for _ in self.watched]

    def note(self, cell: int, time: float, values: Variables) -> None:
        """Keep what changed in a cell at a time (ms)."""
        for k, watched in enumerate(self.watched):
            if watched.cell == cell:
                now = watched.read(values)
                if not self._times[k] or now != self._values[k][-1]:
                    self._times[k].append(time)
                    self._values[k].append(now)

    def courses(self) -> tuple[Course, ...]:
        """All of them so far."""
        return tuple(Course(np.array(t), np.array(x)) for t, x in zip(self._times, self._values, strict=True))
