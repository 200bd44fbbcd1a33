"""The events of point processes that wait in the compiled program: from NEURON's queue, and back into it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from mod_translator.passes.outbox import uses_queue
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.inventory import Inventory
from nrn_diff.bridge.live import Wiring
from nrn_diff.bridge.own_events import UNKNOWN, OwnEvents, forget_movable, put_watches, read_own_events
from nrn_diff.bridge.queue_state import OwnEvent, moves_events
from nrn_diff.bridge.threads import how_many
from nrn_diff.errors import CaptureError, Refusal
from nrn_diff.snapshot import EventCapacity
from nrn_diff.solver.event_queue import (
    DRAWN,
    ENDLESS,
    FAILURES,
    FULL,
    GROWTH,
    PAST,
    SAMPLED,
    TIED,
    TURNS,
    empty_queue,
    more_room,
    most_room,
)
from nrn_diff.solver.structure import MechanismStructure, Structure
from nrn_diff.solver.values import Queue

_WHY = {
    FULL: f"more than {most_room(1).pending} of them wait for one instance, or for all more than there is memory for",
    ENDLESS: f"one instance receives more than {most_room(1).rounds} of them in half a step; or the delay of a "
    "net_send is 0",
    PAST: FAILURES[PAST],
    DRAWN: FAILURES[DRAWN],
    TURNS: FAILURES[TURNS],
    SAMPLED: FAILURES[SAMPLED],
    TIED: "one that an instance sends to itself, or receives from another point process, is due at the same time as "
    "another one that does not commute with it, and in NEURON their order depends on what else waits in the queue",
}


@dataclass(frozen=True)
class NoRoomError(Exception):
    """More events than a program was compiled for: it is to be compiled again."""

    mechanism: str
    code: int


def check(failed: Mapping[str, Any], structure: Structure) -> None:
    """Raise NoRoomError or CaptureError if something went wrong with a queue. failed: by mechanism."""
    for name, value in failed.items():
        code = int(value)
        if code & ~(FULL | ENDLESS):
            raise _wrong(structure.mechanism(name), code & ~(FULL | ENDLESS))
        if code:
            raise NoRoomError(name, code)


def _wrong(mechanism: MechanismStructure, code: int) -> CaptureError:
    why = [text for bit, text in _WHY.items() if bit & code]
    remedy = "let NEURON run it: enable(fallback='neuron')"
    file = f"mechanism {mechanism.name}, {mechanism.ir.file}"
    return CaptureError([Refusal(f"events of {mechanism.name}", file, text, remedy) for text in why])


def enlarged(capacity: EventCapacity, error: NoRoomError, structure: Structure) -> EventCapacity:
    """For a program that lacks room. Raises CaptureError if there is too much already."""
    grown = more_room(capacity, error.code, most_room(structure.queues))
    if grown is None:
        raise _wrong(structure.mechanism(error.mechanism), error.code)
    return grown


def room_for(own: Sequence[OwnEvent], capacity: EventCapacity) -> EventCapacity:
    """So much that what waits already takes at most half of it."""
    count: dict[tuple[str, int], int] = {}
    for e in own:
        count[e.mechanism, e.row] = count.get((e.mechanism, e.row), 0) + 1
    pending = capacity.pending
    while pending < 2 * max(count.values(), default=0):
        pending *= GROWTH
    return replace(capacity, pending=pending)


def numbers_of(mechanism: MechanismStructure, wiring: Wiring) -> np.ndarray:
    """Position of a NetCon -> its number among those that lead to a mechanism, -1 for others."""
    number = np.full(len(wiring.netcons), -1)
    mine = [c.index for c in wiring.connections if c.target == mechanism.name]
    number[mine] = np.arange(len(mine))
    return number


def read_agendas(structure: Structure, inventory: Inventory, findings: Findings) -> dict[str, OwnEvents]:
    """What NEURON knows of the point processes that send events beside its queue."""
    located = {d.type.name: d for d in inventory.points}
    sending = [m for m in structure.mechanisms if m.agenda is not None and uses_queue(m.ir)]
    wanted = [(located[m.name], m.agenda.watch_flags) for m in sending if m.agenda is not None]
    found = read_own_events(wanted)
    if found is None:
        threads = how_many()
        why = "this build of NEURON does not show what it knows of them (its memory is laid out in another way)"
        remedy = "use nrn_diff.capture() and Model.simulate()"
        if threads > 1:
            why, remedy = (
                f"{threads} of NEURON's threads share the work",
                "call ParallelContext.nthread(1) before the run",
            )
        for m in sending:
            what, where = f"events that {m.name} sends to itself", f"mechanism {m.name}, {m.ir.file}"
            findings.refuse(what, where, why, remedy)
    return found or {}


def start_queues(
    structure: Structure, own: Sequence[OwnEvent], known: Mapping[str, OwnEvents], wiring: Wiring, t: float
) -> dict[str, Queue]:
    """own: in NEURON's order. t (ms): now."""
    return {m.name: _start_queue(m, own, known.get(m.name), wiring, t) for m in structure.mechanisms if m.agenda}


def _start_queue(
    mechanism: MechanismStructure, own: Sequence[OwnEvent], known: OwnEvents | None, wiring: Wiring, t: float
) -> Queue:
    agenda = mechanism.agenda
    assert agenda is not None
    blank = empty_queue(agenda.slots, mechanism.count, len(agenda.watch_flags), agenda.log)
    time, flag, connection, sent, order, movable = (np.array(x) for x in blank[:6])
    number = numbers_of(mechanism, wiring)
    taken = np.zeros(mechanism.count, dtype=int)
    for k, e in enumerate(e for e in own if e.mechanism == mechanism.name):
        at = taken[e.row], e.row
        time[at], flag[at], order[at], sent[at] = e.time, e.flag, k, t - 1.0
        connection[at] = number[e.weights_of] if e.weights_of >= 0 else -1
        if known is not None and e.flag == 1.0 and e.time == known.due[e.row]:
            last = movable[e.row]
            if last < 0 or e.weights_of == known.of[e.row]:
                movable[e.row] = taken[e.row]
            elif known.of[e.row] == UNKNOWN:
                raise _wrong(mechanism, TIED)
        taken[e.row] += 1
    active, above = (known.active, known.above) if known is not None else (blank.active, blank.above)
    return blank._replace(
        time=jnp.asarray(time),
        flag=jnp.asarray(flag),
        connection=jnp.asarray(connection),
        sent=jnp.asarray(sent),
        order=jnp.asarray(order),
        movable=jnp.asarray(movable),
        active=jnp.asarray(active),
        above=jnp.asarray(above),
        number=jnp.asarray(taken.sum(), dtype=jnp.int32),
    )


def still_waiting(structure: Structure, queues: Mapping[str, Queue], wiring: Wiring) -> list[OwnEvent]:
    """What the instances have not received yet, by time."""
    found: list[tuple[float, float, int, OwnEvent]] = []
    for name, queue in queues.items():
        number = numbers_of(structure.mechanism(name), wiring)
        position = {int(n): k for k, n in enumerate(number) if n >= 0}
        time, flag, connection = (np.asarray(x) for x in (queue.time, queue.flag, queue.connection))
        for slot, row in np.argwhere(np.isfinite(time)).tolist():
            of = position[int(connection[slot, row])] if connection[slot, row] >= 0 else -1
            kind = float(flag[slot, row])
            carried = of >= 0 and kind == 0.0
            moved = int(queue.movable[row]) == slot
            event = OwnEvent(float(time[slot, row]), name, row, kind, of, carried, moved)
            found.append((event.time, float(queue.sent[slot, row]), int(queue.order[slot, row]), event))
    return [e for *_, e in sorted(found, key=lambda x: x[:3])]


def check_order(structure: Structure, own: Sequence[OwnEvent], arriving: Sequence[tuple[float, str, int, int]]) -> None:
    """Refuse an order of what waits that is not known. arriving: time, mechanism, row, NetCon of NetCon events."""
    together: dict[tuple[float, str, int], list[tuple[float, int]]] = {}
    for e in own:
        together.setdefault((e.time, e.mechanism, e.row), []).append((e.flag, e.weights_of))
    for time, mechanism, row, netcon in arriving:
        if (time, mechanism, row) in together:
            together[time, mechanism, row].append((0.0, netcon))
    for (_, mechanism, _), events in together.items():
        agenda = structure.mechanism(mechanism).agenda
        assert agenda is not None
        if any(not agenda.commuting.commute(a, b) for a, b in itertools.combinations(events, 2)):
            raise _wrong(structure.mechanism(mechanism), TIED)


def put_agendas(
    structure: Structure,
    inventory: Inventory,
    queues: Mapping[str, Queue],
    own: Sequence[OwnEvent],
    known: Mapping[str, OwnEvents],
) -> None:
    """WATCHes and movable events, after SaveState has restored the queue."""
    located = {d.type.name: d for d in inventory.points}
    for name, before in known.items():
        queue = queues[name]
        if structure.mechanism(name).agenda.watch_flags:  # type: ignore[union-attr]
            put_watches(located[name], before, np.asarray(queue.active), np.asarray(queue.above))
        pending = {e.row for e in own if e.mechanism == name and e.flag == 1.0 and not e.carried}
        lost = [row for row in sorted(pending) if int(queue.movable[row]) < 0]
        if lost and moves_events(structure.mechanism(name).ir):
            forget_movable(located[name], before.slot, lost)
