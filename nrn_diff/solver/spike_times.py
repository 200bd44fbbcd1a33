"""Derivatives through spikes (nrn_diff/spike_derivative.py), for spikes that voltages send. Values stay as they are.

An event that arrives a part of a step later takes that part of its jump away now and gives it back one step later: the
jump is interpolated between two arrivals. What is taken away is a number that is zero and has a derivative.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from nrn_diff.errors import NrnDiffError
from nrn_diff.solver.receive import Arrivals, Receiver, Targets, only_adds
from nrn_diff.solver.structure import Lines, Structure
from nrn_diff.solver.values import Array, Spikes

if TYPE_CHECKING:
    from nrn_diff.solver.moment import Moment


def differentiate(structure: Structure) -> bool:
    """Whether spikes have a derivative in this program."""
    return structure.spike_derivative.moves or structure.spike_derivative.counts


def start_derivative(structure: Structure, spikes: Spikes) -> Spikes:
    """What is carried for the derivative, before the first step."""
    if not differentiate(structure):
        return spikes
    if structure.spike_sources.watched:
        label = structure.spike_sources.watched[0].label
        raise NrnDiffError(
            f"spikes that {label} sends have no derivative, only those of voltages. Run with spikes=NO_DERIVATIVE."
        )
    if any(group.source == "threshold" for group in structure.plays):
        raise NrnDiffError("spikes over a threshold that a Vector drives have no derivative: use spikes=NO_DERIVATIVE.")
    for m in structure.mechanisms:
        if m.agenda is not None and m.deliveries is not None and m.deliveries.has_lines:
            raise NrnDiffError(
                f"spikes to {m.name} have no derivative: its events wait in a queue (net_send, WATCH or the like in "
                "its NET_RECEIVE, or a Vector that samples at intervals or times what they change). Run with "
                "spikes=NO_DERIVATIVE, replace the synapse by one that only adds, or record at every step."
            )
    moved = jnp.zeros(spikes.fired.shape)
    if not structure.spike_derivative.moves:
        return spikes._replace(moved=moved)
    pending = {}
    for m in structure.mechanisms:
        if m.deliveries is not None and m.deliveries.has_lines:
            shapes = {n: m.ir.symbols[n].length for n in m.blocks["net_receive"].outputs if n in m.ir.symbols}
            pending[m.name] = {n: jnp.zeros((k, m.count) if k else (m.count,)) for n, k in shapes.items()}
    return spikes._replace(before=jnp.full(spikes.above.shape, -jnp.inf), moved=moved, pending=pending)


def note_crossings(now: Moment, spikes: Spikes, crossed: Array, index: Array) -> Spikes:
    """Keep what the derivative of the crossings of this step needs."""
    structure, sources = now.structure, now.structure.spike_sources
    kind = structure.spike_derivative
    if not differentiate(structure):
        return spikes
    v, threshold = now.v[sources.row], now.fixed.values.thresholds
    if kind.moves:
        assert spikes.before is not None
        # Before the first check there was no voltage.
        before = jnp.where(jnp.isinf(spikes.before), v, spikes.before)
        new = kind.shift(before, v, threshold, crossed & ~jnp.isinf(spikes.before), structure.dt)
        spikes = spikes._replace(before=v)
    else:
        new = kind.presence(v - threshold, now.spikes.above)
    assert spikes.moved is not None
    return spikes._replace(moved=spikes.moved.at[index % sources.memory].set(new))


def return_pending(now: Moment) -> None:
    """Give back what moved events took away one step earlier."""
    pending = now.spikes.pending
    if pending is None:
        return
    for name, taken in pending.items():
        mechanism = now.structure.mechanism(name)
        now.store(mechanism, {n: now.read(mechanism, n) + x for n, x in taken.items()})
    now.spikes = now.spikes._replace(pending=jax.tree.map(jnp.zeros_like, pending))


def receive_moved(
    now: Moment, receiver: Receiver, lines: Lines, targets: Targets, events: Arrivals, step: Array
) -> Targets:
    """Apply the events of one phase with their derivatives; step [n_lags]: when they were sent, -1 for none."""
    spikes, kind, name = now.spikes, now.structure.spike_derivative, receiver.mechanism.name
    assert spikes.moved is not None
    sent = step[lines.lag]
    moved = jnp.where(sent >= 0, spikes.moved[sent % now.structure.spike_sources.memory, lines.source], 0.0)
    if kind.moves:
        delay = now.fixed.values.delays[name][lines.connection]
        moved = moved + (delay - jax.lax.stop_gradient(delay))
    if kind.counts:
        targets, change = _receive(receiver, lines, targets, events, moved, sent)
        return targets._replace(variables={n: x + change[n] for n, x in targets.variables.items()})
    moved = jnp.where(events.present, moved, 0.0)
    timed = events._replace(time=events.time + moved)

    def arrive(start: Targets) -> tuple[Targets, dict[str, Array]]:
        return _receive(receiver, lines, start, timed, moved / now.structure.dt, sent)

    def nothing(start: Targets) -> tuple[Targets, dict[str, Array]]:
        return start, jax.tree.map(jnp.zeros_like, start.variables)

    targets, taken = jax.lax.cond(events.present.any(), arrive, nothing, targets)
    assert spikes.pending is not None
    kept = {n: x + taken[n] for n, x in spikes.pending[name].items()}
    now.spikes = spikes._replace(pending={**spikes.pending, name: kept})
    return targets._replace(variables={n: x - taken[n] for n, x in targets.variables.items()})


def _receive(
    receiver: Receiver, lines: Lines, targets: Targets, events: Arrivals, part: Array, step: Array
) -> tuple[Targets, dict[str, Array]]:
    """Targets after the events, and the sum over the events of part [width] times what each changes, [..., n].

    step [width]: in which each was sent.
    """
    if only_adds(receiver.mechanism.ir):
        each, weights = receiver.contributions(targets, events)
        whole = receiver.add(targets, each, events.present, lines.instance)
        none = targets._replace(variables=jax.tree.map(jnp.zeros_like, targets.variables))
        return whole._replace(weights=weights), receiver.add(none, each, part, lines.instance).variables
    order = jnp.lexsort((step, jnp.where(events.present, events.time, jnp.inf)))

    def one(carry: tuple[Targets, dict[str, Array]], k: Array) -> tuple[tuple[Targets, dict[str, Array]], None]:
        before, total = carry
        event = Arrivals(events.connection[k][None], events.time[k][None], jnp.ones(1, bool))
        after = receiver.receive(before, event)
        total = {n: x + part[k] * (after.variables[n] - before.variables[n]) for n, x in total.items()}
        return (jax.tree.map(lambda new, old: jnp.where(events.present[k], new, old), after, before), total), None

    return jax.lax.scan(one, (targets, jax.tree.map(jnp.zeros_like, targets.variables)), order)[0]
