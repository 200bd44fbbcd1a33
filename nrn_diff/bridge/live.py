"""What a run from the present state needs of NEURON beside a snapshot: its queue, its sources, its artificial cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from neuron import h

from mod_translator import ir
from mod_translator.pointees import STREAM
from nrn_diff.bridge.callbacks import places_of_sources
from nrn_diff.bridge.catalog import MechanismType
from nrn_diff.bridge.cell_links import find_cell_links
from nrn_diff.bridge.common_delays import CommonDelays
from nrn_diff.bridge.connections import (
    Source,
    artificial_cell,
    check_process_stream,
    draws_from_process,
    source_of,
    watched_variables,
)
from nrn_diff.bridge.event_vectors import hidden_vectors, with_vectors
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.gid_sources import GidSource, find_gid_sources
from nrn_diff.bridge.inventory import Inventory, hoc_objects
from nrn_diff.bridge.native import counter
from nrn_diff.bridge.netcon_order import check_loops, ranks_of_netcons
from nrn_diff.bridge.patterns import with_patterns
from nrn_diff.bridge.reference import reference
from nrn_diff.bridge.rows_of_cells import rows_of_cells
from nrn_diff.bridge.save_state import EventKind, SavedState
from nrn_diff.bridge.translate import Translator
from nrn_diff.events.artificial import ArtificialCell, ArtificialConnection
from nrn_diff.snapshot import Connection, Record

_NOWHERE = -1


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

    connections: those to captured point processes; place: position of each NetCon among them, or -1. outside: what
    NetCons watch (`Source.outside`), voltages first; then comes one source that never sends, then the senders: point
    processes (mechanism, row) that are the source of a NetCon. cells: artificial ones, by type. gid_sources: sources
    that no NetCon shows. gids: without cell, for which PatternStims send; among the sources outside they come before
    the senders. heard: mechanisms whose net_events reach artificial cells or Vectors, or are sent to all NetCons at
    once.
    ordered: whether this build of NEURON shows in which order sources send to their NetCons.
    """

    netcons: tuple[Any, ...]
    connections: tuple[Connection, ...]
    place: np.ndarray
    all_connections: tuple[ArtificialConnection, ...]
    sources: tuple[Source, ...]
    outside: tuple[tuple[int | Record, float], ...]
    cells: tuple[Cell, ...]
    models: tuple[ArtificialCell, ...]
    gid_sources: tuple[GidSource, ...]
    senders: tuple[tuple[str, int], ...] = ()
    heard: tuple[str, ...] = ()
    gids: tuple[int, ...] = ()
    ordered: bool = True

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
        """Source -> positions of its NetCons, in the order in which it sends to them."""
        found: dict[int, list[int]] = {}
        for k, c in enumerate(self.all_connections):
            found.setdefault(c.source, []).append(k)
        return {s: sorted(mine, key=lambda k: self.all_connections[k].rank) for s, mine in found.items()}

    def shortest_from_senders(self) -> float:
        """Of the NetCons from point processes to artificial cells (ms); infinite without any."""
        first = len(self.cells) + self.first_sender
        return min((c.delay for c in self.all_connections if c.source >= first and not c.silent), default=np.inf)

    def shortest_delay(self) -> float:
        """Of the NetCons that a voltage or another variable drives (ms); infinite without any."""
        both = zip(self.all_connections, self.sources, strict=True)
        delays = [c.delay for c, s in both if s.outside is not None and not c.silent]
        return min(delays, default=np.inf)


def read_wiring(
    inventory: Inventory,
    saved: SavedState,
    translator: Translator,
    common: CommonDelays | None,
    findings: Findings,
) -> Wiring:
    """Read NetCons and artificial cells with all their variables. Refuses what the network cannot do."""
    cells = tuple(_cells(inventory, saved, translator, findings))
    models = tuple(model for _, model in cells)
    index_of = {cell.live.hname(): k for k, (cell, _) in enumerate(cells)}
    netcons = tuple(hoc_objects("NetCon"))
    sources = _sources(netcons, inventory, findings)
    check_loops(inventory, translator, findings)
    unshown = find_gid_sources(inventory, findings, len(saved.sources))
    _check_gid_sources(unshown, findings)
    outside = _outside(sources, unshown)
    names = dict.fromkeys(s.sender for s in sources if s.sender in inventory.instances)
    senders = tuple(inventory.instances[name] for name in names)
    gids = tuple(dict.fromkeys(s.gid for s in sources if s.gid >= 0))
    first_gid = len(cells) + len(outside) + 1
    models = tuple(with_patterns(models, gids, inventory, findings, first=len(outside) + 1))

    number_of = _numbering(index_of, outside, gids, tuple(names))
    heard: dict[str, None] = {}
    ranks = ranks_of_netcons(len(netcons))
    sends_one = _of_common_delay(len(netcons), common)
    every: list[ArtificialConnection] = []
    here: list[Connection] = []
    place = np.full(len(netcons), -1)
    for k, (netcon, source) in enumerate(zip(netcons, sources, strict=True)):
        target = netcon.syn()
        name = target.hname() if target is not None else ""
        number = number_of(source)
        delay = 0.0 if source.silent else float(netcon.delay)
        weight = np.array([netcon.weight[j] for j in range(int(netcon.wcnt()))], dtype=float)
        findings.finite(delay, "delay", netcon.hname())
        findings.finite(weight, "weight", netcon.hname())
        silent = target is None or not netcon.active()
        sender, row_of_sender = inventory.instances.get(source.sender, ("", -1))
        to_cell = name in index_of and not silent
        if sender and (to_cell or netcon.get_recordvec() is not None or sends_one[k]):
            heard[sender] = None
        within = bool(sender) and name in inventory.instances and not silent
        target_cell, rank = index_of.get(name, -1), ranks[k] if ranks is not None else 0
        every.append(ArtificialConnection(number, target_cell, delay, tuple(weight), silent or within, within, rank))
        if name in inventory.instances:
            place[k] = len(here)
            mechanism, row = inventory.instances[name]
            of = {"source": sender, "source_instance": row_of_sender} if within else {"train": number}
            here.append(Connection(k, mechanism, row, delay, weight, **of))
    _check_delays(every, first_gid + len(gids), findings)
    return Wiring(
        netcons,
        tuple(here),
        place,
        tuple(every),
        sources,
        outside,
        tuple(cell for cell, _ in cells),
        models,
        unshown,
        senders,
        tuple(heard),
        gids,
        ranks is not None,
    )


def _numbering(
    cells: Mapping[str, int], outside: Sequence[tuple[int | Record, float]], gids: Sequence[int], senders: Sequence[str]
) -> Callable[[Source], int]:
    """The number of a source, in the order in which Wiring has them. cells: that are known, and their numbers."""
    never = len(cells) + len(outside)
    watched = {key: len(cells) + k for k, key in enumerate(outside)}
    of_gid = {gid: never + 1 + k for k, gid in enumerate(gids)}
    of_sender = {name: never + 1 + len(gids) + k for k, name in enumerate(senders)}

    def number(source: Source) -> int:
        if source.cell:
            return cells.get(source.cell, never)  # of a cell that is refused nothing is known
        if source.outside is not None:
            return watched[source.outside]
        return of_gid[source.gid] if source.gid >= 0 else of_sender.get(source.sender, never)

    return number


def _of_common_delay(count: int, common: CommonDelays | None) -> list[bool]:
    """Of each NetCon, whether its source sends one event for all of its own."""
    places = places_of_sources()
    if common is None or places is None:
        return [False] * count
    return [place >= 0 and common.now[place] is not None for place in places]


def _sources(netcons: Sequence[Any], inventory: Inventory, findings: Findings) -> tuple[Source, ...]:
    sources = [source_of(netcon, inventory, findings) or Source() for netcon in netcons]
    if not any(source.other for source in sources):
        return tuple(sources)
    watched = watched_variables(inventory, findings)
    return tuple(replace(s, watched=watched.get(k)) if s.other else s for k, s in enumerate(sources))


def _outside(sources: Sequence[Source], unshown: Sequence[GidSource]) -> tuple[tuple[int | Record, float], ...]:
    """What is watched, each once: voltages, then other variables."""
    others = [s.outside for s in sources if s.outside is not None and s.watched is not None]
    both: list[Source | GidSource] = [*sources, *unshown]
    voltages = [(s.node, s.threshold) for s in both if s.node >= 0]
    return tuple(dict.fromkeys([*voltages, *others]))


def _check_gid_sources(unshown: Sequence[GidSource], findings: Findings) -> None:
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
    rows, links = rows_of_cells(inventory), find_cell_links(inventory, translator, findings)
    for kind, live in inventory.artificial.values():
        row = rows.get(live.hname(), _NOWHERE)
        model = artificial_cell(kind, live, links, translator, findings)
        if model is None:
            continue
        table = saved.cells.get(kind.internal_type, np.zeros((0, 0)))
        columns = _columns(kind, model.ir)
        fits = 0 <= row < len(table) and 0 < table.shape[1] - len(columns) <= 2
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
    if any(draws_from_process(model.ir) for model in models):
        check_process_stream(inventory, translator, findings)
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
        if s.role is ir.Role.INSTANCE and s.name not in names and s.block not in (ir.OPAQUE, ir.LAG, STREAM)
        for _ in range(s.length or 1)
    ]
    return (*names, *hidden)


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
