"""How far the fixed step is from NEURON's variable step, and which step is near enough: `nrn-diff validate --cvode`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nrn_diff.cli.table import text_table
from nrn_diff.compare import spike_times

if TYPE_CHECKING:
    from nrn_diff.cli.child import Job, Outcome

HALVINGS = 4
_HEADER = ("NEURON with", "voltages", "below -20 mV", "spikes", "spike times (ms)")


@dataclass(frozen=True)
class Distance:
    """How far a run is from CVODE's: largest difference of voltages (mV), at any time and below the threshold of a
    spike; spikes of the run and of CVODE's, in all traces; largest difference of their times (ms), None if the numbers
    differ in a trace.
    """

    what: str
    voltage: float
    below: float
    spikes: tuple[int, int]
    time: float | None

    def near(self, within: float) -> bool:
        """Whether there are the same spikes, at the same times to `within` ms."""
        return self.time is not None and self.time <= within


@dataclass(frozen=True)
class Approach:
    """Runs with smaller and smaller steps; own: CVODE's with a tenth of the tolerance. enough (ms): the first step that
    is near enough, None if there is none.
    """

    distances: tuple[Distance, ...]
    own: Distance
    enough: float | None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def approach(job: Job, run: Callable[[Job], Outcome], fixed: Outcome, tolerance: float, within: float) -> Approach:
    """Halve the step until it is within `within` ms of CVODE at that absolute tolerance, `HALVINGS` times at most.

    job: the run in NEURON with the fixed step, whose outcome is `fixed`. Raises ScriptError where NEURON has no
    variable step for the model.
    """
    finest = fixed.dt / 2**HALVINGS
    exact, better = (run(replace(job, dt=finest, cvode=x)).traces for x in (tolerance, tolerance / 10))
    own = distance(f"CVODE, tolerance {tolerance / 10:g}", better, finest, exact, finest)
    found: list[Distance] = []
    for k in range(HALVINGS + 1):
        dt = fixed.dt / 2**k
        traces = (fixed if k == 0 else run(replace(job, dt=dt))).traces
        found.append(distance(f"dt = {dt:g}", traces, dt, exact, finest))
        if found[-1].near(within):
            return Approach(tuple(found), own, dt)
    return Approach(tuple(found), own, None)


def distance(
    what: str, traces: Mapping[str, np.ndarray], dt: float, exact: Mapping[str, np.ndarray], exact_dt: float
) -> Distance:
    """traces: by label, a value for each dt (ms); exact: likewise; one of the intervals is a multiple of the other."""
    worst, below, counts, times = 0.0, 0.0, [0, 0], [0.0]
    same = True
    stride = round(dt / exact_dt)
    for label, reference in exact.items():
        if label not in traces:
            continue
        mine, theirs = traces[label], reference[::stride]
        n = min(len(mine), len(theirs))
        off = np.abs(mine[:n] - theirs[:n])
        quiet = (mine[:n] < -20.0) & (theirs[:n] < -20.0)
        worst, below = max(worst, float(off.max(initial=0.0))), max(below, float(off[quiet].max(initial=0.0)))
        crossings = spike_times(mine, dt), spike_times(reference, exact_dt)
        counts = [c + len(x) for c, x in zip(counts, crossings, strict=True)]
        if len(crossings[0]) == len(crossings[1]):
            times.append(float(np.abs(crossings[0] - crossings[1]).max(initial=0.0)))
        else:
            same = False
    return Distance(what, worst, below, (counts[0], counts[1]), max(times) if same else None)


def print_approach(found: Approach, tolerance: float, within: float) -> None:
    """The table, and what follows from it."""
    print(f"against NEURON's variable step, absolute tolerance {tolerance:g}:")
    rows = [
        (
            d.what,
            f"{d.voltage:.1e}",
            f"{d.below:.1e}",
            f"{d.spikes[0]}/{d.spikes[1]}",
            "" if d.time is None else f"{d.time:.1e}",
        )
        for d in (*found.distances, found.own)
    ]
    print(text_table(_HEADER, rows, right=(1, 2, 4)))
    if found.enough is None:
        print(f"no step down to {found.distances[-1].what.removeprefix('dt = ')} ms is within {within:g} ms of it")
    else:
        print(f"dt = {found.enough:g} ms has the same spikes, within {within:g} ms")
    if not found.own.near(within):
        print("CVODE itself is not so exact at this tolerance: see its last line")
