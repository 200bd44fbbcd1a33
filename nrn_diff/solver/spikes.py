"""Spikes that depend on the solution: threshold crossings of a voltage, and the NetCons that carry them after a delay.

A source is checked at the start of each step (NetCvode::check_thresh): where the voltage is above its threshold and was
not before, it sends at t + 1e-10 ms. The crossing is a discrete event; what derivative passes through it, if any, is
decided by an object (spike_times.py).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from nrn_diff.events.time_grid import time_grid
from nrn_diff.solver.dispatch import queue_arrivals
from nrn_diff.solver.event_queue import rank_in_group
from nrn_diff.solver.incidence import Incidence
from nrn_diff.solver.moment import Moment
from nrn_diff.solver.receive import Arrivals, Receiver, Targets, only_adds
from nrn_diff.solver.record import values_of
from nrn_diff.solver.spike_times import differentiate, note_crossings, receive_moved, return_pending, start_derivative
from nrn_diff.solver.structure import Lines, Structure
from nrn_diff.solver.values import Array, Spikes

# PreSyn::check sends this much after t (ms), src/nrncvode/netcvode.cpp.
SEND_DELAY = 1e-10


def arrival_steps(delay: np.ndarray, dt: float, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """For a spike sent in each step: the step in which it arrives, and whether at its start, [n_delays, n_steps] each.

    The same comparisons as NEURON's queue makes, on the same sums. n_steps stands for never.
    """
    grid = time_grid(dt, steps)
    due = (grid[0:-1:2] + SEND_DELAY) + delay[:, None]
    phase = np.searchsorted(grid, due, side="left")
    return (phase - 1) // 2, phase % 2 == 1


def delays_alike(delay: np.ndarray, dt: float, steps: int) -> np.ndarray:
    """For each delay [n], ascending, the first one that brings every spike at the same moment.

    Arrival never becomes earlier with a longer delay, so that two delays that are alike enclose others like them.
    """
    if not len(delay):
        return np.zeros(0, dtype=int)
    grid = time_grid(dt, steps)

    def phases(k: int) -> np.ndarray:
        return np.searchsorted(grid, (grid[0:-1:2] + SEND_DELAY) + delay[k], side="left")

    last = len(delay) - 1
    first = np.arange(len(delay))
    spans = [(0, last, phases(0), phases(last))]
    while spans:
        low, high, at_low, at_high = spans.pop()
        if np.array_equal(at_low, at_high):
            first[low : high + 1] = low
        elif high > low + 1:
            middle = (low + high) // 2
            between = phases(middle)
            spans += [(low, middle, at_low, between), (middle, high, between, at_high)]
    # A class may have been found in pieces, each of which ends where the next one begins.
    for k in range(1, len(first)):
        first[k] = first[first[k]]
    return first


def make_lines(
    connection: np.ndarray, source: np.ndarray, row: np.ndarray, delay: np.ndarray, n: int, dt: float, steps: int
) -> tuple[Lines, Lines]:
    """Lines of a mechanism with `n` instances for the start and for the end of a step; arrays are by NetCon.

    Lines are in the order of their targets, those of one target in that in which NEURON sends: by source, then NetCon.
    """
    by_target = np.lexsort((source, row))
    connection, source, row, delay = (x[by_target] for x in (connection, source, row, delay))
    distinct, of_delay = np.unique(delay, return_inverse=True)
    delays, kind = np.unique(distinct[delays_alike(distinct, dt, steps)], return_inverse=True)
    which = kind[of_delay]
    step, early = arrival_steps(delays, dt, steps)
    made = []
    for phase in (True, False):
        tables: dict[bytes, int] = {}
        columns: list[np.ndarray] = []
        lag_of_delay = np.full(len(delays), -1)
        for k in range(len(delays)):
            table = _by_arrival(np.where(early[k] == phase, step[k], steps), steps)
            if table.size and table.max() >= 0:
                lag_of_delay[k] = tables.setdefault(table.tobytes(), len(tables))
                if lag_of_delay[k] == len(columns):
                    columns.append(table)
        width = max((c.shape[1] for c in columns), default=0)
        padded = [np.pad(c, ((0, 0), (0, width - c.shape[1])), constant_values=-1) for c in columns]
        sent = np.stack(padded, 1) if padded else np.zeros((steps, 0, 0))
        here = np.flatnonzero(lag_of_delay[which] >= 0)
        instance = Incidence(row[here], n)
        lag = lag_of_delay[which[here]]
        made.append(Lines(connection[here], source[here], lag, delay[here], instance, sent.astype(np.int32)))
    return made[0], made[1]


def _by_arrival(arrival: np.ndarray, steps: int) -> np.ndarray:
    """From the arrival of each sending step to the sending steps of each arrival, [n_steps, width], -1 for none."""
    sending = np.flatnonzero(arrival < steps)
    target = arrival[sending]
    counts = np.bincount(target, minlength=steps)
    out = np.full((steps, int(counts.max(initial=0))), -1)
    first = np.concatenate([[0], np.cumsum(counts)])[:-1]
    order = np.argsort(target, kind="stable")
    out[target[order], np.arange(len(order)) - first[target[order]]] = sending[order]
    return out


def check_thresholds(now: Moment, index: Array) -> None:
    """Find the sources that cross upwards now; index: the number of the step."""
    sources = now.structure.spike_sources
    values = now.v[sources.row]
    if sources.watched:
        values = jnp.concatenate([values, values_of(now, sources.watched)])
    above = values - now.fixed.values.thresholds > 0.0
    crossed = above & ~now.spikes.above
    fired = now.spikes.fired.at[index % sources.memory].set(crossed)
    now.spikes = note_crossings(now, now.spikes._replace(above=above, fired=fired), crossed, index)


def crossings(now: Moment, index: Array) -> Array:
    """Which sources crossed in step `index`, [n_sources]."""
    return now.spikes.fired[index % now.structure.spike_sources.memory]


def no_spikes(structure: Structure) -> Spikes:
    """Before the first step (NetCvode::init_events)."""
    sources = structure.spike_sources
    n = sources.count
    tied = None if sources.in_order else jnp.zeros((), bool)
    none = Spikes(jnp.zeros(n, bool), jnp.zeros((sources.memory, n), bool), tied=tied)
    return start_derivative(structure, none)


def deliver_spikes(now: Moment, sent: dict[str, Array], *, early: bool) -> None:
    """Apply the spikes that arrive now; sent: mechanism -> [n_lags, width], when they were sent (-1: none)."""
    if not early:
        return_pending(now)
    for mechanism in now.structure.mechanisms:
        if mechanism.name not in sent or mechanism.deliveries is None:
            continue
        lines = mechanism.deliveries.early_lines if early else mechanism.deliveries.late_lines
        if mechanism.agenda is not None:
            first = mechanism.agenda.early_first if early else mechanism.agenda.late_first
            for k in range(lines.sent.shape[2]):
                events, start = _arrivals(now, lines, sent[mechanism.name][:, k])
                rank = rank_in_group(events.present, jnp.asarray(first))
                queue_arrivals(now, mechanism, events, rank, start)
            continue
        receiver = Receiver.at(now, mechanism, "net_receive")
        targets = receiver.targets(now)
        for k in range(lines.sent.shape[2]):
            events, start = _arrivals(now, lines, sent[mechanism.name][:, k])
            if now.spikes.tied is not None and not only_adds(mechanism.ir):
                now.spikes = now.spikes._replace(tied=now.spikes.tied | _tied(lines, events))
            if differentiate(now.structure):
                targets = receive_moved(now, receiver, lines, targets, events, sent[mechanism.name][:, k])
                continue
            targets = jax.lax.cond(
                events.present.any(),
                lambda t, e, s, r=receiver, x=lines: _receive_all(r, x, t, e, s),
                lambda t, *_: t,
                targets,
                events,
                start,
            )
        receiver.store(now, targets)


def _arrivals(now: Moment, lines: Lines, sent: Array) -> tuple[Arrivals, Array]:
    """The events that arrive now, and when they were sent (ms)."""
    sources = now.structure.spike_sources
    step = sent[lines.lag]
    fired = now.spikes.fired[step % sources.memory, lines.source]
    start = jnp.asarray(sources.start)[jnp.maximum(step, 0)]
    time = (start + SEND_DELAY) + lines.delay
    return Arrivals(jnp.asarray(lines.connection), time, fired & (step >= 0)), start


def _tied(lines: Lines, events: Arrivals) -> Array:
    """Whether two events reach one target at the same time."""
    row = jnp.asarray(lines.instance.target)

    def look(events: Arrivals) -> Array:
        time = jnp.where(events.present, events.time, jnp.inf)
        order = jnp.lexsort((time, row))
        time, target = time[order], row[order]
        return ((time[1:] == time[:-1]) & (target[1:] == target[:-1]) & jnp.isfinite(time[1:])).any()

    return jax.lax.cond(events.present.any(), look, lambda _: jnp.zeros((), bool), events)


def _receive_all(receiver: Receiver, lines: Lines, targets: Targets, events: Arrivals, sent: Array) -> Targets:
    if only_adds(receiver.mechanism.ir):
        return receiver.receive_sums(targets, events, lines.instance)
    order = jnp.lexsort((sent, jnp.where(events.present, events.time, jnp.inf)))

    def one(carry: Targets, k: Array) -> tuple[Targets, None]:
        return receiver.receive(carry, Arrivals(*(x[k][None] for x in events))), None

    return jax.lax.scan(one, targets, order)[0]
