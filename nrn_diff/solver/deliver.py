"""Events whose times are known before the run (given trains), in rounds in which no target occurs twice."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from mod_translator.passes.outbox import MORE
from nrn_diff.solver.dispatch import queue_arrivals
from nrn_diff.solver.event_queue import TURNS, fail, put
from nrn_diff.solver.moment import Moment
from nrn_diff.solver.receive import Arrivals, Receiver, Targets
from nrn_diff.solver.structure import Deliveries, MechanismStructure
from nrn_diff.solver.values import Array

# Up to this many rounds in one step are written out one by one; more of them are a loop.
_UNROLLED = 4


def deliver(now: Moment, events: dict[str, Array]) -> None:
    """Apply the events of this moment; events: mechanism -> [n_rounds, width] event numbers, -1 for none."""
    for mechanism in now.structure.mechanisms:
        rounds = events.get(mechanism.name)
        # A mechanism of which no instance has a NetCon may have room for events that never come.
        if rounds is not None and mechanism.deliveries is not None and rounds.size and len(mechanism.deliveries.row):
            if mechanism.agenda is not None:
                _queue(now, mechanism, mechanism.deliveries, rounds)
                continue
            receiver = Receiver.at(now, mechanism, "net_receive")
            one = partial(_one_round, receiver, mechanism.deliveries)
            receiver.store(now, _in_turn(one, receiver.targets(now), rounds))


def initialise_connections(now: Moment) -> None:
    """NetCon arguments at the start (NetCvode::init_events): the INITIAL inside NET_RECEIVE, else 0 after the first."""
    for mechanism in now.structure.mechanisms:
        if mechanism.deliveries is None:
            continue
        if "net_initial" not in mechanism.blocks:
            weights = now.weights[mechanism.name]
            now.weights[mechanism.name] = weights.at[:, 1:].set(0.0)
            continue
        receiver = Receiver.at(now, mechanism, "net_initial")
        targets = receiver.targets(now)
        for connections in mechanism.deliveries.in_creation_order:
            present = connections >= 0
            times = jnp.broadcast_to(now.t, connections.shape)
            events = Arrivals(jnp.asarray(connections.clip(0)), times, jnp.asarray(present))
            targets, results = receiver.receive_and_send(targets, events)
            _send_first(now, receiver, events, results)
        receiver.store(now, targets)


def _send_first(now: Moment, receiver: Receiver, events: Arrivals, results: dict[str, Any]) -> None:
    """net_send in the INITIAL inside NET_RECEIVE."""
    row, name = receiver.row[events.connection], receiver.mechanism.name
    for site in receiver.sites:
        shape = events.time.shape
        if site.kind == MORE:
            more = events.present & (results[site.time] >= 0.0)
            now.queues[name] = fail(now.queues[name], TURNS, more)
            continue
        time, flag = (jnp.broadcast_to(results[n], shape) for n in (site.time, site.flag))
        queue, present = now.queues[name], events.present & (time >= 0.0)
        zero = jnp.zeros(shape, int)
        now.queues[name] = put(queue, row, time, events.connection, present, zero, events.time, flag)


def _queue(now: Moment, mechanism: MechanismStructure, deliveries: Deliveries, rounds: Array) -> None:
    numbers = rounds.reshape(-1)
    number = jnp.maximum(numbers, 0)
    connection, time = jnp.asarray(deliveries.connection)[number], jnp.asarray(deliveries.time)[number]
    rank = jnp.repeat(jnp.arange(rounds.shape[0]), rounds.shape[1])
    assert mechanism.agenda is not None
    # In NEURON's order already: when they were sent must not change it.
    delay = jnp.full(len(deliveries.row), jnp.inf) if mechanism.agenda.ordered else jnp.asarray(deliveries.delay)
    sent = time - delay[connection]
    queue_arrivals(now, mechanism, Arrivals(connection, time, numbers >= 0), rank, sent)


def _in_turn(one: Callable[[Targets, Array], Targets], targets: Targets, rounds: Array) -> Targets:
    if rounds.shape[0] > _UNROLLED:
        return jax.lax.scan(lambda carry, events: (one(carry, events), None), targets, rounds)[0]
    for k in range(rounds.shape[0]):
        targets = one(targets, rounds[k])
    return targets


def _one_round(receiver: Receiver, deliveries: Deliveries, targets: Targets, numbers: Array) -> Targets:
    number = jnp.maximum(numbers, 0)
    connection, time = jnp.asarray(deliveries.connection)[number], jnp.asarray(deliveries.time)[number]
    return receiver.receive(targets, Arrivals(connection, time, numbers >= 0))
