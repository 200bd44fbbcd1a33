"""A whole run as one pure function of the model's numbers."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from nrn_diff.adjoint import AbstractAdjoint, Budget
from nrn_diff.events.time_grid import time_grid
from nrn_diff.solver.event_queue import TIED
from nrn_diff.solver.own_start import start
from nrn_diff.solver.play import Drives, drives
from nrn_diff.solver.step import Clock, step
from nrn_diff.solver.structure import Deliveries, Structure
from nrn_diff.solver.values import Array, Values

# What a failure of spikes is reported for, which wait in no mechanism's queue.
SYNAPSES = "synapses"


class Run(NamedTuple):
    """samples [n_steps + 1, n_recorded], and more columns for samples among events (`Sample.recorded`); crossed
    [n_steps, n_sources]: spikes sent at the start of each step.

    sent: net_events that Vectors record, by mechanism, [n_steps, n, instances] (ms), inf for none (those of t = 0 are
    in the first step). failed: by mechanism, what went wrong with its queue (event_queue.py), 0 for nothing; the
    samples are then NaN. strayed: by phase of a script's own init(), whether it went another way than at the capture
    (own_start.py); they are NaN then too.
    """

    samples: Array
    crossed: Array
    sent: dict[str, Array]
    failed: dict[str, Array]
    strayed: dict[int, Array]


def simulate(structure: Structure, values: Values, adjoint: AbstractAdjoint | None = None) -> Run:
    """The whole run; pure, differentiable, jit-able, vmap-able."""
    active = {m.name: m.deliveries for m in structure.mechanisms if m.deliveries is not None}
    initial = {name: jnp.asarray(d.initial) for name, d in active.items()}
    adjoint = adjoint or Budget()
    fixed, state, first, strayed = start(structure, values, initial, adjoint)
    clocks = _clocks(structure, active, drives(structure, values))
    last, rest = adjoint.scan(partial(step, structure, fixed), state, clocks, structure.n_steps)
    first = jnp.pad(first, (0, rest.recorded.shape[1] - len(first)))
    samples = jnp.concatenate([first[None], rest.recorded])
    failed = {name: queue.failed for name, queue in (last.queues or {}).items()}
    if last.spikes.tied is not None:
        failed[SYNAPSES] = jnp.where(last.spikes.tied, TIED, 0)
    samples = jnp.where(_other_delays(structure, values), jnp.nan, samples)
    for code in failed.values():
        samples = jnp.where(code > 0, jnp.nan, samples)
    for other in strayed.values():
        samples = jnp.where(other, jnp.nan, samples)
    return Run(samples, rest.crossed, rest.sent, failed, strayed)


def _other_delays(structure: Structure, values: Values) -> Array:
    """Whether a delay is not the one that was compiled: it counts steps, and only its derivative can be asked for."""
    different = jnp.zeros((), bool)
    for m in structure.mechanisms:
        if m.deliveries is not None and m.name in values.delays:
            different = different | jnp.any(values.delays[m.name] != m.deliveries.delay)
    return different


def _clocks(structure: Structure, active: dict[str, Deliveries], played: Drives) -> Clock:
    trains = [{n: getattr(d, phase) for n, d in active.items()} for phase in ("early", "late")]
    lines = [
        {n: x.sent for n, d in active.items() if len((x := getattr(d, phase)).connection)}
        for phase in ("early_lines", "late_lines")
    ]
    width = 2 + structure.moved
    grid = time_grid(structure.dt, structure.n_steps, moved=structure.moved)
    start, middle, *rest = (grid[k : -1 if k == 0 else None : width] for k in range(width))
    end, *moved = *rest, structure.times[1:]
    times = (np.arange(structure.n_steps), start, middle, end)
    after = np.stack(moved, 1) if moved else None  # of each instance with a DISCRETE block
    return Clock(*jax.tree.map(jnp.asarray, (*times, *trains, *lines, played, after, dict(structure.samples.asked))))
