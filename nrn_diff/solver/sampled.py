"""Vectors that record at intervals or at given times (VecRecordDt, VecRecordDiscrete in src/nrncvode/netcvode.cpp).

NEURON samples by events: in finitialize, at the start of a step up to its middle, at the end of a step after the
Vectors that record at every step. So a sample is what one of those Vectors holds, unless events change the variable:
then it is taken among them (samples.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from nrn_diff.errors import CaptureError, Refusal
from nrn_diff.events.courses import Course
from nrn_diff.events.time_grid import n_steps as count_steps
from nrn_diff.events.time_grid import time_grid
from nrn_diff.snapshot import Capture, Record
from nrn_diff.solver.sample_group import Samples
from nrn_diff.solver.samples import asked, columns_of, kinds_of, phases, places, sample_groups
from nrn_diff.solver.structure import MechanismStructure, Recorded, Structure


def sample_times(record: Record, dt: float, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the samples among those of every step, and their times (ms), [n_samples] each."""
    grid = time_grid(dt, steps)
    if record.every_step:
        return np.arange(steps + 1), grid[::2]
    times = _due(record, grid)
    phase = phases(times, grid)
    return phase[phase < len(grid)] // 2, times[phase < len(grid)]


def _due(record: Record, grid: np.ndarray) -> np.ndarray:
    times = np.array(record.times, dtype=float)
    if record.interval:
        # NEURON adds the interval each time.
        count = int(grid[-1] / record.interval) + 2
        times = np.cumsum(np.r_[0.0, np.full(count, record.interval)])
    return times


def build_samples(
    capture: Capture, mechanisms: Sequence[MechanismStructure], recorded: Sequence[Recorded], steps: int
) -> Samples:
    """Samples of what events change, in a run from the start."""
    groups = sample_groups(capture, mechanisms, recorded)
    if not groups:
        return Samples()
    grid, kinds = time_grid(capture.dt, steps), kinds_of(groups)
    return Samples(groups, asked([_due(capture.records[kinds[k]], grid) for k in range(len(kinds))], grid))


def take_sampled(structure: Structure, record: Record, number: int, samples: Any) -> Any:
    """What one Vector samples in a run from the start, [n_samples]. number: of the record. samples: of `Run`."""
    rows, times = sample_times(record, structure.dt, structure.n_steps)
    column = columns_of(structure.samples.groups).get(number)
    if column is None:
        return samples[rows, number]
    phase = phases(times, time_grid(structure.dt, structure.n_steps))
    counts = (
        len(structure.recorded),
        len(columns_of(structure.samples.groups)),
        structure.samples.asked["early"].shape[1],
    )
    at = np.where(phase > 0, places(phase, column, *counts), number)
    return samples[(phase + 1) // 2, at]


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
    """Raise CaptureError for timed recordings that cannot be reproduced."""
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
        by_event = record.kind == "global" and record.variable in received.get(record.owner, ())
        if by_event or (record.kind, record.index, record.owner, record.variable) in played:
            what = "events of any instance change it" if by_event else "a Vector is played into it"
            refusals.append(
                Refusal(
                    f"{record.vector} records {record.label} at intervals or at given times",
                    record.vector,
                    f"{what}, so the order of the two within a step matters; not supported yet",
                    "record it at every step: vector.record(reference)",
                )
            )
        elif record.kind == "t" and record.times:
            refusals.append(
                Refusal(f"{record.vector} records t at given times", record.vector, "they are known", "stop it")
            )
    if refusals:
        raise CaptureError(refusals)
