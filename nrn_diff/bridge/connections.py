"""NetCons, and the trains of the artificial cells that drive them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from neuron import h

from mod_translator import emit, ir
from mod_translator.errors import TranslationError
from mod_translator.passes import walk
from mod_translator.semantic.names import OF_PROCESS
from mod_translator.validate import InvalidIR
from nrn_diff.bridge.catalog import MechanismType
from nrn_diff.bridge.cell_links import CellLinks, links_beside
from nrn_diff.bridge.event_vectors import with_vectors
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.forked import in_copy
from nrn_diff.bridge.function_tables import read_function_tables
from nrn_diff.bridge.gid_sources import gid_label, sending_process, source_location
from nrn_diff.bridge.inventory import Inventory, Located, hoc_objects, locate_cells
from nrn_diff.bridge.mechanisms import read_globals, read_values
from nrn_diff.bridge.netcon_order import check_loops, of_each_source_in_order
from nrn_diff.bridge.patterns import has_patterns, pattern_labels, with_patterns
from nrn_diff.bridge.random123 import NeuronRandom, streams_of
from nrn_diff.bridge.ties import doubtful
from nrn_diff.bridge.translate import Translator
from nrn_diff.bridge.variables import Identify, every_variable, put_sentinels
from nrn_diff.errors import Refusal
from nrn_diff.events.artificial import ArtificialCell, ArtificialConnection, run_artificial
from nrn_diff.events.courses import Watched
from nrn_diff.events.errors import EventError
from nrn_diff.snapshot import Connection, Events, GivenCourse, MechanismData, Record, Train


@dataclass(frozen=True)
class Source:
    """Where a NetCon's events come from.

    An artificial cell (`cell`), a point process in a section (`sender`), a voltage (`node`), another
    variable (`other`, and `watched` once it is known), a gid without cell for which a PatternStim sends (`gid`),
    or nowhere (all empty).
    """

    cell: str = ""
    node: int = -1
    threshold: float = 0.0
    sender: str = ""
    other: bool = False
    watched: Record | None = None
    gid: int = -1

    @property
    def outside(self) -> tuple[int | Record, float] | None:
        """The node or other variable that is watched, and the threshold; None if it is no variable."""
        if self.watched is not None:
            return self.watched, self.threshold
        return (self.node, self.threshold) if self.node >= 0 else None

    @property
    def silent(self) -> bool:
        """Nothing sends events."""
        return not self.cell and not self.sender and not self.other and self.node < 0 and self.gid < 0


@dataclass(frozen=True)
class Wire:
    """A NetCon as found: its place in h.List('NetCon'), the target's name, and its numbers.

    silent: it delivers nothing (no target, or switched off), but has a part in the order of its source's events.
    """

    index: int
    name: str
    target: str
    source: Source
    delay: float
    weight: np.ndarray
    silent: bool = False


def source_of(netcon: Any, inventory: Inventory, findings: Findings) -> Source | None:
    """Where a NetCon's events come from; None after a refusal."""
    name = netcon.hname()
    cell = sending_process(netcon)
    if cell is not None:
        if cell.hname() in inventory.artificial:
            return Source(cell=cell.hname())
        return Source(sender=cell.hname())
    segment = netcon.preseg()
    if segment is not None:
        return Source(node=inventory.topology.node_of(segment.sec, segment.x), threshold=float(netcon.threshold))
    if source_location(netcon)[0]:
        return Source(other=True, threshold=float(netcon.threshold))
    if netcon.srcgid() >= 0 and has_patterns(inventory):
        return Source(gid=int(netcon.srcgid()))
    if netcon.srcgid() >= 0:
        findings.refuse(
            f"{name} with source gid {int(netcon.srcgid())}",
            name,
            "its source does not exist in this process",
            "capture a model that is built in one process, or let a PatternStim send for it",
        )
        return None
    return Source()


def read_wires(inventory: Inventory, findings: Findings) -> list[Wire]:
    """Every NetCon that can deliver something, and the silent ones of artificial cells and of gids without cell."""
    wires = []
    for index, netcon in enumerate(hoc_objects("NetCon")):
        name, target = netcon.hname(), netcon.syn()
        if target is None or not netcon.active():
            if target is not None:
                findings.note(f"{name} is switched off (active(0)) and delivers nothing")
            found = source_of(netcon, inventory, Findings())
            if found is not None and (found.cell or found.gid >= 0):
                wires.append(Wire(index, name, "", found, float(netcon.delay), np.zeros(0), silent=True))
            continue
        source = source_of(netcon, inventory, findings)
        if source is None:
            continue
        if source.silent:
            findings.note(f"{name} has no source, so it delivers nothing in a run that starts with finitialize")
        # NEURON has no delay for a NetCon without source (chksrc in netcvode.cpp raises).
        delay = 0.0 if source.silent else float(netcon.delay)
        weight = np.array([netcon.weight[k] for k in range(int(netcon.wcnt()))], dtype=float)
        findings.finite(delay, "delay", name)
        findings.finite(source.threshold, "threshold", name)
        findings.finite(weight, "weight", name)
        wires.append(Wire(index, name, target.hname(), source, delay, weight))
    wires = of_each_source_in_order(wires, lambda wire: wire.index)
    if not any(w.source.other for w in wires):
        return wires
    watched = watched_variables(inventory, findings)
    return [replace(w, source=replace(w.source, watched=watched.get(w.index))) if w.source.other else w for w in wires]


def watched_voltages(inventory: Inventory) -> tuple[tuple[int, float], ...]:
    """(node, threshold) of every voltage that a NetCon watches, in the order in which NEURON checks them.

    A PreSyn is made for the first NetCon that watches it, and stays in this place (NetCvode::psl_).
    """
    places = ((netcon, netcon.preseg()) for netcon in hoc_objects("NetCon"))
    found = [(inventory.topology.node_of(s.sec, s.x), float(n.threshold)) for n, s in places if s is not None]
    return tuple(dict.fromkeys(found))


def watched_variables(inventory: Inventory, findings: Findings) -> dict[int, Record]:
    """What NetCons watch that is no voltage, by place in h.List('NetCon'). Refuses what the model does not hold."""
    netcons = hoc_objects("NetCon")
    here = []
    for index, netcon in enumerate(netcons):
        if sending_process(netcon) is None and netcon.preseg() is None and source_location(netcon)[0]:
            here.append(index)
    if not here:
        return {}
    blocks = every_variable(inventory)

    def sample() -> list[float]:
        put_sentinels(blocks, inventory.topology.sections[0])
        return [float(netcons[index].x) for index in here]

    found, identify = {}, Identify(blocks)
    for index, value in zip(here, in_copy(sample), strict=True):
        label, record = identify(float(value))
        if record is None or record.kind not in ("v", "ion", "mechanism"):
            findings.refuse(
                f"{netcons[index].hname()} watches {label}",
                netcons[index].hname(),
                "watched are voltages, ion variables and variables of mechanisms and point processes",
                "watch one of these",
            )
        else:
            found[index] = record
    return found


def _needed(
    wires: Sequence[Wire], cells: Collection[str], recorded: Collection[str], shared: Mapping[str, set[str]]
) -> set[str]:
    """Artificial cells whose events reach a target that is none of `cells`, or recorded, with all that drive them or
    share variables with them."""
    needed = {w.source.cell for w in wires if w.source.cell and w.target not in cells} | set(recorded)
    while True:
        more = {w.source.cell for w in wires if w.source.cell and w.target in needed}
        more |= {other for label in needed for other in shared.get(label, ())}
        if more <= needed:
            return needed
        needed |= more


def is_random(holder: Any, name: str) -> bool:
    """Whether a reference of a point process or density mechanism is a RANDOM variable; else it is a POINTER."""
    try:
        return hasattr(getattr(holder, name), "get_ids")
    except (AttributeError, ValueError):  # a POINTER that points nowhere
        return False


def artificial_cell(
    kind: MechanismType, live: Any, links: CellLinks, translator: Translator, findings: Findings
) -> ArtificialCell | None:
    """A live artificial cell with what HOC can read of it; None if its mechanism is refused. links: of all cells."""
    mechanism = translator.lower(kind)
    if mechanism is None:
        return None
    name = live.hname()
    random = tuple(name for name in kind.references if is_random(live, name))
    nowhere = np.full(1, -1)
    located = Located(kind, nowhere, nowhere, (live,), (name,), (name,))
    values = {k: v[0] for k, v in read_values(located, mechanism, findings).items()}
    globals_, _ = read_globals(kind, mechanism, findings)
    return ArtificialCell(
        ir=mechanism,
        values={k: float(v) if v.ndim == 0 else list(v) for k, v in values.items()},
        globals_={"celsius": float(h.celsius), "dt": float(h.dt)}
        | {k: float(v) if v.ndim == 0 else list(v) for k, v in globals_.items()},
        label=name,
        random={**streams_of(live, random), **translator.generators.of_cell(kind.name, name)},
        tables=read_function_tables(located, mechanism, findings),
        links=links.get(name, {}),
    )


def _driven(wires: Sequence[Wire], cells: Collection[str]) -> set[str]:
    """Those of `cells` whose events depend on the solution."""
    solved = [w for w in wires if w.source.node >= 0 or w.source.sender or w.source.other]
    driven = {w.target for w in solved if w.target in cells}
    while more := {w.target for w in wires if w.target in cells and w.source.cell in driven} - driven:
        driven |= more
    return driven


def _driven_cells(
    located: Located, first_rank: int, translator: Translator, findings: Findings
) -> MechanismData | None:
    """Artificial cells of one kind as a mechanism of the equations that is at no node."""
    mechanism = translator.lower(located.type)
    if mechanism is None:
        return None
    try:
        emit.emit(mechanism)
    except (TranslationError, InvalidIR) as error:
        random = [name for name in located.type.references if is_random(located.owners[0], name)]
        why = "it draws random numbers" if random else f"it cannot be printed as a function: {error}"
        findings.refuse(
            f"{located.labels[0]}, which a voltage or a point process drives",
            f"mechanism {mechanism.name}",
            f"its events depend on the solution, and {why}",
            "drive the synapses directly, or use an ARTIFICIAL_CELL without RANDOM variables and WHILE loops",
        )
        return None
    globals_, use_table = read_globals(located.type, mechanism, findings)
    values = read_values(located, mechanism, findings)
    rank, order = first_rank + located.type.internal_type, np.arange(len(located.owners))
    tables = read_function_tables(located, mechanism, findings)
    return MechanismData(
        mechanism, rank, located.nodes, values, globals_, use_table, located.labels, order, tables=tables
    )


def draws_from_process(mechanism: ir.Mechanism) -> bool:
    """Whether exprand and the like are called anywhere."""
    everything = (*mechanism.routines.values(), *walk.blocks(mechanism).values())
    return any(call.startswith(OF_PROCESS) for routine in everything for call in walk.calls(routine.body))


def check_process_stream(inventory: Inventory, translator: Translator, findings: Findings) -> None:
    """The stream from which artificial cells draw must be known, and be drawn from by no mechanism of the equations.

    Such cells are run before the rest.
    """
    try:
        NeuronRandom().process_stream()
    except EventError as error:
        findings.refuse("the random numbers of artificial cells", "", str(error))
    names = {d.type.name for d in inventory.mechanisms}
    for mechanism in translator.known():
        if mechanism.name in names and mechanism.process_stream:
            why = "it draws from the same stream as artificial cells, in an order that depends on the solution"
            remedy = "declare RANDOM r in one of the mod files and draw from it"
            findings.refuse(f"the random numbers of {mechanism.name}", f"mechanism {mechanism.name}", why, remedy)


def _check_draws(
    others: Sequence[str],
    artificial: Mapping[str, tuple[MechanismType, Any]],
    translator: Translator,
    findings: Findings,
) -> None:
    """Where cells draw from the one stream of the process, all that draw from it must be run."""
    findings.note("numbers of exprand and the like are those of the next run in NEURON, which goes on in one stream")
    for name in others:
        mechanism = translator.lower(artificial[name][0])
        if mechanism is not None and draws_from_process(mechanism):
            why = "it draws from the same stream as others, but drives no synapse, so that it is not run"
            findings.refuse(name, f"mechanism {artificial[name][0].name}", why, "remove it")


@dataclass(frozen=True)
class Wired:
    """NetCons to captured processes, the trains that drive them, the events that arrive, and driven artificial cells.

    doubts: what is to be refused if there are other events in NEURON's queue (ties.py). records: those of artificial
    cells, where they are in the model; courses: of the cells that are run.
    """

    connections: tuple[Connection, ...]
    trains: tuple[Train, ...]
    events: Events
    cells: tuple[MechanismData, ...]
    doubts: tuple[Refusal, ...]
    records: tuple[Record, ...]
    courses: tuple[GivenCourse, ...]


def capture_connections(
    inventory: Inventory,
    tstop: float,
    first_rank: int,
    translator: Translator,
    records: Sequence[Record],
    findings: Findings,
) -> Wired:
    """Everything that events do. records: of artificial cells.

    Artificial cells whose events do not depend on the solution are run from 0 to tstop (ms). The others become
    mechanisms; first_rank: behind that of all mechanisms in sections.
    """
    artificial = inventory.artificial
    every_wire = read_wires(inventory, findings)
    wires = [w for w in every_wire if not w.silent]
    # What reaches a PatternStim changes nothing.
    driven = _driven(wires, artificial.keys() - pattern_labels(inventory))
    links, shared = links_beside(driven, inventory, translator, findings)
    located = locate_cells(inventory, driven)
    instances = {**inventory.instances} | {
        label: (d.type.name, row) for d in located for row, label in enumerate(d.labels)
    }
    needed = _needed(wires, artificial.keys() - driven, {record.owner for record in records}, shared) - driven
    gids = list(dict.fromkeys(w.source.gid for w in every_wire if w.source.gid >= 0))
    needed |= set(pattern_labels(inventory)) if gids else set()
    cells_of = tuple(_driven_cells(d, first_rank, translator, findings) for d in located)
    for wire in wires:
        if wire.target not in artificial and wire.target not in instances:
            findings.note(f"{wire.name} leads to {wire.target}, which is not in a section")
        elif wire.target in artificial and wire.target not in needed | driven:
            findings.note(f"{wire.target} drives no synapse; its own state is not part of the captured model")
        elif wire.source.sender and wire.source.sender not in instances:
            findings.refuse(
                f"{wire.name} with source {wire.source.sender}", wire.name, "its source is in no section", "place it"
            )
    names = [name for name in artificial if name in needed]
    cells = [artificial_cell(*artificial[name], links, translator, findings) for name in names]
    check_loops(inventory, translator, findings)
    sent = [w for w in every_wire if w.source.cell in needed or w.source.gid >= 0]
    inner = [
        ArtificialConnection(
            names.index(w.source.cell) if w.source.cell else len(names) + gids.index(w.source.gid),
            names.index(w.target) if w.target in needed else -1,
            w.delay,
            tuple(w.weight),
            w.silent,
        )
        for w in sent
    ]
    trains: list[Train] = []
    events = Events(np.zeros(0), np.zeros(0, int))
    doubts: tuple[Refusal, ...] = ()
    courses: tuple[GivenCourse, ...] = ()
    usable = with_vectors([c for c in cells if c is not None], findings)
    usable = with_patterns(usable, gids, inventory, findings)
    watched = watched_of(records, usable, findings)
    if len(usable) == len(cells) and not findings.refusals:
        try:
            numbers, given = NeuronRandom(), [np.zeros(0) for _ in gids]
            run = run_artificial(usable, tstop, inner, given=given, random=numbers, watched=watched)
            courses = tuple(GivenCourse(c.times, c.values) for c in run.courses)
            if numbers.process_drawn:
                check_process_stream(inventory, translator, findings)
                _check_draws([n for n in artificial if n not in needed], artificial, translator, findings)
            doubts = doubtful(usable, run.ties)
            labels = [*names, *map(gid_label, gids)]
            trains = [Train(name, t) for name, t in zip(labels, (*run.trains, *run.given), strict=True)]
            place = {w.index: k for k, w in enumerate(w for w in wires if w.target in instances)}
            connection = np.array([place.get(w.index, -1) for w in sent], dtype=int)[run.delivery_connections]
            events = Events(run.delivery_times[connection >= 0], connection[connection >= 0])
        except EventError as error:
            findings.refuse("event times", ", ".join(names), str(error))
    if any(w.source.silent for w in wires if w.target in instances):
        trains.append(Train("", np.zeros(0)))
    connections = tuple(_connection(w, instances, names, gids) for w in wires if w.target in instances)
    solved = tuple(d for d in cells_of if d is not None)
    return Wired(connections, tuple(trains), events, solved, doubts, _placed(records, instances), courses)


def _placed(records: Sequence[Record], instances: Mapping[str, tuple[str, int]]) -> tuple[Record, ...]:
    """Recorded variables of artificial cells: of those that the solution drives, and of those that were run."""
    of_run = [record for record in records if record.owner not in instances]
    return tuple(
        replace(r, kind="mechanism", owner=instances[r.owner][0], index=instances[r.owner][1])
        if r.owner in instances
        else replace(r, index=of_run.index(r))
        for r in records
    )


def watched_of(records: Sequence[Record], cells: Sequence[ArtificialCell], findings: Findings) -> list[Watched]:
    """The recorded variables of these cells. Refuses those that the translation has left out."""
    number = {cell.label: k for k, cell in enumerate(cells)}
    watched = []
    for record in (r for r in records if r.kind == "artificial" and r.owner in number):
        symbol = cells[number[record.owner]].ir.symbols.get(record.variable)
        if symbol is None or symbol.role is not ir.Role.INSTANCE:
            why = "nothing that the cell does needs it, and it is left out"
            findings.refuse(f"{record.vector} records {record.label}", record.vector, why, "record another variable")
        watched.append(Watched(number[record.owner], record.variable, record.element))
    return watched


def _connection(wire: Wire, instances: Mapping[str, tuple[str, int]], names: list[str], gids: list[int]) -> Connection:
    target, instance = instances[wire.target]
    source, row = instances.get(wire.source.sender or wire.source.cell, ("", -1))
    train = -1
    if wire.source.silent:
        train = len(names) + len(gids)
    elif wire.source.gid >= 0:
        train = len(names) + gids.index(wire.source.gid)
    elif wire.source.cell and not source:
        train = names.index(wire.source.cell)
    return Connection(
        index=wire.index,
        target=target,
        instance=instance,
        delay=wire.delay,
        weight=wire.weight,
        train=train,
        source_node=wire.source.node,
        threshold=wire.source.threshold,
        source=source,
        source_instance=row,
        watched=wire.source.watched,
    )
