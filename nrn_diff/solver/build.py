"""From a snapshot to what the solver runs: `Structure` (compiled) and `Values` (numbers)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import jax.numpy as jnp
import numpy as np

from mod_translator import emit, ir
from mod_translator.errors import UnsupportedConstruct
from mod_translator.kschan import is_channel
from mod_translator.passes.doubled import doubled, takes_half_steps
from mod_translator.passes.outbox import Outbox, outbox
from nrn_diff import runtime
from nrn_diff.errors import CaptureError, Refusal
from nrn_diff.events.time_grid import n_steps as count_steps
from nrn_diff.runtime import load_module
from nrn_diff.snapshot import (
    NERNST_AT_START,
    NERNST_EACH_STEP,
    START_CONCENTRATION,
    Capture,
    FunctionTable,
    Ion,
    MechanismData,
)
from nrn_diff.solver.build_agenda import build_agenda, build_wires, fan_in, max_rounds, queued_mechanisms
from nrn_diff.solver.build_circuits import build_circuit_values, build_circuits
from nrn_diff.solver.build_diffusion import build_diffusion
from nrn_diff.solver.build_events import (
    build_deliveries,
    find_sources,
    find_watched,
    in_order,
    refuse_ties,
    spike_sources,
)
from nrn_diff.solver.build_layers import build_extracellular, build_layers, layered_row
from nrn_diff.solver.build_links import Linked, gathers
from nrn_diff.solver.build_own_init import build_own_init, own_numbers, shape_of
from nrn_diff.solver.build_plays import build_plays
from nrn_diff.solver.build_records import recorded_row
from nrn_diff.solver.build_ticks import build_ticks
from nrn_diff.solver.contraction import contract
from nrn_diff.solver.incidence import Incidence
from nrn_diff.solver.moment import ion_field
from nrn_diff.solver.play import waves
from nrn_diff.solver.sampled import build_samples
from nrn_diff.solver.structure import (
    Block,
    Deliveries,
    IonStructure,
    MechanismStructure,
    Place,
    Recorded,
    Structure,
    Wires,
)
from nrn_diff.solver.values import Cable, IonState, IonValues, Values

# the blocks that run in each step
DURING = ("net_receive", "before_breakpoint", "current", "advance", "after_solve", "before_step", "watch")


def build_structure(capture: Capture) -> Structure:
    """Everything about a snapshot that is fixed when it is compiled."""
    cable = capture.cable
    tree = contract(cable.parent, cable.turn)
    row = np.empty(len(tree.order), np.int64)
    row[tree.order] = np.arange(len(tree.order))
    n_rows, n_segments = len(row), len(cable.segment_node)
    segment_row = Incidence(row[cable.segment_node], n_rows)
    segment_of_node = np.full(n_rows, -1)
    segment_of_node[cable.segment_node] = np.arange(n_segments)
    ticks, moved = build_ticks(capture)
    steps = count_steps(capture.tstop, capture.dt, moved=moved)
    sources = find_sources(capture)
    queued = queued_mechanisms(capture)
    refuse_ties(capture, queued)
    deliveries = build_deliveries(capture, sources, steps, queued)
    wires = build_wires(capture)
    ion_row_of_node = {}
    for ion in capture.ions:
        ion_row_of_node[ion.name] = np.full(n_rows, -1)
        ion_row_of_node[ion.name][ion.nodes] = np.arange(len(ion.nodes))
    n_ion_rows = {ion.name: len(ion.nodes) for ion in capture.ions}
    outer = layered_row(capture, row)
    linked = Linked(capture, row, outer)
    shared: dict[tuple[bytes, int], Incidence] = {}

    def incidence(of_node: np.ndarray, nodes: np.ndarray, n_targets: int) -> Incidence:
        target = _rows(of_node, nodes)
        return shared.setdefault((target.tobytes(), n_targets), Incidence(target, n_targets))

    mechanisms = []
    for data in sorted(capture.mechanisms, key=lambda m: m.rank):
        node = incidence(row, data.nodes, n_rows)
        ion_rows = {
            use.name: incidence(ion_row_of_node[use.name], data.nodes, n_ion_rows[use.name]) for use in data.ir.ions
        }
        segment = incidence(segment_of_node, data.nodes, n_segments)
        received = deliveries.get(data.name)
        made = _mechanism(capture, data, node, segment, ion_rows, linked, received, data.name in queued)
        mechanisms.append(replace(made, ticks=ticks.get(data.name)))
    ions = tuple(_ion(ion, Incidence(row[ion.nodes], n_rows), mechanisms, linked) for ion in capture.ions)
    circuits = build_circuits(capture, row, outer)
    rows_of = partial(recorded_row, capture, row=row, layered=outer, circuits=circuits)
    recorded = tuple(rows_of(record) for record in capture.records)
    watched = tuple(rows_of(record) for record, _ in find_watched(capture))
    plays = build_plays(capture, tuple(mechanisms), row, steps, linked.written, _places(watched))
    return Structure(
        tree,
        row,
        segment_row,
        Incidence(cable.node_section[tree.order], len(cable.section_names)),
        tuple(mechanisms),
        ions,
        recorded,
        spike_sources(sources, watched, row, deliveries, capture.dt, steps, in_order(capture, queued)),
        capture.dt,
        steps,
        capture.secondorder,
        _digest(capture, steps, sources, deliveries, wires),
        extracellular=build_extracellular(capture, tree, row),
        circuits=circuits,
        wires=wires,
        max_rounds=max_rounds(capture, deliveries, queued),
        plays=plays,
        samples=build_samples(capture, mechanisms, recorded, steps),
        branches=_branches(capture, tree.order),
        own_init=build_own_init(capture, tuple(mechanisms), plays, rows_of),
    )


def _places(quantities: Sequence[Recorded]) -> frozenset[Place]:
    return frozenset(Place(q.source, q.owner, q.variable, q.element) for q in quantities)


def _branches(capture: Capture, order: np.ndarray) -> np.ndarray | None:
    times = capture.cable.branches[order]
    return None if (times == 1).all() else times


def _rows(of_node: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """Entries of the nodes; -1 for those that are nowhere (artificial cells)."""
    return np.where(nodes >= 0, of_node[nodes], -1)


def build_values(capture: Capture, structure: Structure) -> Values:
    """The numbers of a snapshot, in the order of its structure."""
    cable, order = capture.cable, structure.tree.order
    section_Ra = cable.Ra[cable.node_section[order]]
    array = lambda x: jnp.asarray(x, dtype=jnp.float64)  # noqa: E731
    mechanisms, globals_ = {}, {}
    for data in capture.mechanisms:
        layout = {name: np.moveaxis(x, -1, 0) if np.ndim(x) == 2 else x for name, x in data.values.items()}
        mechanisms[data.name] = {name: array(x) for name, x in layout.items()}
        globals_[data.name] = {name: array(x) for name, x in data.globals_.items()}
    return Values(
        Cable(
            array(cable.Ra),
            array(cable.cm),
            array(cable.diam),
            array(cable.area[order]),
            array(cable.ri[order] / section_Ra),
            array(cable.L),
            array(cable.rounding[order]) if len(cable.turn) else None,
        ),
        mechanisms,
        globals_,
        {
            i.name: IonValues(*(array(x) for x in (i.inside, i.outside, i.erev, i.inside0, i.outside0, i.current)))
            for i in capture.ions
        },
        {m.name: array(_weights(capture, m)) for m in structure.mechanisms if m.deliveries is not None},
        array([threshold for _, threshold in (*find_sources(capture), *find_watched(capture))]),
        array(capture.celsius),
        array(capture.v_init),
        {data.name: {name: _function_table(x) for name, x in data.tables.items()} for data in capture.mechanisms},
        build_layers(capture, structure.row_of_node),
        build_circuit_values(capture),
        plays={name: array(samples) for name, samples in waves(capture).items()},
        delays={m.name: array(m.deliveries.delay) for m in structure.mechanisms if m.deliveries is not None},
        start_v=None if capture.own_init is None else array(cable.v[order]),
        own_init=own_numbers(capture),
    )


def _function_table(table: FunctionTable) -> runtime.FunctionTable:
    axes = [
        runtime.Points(jnp.asarray(axis)) if listed else runtime.Range(*jnp.asarray(axis))
        for axis, listed in zip(table.axes, table.listed, strict=True)
    ]
    return runtime.FunctionTable(jnp.asarray(table.values), tuple(axes))


def _weights(capture: Capture, mechanism: MechanismStructure) -> np.ndarray:
    rows = [c.weight for c in capture.connections if c.target == mechanism.name]
    receive = mechanism.ir.net_receive
    return np.stack(rows) if rows else np.zeros((0, len(receive.args) if receive is not None else 1))


def _ion(ion: Ion, node: Incidence, mechanisms: Sequence[MechanismStructure], linked: Linked) -> IonStructure:
    style = ion.style.astype(int)
    return IonStructure(
        ion.name,
        ion.charge,
        node,
        (style & START_CONCENTRATION) != 0,
        (style & NERNST_AT_START) != 0,
        (style & NERNST_EACH_STEP) != 0,
        _carried_of_ion(ion.name, mechanisms, linked),
    )


def _carried_of_ion(ion: str, mechanisms: Sequence[MechanismStructure], linked: Linked) -> tuple[str, ...]:
    """What mechanisms write during a run; events come before the currents of a step, so what they read is carried too.

    Currents start at zero in each step, and reversal potentials that follow concentrations are computed anew.
    """
    needed = linked.of_ion(ion)
    for mechanism in mechanisms:
        needed |= {ion_field(ion, d.state) for d in mechanism.ir.diffusions if mechanism.ion_of.get(d.state) == ion}
        names = {name for name, species in mechanism.ion_of.items() if species == ion}
        for key in ("current", "advance", "net_receive"):
            if key in mechanism.blocks:
                needed |= {ion_field(ion, n) for n in names.intersection(mechanism.blocks[key].outputs)} - {"current"}
        if "net_receive" in mechanism.blocks:
            needed |= {ion_field(ion, n) for n in names.intersection(mechanism.blocks["net_receive"].inputs)}
    return tuple(field for field in IonState._fields if field in needed)


def _mechanism(
    capture: Capture,
    data: MechanismData,
    node: Incidence,
    segment: Incidence,
    ion_rows: Mapping[str, Incidence],
    linked: Linked,
    deliveries: Deliveries | None,
    queued: bool,
) -> MechanismStructure:
    mechanism = data.ir
    printed, events = outbox(mechanism, fan_in(capture, mechanism)) if queued else (mechanism, Outbox({}))
    half_steps = bool(capture.secondorder) and takes_half_steps(mechanism) and not is_channel(mechanism)
    printed = doubled(printed) if half_steps else printed
    blocks = {}
    for name in ir.BLOCKS:
        routine: ir.Routine | None = getattr(printed, name)
        if routine is not None and (deliveries is not None or not name.startswith("net_")):
            # NET_RECEIVE returns the arguments that it assigns: they are state of the NetCon.
            outputs = (*routine.writes, *routine.results)
            sites = events.sites.get(name, ())
            added = gathers(data, routine) if name in ir.BEFORE_AFTER else frozenset()
            blocks[name] = Block(emit.signature(printed, routine), outputs, routine.args, sites, added)
    _check(capture, data, blocks, linked)
    source = _printed(printed) if queued or half_steps else _source(mechanism)
    agenda = None
    if queued and deliveries is not None:
        agenda = build_agenda(capture, mechanism, len(data.nodes), deliveries, events)
    return MechanismStructure(
        mechanism,
        load_module(source, mechanism.name),
        node,
        segment,
        ion_rows,
        blocks,
        emit.tables(mechanism),
        data.use_table,
        _carried(capture, mechanism, blocks, linked),
        deliveries,
        np.asarray(data.order),
        agenda=agenda,
        pointers=linked.build(data.pointers, node.n_sources),
        transfers=linked.build(data.transfers, node.n_sources),
        diffusion=build_diffusion(capture.cable, data),
        half_steps=half_steps,
    )


# The text of a mechanism by the identity of its IR, which is kept with it: models of one process share mechanisms.
_sources: dict[int, tuple[ir.Mechanism, str]] = {}


def _printed(mechanism: ir.Mechanism) -> str:
    """Raises CaptureError for what only this simulation cannot print: with secondorder, evaluations in order."""
    try:
        return emit.emit(mechanism)
    except UnsupportedConstruct as error:
        where = f"mechanism {mechanism.name}, {mechanism.file}"
        raise CaptureError([Refusal("secondorder 1 or 2", where, error.reason, "h.secondorder = 0")]) from error


def _source(mechanism: ir.Mechanism) -> str:
    known = _sources.get(id(mechanism))
    if known is None:
        known = _sources[id(mechanism)] = mechanism, emit.emit(mechanism)
    return known[1]


def _check(capture: Capture, data: MechanismData, blocks: Mapping[str, Block], linked: Linked) -> None:
    """Refuse the combinations that the step does not reproduce."""
    mechanism = data.ir
    refusals = list(linked.refusals(data))
    changed = {name for key in DURING if key in blocks for name in blocks[key].outputs}
    changed |= linked.of_mechanism(linked.written, data.name)
    for table in emit.tables(mechanism) if data.use_table else ():
        for name in changed.intersection(table.inputs):
            if name in mechanism.routines[table.routine].writes or _filled_before(mechanism, table.routine, name):
                continue
            refusals.append(
                Refusal(
                    f"TABLE of {table.routine}",
                    f"mechanism {mechanism.name}, {mechanism.file}",
                    f"it depends on {name}, which changes during the run: its content depends on when it is filled",
                    f"h.usetable_{mechanism.name} = 0",
                )
            )
    if mechanism.potential and not _alone(capture, data):
        refusals.append(
            Refusal(
                "v, which NET_RECEIVE assigns",
                f"mechanism {mechanism.name}, {mechanism.file}",
                "with several instances in one place, another NET_RECEIVE that reads v, or extracellular layers, each "
                "event would have to see what the one before it made of v, which is not supported yet",
                "put the instances into segments of their own",
            )
        )
    for name in sorted(_crowded_currents(data)):
        refusals.append(
            Refusal(
                f"{name}, which BREAKPOINT reads and writes, with several instances in one place",
                f"mechanism {mechanism.name}, {mechanism.file}",
                "each of them finds there what those before it have added, which is not supported yet",
                "put them into segments of their own",
            )
        )
    if refusals:
        raise CaptureError(refusals)


def _alone(capture: Capture, data: MechanismData) -> bool:
    """Return whether nothing else that events reach reads or sets the potentials that a NET_RECEIVE sets."""
    others = [d.ir for d in capture.mechanisms if d is not data and d.ir.net_receive is not None]
    reading = any(m.potential or (m.net_receive is not None and "v" in m.net_receive.reads) for m in others)
    return not reading and len(np.unique(data.nodes)) == len(data.nodes) and capture.extracellular is None


def _filled_before(mechanism: ir.Mechanism, routine: str, name: str) -> bool:
    """Return whether a TABLE is filled before anything can change a variable, and not again when it changes."""
    table = mechanism.routines[routine].table
    return mechanism.thread_safe and table is not None and name not in table.depend


def _crowded_currents(data: MechanismData) -> set[str]:
    """Ion currents that instances of one node read while each adds to them."""
    current = data.ir.current
    if current is None or len(np.unique(data.nodes)) == len(data.nodes):
        return set()
    read = {name for use in data.ir.ions for name in use.reads}
    return set(current.reads) & read & {c.name for c in data.ir.currents if c.ion is not None}


def _carried(capture: Capture, mechanism: ir.Mechanism, blocks: Mapping[str, Block], linked: Linked) -> tuple[str, ...]:
    """Variables that a step writes and a later block reads, or that only an event writes and a Vector records."""
    during = [blocks[name] for name in DURING if name in blocks]
    written = {name for block in during for name in block.outputs}
    needed = {name for block in during for name in block.inputs}
    from_elsewhere = linked.of_mechanism(linked.written, mechanism.name)
    written |= from_elsewhere
    diffusing = {d.state for d in mechanism.diffusions}
    written |= diffusing
    needed |= diffusing | from_elsewhere | linked.of_mechanism(linked.read, mechanism.name)
    if "net_receive" in blocks:
        needed |= {r.variable for r in capture.records if r.kind == "mechanism" and r.owner == mechanism.name}
    own = {f"i{use.name}" for use in mechanism.ions if f"i{use.name}" not in use.reads}
    return tuple(
        s.name
        for s in mechanism.symbols.values()
        if s.name in written & needed and (s.role is ir.Role.INSTANCE or s.name in own)
    )


def _digest(
    capture: Capture,
    steps: int,
    sources: list[tuple[int, float]],
    deliveries: Mapping[str, Deliveries],
    wires: Sequence[Wires],
) -> str:
    """Content of all that `Structure` depends on."""
    digest = hashlib.sha256()

    def add(*items: object) -> None:
        for item in items:
            if isinstance(item, np.ndarray):
                digest.update(f"{item.dtype}{item.shape}".encode())
                digest.update(np.ascontiguousarray(item).tobytes())
            else:
                digest.update(repr(item).encode())
            digest.update(b"\0")

    cable = capture.cable
    add(cable.parent, cable.segment_node, cable.node_section, cable.turn, len(cable.section_names))
    if (cable.branches != 1).any():
        add(cable.branches)
    if any(data.ir.diffusions for data in capture.mechanisms):
        add(cable.L, cable.nseg)
    add(capture.dt, steps, capture.secondorder, capture.records)
    for p in capture.plays:
        add(p.target, p.vector, len(p.values), p.times, p.interval, p.continuous, p.has_breaks, p.breaks)
    if capture.own_init is not None:
        add(*shape_of(capture.own_init))
    if capture.extracellular is not None:
        add(capture.extracellular.nodes, capture.extracellular.layered, capture.extracellular.xraxial.shape)
    for circuit in capture.circuits:
        add(circuit.name, circuit.nodes, circuit.layers, len(circuit.b))
    for ion in capture.ions:
        add(ion.name, ion.charge, ion.nodes, ion.style)
    for data in capture.mechanisms:
        add(data.rank, data.nodes, data.order, data.use_table, data.ir)
        for link in (*data.pointers, *data.transfers):
            add(link.name, link.kind, link.owner, link.variable, link.element, link.row, link.index)
        add(len(data.pointers))
        add({name: np.shape(x) for name, x in (*data.values.items(), *data.globals_.items())})
    add([record for record, _ in find_watched(capture)])
    add([node for node, _ in sources], capture.event_capacity, sorted({s.sender for s in capture.spikes}))
    for w in wires:
        add(w.source, w.target, w.instance, w.connection, w.row, w.delay)
    for name, d in deliveries.items():
        add(
            name, d.row, d.delay, [(c.train, c.source_node, c.watched) for c in capture.connections if c.target == name]
        )
        add(d.connection, d.time, d.initial, d.early, d.late)
        for lines in (d.early_lines, d.late_lines):
            add(lines.connection, lines.source, lines.lag, lines.delay, lines.sent)
    return digest.hexdigest()
