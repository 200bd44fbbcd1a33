"""Events that depend on the solution, delivered from the queues (NetCvode::deliver_events in netcvode.cpp).

In each round every instance receives its first event that is due. Where an event of one instance can reach another
within the same half of a step, a round takes only what no such event can still precede.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from mod_translator.passes.outbox import MORE
from nrn_diff.solver import samples
from nrn_diff.solver.event_queue import (
    DRAWN,
    ENDLESS,
    SAMPLED,
    TIED,
    TURNS,
    earliest,
    empty_queue,
    fail,
    move,
    note_sent,
    order_unknown,
    put,
    put_own,
    rank_in_group,
    stopped,
    take,
)
from nrn_diff.solver.loops import one_by_one, repeat
from nrn_diff.solver.moment import Moment
from nrn_diff.solver.receive import Arrivals, Receiver, Targets
from nrn_diff.solver.structure import MechanismStructure, Structure, Wires
from nrn_diff.solver.turns import Turns
from nrn_diff.solver.values import Array, Queue

Work = dict[str, tuple[Targets, Queue]]


class _Given(NamedTuple):
    """What the rounds of half a step read: what no event changes, what Vectors set, its start and end (ms), and when
    samples are due in it, [most, n_kinds] (ms), if any are.
    """

    constant: dict[str, dict[str, Array]]
    played: dict[str, Turns]
    start: Array
    until: Array
    asked: Array | None


def queued(structure: Structure) -> list[MechanismStructure]:
    """The mechanisms that have a queue."""
    return [m for m in structure.mechanisms if m.agenda is not None]


def empty_queues(structure: Structure) -> dict[str, Queue]:
    """Before INITIAL."""
    return {
        m.name: empty_queue(m.agenda.slots, m.count, len(m.agenda.watch_flags), m.agenda.log)
        for m in structure.mechanisms
        if m.agenda is not None
    }


def send_from_initial(now: Moment, mechanism: MechanismStructure, results: dict[str, Array]) -> None:
    """net_send in INITIAL: its events bring no weights."""
    n = mechanism.count
    for site in mechanism.blocks["initial"].sites:
        if site.kind == MORE:
            now.queues[mechanism.name] = fail(now.queues[mechanism.name], TURNS, results[site.time] >= 0.0)
            continue
        time, flag = (jax.lax.stop_gradient(jnp.broadcast_to(results[k], (n,))) for k in (site.time, site.flag))
        queue, none = now.queues[mechanism.name], jnp.full(n, -1)
        now.queues[mechanism.name] = put_own(queue, time, flag, none, time >= 0.0, jnp.zeros(n))


def take_log(now: Moment) -> dict[str, Array]:
    """The net_events of this step that Vectors record, by mechanism, [n, instances] (ms); the log is empty then."""
    found = {name: queue.log for name, queue in now.queues.items() if queue.log.shape[0]}
    for name, log in found.items():
        now.queues[name] = now.queues[name]._replace(log=jnp.full(log.shape, jnp.inf))
    return found


def check_watches(now: Moment) -> None:
    """WATCH: note which conditions have become true (ConditionEvent::check), at the start of a step."""
    for mechanism in queued(now.structure):
        if "watch" in mechanism.blocks:
            queue = now.queues[mechanism.name]
            values = now.call(mechanism, "watch")
            shape = queue.active.shape[1:]
            holds = jnp.stack([jnp.broadcast_to(values[n], shape) > 0.0 for n in mechanism.blocks["watch"].outputs])
            now.queues[mechanism.name] = queue._replace(
                pending=queue.active & holds & ~queue.above, above=jnp.where(queue.active, holds, queue.above)
            )


def queue_arrivals(now: Moment, mechanism: MechanismStructure, events: Arrivals, rank: Array, sent: Array) -> None:
    """Put events of NetCons into the queue; they are due in this half of the step."""
    assert mechanism.deliveries is not None
    row = jnp.asarray(mechanism.deliveries.row)[events.connection]
    now.queues[mechanism.name] = jax.lax.cond(
        events.present.any(),
        lambda q: put(q, row, events.time, events.connection, events.present, rank, sent, jnp.zeros(())),
        lambda q: q,
        now.queues[mechanism.name],
    )


def send(queue: Queue, receiver: Receiver, results: dict[str, Array], t: Array, connection: Array) -> Queue:
    """What a block of all instances [n] asks of the queue, in its own order; t [n] (ms)."""
    n = queue.time.shape[1]
    whole = {k: jnp.broadcast_to(results[k], (n,)) for s in receiver.sites for k in (s.time, s.flag) if k}

    def own(queue: Queue, sent: tuple[Array, Array]) -> Queue:
        return put_own(queue, *sent, connection, sent[0] >= 0.0, t)

    asking = [s for s in receiver.sites if s.kind in ("net_send", "net_move", MORE)]
    for kind, sites in itertools.groupby(asking, key=lambda s: s.kind):
        names = [(s.time, s.flag) for s in sites]
        times = [jax.lax.stop_gradient(whole[time]) for time, _ in names]
        if kind == "net_send":
            flags = [jax.lax.stop_gradient(whole[flag]) for _, flag in names]
            queue = one_by_one(own, queue, list(zip(times, flags, strict=True)))
        for time in times if kind != "net_send" else ():
            sent = time >= 0.0
            queue = move(queue, time, sent, t) if kind == "net_move" else fail(queue, TURNS, sent)
    watches = [s for s in receiver.sites if s.kind == "WATCH"]
    if watches:
        # The first WATCH that a call runs switches all others off, what they had due included.
        asked = jnp.stack([whole[s.time] for s in watches])
        anew = (asked >= 0.0).any(axis=0)
        queue = queue._replace(
            active=jnp.where(anew, asked >= 0.0, queue.active),
            above=jnp.where(anew, asked > 0.0, queue.above),
            pending=queue.pending & ~anew,
        )
    return queue


def deliver_due(now: Moment, until: Array, asked: Array | None = None) -> Array | None:
    """Deliver everything up to `until` (ms), in NEURON's order.

    asked [most, n_kinds] (ms): when samples of what events change are due. Returns them, [most, n_columns].
    """
    mechanisms = queued(now.structure)
    if not mechanisms:
        return None
    receivers = {m.name: Receiver.at(now, m, "net_receive") for m in mechanisms}
    sampled = (
        {n: [g for g in now.structure.samples.groups if g.owner == n] for n in receivers} if asked is not None else {}
    )
    work: Work = {name: (r.targets(now), now.queues[name]) for name, r in receivers.items()}
    if asked is not None:
        work = {name: (samples.start(sampled[name], asked, targets), q) for name, (targets, q) in work.items()}

    def one_round(work: Work, given: _Given) -> Work:
        mine = {n: replace(receivers[n], constant=x, played=given.played[n]) for n, x in given.constant.items()}
        mine = {n: replace(r, sampled=tuple(sampled.get(n, ())), asked=given.asked) for n, r in mine.items()}
        return _deliver_round(now.structure, mine, dict(work), given.start, given.until)

    def any_due(work: Work, given: _Given) -> Array:
        return _any_due(work, given.until)

    constant, played = ({n: getattr(r, x) for n, r in receivers.items()} for x in ("constant", "played"))
    given = _Given(constant, played, now.t, until, asked)
    work = repeat(any_due, one_round, work, given, now.structure.max_rounds)
    late = any_due(work, given)
    work = {name: (targets, fail(q, ENDLESS, late)) for name, (targets, q) in work.items()}
    for name, (targets, queue) in work.items():
        receivers[name].store(now, targets)
        now.queues[name] = queue
    taken = {name: targets.taken for name, (targets, _) in work.items()}
    return None if asked is None else samples.in_columns(now.structure.samples.groups, taken)


def _any_due(work: Work, until: Array) -> Array:
    return jnp.stack([(q.time <= until).any() | q.pending.any() for _, q in work.values()]).any()


def _deliver_round(
    structure: Structure, receivers: dict[str, Receiver], work: Work, start: Array, until: Array
) -> Work:
    due = _due(structure, work, start, until)
    out: dict[str, dict[str, Array]] = {}
    for name, receiver in receivers.items():
        sends = [s.time for s in receiver.sites if s.kind == "net_event"]
        none = dict.fromkeys(sends, jnp.full(due[name].shape, -1.0))

        def receive(work: tuple[Targets, Queue], r: Receiver = receiver, here: Array = due[name]):  # type: ignore[no-untyped-def]
            return _receive(r, work, start, here)

        def idle(work: tuple[Targets, Queue], sent: dict[str, Array] = none):  # type: ignore[no-untyped-def]
            return work, sent

        work[name], out[name] = jax.lax.cond(due[name].any(), receive, idle, work[name])
        if receiver.mechanism.draws_on_events:
            _go_on_from(structure, work, name)
    for wires in structure.wires:
        if out.get(wires.source):
            targets, queue = work[wires.target]
            times = list(out[wires.source].values())
            work[wires.target] = targets, one_by_one(partial(_queue_sent, wires), queue, times)
    return work


def _go_on_from(structure: Structure, work: Work, drawing: str) -> None:
    """Let all mechanisms go on in the random stream of the process where one has stopped."""
    streams = {m.name: m.ir.process_stream for m in structure.mechanisms if m.draws_on_events}
    place = work[drawing][0].variables[streams[drawing]][:1]
    mine = work[drawing][1]
    for name, stream in streams.items():
        if name != drawing:
            targets, queue = work[name]
            variables = {**targets.variables, stream: jnp.broadcast_to(place, targets.variables[stream].shape)}
            both = (mine.drawn_at >= 0.0) & (mine.drawn_at == queue.drawn_at) & (mine.drawn_late == queue.drawn_late)
            work[name] = targets._replace(variables=variables), fail(queue, DRAWN, both)


def _due(structure: Structure, work: Work, start: Array, until: Array) -> dict[str, Array]:
    """Which instances receive their first event in this round."""
    times = {n: jnp.where(q.pending.any(axis=0), start, q.time.min(axis=0)) for n, (_, q) in work.items()}
    ahead = min((float(w.delay.min()) for w in structure.wires), default=float("inf"))
    if structure.draws_on_events:
        ahead = 0.0
    if ahead > 0.5 * structure.dt * (1 + 1e-9):
        return {name: time <= until for name, time in times.items()}
    first = jnp.stack([time.min() for time in times.values()]).min()
    if ahead > 0.0:
        return {name: (time <= until) & (time < first + ahead) for name, time in times.items()}
    return _very_first(work, times, first)


def _very_first(work: Work, times: dict[str, Array], first: Array) -> dict[str, Array]:
    """The one instance whose event comes first of all, where events may reach others without delay."""
    keys = []
    for name, (_, queue) in work.items():
        slot, _ = earliest(queue)
        pending = queue.pending.any(axis=0)
        sent = jnp.where(pending, -1.0, jnp.take_along_axis(queue.sent, slot[None], 0)[0])
        order = jnp.take_along_axis(queue.order, slot[None], 0)[0]
        keys.append((jnp.where(times[name] == first, sent, jnp.inf), order))
    sent = jnp.concatenate([s for s, _ in keys])
    order = jnp.concatenate([o for _, o in keys])
    chosen = jnp.argmin(jnp.where(sent == sent.min(), order, jnp.iinfo(jnp.int32).max))
    only = jnp.arange(len(sent)) == chosen
    out, at = {}, 0
    for name, time in times.items():
        out[name] = only[at : at + time.shape[0]]
        at += time.shape[0]
    return out


def _receive(
    receiver: Receiver, work: tuple[Targets, Queue], start: Array, due: Array
) -> tuple[tuple[Targets, Queue], dict[str, Array]]:
    """NET_RECEIVE on the instances that are due, each with its first event."""
    targets, queue = work
    agenda = receiver.mechanism.agenda
    assert agenda is not None
    slot, time = earliest(queue)
    queue = fail(queue, TIED, due & order_unknown(queue, slot, agenda.commuting))
    queued_here = due
    watched = jnp.zeros(due.shape, bool)
    if agenda.watch_flags:
        watched = queue.pending.any(axis=0) & due
        queued_here = due & ~watched
        which = jnp.argmax(queue.pending, axis=0)
        mine = (jnp.arange(len(agenda.watch_flags))[:, None] == which) & watched
        queue = queue._replace(pending=queue.pending & ~mine)
    late = queued_here & (jnp.take_along_axis(queue.sent, slot[None], 0)[0] == time) & (time > 0.0)
    queue, flag, connection = take(queue, slot, queued_here)
    if agenda.watch_flags:
        flag = jnp.where(watched, jnp.asarray(agenda.watch_flags)[which], flag)
        connection = jnp.where(watched, -1, connection)
        time = jnp.where(watched, start, time)
    # Where nothing is due the block does nothing; its time is still a number.
    time = jnp.where(due, time, start)
    queue = queue._replace(movable=jnp.where(due & (flag == 1.0), -1, queue.movable))
    queue = fail(queue, TIED, due & receiver.played.tied(connection, time))
    before = targets
    targets, results = receiver.receive_each(targets, time, flag, jnp.where(due, connection, -1), due)
    if receiver.asked is not None:
        targets, tied = samples.go_on(receiver.sampled, receiver.asked, before, targets, time, due)
        queue = fail(queue, SAMPLED, tied)
    if receiver.mechanism.draws_on_events:
        targets, queue = _drawn(receiver.mechanism, before, targets, queue, time, due, late)
    queue = stopped(send(queue, receiver, results, time, connection))
    names = [s.time for s in receiver.sites if s.kind == "net_event"]
    sends = {n: jnp.broadcast_to(jax.lax.stop_gradient(results[n]), due.shape) for n in names}
    queue = one_by_one(note_sent, queue, list(sends.values()))
    return (targets, queue), sends


def _drawn(
    mechanism: MechanismStructure, before: Targets, targets: Targets, queue: Queue, time: Array, due: Array, late: Array
) -> tuple[Targets, Queue]:
    """Let all instances go on in the random stream of the process after the one that is due.

    late [n]: whether its event was sent at its own time, so that it comes after all that were sent before. Fails where
    another instance has drawn at the same time and NEURON may have the two in the other order.
    """
    stream, row = mechanism.ir.process_stream, jnp.argmax(due).astype(jnp.int32)
    place = targets.variables[stream][row]
    drew = due.any() & (place != before.variables[stream][row])
    queue = fail(queue, DRAWN, drew & (queue.drawn_at == time[row]) & (queue.drawn_by != row) & ~late[row])
    queue = queue._replace(
        drawn_at=jnp.where(drew, time[row], queue.drawn_at),
        drawn_by=jnp.where(drew, row, queue.drawn_by),
        drawn_late=jnp.where(drew, late[row], queue.drawn_late),
    )
    whole = jnp.broadcast_to(place, targets.variables[stream].shape)
    return targets._replace(variables={**targets.variables, stream: whole}), queue


def _queue_sent(wires: Wires, queue: Queue, time: Array) -> Queue:
    """net_event of the instances [n] at `time` (-1: none) on its way along the NetCons."""
    sent = time[wires.instance]
    present = sent >= 0.0
    rank = rank_in_group(present, jnp.asarray(wires.first))
    row, connection = jnp.asarray(wires.row), jnp.asarray(wires.connection)
    return jax.lax.cond(
        present.any(),
        lambda q: put(q, row, sent + wires.delay, connection, present, rank, sent, jnp.zeros(())),
        lambda q: q,
        queue,
    )
