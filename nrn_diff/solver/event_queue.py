"""Queues of events that depend on the solution: one for each mechanism, with a fixed number of places an instance.

Every event keeps its own time. Of events with the same time the one that was sent first comes first, as in NEURON's
queue; but for events that an earlier one displaces there from the head of the queue (see events/queue.py): where that
may have happened and matters, the queue has failed (`order_unknown`).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from mod_translator.passes.outbox import MAX_TURNS
from nrn_diff.snapshot import EventCapacity
from nrn_diff.solver.commute import Commuting
from nrn_diff.solver.values import Array, Queue

# Bits of Queue.failed.
FULL, ENDLESS, PAST, TIED, DRAWN, TURNS, SAMPLED = 1, 2, 4, 8, 16, 32, 64
FAILURES = {
    FULL: "more of them wait for one instance than there is room for: "
    "model.with_event_capacity(nrn_diff.EventCapacity(pending=...))",
    ENDLESS: "one instance receives more of them in half a step than there is room for: "
    "model.with_event_capacity(nrn_diff.EventCapacity(rounds=...)); or the delay of a net_send is 0",
    PAST: "net_send or net_move to a time in the past, or net_move without a waiting event of flag 1 (NEURON stops)",
    TIED: "several that do not commute reach one instance at the same time, and in NEURON their order depends on what "
    "else waits in the queue. Give NetCons slightly different delays, and events of net_send other times than those of "
    "NetCons; or, where all of them are of NetCons, run with nrn_diff.enable(), which keeps NEURON's queue of them",
    DRAWN: "two instances draw from the random stream of the process (exprand and the like) at the same time, and "
    "which of them comes first in NEURON depends on what else waits in the queue. Let one start a little later; or "
    "declare RANDOM r in the mod file and draw from it",
    TURNS: f"a loop that sends events takes more than {MAX_TURNS} turns at once: let the event that a turn sends bring "
    "the next one about",
    SAMPLED: "one changes a variable at the very time at which a Vector samples it, and which of the two comes first "
    "in NEURON depends on what else waits in the queue. Record it at every step, or at times that are no times of "
    "events",
}

GROWTH = 4  # of the room for events, each time that it lacks
_MOST_PENDING, _MOST_ROUNDS = 2**17, 2**12
_QUEUE_BYTES = 2**30  # that the queues of all instances may take
_EVENT_BYTES = 32  # of one that waits: its time, flag, connection, when it was sent, order


def most_room(instances: int) -> EventCapacity:
    """The most that is given to a model by itself. instances: that have a queue."""
    return EventCapacity(min(_MOST_PENDING, _QUEUE_BYTES // (_EVENT_BYTES * max(instances, 1))), _MOST_ROUNDS)


def more_room(capacity: EventCapacity, code: int, most: EventCapacity) -> EventCapacity | None:
    """More of what a run lacked that failed with `code`; None if it lacked nothing, failed otherwise, or has `most`."""
    if not code or code & ~(FULL | ENDLESS):
        return None
    if (code & FULL and capacity.pending >= most.pending) or (code & ENDLESS and capacity.rounds >= most.rounds):
        return None
    pending = min(GROWTH * capacity.pending, most.pending) if code & FULL else capacity.pending
    rounds = min(GROWTH * capacity.rounds, most.rounds) if code & ENDLESS else capacity.rounds
    return EventCapacity(pending, rounds)


def empty_queue(slots: int, n: int, n_watches: int, log: int = 0) -> Queue:
    """A queue in which nothing waits."""
    shape, off = (slots, n), jnp.zeros((n_watches, n), bool)
    return Queue(
        time=jnp.full(shape, jnp.inf),
        flag=jnp.zeros(shape),
        connection=jnp.full(shape, -1, jnp.int32),
        sent=jnp.zeros(shape),
        order=jnp.zeros(shape, jnp.int32),
        movable=jnp.full(n, -1, jnp.int32),
        active=off,
        above=off,
        pending=off,
        number=jnp.zeros((), jnp.int32),
        failed=jnp.zeros((), jnp.int32),
        log=jnp.full((log, n), jnp.inf),
        drawn_at=jnp.full((), -1.0),
        drawn_by=jnp.full((), -1, jnp.int32),
        drawn_late=jnp.zeros((), bool),
    )


def fail(queue: Queue, what: int, where: Array) -> Queue:
    """Note a failure if `where` holds anywhere."""
    return queue._replace(failed=queue.failed | jnp.where(where.any(), what, 0).astype(jnp.int32))


def rank_in_group(present: Array, first: Array) -> Array:
    """How many present entries of the same group come before each; first [m]: where its group begins."""
    before = jnp.cumsum(present) - present
    return before - before[first]


def put(
    queue: Queue, row: Array, time: Array, connection: Array, present: Array, rank: Array, sent: Array, flag: Array
) -> Queue:
    """Queue events [m] for the instances in row; rank: how many of them for the same instance come before."""
    slots, n = queue.time.shape
    free = jnp.isinf(queue.time)
    place = jnp.cumsum(free, axis=0) - 1
    match = free[:, row] & (place[:, row] == rank)
    found = match.any(axis=0)
    index = jnp.where(present & found, jnp.argmax(match, axis=0) * n + row, slots * n)

    def store(old: Array, new: Array) -> Array:
        values = jnp.broadcast_to(new, row.shape).astype(old.dtype)
        return old.reshape(-1).at[index].set(values, mode="drop").reshape(old.shape)

    queue = fail(queue, FULL, present & ~found)
    return queue._replace(
        time=store(queue.time, time),
        flag=store(queue.flag, flag),
        connection=store(queue.connection, connection),
        sent=store(queue.sent, sent),
        order=store(queue.order, queue.number + jnp.arange(row.shape[0])),
        number=queue.number + row.shape[0],
    )


def put_own(queue: Queue, time: Array, flag: Array, connection: Array, present: Array, sent: Array) -> Queue:
    """net_send: at most one event for each instance, [n] each."""
    free = jnp.isinf(queue.time)
    slot = jnp.argmax(free, axis=0)
    here = (jnp.arange(queue.time.shape[0])[:, None] == slot) & present & free
    queue = fail(queue, FULL, present & ~free.any(axis=0))
    queue = fail(queue, PAST, present & ~(time >= sent))
    return queue._replace(
        time=jnp.where(here, time, queue.time),
        flag=jnp.where(here, flag, queue.flag),
        connection=jnp.where(here, connection, queue.connection),
        sent=jnp.where(here, sent, queue.sent),
        order=jnp.where(here, queue.number, queue.order),
        number=queue.number + 1,
        movable=jnp.where(present & (flag == 1.0), slot, queue.movable).astype(jnp.int32),
    )


def move(queue: Queue, time: Array, present: Array, now: Array) -> Queue:
    """net_move: give the last event with flag 1 another time, [n] each."""
    here = (jnp.arange(queue.time.shape[0])[:, None] == queue.movable) & present
    queue = fail(queue, PAST, present & ((queue.movable < 0) | ~(time >= now)))
    return queue._replace(
        time=jnp.where(here, time, queue.time),
        sent=jnp.where(here, now, queue.sent),
        order=jnp.where(here, queue.number, queue.order),
        number=queue.number + 1,
    )


def earliest(queue: Queue) -> tuple[Array, Array]:
    """(slot, time) of the first event of each instance, [n] each; time is inf where there is none."""
    time = queue.time.min(axis=0)
    first = queue.time == time
    sent = jnp.where(first, queue.sent, jnp.inf).min(axis=0)
    first &= queue.sent == sent
    order = jnp.where(first, queue.order, jnp.iinfo(jnp.int32).max)
    return jnp.argmin(order, axis=0), time


def order_unknown(queue: Queue, slot: Array, commuting: Commuting) -> Array:
    """Whether the event in `slot` [n] may have to wait for others of its time that do not commute with it, [n].

    An event that waits at the head of NEURON's queue goes behind its equals when an earlier one is sent, whoever sends
    it. So of two that were sent before their time either may come first. What is sent without delay comes after them;
    of such events those of an instance to itself come in the order of the calls, those of NetCons in that of whatever
    sent them. At t = 0 no earlier one can come. Those that come in NEURON's own order (sent is -inf) are in order
    among themselves.
    """
    time = queue.time.min(axis=0)
    first = (queue.time == time) & jnp.isfinite(queue.time)
    late = first & (queue.sent == time)
    of_netcon = late & (queue.connection >= 0) & (queue.flag == 0.0)
    early, ordered = first & ~late, jnp.isneginf(queue.sent)
    uncertain = (early.sum(axis=0) > 1) & (early & ~ordered).any(axis=0)
    uncertain |= of_netcon.any(axis=0) & (late.sum(axis=0) > 1)
    uncertain &= time > 0.0

    def look(which: Array) -> Array:
        flag, own = (jnp.take_along_axis(x, slot[None], 0) for x in (queue.flag, queue.connection))
        commute = (queue.connection == own) & (queue.flag == flag)
        if commuting.flags:
            flags = jnp.asarray(commuting.flags)
            number = jnp.argmax(queue.flag[..., None] == flags, axis=-1)
            mine = jnp.take_along_axis(number, slot[None], 0)
            commute |= jnp.asarray(commuting.pairs)[(queue.connection == own).astype(int), mine, number]
        return which & (first & ~commute).any(axis=0)

    return jax.lax.cond(uncertain.any(), look, lambda which: which, uncertain)


def take(queue: Queue, slot: Array, present: Array) -> tuple[Queue, Array, Array]:
    """The queue without those events, their flags and connections, [n] each."""
    at = slot[None]
    flag = jnp.take_along_axis(queue.flag, at, 0)[0]
    connection = jnp.take_along_axis(queue.connection, at, 0)[0]
    here = (jnp.arange(queue.time.shape[0])[:, None] == slot) & present
    return queue._replace(time=jnp.where(here, jnp.inf, queue.time)), flag, connection


def note_sent(queue: Queue, time: Array) -> Queue:
    """Keep the times of net_events for the Vectors that record them, [n], -1 for none."""
    rows = queue.log.shape[0]
    if not rows:
        return queue
    present, place = time >= 0.0, jnp.isfinite(queue.log).sum(axis=0)
    queue = fail(queue, ENDLESS, present & (place >= rows))
    here = (jnp.arange(rows)[:, None] == place) & present
    return queue._replace(log=jnp.where(here, time, queue.log))


def stopped(queue: Queue) -> Queue:
    """The queue as something that no derivative passes: times of events are constants."""
    return jax.tree.map(jax.lax.stop_gradient, queue)
