"""How far two runs of a model are apart, in the quantities in which neuroscientists judge it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

Array = np.ndarray
THRESHOLD = -20.0  # mV; a spike is an upward crossing


@dataclass(frozen=True)
class Comparison:
    """One recorded quantity in NEURON and here.

    worst: largest absolute difference, in `unit` ('' if not known), at (ms); inf where one side is not finite or the
    lengths differ. span: of NEURON's values. rms_below: of voltages, over the samples below the threshold of a spike.
    spikes: how many in NEURON and here, spike_time: largest difference of their times (ms); None if it is no voltage.
    first_beyond (ms): when the difference first exceeds the tolerance, None if never. discretisation: largest
    difference between NEURON itself at dt and at dt/2, None if not measured.
    """

    label: str
    unit: str
    worst: float
    at: float
    span: float
    rms_below: float | None
    spikes: tuple[int, int] | None
    spike_time: float | None
    first_beyond: float | None
    discretisation: float | None
    note: str = ""

    @property
    def same(self) -> bool:
        """Whether it never exceeds the tolerance."""
        return self.first_beyond is None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "same": self.same}


def compare(
    label: str, unit: str, theirs: Array, ours: Array, tolerance: float, dt: float, finer: Array | None = None
) -> Comparison:
    """Voltages must agree to `tolerance` (mV), anything else to that fraction of its range (of 1 if constant).

    theirs, ours [n]: a value for each step of dt (ms), or times of events if unit is 'ms' (and label not 't').
    finer: NEURON's with half the step.
    """
    span = float(np.ptp(theirs)) if len(theirs) else 0.0
    if len(theirs) != len(ours):
        note = f"NEURON has {len(theirs)} values, nrn-diff {len(ours)}"
        n = min(len(theirs), len(ours))
        differ = np.flatnonzero(theirs[:n] != ours[:n])
        at = float(dt * (differ[0] if len(differ) else n))
        return Comparison(label, unit, np.inf, at, span, None, None, None, at, None, note)
    if not len(theirs):
        return Comparison(label, unit, 0.0, 0.0, 0.0, None, None, None, None, None)
    off = np.abs(ours - theirs)
    off[np.isnan(ours) & np.isnan(theirs)] = 0.0
    off[np.isnan(off)] = np.inf
    scale = 1.0 if unit == "mV" or span == 0.0 else span
    times = theirs if unit == "ms" else dt * np.arange(len(theirs))
    k = int(np.argmax(off))
    beyond = np.flatnonzero(off > tolerance * scale)
    voltage = unit == "mV"
    below = (theirs < THRESHOLD) & (ours < THRESHOLD)
    rms = float(np.sqrt(np.mean(off[below] ** 2))) if voltage and below.any() else None
    crossings = [spike_times(x, dt) for x in (theirs, ours)] if voltage else None
    same_count = crossings is not None and len(crossings[0]) == len(crossings[1])
    discretisation = None
    if finer is not None and unit != "ms" and len(finer[::2]) == len(theirs):
        discretisation = float(np.abs(finer[::2] - theirs).max())
    return Comparison(
        label,
        unit,
        float(off[k]),
        float(times[k]),
        span,
        rms,
        (len(crossings[0]), len(crossings[1])) if crossings else None,
        float(np.abs(crossings[0] - crossings[1]).max(initial=0.0)) if crossings and same_count else None,
        float(times[beyond[0]]) if len(beyond) else None,
        discretisation,
    )


def spike_times(v: Array, dt: float, threshold: float = THRESHOLD) -> Array:
    """Upward crossings (ms), interpolated between samples."""
    above = v > threshold
    k = np.flatnonzero(~above[:-1] & above[1:])
    return np.asarray(dt * (k + (threshold - v[k]) / (v[k + 1] - v[k])))


def compare_all(
    theirs: Mapping[str, Array],
    ours: Mapping[str, Array],
    units: Mapping[str, str],
    tolerance: float,
    dt: float,
    finer: Mapping[str, Array] | None = None,
) -> list[Comparison]:
    """Every quantity of `theirs`; one that is missing here differs."""
    empty, found = np.zeros(0), []
    for label, trace in theirs.items():
        other = (finer or {}).get(label)
        found.append(compare(label, units.get(label, ""), trace, ours.get(label, empty), tolerance, dt, other))
    return found
