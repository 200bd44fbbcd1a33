"""NEURON's event queue: what waits in it at the start of a run, and what is to wait there after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mod_translator import ir
from mod_translator.passes.walk import blocks, calls
from nrn_diff.bridge.catalog import MechanismType
from nrn_diff.bridge.common_delays import CommonDelays
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.inventory import Inventory
from nrn_diff.bridge.live import Wiring
from nrn_diff.bridge.native import usable_delay
from nrn_diff.bridge.save_state import EventKind, QueuedEvent, SavedState
from nrn_diff.bridge.threads import how_many
from nrn_diff.errors import Refusal
from nrn_diff.events.live import Waiting

_DIGITS = 6


@dataclass(frozen=True)
class OwnEvent:
    """An event that waits for a point process (mechanism, row) and that Python does not deliver.

    flag: of net_send; weights_of: position of the NetCon whose arguments it sees, -1 for none. carried: it is on its
    way along that NetCon. movable: net_move would move it.
    """

    time: float
    mechanism: str
    row: int
    flag: float
    weights_of: int = -1
    carried: bool = False
    movable: bool = False


def read_queue(
    saved: SavedState,
    wiring: Wiring,
    inventory: Inventory,
    source_place: Sequence[int],
    common: CommonDelays | None,
    findings: Findings,
) -> tuple[list[Waiting], list[OwnEvent]]:
    """What waits in NEURON's queue, and of that the events that point processes sent to themselves.

    source_place: of each source of `wiring`, among those of the file.
    """
    netcon = {int(n.hname().split("[")[1][:-1]): k for k, n in enumerate(wiring.netcons)}
    cell = {(c.kind.internal_type, c.live.hname()): k for k, c in enumerate(wiring.cells)}
    queue, own = [], []
    for place, event in _once(saved.events):
        match event.kind:
            case EventKind.NETCON:
                queue.append(Waiting(event.time, connection=netcon[int(event.fields[0])]))
            case EventKind.SELF:
                name, number, kind, weights = event.fields[0], *map(int, event.fields[1:4])
                label, flag, of = f"{name}[{number}]", _flag(event, findings), netcon.get(weights, -1)
                if (kind, label) in cell:
                    queue.append(Waiting(event.time, cell=cell[kind, label], flag=flag, weights_of=of))
                elif label in inventory.instances:
                    own.append(OwnEvent(event.time, *inventory.instances[label], flag, of))
                else:
                    findings.refuse(f"an event that {label} sent to itself", "", "it is in no section", "place it")
            case EventKind.PRESYN:
                queue += _of_all(event, wiring, list(source_place), common, findings)
            case EventKind.HOC:
                queue.append(Waiting(event.time, other=place))  # nrn_diff/plugin/statements.py
            case EventKind.NET_PAR:  # where NEURON's threads wait for one another
                queue.append(Waiting(event.time, other=place, every=usable_delay()))
            case EventKind.PLAY_RECORD:
                pass  # nrn_diff/plugin/timed.py
            case _:
                findings.refuse(f"an event of kind {event.kind.name}", "", "it is not known here")
    return sorted(queue, key=lambda e: e.time), own


def moves_events(mechanism: ir.Mechanism) -> bool:
    """Whether it calls net_move."""
    return any("net_move" in calls(r.body) for r in blocks(mechanism).values())


def several_movable(queue: Sequence[Waiting], wiring: Wiring) -> list[Refusal]:
    """A refusal for each artificial cell of whose events in the queue any could be the one that net_move moves."""
    count = Counter(e.cell for e in queue if e.cell >= 0 and e.flag == 1.0)
    cells = [wiring.models[k] for k, n in count.items() if n > 1 and moves_events(wiring.models[k].ir)]
    why = "several of flag 1 wait, and which of them net_move would move is not handed over"
    remedy = "let a run end when one waits, or let NEURON run: enable(fallback='neuron')"
    return [Refusal(f"events that {c.label} sent to itself", c.ir.file, why, remedy) for c in cells]


def _once(events: Sequence[QueuedEvent]) -> Iterator[tuple[int, QueuedEvent]]:
    """Each with its place; of a source's events for all its NetCons, which every thread has for its own, the first."""
    threads = how_many()
    seen: dict[tuple[float, tuple[str, ...]], int] = {}
    for place, event in enumerate(events):
        if event.kind is EventKind.PRESYN:
            key = event.time, event.fields
            seen[key] = seen.get(key, 0) + 1
            if (seen[key] - 1) % threads:
                continue
        yield place, event


def _flag(event: QueuedEvent, findings: Findings) -> float:
    """SaveState writes six digits of it."""
    text = event.fields[5]
    if len(text.partition("e")[0].strip("-").replace(".", "").strip("0")) >= _DIGITS:
        findings.refuse(
            f"an event with flag {text} that {event.fields[0]}[{event.fields[1]}] sent to itself",
            "",
            "NEURON shows six digits of the flags of events that wait",
            "use flags of at most five digits",
        )
    return float(text)


def _of_all(
    event: QueuedEvent, wiring: Wiring, source_place: list[int], common: CommonDelays | None, findings: Findings
) -> list[Waiting]:
    """PreSyn::deliver: its NetCons one after the other."""
    place = int(event.fields[0])
    what = "an event that a source sends to all its NetCons"
    if place not in source_place:
        why = "which source that is cannot be found out"
        findings.refuse(what, "", why, "start the run with finitialize")
        return []
    number = source_place.index(place)
    heard = [k for k in wiring.outgoing.get(number, ()) if not wiring.all_connections[k].silent or k in wiring.within]
    delays = {wiring.all_connections[k].delay for k in heard}
    if common is not None and delays - {common.last[place]}:
        where = ", ".join(wiring.netcons[k].hname() for k in heard[:3])
        findings.refuse(what, where, "their delays were changed while it is on its way", "call finitialize after that")
    if common is not None:
        return [Waiting(event.time, source=number, whole=True)]
    return [Waiting(event.time, connection=k) for k in heard]


def movable_slot(saved: SavedState, kind: MechanismType) -> int:
    """Where a mechanism keeps its movable event among its pointers: area, point process, references, event."""
    known = [e.fields for e in saved.events if e.kind is EventKind.SELF and int(e.fields[2]) == kind.internal_type]
    return int(known[0][4]) if known else 2 + len(kind.references)


def as_queued(
    waiting: Sequence[Waiting],
    own: Sequence[OwnEvent],
    others: Sequence[QueuedEvent],
    slots: Mapping[str, int],
    saved: SavedState,
    wiring: Wiring,
    inventory: Inventory,
    source_place: Sequence[int],
) -> list[QueuedEvent]:
    """The queue as a SaveState file has it.

    own: by time; what one event brings to all NetCons of its source is among them NetCon by NetCon. others: further
    events. slots: mechanism -> place of its movable event. source_place: as in `read_queue`.
    """
    number = [n.hname().split("[")[1][:-1] for n in wiring.netcons]
    located = {d.type.name: d for d in inventory.points}
    own = _alone(own, waiting, wiring)
    out = []
    for o in own:
        name, index = located[o.mechanism].labels[o.row][:-1].split("[")
        owner, kind = number[o.weights_of] if o.weights_of >= 0 else "-1", located[o.mechanism].type
        fields = (name, index, str(kind.internal_type), owner, str(slots.get(o.mechanism, -1)), repr(o.flag))
        out.append(
            QueuedEvent(o.time, EventKind.NETCON, (owner,))
            if o.carried
            else QueuedEvent(o.time, EventKind.SELF, fields)
        )
    for e in waiting:
        if e.connection >= 0:
            out.append(QueuedEvent(e.time, EventKind.NETCON, (number[e.connection],)))
        elif e.other >= 0:
            out.append(replace(saved.events[e.other], time=e.time))
        elif e.source >= 0 and source_place[e.source] >= 0:
            out.append(QueuedEvent(e.time, EventKind.PRESYN, (str(source_place[e.source]), "0")))
        elif e.source >= 0:
            mine = [k for k in wiring.outgoing[e.source] if not wiring.all_connections[k].silent]
            out += [QueuedEvent(e.time, EventKind.NETCON, (number[k],)) for k in mine]
        else:
            cell = wiring.cells[e.cell]
            name, index = cell.live.hname()[:-1].split("[")
            owner = number[e.weights_of] if e.weights_of >= 0 else "-1"
            slot = str(movable_slot(saved, cell.kind))
            fields = (name, index, str(cell.kind.internal_type), owner, slot, repr(e.flag))
            out.append(QueuedEvent(e.time, EventKind.SELF, fields))
    # SaveState lets net_move move the last event of flag 1 in the file.
    last = [out[k] for k in _moved_before_others(own)]
    # One that is put in before its time would displace what is at the head of the queue.
    return sorted((e for e in (*out, *others) if not any(e is x for x in last)), key=lambda e: e.time) + last


def _alone(own: Sequence[OwnEvent], waiting: Sequence[Waiting], wiring: Wiring) -> list[OwnEvent]:
    """Without what an event for all NetCons of its source brings."""
    brought: Counter[tuple[float, int]] = Counter()
    for e in (e for e in waiting if e.source >= 0 and not e.whole):
        brought.update((e.time, k) for k in wiring.outgoing[e.source] if wiring.all_connections[k].apart)
    found = []
    for o in own:
        key = o.time, o.weights_of
        if o.carried and brought[key]:
            brought[key] -= 1
        else:
            found.append(o)
    assert not +brought, "an event for all NetCons of a source, without what it brings to one of them"
    return found


def _moved_before_others(own: Sequence[OwnEvent]) -> list[int]:
    """Of the movable events those after which another event of flag 1 of the same instance comes."""
    later: set[tuple[str, int]] = set()
    found = []
    for k in reversed(range(len(own))):
        e = own[k]
        if e.flag == 1.0 and not e.carried:
            if e.movable and (e.mechanism, e.row) in later:
                found.append(k)
            later.add((e.mechanism, e.row))
    return found
