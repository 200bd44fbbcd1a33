"""Vectors that record at intervals or at given times (VecRecordDt, VecRecordDiscrete in src/nrncvode/netcvode.cpp).

NEURON samples by events: in finitialize, at the start of a step up to its middle, at the end of a step after the
Vectors that record at every step. So a sample is what one of those Vectors holds, unless an event of the same moment
changes the variable: that is refused.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from nrn_diff.errors import CaptureError, Refusal
from nrn_diff.events.courses import Course
from nrn_diff.events.time_grid import n_steps as count_steps
from nrn_diff.events.time_grid import time_grid
from nrn_diff.snapshot import Capture, Record
from nrn_diff.solver.structure import MechanismStructure


def sample_times(record: Record, dt: float, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the samples among those of every step, and their times (ms), [n_samples] each."""
    grid = time_grid(dt, steps)
    if record.every_step:
        return np.arange(steps + 1), grid[::2]
    times = np.array(record.times, dtype=float)
    if record.interval:
        # NEURON adds the interval each time.
        count = int(grid[-1] / record.interval) + 2
        times = np.cumsum(np.r_[0.0, np.full(count, record.interval)])
    # No event is delivered before the one that sends it.
    phase = np.maximum.accumulate(np.searchsorted(grid, times, side="left"))
    return phase[phase < len(grid)] // 2, times[phase < len(grid)]


def tie(record: Record, t: float) -> Refusal:
    """A sample that is taken at the time at which an event changes the variable."""
    return Refusal(
        f"{record.vector} records {record.label} at t = {t:g} ms",
        record.vector,
        "an event changes it at the very same time, and which of the two comes first depends on what else waits in "
        "NEURON's queue",
        "record it at every step, or at times that are no times of events",
    )


def _ties(record: Record, capture: Capture) -> np.ndarray:
    if not capture.courses:  # of a run from the middle, whose events come later
        return np.zeros(0)
    course = capture.courses[record.index]
    times = sample_times(record, capture.dt, count_steps(capture.tstop, capture.dt))[1]
    return Course(course.times, course.values).changes_at(times)


def check_sampled(capture: Capture, mechanisms: Iterable[MechanismStructure]) -> None:
    """Raise CaptureError for timed recordings of what events change."""
    played = {(p.target.kind, p.target.index, p.target.owner, p.target.variable) for p in capture.plays}
    received = {m.name: set(m.blocks["net_receive"].outputs) for m in mechanisms if "net_receive" in m.blocks}
    refusals = []
    for record in capture.records:
        if record.every_step:
            continue
        if record.kind == "artificial":
            tied = _ties(record, capture)
            if len(tied):
                refusals.append(tie(record, float(tied[0])))
            continue
        by_event = record.kind == "weight" or record.variable in received.get(record.owner, ())
        if by_event or (record.kind, record.index, record.owner, record.variable) in played:
            refusals.append(
                Refusal(
                    f"{record.vector} records {record.label} at intervals or at given times",
                    record.vector,
                    "events change it, so the order of the two within a step matters; not supported yet",
                    "record it at every step: vector.record(reference)",
                )
            )
        elif record.kind == "t" and record.times:
            refusals.append(
                Refusal(f"{record.vector} records t at given times", record.vector, "they are known", "stop it")
            )
    if refusals:
        raise CaptureError(refusals)
