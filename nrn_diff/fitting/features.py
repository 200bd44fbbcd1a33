"""Features of a voltage trace, with units, differentiable: objects that take a recording and return one number.

Spikes are found by upward crossings of a threshold; what is at a crossing or at a given slope is interpolated between
samples, so that it has the derivative of the interpolated trace. A feature that does not exist (no spike, no width) is
NaN, and `ZScores` deals with that. Definitions follow eFEL where it has the feature, and are compared with it in
tests/test_fit_features.py.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .errors import FitError

Array = jax.Array


@dataclass(frozen=True)
class AbstractFeature(abc.ABC):
    """One number of one recorded trace. label: of the trace. start, stop (ms): the window that counts."""

    label: str
    start: float = 0.0
    stop: float = np.inf

    @property
    @abc.abstractmethod
    def unit(self) -> str:
        """Unit of the number."""

    @abc.abstractmethod
    def of(self, t: Array, v: Array) -> Array:
        """The number for one trace; t (ms), v [n_samples]."""

    def __call__(self, recording: Any) -> Array:
        """The number for a recording. Raises FitError for a label that was not recorded, or an empty window."""
        if self.label not in recording:
            raise FitError(f"{self.label!r} is not in the recording; it has {', '.join(recording)}")
        t, v = jnp.asarray(recording.t), jnp.asarray(recording[self.label])
        return self.of(t, v)

    def inside(self, t: Array) -> Array:
        """Which samples are in the window."""
        return (t >= self.start) & (t <= self.stop)


def _mean(v: Array, where: Array) -> Array:
    return jnp.sum(jnp.where(where, v, 0.0)) / jnp.sum(where)


@dataclass(frozen=True)
class Mean(AbstractFeature):
    """Mean of the trace in the window, in the unit of the trace (mV)."""

    unit = "mV"

    def of(self, t: Array, v: Array) -> Array:
        """See the base class."""
        return _mean(v, self.inside(t))


@dataclass(frozen=True)
class Spread(AbstractFeature):
    """Standard deviation of the trace in the window (mV); power: of the central moment, whose root is taken."""

    power: int = 2
    unit = "mV"

    def of(self, t: Array, v: Array) -> Array:
        """See the base class."""
        where = self.inside(t)
        moment = _mean((v - _mean(v, where)) ** self.power, where)
        # The root has no derivative at 0, where the trace is flat.
        flat = moment == 0.0
        return jnp.where(flat, 0.0, jnp.sign(moment) * jnp.abs(jnp.where(flat, 1.0, moment)) ** (1.0 / self.power))


@dataclass(frozen=True)
class RestingPotential(AbstractFeature):
    """Mean voltage in the last tenth before `start`, the onset of the stimulus (mV): eFEL's voltage_base."""

    unit = "mV"

    def of(self, t: Array, v: Array) -> Array:
        """See the base class."""
        return _mean(v, (t >= 0.9 * self.start) & (t <= self.start))


@dataclass(frozen=True)
class SteadyState(AbstractFeature):
    """Mean voltage in the last tenth of the stimulus (mV): eFEL's steady_state_voltage_stimend."""

    unit = "mV"

    def of(self, t: Array, v: Array) -> Array:
        """See the base class."""
        return _mean(v, (t >= self.stop - 0.1 * (self.stop - self.start)) & (t < self.stop))


@dataclass(frozen=True)
class InputResistance(AbstractFeature):
    """(steady state - resting potential) / current (MOhm): eFEL's ohmic_input_resistance_vb_ssse. current (nA)."""

    current: float = 1.0
    unit = "MOhm"

    def of(self, t: Array, v: Array) -> Array:
        """See the base class."""
        rest = RestingPotential(self.label, self.start, self.stop).of(t, v)
        return (SteadyState(self.label, self.start, self.stop).of(t, v) - rest) / self.current


@dataclass(frozen=True)
class SoftSpikeCount(AbstractFeature):
    """How often the voltage rises through `threshold` (mV), smoothly: also what has not become a spike counts a little.

    The rises of sigmoid((v - threshold) / width) added up: the number of spikes where they go far beyond the threshold.
    """

    threshold: float = -20.0
    width: float = 4.0
    unit = "spikes"

    def of(self, t: Array, v: Array) -> Array:
        """See the base class."""
        smooth = jax.nn.sigmoid((v - self.threshold) / self.width)
        return jnp.sum(jnp.where(self.inside(t)[1:], jax.nn.relu(jnp.diff(smooth)), 0.0))


class Spikes(NamedTuple):
    """The first spikes of a trace, [most]. crossing: the sample before each upward crossing. peak: of each, a sample.

    end: the last sample before the next crossing. present: whether there are so many. number: of all that there are.
    """

    crossing: Array
    peak: Array
    end: Array
    present: Array
    number: Array


def find_spikes(v: Array, inside: Array, threshold: float, most: int) -> Spikes:
    """The first `most` upward crossings of a threshold in the samples `inside`."""
    above = v > threshold
    up = ~above[:-1] & above[1:] & inside[1:]
    number = jnp.cumsum(up)
    order = jnp.arange(1, most + 2)
    found = jax.vmap(lambda k: jnp.argmax(number >= k))(order)
    present = number[-1] >= order
    index = jnp.arange(len(v))
    last = jnp.max(jnp.where(inside, index, 0))
    end = jnp.where(present[1:], found[1:], last)
    mine = (index > found[:-1, None]) & (index <= end[:, None])
    peak = jnp.argmax(jnp.where(mine, v, -jnp.inf), axis=1)
    return Spikes(found[:-1], peak, end, present[:-1], number[-1])


def spike_window(feature: AbstractFeature, t: Array, spikes_in: tuple[float, float] | None) -> Array:
    """Which samples spikes are looked for in."""
    return feature.inside(t) if spikes_in is None else (t >= spikes_in[0]) & (t <= spikes_in[1])


def crossing_time(t: Array, v: Array, i: Array, level: Array) -> Array:
    """Time at which the line between samples i and i+1 is at the level."""
    rise = v[i + 1] - v[i]
    flat = rise == 0.0
    return t[i] + (t[i + 1] - t[i]) * jnp.where(flat, 0.0, (level - v[i]) / jnp.where(flat, 1.0, rise))


@dataclass(frozen=True)
class AbstractSpikeFeature(AbstractFeature):
    """A number of each spike, and of these the one of spike `which` (0: the first; None: the mean of them all).

    threshold (mV): what counts as a spike. most: how many spikes are looked at. spikes_in (ms): where spikes are looked
    for; None: from start to stop, as eFEL does with its strict_stiminterval.
    """

    threshold: float = -20.0
    which: int | None = None
    most: int = 20
    spikes_in: tuple[float, float] | None = None

    @abc.abstractmethod
    def each(self, t: Array, v: Array, spikes: Spikes) -> tuple[Array, Array]:
        """The number of each spike, and whether it exists, [most] each."""

    def of(self, t: Array, v: Array) -> Array:
        """See the base class."""
        if self.which is not None and self.which >= self.most:
            raise FitError(f"spike number {self.which} of {self.label}, but only {self.most} are looked at (`most`)")
        spikes = find_spikes(v, spike_window(self, t, self.spikes_in), self.threshold, self.most)
        number, exists = self.each(t, v, spikes)
        exists = exists & spikes.present
        # Where a spike is not there its number has no meaning: it must stay out of the derivative as well.
        number = jnp.where(exists, number, 0.0)
        if self.which is not None:
            return jnp.where(exists[self.which], number[self.which], jnp.nan)
        count = jnp.sum(exists)
        return jnp.where(count > 0, jnp.sum(number) / jnp.maximum(count, 1), jnp.nan)


@dataclass(frozen=True)
class SpikeTime(AbstractSpikeFeature):
    """Time of the upward crossing of the threshold, from `start` on (ms)."""

    unit = "ms"

    def each(self, t: Array, v: Array, spikes: Spikes) -> tuple[Array, Array]:
        """See the base class."""
        return crossing_time(t, v, spikes.crossing, jnp.asarray(self.threshold)) - self.start, spikes.present


@dataclass(frozen=True)
class PeakVoltage(AbstractSpikeFeature):
    """Highest voltage of a spike (mV): eFEL's peak_voltage."""

    unit = "mV"

    def each(self, t: Array, v: Array, spikes: Spikes) -> tuple[Array, Array]:
        """See the base class."""
        return v[spikes.peak], spikes.present


def _begin(t: Array, v: Array, spikes: Spikes, slope: float) -> tuple[Array, Array]:
    """Voltage at which the slope (mV/ms), between samples, last rises through a value before the crossing."""
    slopes = jnp.diff(v) / jnp.diff(t)
    index = jnp.arange(len(slopes))
    slow = (slopes < slope)[None, :] & (index[None, :] < spikes.crossing[:, None])
    last = len(slopes) - 1 - jnp.argmax(slow[:, ::-1], axis=1)
    exists = jnp.any(slow, axis=1) & (last < len(slopes) - 1)
    i = jnp.clip(last, 0, len(slopes) - 2)
    middle = 0.5 * (v[1:] + v[:-1])
    steeper = jnp.where(exists, slopes[i + 1] - slopes[i], 1.0)
    return middle[i] + (middle[i + 1] - middle[i]) * (slope - slopes[i]) / steeper, exists


@dataclass(frozen=True)
class ThresholdVoltage(AbstractSpikeFeature):
    """Voltage at which a spike begins: the slope exceeds `slope` (mV/ms) (mV): eFEL's AP_begin_voltage."""

    slope: float = 10.0
    unit = "mV"

    def each(self, t: Array, v: Array, spikes: Spikes) -> tuple[Array, Array]:
        """See the base class."""
        return _begin(t, v, spikes, self.slope)


@dataclass(frozen=True)
class SpikeAmplitude(AbstractSpikeFeature):
    """From where a spike begins to its peak (mV): eFEL's AP_amplitude. slope (mV/ms): where it begins."""

    slope: float = 10.0
    unit = "mV"

    def each(self, t: Array, v: Array, spikes: Spikes) -> tuple[Array, Array]:
        """See the base class."""
        begin, exists = _begin(t, v, spikes, self.slope)
        return v[spikes.peak] - begin, exists


@dataclass(frozen=True)
class SpikeWidth(AbstractSpikeFeature):
    """Width of a spike at half of its amplitude (ms): eFEL's AP_duration_half_width. slope (mV/ms): where it begins."""

    slope: float = 10.0
    unit = "ms"

    def each(self, t: Array, v: Array, spikes: Spikes) -> tuple[Array, Array]:
        """See the base class."""
        begin, exists = _begin(t, v, spikes, self.slope)
        half = 0.5 * (begin + v[spikes.peak])
        index = jnp.arange(len(v))
        high = v[None, :] > half[:, None]
        before = (index[None, :] < spikes.peak[:, None]) & ~high
        after = (index[None, :] > spikes.peak[:, None]) & (index[None, :] <= spikes.end[:, None]) & ~high
        rise = jnp.clip(len(v) - 1 - jnp.argmax(before[:, ::-1], axis=1), 0, len(v) - 2)
        fall = jnp.clip(jnp.argmax(after, axis=1) - 1, 0, len(v) - 2)
        exists = exists & jnp.any(before, axis=1) & jnp.any(after, axis=1)
        return crossing_time(t, v, fall, half) - crossing_time(t, v, rise, half), exists


@dataclass(frozen=True)
class AHPVoltage(AbstractSpikeFeature):
    """Voltage at the first minimum after a spike's peak, before the next spike (mV): eFEL's AHP_depth_abs.

    A minimum is a sample that the next two do not go below; without one, the lowest sample, which after the last spike
    may not be that where the window ends.
    """

    unit = "mV"

    def each(self, t: Array, v: Array, spikes: Spikes) -> tuple[Array, Array]:
        """See the base class."""
        index = jnp.arange(len(v))
        after = (index > spikes.peak[:, None]) & (index <= spikes.end[:, None])
        turns = (v <= jnp.roll(v, -1)) & (v <= jnp.roll(v, -2)) & (index < len(v) - 2)
        minimum = after & turns & (index <= spikes.end[:, None] - 2)
        lowest = jnp.argmin(jnp.where(after, v, jnp.inf), axis=1)
        lowest = jnp.where(jnp.any(minimum, axis=1), jnp.argmax(minimum, axis=1), lowest)
        return v[lowest], jnp.any(after, axis=1) & (lowest < jnp.max(spikes.end))


@dataclass(frozen=True)
class AHPDepth(AHPVoltage):
    """The same above the resting potential (mV): eFEL's AHP_depth. Negative where it goes below rest."""

    def each(self, t: Array, v: Array, spikes: Spikes) -> tuple[Array, Array]:
        """See the base class."""
        lowest, exists = super().each(t, v, spikes)
        return lowest - RestingPotential(self.label, self.start, self.stop).of(t, v), exists


@dataclass(frozen=True)
class FISlope:
    """Slope of the firing rate over the current (Hz/nA), by least squares over protocols.

    count: how spikes are counted in each (a SoftSpikeCount with its window). current: protocol -> nA.
    """

    count: SoftSpikeCount
    current: tuple[tuple[str, float], ...]
    unit = "Hz/nA"

    def __call__(self, recordings: Mapping[str, Any]) -> Array:
        """The slope for recordings by protocol. Raises FitError for a protocol that is not there."""
        missing = [name for name, _ in self.current if name not in recordings]
        if missing:
            raise FitError(f"no protocol {missing[0]!r}; there are {', '.join(recordings)}")
        seconds = 1e-3 * (self.count.stop - self.count.start)
        rate = jnp.stack([self.count(recordings[name]) for name, _ in self.current]) / seconds
        amplitude = np.array([x for _, x in self.current])
        centred = amplitude - amplitude.mean()
        return jnp.sum(centred * rate) / np.sum(centred**2)
