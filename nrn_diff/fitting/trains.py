"""Features of the times of spikes, and of what lies between them: intervals, rates, adaptation, slow hyperpolarisation.

Spikes are where the features of one spike find them (features.find_spikes); the time of a peak is that of the parabola
through three samples, so that it has a derivative. Definitions are eFEL's, compared in tests/test_fit_features.py.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from .errors import FitError
from .features import (
    AbstractFeature,
    AbstractSpikeFeature,
    RestingPotential,
    Spikes,
    SteadyState,
    crossing_time,
    find_spikes,
    spike_window,
)

Array = jax.Array

# ms after a peak, where the slow part of the hyperpolarisation begins: eFEL's sahp_start.
_SLOW = 5.0


def extremum_time(t: Array, v: Array, i: Array) -> Array:
    """Time (ms) of the extremum at sample i: that of the parabola through its neighbours, if it is inside of them."""
    i = jnp.clip(i, 1, len(v) - 2)
    before, here, after = v[i - 1], v[i], v[i + 1]
    bend = before - 2 * here + after
    inside = (bend != 0.0) & (jnp.abs(after - before) <= jnp.abs(2 * bend))
    shift = jnp.where(inside, 0.5 * (before - after) / jnp.where(inside, bend, 1.0), 0.0)
    return t[i] + (t[i + 1] - t[i]) * shift


@dataclass(frozen=True)
class PeakTime(AbstractSpikeFeature):
    """Time of the peak of a spike, from `start` on (ms): eFEL's time_to_first_spike for the first one."""

    unit = "ms"

    def each(self, t: Array, v: Array, spikes: Spikes) -> tuple[Array, Array]:
        """See the base class."""
        return extremum_time(t, v, spikes.peak) - self.start, spikes.present


@dataclass(frozen=True)
class HeightAboveRest(AbstractSpikeFeature):
    """Peak of a spike above the resting potential (mV): eFEL's AP_amplitude_from_voltagebase."""

    unit = "mV"

    def each(self, t: Array, v: Array, spikes: Spikes) -> tuple[Array, Array]:
        """See the base class."""
        return v[spikes.peak] - RestingPotential(self.label, self.start, self.stop).of(t, v), spikes.present


@dataclass(frozen=True)
class WidthAtThreshold(AbstractSpikeFeature):
    """How long a spike is above `threshold` (ms): eFEL's AP_width."""

    unit = "ms"

    def each(self, t: Array, v: Array, spikes: Spikes) -> tuple[Array, Array]:
        """See the base class."""
        index = jnp.arange(len(v))[None, :]
        low = (index > spikes.peak[:, None]) & (index <= spikes.end[:, None]) & (v <= self.threshold)[None, :]
        fall = jnp.clip(jnp.argmax(low, axis=1) - 1, 0, len(v) - 2)
        level = jnp.asarray(self.threshold)
        width = crossing_time(t, v, fall, level) - crossing_time(t, v, spikes.crossing, level)
        return width, jnp.any(low, axis=1)


@dataclass(frozen=True)
class SlowAHPVoltage(AbstractSpikeFeature):
    """Lowest voltage from 5 ms after a peak to the next one (mV), from the second spike on: AHP_depth_abs_slow."""

    unit = "mV"

    def each(self, t: Array, v: Array, spikes: Spikes) -> tuple[Array, Array]:
        """See the base class."""
        lowest, exists = _slow(t, v, spikes)
        return v[lowest], exists


@dataclass(frozen=True)
class SlowAHPTime(AbstractSpikeFeature):
    """When that is, from 0 at the peak before to 1 at the peak after: eFEL's AHP_slow_time."""

    unit = "1"

    def each(self, t: Array, v: Array, spikes: Spikes) -> tuple[Array, Array]:
        """See the base class."""
        lowest, exists = _slow(t, v, spikes)
        peak = extremum_time(t, v, spikes.peak)
        interval = jnp.where(exists, jnp.roll(peak, -1) - peak, 1.0)
        return (extremum_time(t, v, lowest) - peak) / interval, exists


def _slow(t: Array, v: Array, spikes: Spikes) -> tuple[Array, Array]:
    """Sample of the lowest voltage long after each peak, and whether there is one, [most]."""
    number, index = jnp.arange(len(spikes.peak)), jnp.arange(len(v))[None, :]
    after = (t >= t[spikes.peak][:, None] + _SLOW) & (index < jnp.roll(spikes.peak, -1)[:, None])
    followed = jnp.roll(spikes.present, -1) & (number < len(number) - 1)
    return jnp.argmin(jnp.where(after, v, jnp.inf), axis=1), (number > 0) & followed & jnp.any(after, axis=1)


@dataclass(frozen=True)
class AbstractTrainFeature(AbstractFeature):
    """A number of all spikes together, of the times of their peaks.

    threshold (mV): what counts as a spike. most: how many spikes there may be; with more of them the feature is NaN.
    spikes_in (ms): where spikes are looked for; None: from start to stop.
    """

    threshold: float = -20.0
    most: int = 60
    spikes_in: tuple[float, float] | None = None

    @abc.abstractmethod
    def of_times(self, times: Array, present: Array) -> tuple[Array, Array]:
        """The number and whether it exists; times (ms) of peaks, increasing, and which of them are there, [most]."""

    def of(self, t: Array, v: Array) -> Array:
        """See the base class."""
        spikes = find_spikes(v, spike_window(self, t, self.spikes_in), self.threshold, self.most)
        # Peaks that are not there must not make intervals of length 0, by which something is divided.
        missing = 1e3 * (1.0 + jnp.arange(self.most)) + t[-1]
        times = jnp.where(spikes.present, extremum_time(t, v, spikes.peak), missing)
        number, exists = self.of_times(times, spikes.present)
        return jnp.where(exists & (spikes.number <= self.most), number, jnp.nan)


@dataclass(frozen=True)
class MeanFrequency(AbstractTrainFeature):
    """Number of spikes from start to stop, by the time from start to the last of them (Hz): eFEL's mean_frequency.

    0 where there are spikes, but elsewhere.
    """

    unit = "Hz"

    def of_times(self, times: Array, present: Array) -> tuple[Array, Array]:
        """See the base class."""
        mine = present & (times >= self.start) & (times <= self.stop)
        count = jnp.sum(mine)
        last = times[jnp.max(jnp.where(mine, jnp.arange(self.most), 0))]
        exists = jnp.where(count > 0, last > self.start, jnp.any(present))
        return 1e3 * count / jnp.where(last > self.start, last - self.start, 1.0), exists


@dataclass(frozen=True)
class InterspikeInterval(AbstractTrainFeature):
    """Time from one spike to the next (ms); which: 0 for the first interval (eFEL's doublet_ISI), -1 for the last."""

    which: int = 0
    unit = "ms"

    def of_times(self, times: Array, present: Array) -> tuple[Array, Array]:
        """See the base class."""
        if not -1 <= self.which < self.most - 1:
            raise FitError(f"interval {self.which} of {self.label}: -1 is the last, 0 the first of {self.most - 1}")
        n = jnp.sum(present) - 1
        k = n - 1 if self.which == -1 else self.which
        return jnp.diff(times)[jnp.maximum(k, 0)], (k >= 0) & (k < n)


@dataclass(frozen=True)
class InstantaneousRate(InterspikeInterval):
    """The inverse of an interval (Hz): eFEL's inv_first_ISI (which = 0), inv_second_ISI, inv_last_ISI (-1)."""

    unit = "Hz"

    def of_times(self, times: Array, present: Array) -> tuple[Array, Array]:
        """See the base class."""
        interval, exists = super().of_times(times, present)
        return 1e3 / interval, exists


@dataclass(frozen=True)
class IntervalVariation(AbstractTrainFeature):
    """Coefficient of variation of intervals between spikes, without the first one: eFEL's ISI_CV."""

    unit = "1"

    def of_times(self, times: Array, present: Array) -> tuple[Array, Array]:
        """See the base class."""
        intervals = jnp.diff(times)
        mine = present[1:] & (jnp.arange(self.most - 1) > 0)
        n = jnp.sum(mine)
        mean = jnp.sum(jnp.where(mine, intervals, 0.0)) / jnp.maximum(n, 1)
        squares = jnp.sum(jnp.where(mine, intervals - mean, 0.0) ** 2)
        spread = squares > 0
        deviation = jnp.sqrt(jnp.where(spread, squares, 1.0) / jnp.maximum(n - 1, 1)) * spread
        return deviation / jnp.where(n > 0, mean, 1.0), n >= 2


@dataclass(frozen=True)
class Adaptation(AbstractTrainFeature):
    """Mean of (next - this) / (next + this) over the intervals from start to stop without the first one.

    eFEL's adaptation_index2: from four spikes on.
    """

    unit = "1"

    def of_times(self, times: Array, present: Array) -> tuple[Array, Array]:
        """See the base class."""
        mine = present & (times >= self.start) & (times <= self.stop)
        intervals = jnp.diff(times)
        counted = mine[:-1] & mine[1:] & (jnp.cumsum(mine)[:-1] >= 2)
        both = counted[:-1] & counted[1:]
        change = (intervals[1:] - intervals[:-1]) / (intervals[1:] + intervals[:-1])
        return jnp.sum(jnp.where(both, change, 0.0)) / jnp.maximum(jnp.sum(both), 1), jnp.any(both)


@dataclass(frozen=True)
class SagAmplitude(AbstractFeature):
    """Steady state above the lowest voltage of the stimulus (mV): eFEL's sag_amplitude.

    It does not exist where the steady state is above the resting potential.
    """

    unit = "mV"

    def of(self, t: Array, v: Array) -> Array:
        """See the base class."""
        steady = SteadyState(self.label, self.start, self.stop).of(t, v)
        rest = RestingPotential(self.label, self.start, self.stop).of(t, v)
        lowest = jnp.min(jnp.where((t >= self.start) & (t < self.stop), v, jnp.inf))
        return jnp.where(steady <= rest, steady - lowest, jnp.nan)


@dataclass(frozen=True)
class HighestAboveRest(AbstractFeature):
    """Highest value of the stimulus above that at rest, in the unit of the trace: maximum_voltage_from_voltagebase."""

    unit = "mV"

    def of(self, t: Array, v: Array) -> Array:
        """See the base class."""
        highest = jnp.max(jnp.where((t >= self.start) & (t < self.stop), v, -jnp.inf))
        return highest - RestingPotential(self.label, self.start, self.stop).of(t, v)


@dataclass(frozen=True)
class VoltageAfterStimulus(AbstractFeature):
    """Mean of the middle half of the time between the stimulus and `until` (mV): eFEL's voltage_after_stim.

    until (ms): the end of the trace; None: of the simulation.
    """

    until: float | None = None
    unit = "mV"

    def of(self, t: Array, v: Array) -> Array:
        """See the base class."""
        rest = (t[-1] if self.until is None else self.until) - self.stop
        where = (t >= self.stop + 0.25 * rest) & (t <= self.stop + 0.75 * rest)
        return jnp.sum(jnp.where(where, v, 0.0)) / jnp.sum(where)
