"""When a played Vector sets its variable, and from which of its samples (src/nrniv/vrecord.cpp), to the bit of NEURON.

Phase 0 is finitialize. Phase 2 i + 1 is the start of step i (events up to its middle), then the middle itself; phase
2 i + 2 is the end of step i, then the events up to it. Both forms of Vector.play act by events, each of which sends the
next; the continuous one is also evaluated in the middle and at the end of every step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Samples:
    """values[before] + fraction * (values[after] - values[before]), [n] each; present [n]: whether anything is set."""

    before: Array
    after: Array
    fraction: Array
    present: Array

    def of(self, values: Array) -> Array:
        """The values themselves, [n], where something is set."""
        low = values[self.before]
        return low + (values[self.after] - low) * self.fraction

    def part(self, which: slice) -> Samples:
        """Those of some of the moments."""
        return Samples(self.before[which], self.after[which], self.fraction[which], self.present[which])


@dataclass(frozen=True, eq=False)
class Course:
    """What a played Vector does. start [1]: in finitialize, before INITIAL. The others have one entry for each step.

    begin: what the step before has left (of the first one: nothing). early: by events at its start. middle, end: before
    the currents, and before the states are advanced; for a step form what is in force then, which is nothing before the
    first event after finitialize. late: by events at its end. due [n] (ms), phase [n], each [n]: of every event.
    """

    continuous: bool
    start: Samples
    begin: Samples
    early: Samples
    middle: Samples
    end: Samples
    late: Samples
    due: Array
    phase: Array
    each: Samples


def step_events(n_values: int, times: Array, interval: float) -> Array:
    """When the events of a VecPlayStep are due (ms), counted from finitialize."""
    n = min(n_values, len(times)) if interval == 0.0 else n_values
    return np.cumsum(np.r_[0.0, np.full(n - 1, interval)]) if interval else times[:n]


def continuous_events(times: Array, breaks: Array | None) -> tuple[Array, Array]:
    """When the events of a VecPlayContinuous are due (ms) [n], and the bounds before and after each, [n + 1]."""
    bounds = np.arange(len(times)) if breaks is None else np.r_[breaks, len(times) - 1].astype(int)
    due = times if breaks is None else times[breaks]
    # Without breaks the last event finds no further bound.
    return due, bounds if breaks is not None else np.r_[bounds, len(times) - 1]


def events_until(due: Array, t: float) -> int:
    """How many of a chain of events are over at t (ms): none is delivered before the one that sends it."""
    return int(np.searchsorted(np.maximum.accumulate(due), t, side="right")) if len(due) else 0


def step_course(n_values: int, times: Array, interval: float, grid: Array, over: float | None = None) -> Course:
    """VecPlayStep. times [m] (ms), or none and an interval; grid: `time_grid`, whose start stands for finitialize.

    over (ms): events due by then are no more to come; None: those due at the start.
    """
    due = step_events(n_values, times, interval)
    phase = _phases(due, grid, over)
    # The last event of a phase is the one that counts.
    last = np.full(len(grid), -1)
    last[phase[phase < len(grid)]] = np.flatnonzero(phase < len(grid))
    during = last.copy()
    during[0] = -1
    held = np.maximum.accumulate(during)
    middle = _held(held[1::2])
    return Course(
        False,
        _held(last[:1]),
        _held(held[0:-1:2]),
        _held(last[1::2]),
        middle,
        middle,
        _held(last[2::2]),
        due,
        phase,
        _held(np.arange(len(due))),
    )


def continuous_course(times: Array, breaks: Array | None, grid: Array, over: float | None = None) -> Course:
    """VecPlayContinuous. times [m] (ms); breaks: indices of discontinuities, None without that argument.

    over: as for `step_course`.
    """
    # The bounds that the events set one after the other; each event is due at the time of the bound before.
    due, bounds = continuous_events(times, breaks)
    phase = _phases(due, grid, over)
    count = np.searchsorted(phase, np.arange(len(grid)), side="right")  # events up to the end of each phase
    bound = bounds[np.minimum(count, len(bounds) - 1)]
    before = bounds[np.minimum(np.r_[0, count[:-1]], len(bounds) - 1)]
    # In a phase with events the last of them evaluates at its own time.
    has = np.r_[count[0] > 0, np.diff(count) > 0]
    at = due[np.maximum(count - 1, 0)] if len(due) else np.zeros(len(grid))
    events = _interpolated(times, bound, at, has)
    always = np.ones(len(grid) // 2, dtype=bool)
    end, late = _interpolated(times, before[2::2], grid[2::2], always), events.part(slice(2, None, 2))
    return Course(
        True,
        events.part(slice(0, 1)),
        _left(end, late),
        events.part(slice(1, None, 2)),
        _interpolated(times, bound[1::2], grid[1::2], always),
        end,
        late,
        due,
        phase,
        _interpolated(
            times, bounds[np.minimum(np.arange(len(due)) + 1, len(bounds) - 1)], due, np.ones(len(due), bool)
        ),
    )


def _left(end: Samples, late: Samples) -> Samples:
    """What each step finds: what the one before has set at its end, or the events after it."""
    fields = (np.where(late.present, getattr(late, n), getattr(end, n)) for n in ("before", "after", "fraction"))
    before, after, fraction = (np.r_[x[:1], x[:-1]] for x in fields)
    return Samples(before, after, fraction, np.arange(len(before)) > 0)


def _phases(due: Array, grid: Array, over: float | None) -> Array:
    """The phase in which each event of a chain is delivered: none before the one that sends it."""
    if not len(due):
        return np.zeros(0, dtype=int)
    phase = np.searchsorted(grid, due, side="left")
    if over is not None:
        phase = np.where(due <= over, 0, np.maximum(phase, 1))
    return np.maximum.accumulate(phase)


def _held(index: Array) -> Samples:
    place = np.maximum(index, 0)
    return Samples(place, place, np.zeros(len(index)), index >= 0)


def _interpolated(times: Array, bound: Array, at: Array, present: Array) -> Samples:
    """VecPlayContinuous::interpolate: beyond the bound the last segment is prolonged."""
    inside = np.where(at <= times[0], 0, np.searchsorted(times, at, side="right"))
    last = np.where(at >= times[bound], bound, inside)
    before = np.maximum(last - 1, 0)
    span = times[last] - times[before]
    # Two samples of one time count half each.
    fraction = np.where(span > 0, (at - times[before]) / np.where(span > 0, span, 1.0), 0.5)
    return Samples(before, last, np.where(last > 0, fraction, 0.0), present)
