"""Samples of what events change: Vector.record at intervals or times, taken among the events of half a step.

In NEURON such a sample is an event of the queue itself (VecRecordDt, VecRecordDiscrete), so that it sees what the
events before it have left, within half a step too, and nothing of those after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import jax.numpy as jnp
import numpy as np

from mod_translator import ir
from mod_translator.passes.outbox import loops_over_netcons
from nrn_diff.snapshot import Capture, Record
from nrn_diff.solver.receive import Targets
from nrn_diff.solver.sample_group import SampleGroup
from nrn_diff.solver.structure import MechanismStructure, Recorded
from nrn_diff.solver.values import Array

HALVES = ("early", "late")


def sampled_mechanism(capture: Capture, record: Record) -> str:
    """The mechanism whose events change what a Vector samples at intervals or times; '' if none does."""
    if record.every_step:
        return ""
    if record.kind == "weight":
        target = next(c.target for c in capture.connections if c.index == record.index)
        return target if _changes_weights(_mechanism(capture, target)) else ""
    if record.kind == "v":
        return next((m.name for m in capture.mechanisms if m.ir.potential and record.index in m.nodes), "")
    if record.kind == "mechanism" and record.variable in _changed(_mechanism(capture, record.owner)):
        return record.owner
    return ""


def _mechanism(capture: Capture, name: str) -> ir.Mechanism:
    return next(m.ir for m in capture.mechanisms if m.name == name)


def _changed(mechanism: ir.Mechanism) -> set[str]:
    receive = mechanism.net_receive
    return set() if receive is None else {*receive.writes, *receive.results}


def _changes_weights(mechanism: ir.Mechanism) -> bool:
    receive = mechanism.net_receive
    return receive is not None and (bool(set(receive.args) & _changed(mechanism)) or loops_over_netcons(mechanism))


def sample_groups(
    capture: Capture, mechanisms: Sequence[MechanismStructure], recorded: Sequence[Recorded]
) -> tuple[SampleGroup, ...]:
    """What is sampled so, those of one variable together; columns are counted over all groups."""
    members: dict[tuple[str, str, int], list[tuple[int, int, int]]] = {}
    kinds: dict[float | str, int] = {}
    for number, record in enumerate(capture.records):
        owner = sampled_mechanism(capture, record)
        if not owner:
            continue
        m, of = next(m for m in mechanisms if m.name == owner), recorded[number]
        variable, place = of.variable, of.row
        if record.kind == "v":
            variable, place = m.ir.potential, int(np.flatnonzero(m.node.target == of.row)[0])
        kind = kinds.setdefault(record.interval or record.vector or record.label, len(kinds))
        members.setdefault((owner, variable, of.element), []).append((number, place, kind))
    groups, column = [], 0
    for (owner, variable, element), mine in members.items():
        numbers, rows, times = (np.array([x[k] for x in mine]) for k in range(3))
        m = next(m for m in mechanisms if m.name == owner)
        instances = rows if variable or m.deliveries is None else np.asarray(m.deliveries.row)[rows]
        columns = column + np.arange(len(mine))
        groups.append(SampleGroup(owner, variable, element, numbers, rows, instances, times, columns))
        column += len(mine)
    return tuple(groups)


def kinds_of(groups: Iterable[SampleGroup]) -> dict[int, int]:
    """Kind of times -> number of a record that has it."""
    return {int(k): int(n) for g in groups for k, n in zip(g.kind, g.number, strict=True)}


def columns_of(groups: Iterable[SampleGroup]) -> dict[int, int]:
    """Number of a record -> its column."""
    return {int(n): int(c) for g in groups for n, c in zip(g.number, g.column, strict=True)}


def phases(times: np.ndarray, grid: np.ndarray, first: int = 0) -> np.ndarray:
    """The point of the grid at which each sample is taken, [n]: no event is delivered before the one that sends it.

    first: 0 if the run begins with finitialize, which takes those of its time; 1 for a run from the middle, where what
    is overdue (a script has set t) comes among the events of the first half step.
    """
    points = np.maximum(np.searchsorted(grid, times, side="left"), first)
    return np.maximum.accumulate(points) if len(times) else np.zeros(0, int)


def asked(times: Sequence[np.ndarray], grid: np.ndarray, least: int = 1, first: int = 0) -> dict[str, np.ndarray]:
    """When samples are due in each half of each step, [n_steps, most, n_kinds] (ms), inf for none; most >= `least`.

    times (ms): of the samples of each kind, ascending. grid [2 * n_steps + 1] (ms): as of `time_grid`. first: see
    `phases`.
    """
    steps = len(grid) // 2
    found = [(t, phases(t, grid, first)) for t in times]
    most = max([least, *(int(np.bincount(p[(p > 0) & (p < len(grid))]).max(initial=0)) for _, p in found)])
    out = {half: np.full((steps, most, len(times)), np.inf) for half in HALVES}
    for kind, (due, phase) in enumerate(found):
        within = (phase > 0) & (phase < len(grid))
        step, late = np.divmod(phase[within] - 1, 2)
        place = rank(phase)[within]
        for which, half in enumerate(HALVES):
            mine = late == which
            out[half][step[mine], place[mine], kind] = due[within][mine]
    return out


def rank(phase: np.ndarray) -> np.ndarray:
    """How many of the same phase come before each; phase [n] ascends."""
    return np.arange(len(phase)) - np.searchsorted(phase, phase, side="left")


def places(phase: np.ndarray, column: int, n_recorded: int, n_columns: int, most: int) -> np.ndarray:
    """Column of `Sample.recorded` in which each sample is found, [n], those of finitialize left out: phase > 0."""
    late = (phase - 1) % 2
    return np.asarray(n_recorded + (late * most + rank(phase)) * n_columns + column)


def start(groups: Sequence[SampleGroup], due: Array, targets: Targets) -> Targets:
    """Before the events of half a step. due [most, n_kinds] (ms)."""
    held = (_held(group, targets) for group in groups)
    return targets._replace(taken=tuple(jnp.broadcast_to(x, (due.shape[0], *x.shape)) for x in held))


def go_on(
    groups: Sequence[SampleGroup], due: Array, before: Targets, after: Targets, time: Array, present: Array
) -> tuple[Targets, Array]:
    """After one event at most for each instance: time (ms), present [n]. And whether one comes at the time of a sample.

    What changes nothing at that time is none.
    """
    taken, tied = [], jnp.zeros((), bool)
    for group, old in zip(groups, before.taken, strict=True):
        new, at, here = _held(group, after), time[group.instance], present[group.instance]
        mine = due[:, group.kind]
        taken.append(jnp.where(here & (mine > at), new, old))
        tied = tied | (here & (mine == at) & (new != _held(group, before))).any()
    return after._replace(taken=tuple(taken)), tied


def in_columns(groups: Sequence[SampleGroup], taken: dict[str, tuple[Array, ...]]) -> Array:
    """All samples of half a step, [most, n_columns]. taken: by mechanism, in the order of its groups."""
    rest = {name: iter(mine) for name, mine in taken.items()}
    parts = [next(rest[group.owner]) for group in groups]
    return jnp.concatenate(parts, axis=-1)[:, np.argsort(np.concatenate([g.column for g in groups]))]


def _held(group: SampleGroup, targets: Targets) -> Array:
    if not group.variable:
        return targets.weights[group.place, group.element]
    values = targets.variables[group.variable]
    return (values if group.element < 0 else values[group.element])[group.place]
