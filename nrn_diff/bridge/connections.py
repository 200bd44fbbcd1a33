"""NetCons, and the trains of the artificial cells that drive them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from neuron import h

from nrn_diff.bridge.catalog import MechanismType
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.inventory import Inventory, Located, hoc_objects, place_of
from nrn_diff.bridge.mechanisms import read_globals, read_values
from nrn_diff.bridge.random123 import NeuronRandom, streams_of
from nrn_diff.bridge.translate import Translator
from nrn_diff.events.artificial import ArtificialCell, ArtificialConnection, run_artificial
from nrn_diff.events.errors import EventError
from nrn_diff.snapshot import Connection, Events, SpikeRecord, Train

_NOT_VOLTAGE = -2.0


@dataclass(frozen=True)
class Source:
    """Where a NetCon's events come from: an artificial cell (`cell`), a voltage (`node`), or nowhere (both empty)."""

    cell: str = ""
    node: int = -1
    threshold: float = 0.0

    @property
    def silent(self) -> bool:
        """Nothing sends events."""
        return not self.cell and self.node < 0


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
    cell = netcon.pre()
    if cell is not None:
        if cell.hname() in inventory.artificial:
            return Source(cell=cell.hname())
        findings.refuse(
            f"{name} with source {cell.hname()}",
            name,
            "events that a point process in a section sends are not supported yet",
            "use the section's voltage as the source: h.NetCon(section(x)._ref_v, target, sec=section)",
        )
        return None
    segment = netcon.preseg()
    if segment is not None:
        return Source(node=inventory.topology.node_of(segment.sec, segment.x), threshold=float(netcon.threshold))
    location = netcon.preloc()
    if location != -1:
        h.pop_section()  # preloc leaves the source's section on NEURON's stack
    if location == _NOT_VOLTAGE:
        findings.refuse(
            f"{name} watches a variable that is not a voltage", name, "it is not supported yet", "watch _ref_v"
        )
        return None
    if netcon.srcgid() >= 0:
        findings.refuse(
            f"{name} with source gid {int(netcon.srcgid())}",
            name,
            "its source does not exist in this process",
            "capture a model that is built in one process",
        )
        return None
    return Source()


def read_wires(inventory: Inventory, findings: Findings) -> list[Wire]:
    """Every NetCon that can deliver something, and the silent ones of artificial cells."""
    wires = []
    for index, netcon in enumerate(hoc_objects("NetCon")):
        name, target = netcon.hname(), netcon.syn()
        if target is None or not netcon.active():
            if target is not None:
                findings.note(f"{name} is switched off (active(0)) and delivers nothing")
            cell = netcon.pre()
            if cell is not None and cell.hname() in inventory.artificial:
                found = Source(cell=cell.hname())
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
    return wires


def capture_spikes(inventory: Inventory, findings: Findings) -> tuple[SpikeRecord, ...]:
    """Vectors that NetCons fill with spike times, each once, in the order of h.List('NetCon')."""
    found: dict[str, SpikeRecord] = {}
    for netcon in hoc_objects("NetCon"):
        vector = netcon.get_recordvec()
        if vector is None:
            continue
        name, segment = vector.hname(), netcon.preseg()
        if segment is None:
            findings.note(f"{name} records events of {netcon.pre() or 'another process'}, which NEURON itself can give")
            continue
        findings.note(f"{name} records spike times, which are not part of a recording yet: find them in the voltage")
        label = f"{place_of(segment)}.v > {netcon.threshold:g}"
        node = inventory.topology.node_of(segment.sec, segment.x)
        found.setdefault(name, SpikeRecord(label, node, float(netcon.threshold), name))
    return tuple(found.values())


def _needed(wires: Sequence[Wire], cells: Mapping[str, Any]) -> set[str]:
    """Artificial cells whose events reach a target, with all that drive them."""
    needed = {w.source.cell for w in wires if w.source.cell and w.target not in cells}
    while more := {w.source.cell for w in wires if w.source.cell and w.target in needed} - needed:
        needed |= more
    return needed


def is_random(holder: Any, name: str) -> bool:
    """Whether a reference of a point process or density mechanism is a RANDOM variable; else it is a POINTER."""
    try:
        return hasattr(getattr(holder, name), "get_ids")
    except (AttributeError, ValueError):  # a POINTER that points nowhere
        return False


def artificial_cell(
    kind: MechanismType, live: Any, translator: Translator, findings: Findings
) -> ArtificialCell | None:
    """A live artificial cell with what HOC can read of it; None if its mechanism is refused."""
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
        random=streams_of(live, random),
    )


def capture_connections(
    inventory: Inventory, tstop: float, translator: Translator, findings: Findings
) -> tuple[tuple[Connection, ...], tuple[Train, ...], Events]:
    """NetCons to captured point processes, the trains that drive them, and the events that arrive.

    Artificial cells are run from 0 to tstop (ms).
    """
    artificial, instances = inventory.artificial, inventory.instances
    every_wire = read_wires(inventory, findings)
    wires = [w for w in every_wire if not w.silent]
    needed = _needed(wires, artificial)
    for wire in wires:
        if wire.target in needed and wire.source.node >= 0:
            findings.refuse(
                f"{wire.name}: an artificial cell driven by a voltage",
                wire.target,
                "its events would depend on the solution",
                "connect the voltage to the synapses directly",
            )
        elif wire.target not in artificial and wire.target not in instances:
            findings.note(f"{wire.name} leads to {wire.target}, which is not in a section")
        elif wire.target in artificial and wire.target not in needed:
            findings.note(f"{wire.target} drives no synapse; its own state is not part of the captured model")
    names = [name for name in artificial if name in needed]
    cells = [artificial_cell(*artificial[name], translator, findings) for name in names]
    sent = [w for w in every_wire if w.source.cell in needed]
    inner = [
        ArtificialConnection(
            names.index(w.source.cell),
            names.index(w.target) if w.target in needed else -1,
            w.delay,
            tuple(w.weight),
            w.silent,
        )
        for w in sent
    ]
    trains: list[Train] = []
    events = Events(np.zeros(0), np.zeros(0, int))
    usable = [c for c in cells if c is not None]
    if len(usable) == len(cells) and not findings.refusals:
        try:
            run = run_artificial(usable, tstop, inner, random=NeuronRandom())
            trains = [Train(name, t) for name, t in zip(names, run.trains, strict=True)]
            place = {w.index: k for k, w in enumerate(w for w in wires if w.target in instances)}
            connection = np.array([place.get(w.index, -1) for w in sent], dtype=int)[run.delivery_connections]
            events = Events(run.delivery_times[connection >= 0], connection[connection >= 0])
        except EventError as error:
            findings.refuse("event times", ", ".join(names), str(error))
    silent = len(names)
    if any(w.source.silent for w in wires if w.target in instances):
        trains.append(Train("", np.zeros(0)))
    connections = tuple(
        Connection(
            index=w.index,
            target=instances[w.target][0],
            instance=instances[w.target][1],
            delay=w.delay,
            weight=w.weight,
            train=silent if w.source.silent else names.index(w.source.cell) if w.source.cell else -1,
            source_node=w.source.node,
            threshold=w.source.threshold,
        )
        for w in wires
        if w.target in instances
    )
    return connections, tuple(trains), events
