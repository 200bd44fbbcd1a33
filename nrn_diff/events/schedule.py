"""From event times to the static schedule of deliveries that the fixed step consumes.

NEURON delivers at the end of finitialize everything up to t, at the start of a step everything up to t + dt/2
(NetCvode::deliver_net_events) and at its end, after recording, everything up to the new t (nrn_deliver_events). So the
deadlines are exactly the values of `time_grid`, and an event waits for the first that is not before its time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .time_grid import time_grid

Array = np.ndarray


@dataclass(frozen=True)
class Schedule:
    """When and in which order events reach their targets.

    times [n_events] (ms): what NET_RECEIVE sees as t; targets [n_events] int32: row of the target instance; both in
    NEURON's order of delivery. An event id is a position in these. initial [n] int32: delivered during finitialize,
    before the first recording. start, end [n_steps, width] int32: ids delivered at the start and at the end of a step,
    in order from the left, padded with -1. undelivered [n] int32: still in the queue after the last step.
    """

    times: Array
    targets: Array
    initial: Array
    start: Array
    end: Array
    undelivered: Array

    @property
    def n_steps(self) -> int:
        """Number of steps."""
        return int(self.start.shape[0])

    @property
    def n_events(self) -> int:
        """Number of events, delivered or not."""
        return int(self.times.shape[0])


def schedule(times: Array, targets: Array, *, dt: float, steps: int, t0: float = 0.0) -> tuple[Schedule, Array]:
    """The schedule of `steps` fixed steps from t0, and the order [n_events] that sorted the events into it.

    times [n_events] (ms): delivery times, delay included; events with equal times keep their order, so give them in
    NEURON's (see `run_artificial`). targets [n_events]: row of the target instance. schedule.times == times[order].
    Raises ValueError for arrays that do not match, NaN, negative rows, and dt or steps out of range.
    """
    times = np.asarray(times, dtype=np.float64)
    targets = np.asarray(targets, dtype=np.int64)
    if times.ndim != 1 or times.shape != targets.shape:
        raise ValueError(f"times {times.shape} and targets {targets.shape} must be vectors of the same length")
    if np.isnan(times).any() or (targets < 0).any():
        raise ValueError("event times must not be NaN and target rows must not be negative")
    grid = time_grid(dt, steps, t0)
    order = np.argsort(times, kind="stable")
    phase = np.searchsorted(grid, times[order], side="left")
    ids = np.arange(len(order), dtype=np.int32)
    step, at_end = np.divmod(phase - 1, 2)
    during = (phase > 0) & (phase < len(grid))
    made = Schedule(
        times=times[order],
        targets=targets[order].astype(np.int32),
        initial=ids[phase == 0],
        start=pack(step[during & (at_end == 0)], ids[during & (at_end == 0)], steps),
        end=pack(step[during & (at_end == 1)], ids[during & (at_end == 1)], steps),
        undelivered=ids[phase == len(grid)],
    )
    return made, order.astype(np.int32)


def pack(rows: Array, ids: Array, n_rows: int) -> Array:
    """`ids` of each row side by side, in order: [n_rows, most in one row] int32, padded with -1. rows is ascending."""
    counts = np.bincount(rows, minlength=n_rows)
    starts = np.concatenate([[0], np.cumsum(counts)])[:-1]
    packed = np.full((n_rows, int(counts.max(initial=0))), -1, dtype=np.int32)
    packed[rows, np.arange(len(rows)) - starts[rows]] = ids
    return packed


def in_rounds(packed: Array, targets: Array) -> Array:
    """The ids of a `Schedule` phase, so arranged that one round never holds a target twice.

    packed [n_steps, width], targets [n_events]. Returns [n_steps, n_rounds, round_width] int32, padded with -1: round k
    of a step holds every event that is the k-th of its target in this step. Rounds one after the other, with the events
    of a round at once, leave every target as the packed order does, if NET_RECEIVE touches its own instance only.
    """
    rows, columns = np.nonzero(packed >= 0)
    ids = packed[rows, columns]
    hit = targets[ids]
    # The k-th event of a (step, target) pair: position in the pair's run after a stable sort by pair.
    by_pair = np.lexsort((hit, rows))
    pair_rows, pair_hit = rows[by_pair], hit[by_pair]
    new = np.ones(len(ids), dtype=bool)
    new[1:] = (pair_rows[1:] != pair_rows[:-1]) | (pair_hit[1:] != pair_hit[:-1])
    run_start = np.maximum.accumulate(np.where(new, np.arange(len(ids)), 0))
    rank = np.empty(len(ids), dtype=np.int64)
    rank[by_pair] = np.arange(len(ids)) - run_start
    n_rounds = int(rank.max(initial=-1)) + 1
    cells = rows * n_rounds + rank
    by_cell = np.argsort(cells, kind="stable")
    flat = pack(cells[by_cell], ids[by_cell], packed.shape[0] * n_rounds)
    return flat.reshape(packed.shape[0], n_rounds, -1 if flat.size else 0)
