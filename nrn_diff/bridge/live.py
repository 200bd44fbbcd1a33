"""What a run from the present state needs of NEURON beside a snapshot: its queue, its sources, its artificial cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from neuron import h

from mod_translator import ir
from nrn_diff.bridge.catalog import MechanismType
from nrn_diff.bridge.common_delays import CommonDelays
from nrn_diff.bridge.connections import Source, artificial_cell, check_loops, draws_from_process, source_of
from nrn_diff.bridge.event_vectors import hidden_vectors, with_vectors
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.gid_sources import GidSource, find_gid_sources
from nrn_diff.bridge.inventory import Inventory, hoc_objects
from nrn_diff.bridge.native import counter, usable_delay
from nrn_diff.bridge.patterns import with_patterns
from nrn_diff.bridge.reference import reference
from nrn_diff.bridge.save_state import EventKind, QueuedEvent, SavedState
from nrn_diff.bridge.translate import Translator
from nrn_diff.events.artificial import ArtificialCell, ArtificialConnection
from nrn_diff.events.live import Waiting
from nrn_diff.events.random_stream import Generator
from nrn_diff.snapshot import Connection

_DIGITS = 6
_NOT_PUT_BACK = "in a run that NEURON hands over, where such a stream stands afterwards is not put back yet"
_HOC_EVENT = (
    "its statement or Python function would run during the simulation and may change anything",
    "do what it does before the run, or between two runs (h.continuerun(t) stops at t)",
)


@dataclass(frozen=True)
class Cell:
    """An artificial cell: its live object, its row among those of its mechanism, and its variables by column."""

    kind: MechanismType
    live: Any
    row: int
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Wiring:
    """Every NetCon of the process, in the order of h.List('NetCon').

    connections: those to captured point processes; place: position of each NetCon among them, or -1. outside: voltages
    (node, threshold) that NetCons watch; then comes one source that never sends, then the senders: point processes
    (mechanism, row) that are the source of a NetCon. cells: artificial ones, by type. gid_sources: sources that no
    NetCon shows. gids: without cell, for which PatternStims send; among the sources outside they come before the
    senders. heard: mechanisms whose net_events reach artificial cells or Vectors.
    """

    netcons: tuple[Any, ...]
    connections: tuple[Connection, ...]
    place: np.ndarray
    all_connections: tuple[ArtificialConnection, ...]
    sources: tuple[Source, ...]
    outside: tuple[tuple[int, float], ...]
    cells: tuple[Cell, ...]
    models: tuple[ArtificialCell, ...]
    gid_sources: tuple[GidSource, ...]
    senders: tuple[tuple[str, int], ...] = ()
    heard: tuple[str, ...] = ()
    gids: tuple[int, ...] = ()

    @property
    def first_sender(self) -> int:
        """The first of the senders, among the sources outside."""
        return len(self.outside) + 1 + len(self.gids)

    @cached_property
    def within(self) -> frozenset[int]:
        """Positions of the NetCons from point process to point process, whose events Python never sees."""
        return frozenset(c.index for c in self.connections if c.source)

    @cached_property
    def outgoing(self) -> dict[int, list[int]]:
        """Source -> positions of its NetCons."""
        found: dict[int, list[int]] = {}
        for k, c in enumerate(self.all_connections):
            found.setdefault(c.source, []).append(k)
        return found

    def shortest_from_senders(self) -> float:
        """Of the NetCons from point processes to artificial cells (ms); infinite without any."""
        first = len(self.cells) + self.first_sender
        return min((c.delay for c in self.all_connections if c.source >= first and not c.silent), default=np.inf)

    def shortest_delay(self) -> float:
        """Of the NetCons that a voltage drives (ms); infinite without any."""
        delays = [
            c.delay for c, s in zip(self.all_connections, self.sources, strict=True) if s.node >= 0 and not c.silent
        ]
        return min(delays, default=np.inf)


def read_wiring(inventory: Inventory, saved: SavedState, translator: Translator, findings: Findings) -> Wiring:
    """Read NetCons and artificial cells with all their variables. Refuses what the network cannot do."""
    cells = tuple(_cells(inventory, saved, translator, findings))
    models = tuple(model for _, model in cells)
    index_of = {cell.live.hname(): k for k, (cell, _) in enumerate(cells)}
    netcons = tuple(hoc_objects("NetCon"))
    sources = tuple(source_of(n, inventory, findings) or Source() for n in netcons)
    check_loops(inventory, translator, findings)
    unshown = find_gid_sources(inventory, findings, len(saved.sources))
    _check_sources(netcons, sources, unshown, findings)
    voltages = [*((s.node, s.threshold) for s in sources), *((s.node, s.threshold) for s in unshown)]
    outside = tuple(dict.fromkeys((node, threshold) for node, threshold in voltages if node >= 0))
    names = dict.fromkeys(s.sender for s in sources if s.sender in inventory.instances)
    senders = tuple(inventory.instances[name] for name in names)
    gids = tuple(dict.fromkeys(s.gid for s in sources if s.gid >= 0))
    first_gid = len(cells) + len(outside) + 1
    models = tuple(with_patterns(models, gids, inventory, findings, first=len(outside) + 1))
    heard: dict[str, None] = {}
    every: list[ArtificialConnection] = []
    here: list[Connection] = []
    place = np.full(len(netcons), -1)
    for k, (netcon, source) in enumerate(zip(netcons, sources, strict=True)):
        target = netcon.syn()
        name = target.hname() if target is not None else ""
        if source.cell and source.cell not in index_of:
            continue
        number = len(cells) + len(outside)
        if source.cell:
            number = index_of[source.cell]
        elif source.node >= 0:
            number = len(cells) + outside.index((source.node, source.threshold))
        elif source.gid >= 0:
            number = first_gid + gids.index(source.gid)
        elif source.sender in names:
            number = first_gid + len(gids) + list(names).index(source.sender)
        delay = 0.0 if source.silent else float(netcon.delay)
        weight = np.array([netcon.weight[j] for j in range(int(netcon.wcnt()))], dtype=float)
        findings.finite(delay, "delay", netcon.hname())
        findings.finite(weight, "weight", netcon.hname())
        silent = target is None or not netcon.active()
        sender, row_of_sender = inventory.instances.get(source.sender, ("", -1))
        if sender and ((name in index_of and not silent) or netcon.get_recordvec() is not None):
            heard[sender] = None
        within = bool(sender) and name in inventory.instances and not silent
        every.append(ArtificialConnection(number, index_of.get(name, -1), delay, tuple(weight), silent or within))
        if name in inventory.instances:
            place[k] = len(here)
            mechanism, row = inventory.instances[name]
            of = {"source": sender, "source_instance": row_of_sender} if within else {"train": number}
            here.append(Connection(k, mechanism, row, delay, weight, **of))
    live = tuple(cell for cell, _ in cells)
    _check_delays(every, first_gid + len(gids), findings)
    return Wiring(
        netcons, tuple(here), place, tuple(every), sources, outside, live, models, unshown, senders, tuple(heard), gids
    )


def _check_sources(
    netcons: Sequence[Any], sources: Sequence[Source], unshown: Sequence[GidSource], findings: Findings
) -> None:
    for netcon, source in zip(netcons, sources, strict=True):
        if source.other:
            findings.refuse(
                f"{netcon.hname()} with source a variable that is no voltage",
                netcon.hname(),
                "its events are not supported in a run that NEURON hands over in the middle",
                "use nrn_diff.capture() and Model.simulate()",
            )
    for source_of_gid in unshown:
        if source_of_gid.process:
            findings.refuse(
                f"{source_of_gid.process} with gid {source_of_gid.gid}, which no NetCon shows",
                source_of_gid.process,
                "its place in NEURON's list of sources cannot be found out",
                "keep a reference to the NetCon that was given to ParallelContext.cell",
            )


def _check_delays(connections: Sequence[ArtificialConnection], first_sender: int, findings: Findings) -> None:
    """What a point process sends to an artificial cell is known after the step in which it does."""
    short = [c for c in connections if c.source >= first_sender and not c.silent and c.delay <= h.dt * (1 + 1e-9)]
    if short:
        findings.refuse(
            f"{len(short)} NetCons from point processes to artificial cells",
            "",
            f"their delay is {short[0].delay:g} ms, not longer than a step",
            "give them a longer delay, or use nrn_diff.capture() and Model.simulate()",
        )


def _cells(
    inventory: Inventory, saved: SavedState, translator: Translator, findings: Findings
) -> list[tuple[Cell, ArtificialCell]]:
    found: list[tuple[Cell, ArtificialCell]] = []
    rows: dict[str, int] = {}
    for kind, live in inventory.artificial.values():
        row = rows.setdefault(kind.name, 0)
        rows[kind.name] += 1
        model = artificial_cell(kind, live, translator, findings)
        if model is None:
            continue
        if draws_from_process(model.ir) or any(isinstance(g, Generator) for g in model.random.values()):
            what = "a HOC Random, a stream behind a POINTER, or exprand and the like"
            findings.refuse(f"{live.hname()} draws from {what}", "", _NOT_PUT_BACK, "use nrn_diff.capture()")
        table = saved.cells.get(kind.internal_type, np.zeros((0, 0)))
        columns = _columns(kind, model.ir)
        fits = row < len(table) and 0 < table.shape[1] - len(columns) <= 2
        visible = [x for v in kind.instance_variables for x in np.atleast_1d(_value(live, v.hoc_name, v.length))]
        if not fits or not np.array_equal(table[row, : len(visible)], visible, equal_nan=True):
            findings.refuse(
                f"state of {live.hname()}", "", "the variables of this artificial cell cannot be read from NEURON"
            )
            continue
        values = dict(model.values)
        for name in set(columns) - set(values):
            at = [k for k, column in enumerate(columns) if column == name]
            length = model.ir.symbols[name].length
            values[name] = [float(x) for x in table[row, at]] if length else float(table[row, at[0]])
        found.append(
            (
                Cell(kind, live, row, columns),
                replace(model, values=values),
            )
        )
    models = with_vectors([model for _, model in found], findings)
    _check_vectors(models, saved, findings)
    return [(cell, model) for (cell, _), model in zip(found, models, strict=True)]


def _check_vectors(models: Sequence[ArtificialCell], saved: SavedState, findings: Findings) -> None:
    """Refuse a cell that goes on although its Vector was not found: something in finitialize has emptied it there."""
    waiting = {f"{e.fields[0]}[{e.fields[1]}]" for e in saved.events if e.kind is EventKind.SELF}
    for model in models:
        if hidden_vectors(model.ir) and not model.vectors and model.label in waiting:
            findings.refuse(
                f"the Vector of event times of {model.label}",
                model.label,
                "an event of it waits, but finitialize, repeated in a copy of the process, makes none",
                "let no FInitializeHandler change the Vector",
            )


def _value(live: Any, name: str, length: int) -> Any:
    value = getattr(live, name)
    return [value[k] for k in range(length)] if length else value


def _columns(kind: MechanismType, mechanism: ir.Mechanism) -> tuple[str, ...]:
    """Names of the columns of a mechanism's data: what HOC sees first (nocmodl), then the other ASSIGNED variables."""
    names = [v.name for v in kind.instance_variables for _ in range(v.length or 1)]
    hidden = [
        s.name
        for s in mechanism.symbols.values()
        if s.role is ir.Role.INSTANCE and s.name not in names and s.block != ir.OPAQUE
        for _ in range(s.length or 1)
    ]
    return (*names, *hidden)


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
            case EventKind.HOC if event.fields[0] == "0":
                queue.append(Waiting(event.time, other=place))  # only the variable step stops there
            case EventKind.HOC:
                findings.refuse("cvode.event", "", *_HOC_EVENT)
            case EventKind.NET_PAR:  # where NEURON's threads wait for one another
                queue.append(Waiting(event.time, other=place, every=usable_delay()))
            case EventKind.PLAY_RECORD:
                pass  # nrn_diff/plugin/timed.py
            case _:
                findings.refuse(f"an event of kind {event.kind.name}", "", "it is not known here")
    return sorted(queue, key=lambda e: e.time), own


def _once(events: Sequence[QueuedEvent]) -> Iterator[tuple[int, QueuedEvent]]:
    """Each with its place; of a source's events for all its NetCons, which every thread has for its own, the first."""
    threads = int(h.ParallelContext().nthread())
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
    if common is not None and number < len(wiring.cells) + wiring.first_sender:
        return [Waiting(event.time, source=number)]
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

    Where threads share the work, or a point process is the source, a common event becomes one for each of its NetCons.
    own: by time. others: further events. slots: mechanism -> place of its movable event. source_place: as in
    `read_queue`.
    """
    as_one = len(wiring.cells) + wiring.first_sender if int(h.ParallelContext().nthread()) == 1 else 0
    number = [n.hname().split("[")[1][:-1] for n in wiring.netcons]
    located = {d.type.name: d for d in inventory.points}
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
        elif 0 <= e.source < as_one and source_place[e.source] >= 0:
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


def times_initialised() -> int | None:
    """How often finitialize has run in this process; None if this build of NEURON does not show it."""
    return counter("_ninits")


def places_of_processes() -> tuple[tuple[str, str, float], ...]:
    """Name and place of every point process. NEURON counts no change when one is removed or moved."""
    name, found = reference(""), []
    types = h.MechanismType(1)
    for k in range(int(types.count())):
        types.select(k)
        types.selected(name)
        for process in () if types.is_artificial(k) else hoc_objects(str(name[0])):
            segment = process.get_segment()
            found.append((process.hname(), *((segment.sec.name(), segment.x) if segment is not None else ("", 0.0))))
    return tuple(found)


def structure_changes() -> tuple[int | None, int | None]:
    """Counters that NEURON moves when sections, mechanisms or diameters change."""
    h.CVode().current_method()  # NEURON only looks at what has changed before its next step
    return counter("structure_change_cnt"), counter("diam_change_cnt")
