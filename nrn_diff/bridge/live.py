"""What a run from the present state needs of NEURON beside a snapshot: its queue, its sources, its artificial cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from neuron import h

from mod_translator import ir
from nrn_diff.bridge.catalog import MechanismType
from nrn_diff.bridge.connections import Source, artificial_cell, draws_from_process, source_of
from nrn_diff.bridge.event_vectors import with_vectors
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.gid_sources import GidSource, find_gid_sources
from nrn_diff.bridge.inventory import Inventory, hoc_objects
from nrn_diff.bridge.native import counter
from nrn_diff.bridge.reference import reference
from nrn_diff.bridge.save_state import EventKind, QueuedEvent, SavedState
from nrn_diff.bridge.translate import Translator
from nrn_diff.events.artificial import ArtificialCell, ArtificialConnection
from nrn_diff.events.live import Waiting
from nrn_diff.events.random_stream import Generator
from nrn_diff.snapshot import Connection

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
    (node, threshold) that NetCons watch; then comes one source that never sends. cells: artificial ones, by type.
    gid_sources: sources that no NetCon shows.
    netcon_of: number of a NetCon's HOC name -> its position. slot: mechanism type -> place of the movable event.
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

    @property
    def nowhere(self) -> int:
        """The source that never sends, among those outside."""
        return len(self.outside)

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
    for netcon, source in zip(netcons, sources, strict=True):
        if source.sender or source.other:
            findings.refuse(
                f"{netcon.hname()} with source {source.sender or 'a variable that is no voltage'}",
                netcon.hname(),
                "its events are not supported in a run that NEURON hands over in the middle",
                "use nrn_diff.capture() and Model.simulate()",
            )
    unshown = find_gid_sources(inventory, findings, len(saved.sources))
    for source_of_gid in unshown:
        if source_of_gid.process:
            findings.refuse(
                f"{source_of_gid.process} with gid {source_of_gid.gid}, which no NetCon shows",
                source_of_gid.process,
                "its place in NEURON's list of sources cannot be found out",
                "keep a reference to the NetCon that was given to ParallelContext.cell",
            )
    voltages = [*((s.node, s.threshold) for s in sources), *((s.node, s.threshold) for s in unshown)]
    outside = tuple(dict.fromkeys((node, threshold) for node, threshold in voltages if node >= 0))
    every: list[ArtificialConnection] = []
    here: list[Connection] = []
    place = np.full(len(netcons), -1)
    for k, (netcon, source) in enumerate(zip(netcons, sources, strict=True)):
        target = netcon.syn()
        name = target.hname() if target is not None else ""
        if source.cell and source.cell not in index_of:
            continue
        number = (
            index_of[source.cell]
            if source.cell
            else len(cells) + (outside.index((source.node, source.threshold)) if source.node >= 0 else len(outside))
        )
        delay = 0.0 if source.silent else float(netcon.delay)
        weight = np.array([netcon.weight[j] for j in range(int(netcon.wcnt()))], dtype=float)
        findings.finite(delay, "delay", netcon.hname())
        findings.finite(weight, "weight", netcon.hname())
        silent = target is None or not netcon.active()
        every.append(ArtificialConnection(number, index_of.get(name, -1), delay, tuple(weight), silent))
        if name in inventory.instances:
            place[k] = len(here)
            mechanism, row = inventory.instances[name]
            here.append(Connection(k, mechanism, row, delay, weight, train=0))
    live = tuple(cell for cell, _ in cells)
    return Wiring(netcons, tuple(here), place, tuple(every), sources, outside, live, models, unshown)


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
                ArtificialCell(model.ir, values, model.globals_, model.label, model.random),
            )
        )
    models = with_vectors([model for _, model in found], findings)
    return [(cell, model) for (cell, _), model in zip(found, models, strict=True)]


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


def read_queue(saved: SavedState, wiring: Wiring, source_place: Sequence[int], findings: Findings) -> list[Waiting]:
    """What waits in NEURON's queue. source_place: of each source of `wiring` outside, among those of the file."""
    netcon = {int(n.hname().split("[")[1][:-1]): k for k, n in enumerate(wiring.netcons)}
    cell = {(c.kind.internal_type, c.live.hname()): k for k, c in enumerate(wiring.cells)}
    queue = []
    for event in saved.events:
        match event.kind:
            case EventKind.NETCON:
                queue.append(Waiting(event.time, connection=netcon[int(event.fields[0])]))
            case EventKind.SELF:
                name, number, kind, weights = event.fields[0], *map(int, event.fields[1:4])
                target = cell.get((kind, f"{name}[{number}]"), -1)
                if target < 0:
                    findings.refuse(
                        f"an event that {name}[{number}] sent to itself",
                        "",
                        "net_send of a point process in a section cannot be carried on from here yet",
                    )
                queue.append(
                    Waiting(event.time, cell=target, flag=float(event.fields[5]), weights_of=netcon.get(weights, -1))
                )
            case EventKind.PRESYN:
                queue += _of_all(event, wiring, list(source_place))
            case EventKind.HOC if event.fields[0] == "0":
                pass  # cvode.event(t): only the variable step stops there
            case EventKind.HOC:
                findings.refuse("cvode.event", "", *_HOC_EVENT)
            case EventKind.PLAY_RECORD:
                pass  # see nrn_diff/plugin/timed.py
            case _:
                findings.refuse(f"an event of kind {event.kind.name}", "", "it is not known here")
    return queue


def _of_all(event: QueuedEvent, wiring: Wiring, source_place: list[int]) -> list[Waiting]:
    """PreSyn::deliver: its NetCons one after the other; their delays are all the same."""
    place = int(event.fields[0])
    number = source_place.index(place)
    return [
        Waiting(event.time, connection=k)
        for k, c in enumerate(wiring.all_connections)
        if c.source == number and not c.silent
    ]


def movable_slot(saved: SavedState, kind: MechanismType) -> int:
    """Where a mechanism keeps its movable event among its pointers: area, point process, references, event."""
    known = [e.fields for e in saved.events if e.kind is EventKind.SELF and int(e.fields[2]) == kind.internal_type]
    return int(known[0][4]) if known else 2 + len(kind.references)


def as_queued(waiting: Sequence[Waiting], saved: SavedState, wiring: Wiring, t: float) -> list[QueuedEvent]:
    """The queue at t (ms) as a SaveState file has it; a source's common event becomes one for each of its NetCons."""
    number = [n.hname().split("[")[1][:-1] for n in wiring.netcons]
    out = []
    for e in waiting:
        if e.connection >= 0:
            out.append(QueuedEvent(e.time, EventKind.NETCON, (number[e.connection],)))
        elif e.source >= 0:
            mine = [k for k, c in enumerate(wiring.all_connections) if c.source == e.source and not c.silent]
            out += [QueuedEvent(e.time, EventKind.NETCON, (number[k],)) for k in mine]
        else:
            cell = wiring.cells[e.cell]
            name, index = cell.live.hname()[:-1].split("[")
            owner = number[e.weights_of] if e.weights_of >= 0 else "-1"
            slot = str(movable_slot(saved, cell.kind))
            fields = (name, index, str(cell.kind.internal_type), owner, slot, f"{e.flag:g}")
            out.append(QueuedEvent(e.time, EventKind.SELF, fields))
    return out + [e for e in saved.events if e.kind is EventKind.HOC and e.time > t]


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
