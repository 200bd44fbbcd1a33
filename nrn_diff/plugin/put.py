"""After a run: the user's Vectors, and everything in NEURON that a step changes, as NEURON's own run would leave it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from neuron import h

from mod_translator.pointees import STREAM
from nrn_diff.bridge.catalog import MechanismType
from nrn_diff.bridge.circuits import put_circuits
from nrn_diff.bridge.elements import put_elements
from nrn_diff.bridge.extracellular import set_layer_potential
from nrn_diff.bridge.fields import put_hidden
from nrn_diff.bridge.hoc_events import functions_kept
from nrn_diff.bridge.inventory import Inventory, Located, hoc_objects
from nrn_diff.bridge.own_mods import put_times
from nrn_diff.bridge.patterns import put_position
from nrn_diff.bridge.put_generators import put_drawn, put_generators
from nrn_diff.bridge.queue_state import OwnEvent, as_queued, several_movable
from nrn_diff.bridge.random123 import put_streams
from nrn_diff.bridge.random_play import draw
from nrn_diff.bridge.save_state import QueuedEvent
from nrn_diff.bridge.variables import thresholds
from nrn_diff.errors import CaptureError
from nrn_diff.events.courses import Course
from nrn_diff.events.live import Waiting
from nrn_diff.events.pattern import POSITION
from nrn_diff.events.random_stream import Generator
from nrn_diff.plugin.agenda import check_order, put_agendas, still_waiting
from nrn_diff.plugin.membrane import set_membrane_currents
from nrn_diff.plugin.spike_vectors import append, spikes_by_vector
from nrn_diff.plugin.ties import arriving
from nrn_diff.plugin.timed import put_timed, take_samples
from nrn_diff.snapshot import ELEMENTS, Capture, Record
from nrn_diff.solver.moment import Moment
from nrn_diff.solver.play import course_of
from nrn_diff.solver.sampled import tie
from nrn_diff.solver.structure import MechanismStructure, Structure
from nrn_diff.solver.values import State

if TYPE_CHECKING:
    from nrn_diff.plugin.session import Prepared

Array = np.ndarray


@dataclass(frozen=True)
class Finished:
    """t (ms); samples [n_steps, width] (`Sample.recorded`); fired: (step, voltage) of each spike, in order.

    starts [n_steps] (ms): of each step. first [n_recorded]: what is recorded, before the first step; None if no Vector
    records at intervals or given times. guards: further events for NEURON's queue.
    """

    t: float
    state: State
    samples: Array
    fired: list[tuple[int, int]]
    starts: Array
    first: Array | None = None
    guards: tuple[QueuedEvent, ...] = ()


def put(ready: Prepared, done: Finished) -> None:
    """Leave the result in NEURON."""
    state: State = jax.device_get(done.state)
    own = still_waiting(ready.structure, state.queues or {}, ready.wiring)
    waiting = ready.network.waiting()
    if doubts := several_movable(waiting, ready.wiring):
        raise CaptureError(doubts)
    check_order(ready.structure, own, arriving(waiting, ready.wiring))
    spikes = spikes_by_vector(ready, done)
    courses = _courses(ready)
    _restore(ready, done, state, waiting, own)
    if ready.drawn:  # before the rest: the model itself may have changed such a variable since
        draw(len(done.starts))
    put_agendas(ready.structure, ready.inventory, state.queues or {}, own, ready.agendas)
    _set_variables(ready, state)
    _set_played(ready)
    _set_elements(ready, state)
    if len(done.starts):
        assert state.membrane is not None
        set_membrane_currents(ready.inventory, ready.structure, state.membrane)
        _set_circuits(ready, state)
    vectors = {v.hname(): v for v in hoc_objects("Vector")}
    kept = len(ready.capture.records) - len(ready.counts)
    for count, column in zip(ready.counts, done.samples.T[kept : len(ready.capture.records)], strict=True):
        before = float(ready.values.mechanisms["APCount"]["n"][count.row])
        put_times(vectors[count.vector], before, column, ready.grid[2::2])
    for k, record in enumerate(ready.capture.records[:kept]):
        column = done.samples[:, k]
        if record.kind == "artificial":
            course, times = courses[k], ready.timed.sampled.get(record.vector, np.zeros(0))
            within = times[np.maximum.accumulate(times) <= ready.grid[-1]]
            column = course.sampled(ready.grid)[1:] if record.every_step else course.at(within)
        elif not record.every_step:
            first = _first_sample(ready, done, k, record)
            column = take_samples(ready.structure, ready.timed, record, k, ready.grid, first, done.samples)
        append(vectors[record.vector], column)
    for name, values in spikes.items():
        append(vectors[name], np.array(values))


def _first_sample(ready: Prepared, done: Finished, k: int, record: Record) -> float:
    """What is recorded number k, before the first step. Of a circuit: as it stands in y, which may be older than v."""
    if record.kind == "circuit":
        return float(next(c.y0[record.index] for c in ready.capture.circuits if c.name == record.owner))
    assert done.first is not None
    return float(done.first[k])


def _courses(ready: Prepared) -> dict[int, Course]:
    """Of the artificial cells' variables that are recorded, by their place among the records."""
    recorded = [(k, r) for k, r in enumerate(ready.capture.records) if r.kind == "artificial"]
    courses = dict(zip((k for k, _ in recorded), ready.network.courses(), strict=True))
    for k, record in recorded:
        tied = courses[k].changes_at(ready.timed.sampled.get(record.vector, np.zeros(0)))
        if len(tied):
            raise CaptureError([tie(record, float(tied[0]))])
    return courses


def _restore(
    ready: Prepared, done: Finished, state: State, waiting: Sequence[Waiting], own: Sequence[OwnEvent]
) -> None:
    """t, the event queue, which sources are above threshold, artificial cells, arguments of NetCons."""
    saved, wiring, network = ready.saved, ready.wiring, ready.network
    saved.t = done.t
    for place, above in zip(ready.known.sources.place, np.asarray(state.spikes.above).tolist(), strict=True):
        saved.sources[place] = (bool(above), *saved.sources[place][1:])
    slots = {name: events.slot for name, events in ready.agendas.items()}
    others = [*put_timed(saved, ready.timed, done.t), *done.guards]
    saved.events = as_queued(waiting, own, others, slots, saved, wiring, ready.inventory, ready.places)
    for k, cell in enumerate(wiring.cells):
        values, table = network.values(k), saved.cells[cell.kind.internal_type]
        for name in dict.fromkeys(cell.columns):
            at = [j for j, column in enumerate(cell.columns) if column == name]
            table[cell.row, at] = values[name]
    row = dict.fromkeys((c.target for c in wiring.connections), 0)
    arguments = {k: np.array(network.arguments(k)) for k, c in enumerate(wiring.all_connections) if c.target >= 0}
    for connection in wiring.connections:
        arguments[connection.index] = np.asarray(state.weights[connection.target][row[connection.target]])
        row[connection.target] += 1
    saved.weights = [(n, arguments.get(k, weight)) for k, (n, weight) in enumerate(saved.weights)]
    with functions_kept(ready.statements.values()):
        saved.restore()
    for k, cell in enumerate(wiring.cells):
        _set_globals(cell.kind, wiring.models[k].globals_, network.globals_(k))
        for name, stream in wiring.models[k].random.items():
            if not isinstance(stream, Generator):
                getattr(cell.live, name).set_seq(network.place(k, name))
        if wiring.models[k].pattern is not None:
            put_position(wiring.models[k].label, ready.inventory, int(network.number(k, POSITION)))
    put_drawn(ready.random)


def _set_globals(kind: MechanismType, before: Mapping[str, object], after: Mapping[str, float | list[float]]) -> None:
    """GLOBALs that artificial cells have assigned."""
    for variable in kind.globals_:
        value = after.get(variable.name)
        if value is None or value == before.get(variable.name):
            continue
        if isinstance(value, list):
            live = getattr(h, variable.hoc_name)
            for k, x in enumerate(value):
                live[k] = x
        else:
            setattr(h, variable.hoc_name, value)


def _set_variables(ready: Prepared, state: State) -> None:
    """Voltages, variables of mechanisms, ions."""
    inventory: Inventory = ready.inventory
    structure, topology = ready.structure, inventory.topology
    for node, v in enumerate(np.asarray(state.v)[structure.row_of_node].tolist()):
        section, x = topology.node_place(node)
        section(x).v = v
    if state.vext is not None:
        for node, outside in zip(layered_in_order(ready.capture, structure), state.vext.tolist(), strict=True):
            section, x = topology.node_place(node)
            for k, potential in enumerate(outside):
                set_layer_potential(section, x, k, potential)
    for located in inventory.mechanisms:
        carried = state.mechanisms.get(located.type.name, {})
        mechanism = structure.mechanism(located.type.name)
        drawn_from = {n for n, s in mechanism.ir.symbols.items() if s.block == STREAM}
        for variable in located.type.instance_variables:
            if variable.name in carried and variable.name not in drawn_from:
                _set(located.owners, variable.hoc_name, variable.length, carried[variable.name])
        _set_hidden(located, ready, carried)
        left = set(carried) - _left_by_events(mechanism)
        for variable in located.type.globals_:
            if variable.name in left:
                last = np.asarray(carried[variable.name])[..., mechanism.last, None]
                _set((h,), variable.hoc_name, variable.length, last)
        put_streams(located, mechanism.ir, carried)
        put_generators(ready.generators, mechanism.ir, carried)
    for located in inventory.ions:
        name = located.type.name.removesuffix("_ion")
        fields = {f"{name}i": "inside", f"{name}o": "outside", f"e{name}": "erev", f"i{name}": "current"}
        for variable in located.type.instance_variables:
            if variable.name in fields:
                _set(located.owners, variable.hoc_name, 0, state.ions[name][fields[variable.name]])


def _left_by_events(mechanism: MechanismStructure) -> set[str]:
    """GLOBAL variables that hold what the instance left there which received the last event, whichever that was."""
    block = mechanism.blocks.get("net_receive")
    symbols = mechanism.ir.symbols
    written = {n for n in block.outputs if n in symbols and symbols[n].common} if block is not None else set()
    return written - set(mechanism.ir.shared)


def _set_circuits(ready: Prepared, state: State) -> None:
    """Unknowns of the LinearMechanisms, of which those of cells are potentials."""
    circuits = ready.structure.circuits
    if circuits is not None:
        y = np.asarray(Moment.of(ready.structure, ready.fixed, state, jnp.asarray(ready.grid[-1])).of_circuits)
        put_circuits({name: y[place] for name, place in circuits.place.items()})


def _set_played(ready: Prepared) -> None:
    """Variables that Vectors drive and nothing else changes: as the last step leaves them."""
    inventory = ready.inventory
    owners = {d.type.name: d for d in inventory.mechanisms}
    for p in ready.driven:
        target, course = p.target, course_of(p, ready.grid, ready.timed.over.get(p.vector))
        if not course.late.present[-1] or not (p.continuous or target.kind == "weight"):
            continue  # SaveState has done it
        value = float(course.late.of(p.values)[-1])
        if target.kind == "threshold":
            block = thresholds(inventory)
            block.owners[next(r for r in range(block.size) if block.at(r)[0] == target.label)].threshold = value
            continue
        match target.kind:
            case "celsius":
                h.celsius = value
            case "e_extracellular" if inventory.extracellular is not None:
                inventory.extracellular.owners[target.index].e_extracellular = value
            case "cm":
                inventory.topology.segments()[target.index].cm = value
            case "layer" if inventory.extracellular is not None:
                getattr(inventory.extracellular.owners[target.index], target.variable)[target.element] = value
            case "weight":
                hoc_objects("NetCon")[target.index].weight[target.element] = value
            case "start":
                of = {"inside0": "i0", "outside0": "o0"}[target.variable]
                setattr(h, f"{target.owner}{of}_{target.owner}_ion", value)
            case "mechanism" | "global":
                located = owners[target.owner]
                shared = target.kind == "global"
                variables = located.type.globals_ if shared else located.type.instance_variables
                name = next(v.hoc_name for v in variables if v.name == target.variable)
                owner = h if shared else located.owners[target.index]
                if target.element < 0:
                    setattr(owner, name, value)
                else:
                    getattr(owner, name)[target.element] = value


def _set_elements(ready: Prepared, state: State) -> None:
    """Of Vectors, that POINTERs lead to."""
    carried = state.mechanisms.get(ELEMENTS, {})
    if "x" in carried:
        labels = next(m.labels for m in ready.capture.mechanisms if m.ir.name == ELEMENTS)
        put_elements(labels, np.asarray(carried["x"]).tolist())


def _set_hidden(located: Located, ready: Prepared, carried: Mapping[str, Any]) -> None:
    """What HOC cannot read and was read nevertheless, so that NEURON itself can go on."""
    symbols = ready.structure.mechanism(located.type.name).ir.symbols
    known = ready.values.mechanisms[located.type.name]
    drawn = ("RANDOM", STREAM)
    mine = {n: symbols[n] for n in carried if n in known and n in symbols}
    hidden = {n: carried[n] for n, s in mine.items() if not s.visible and s.block not in drawn}
    if hidden:
        put_hidden(located, {n: np.moveaxis(np.asarray(x), -1, 0) for n, x in hidden.items()})


def layered_in_order(capture: Capture, structure: Structure) -> list[int]:
    """Nodes with extracellular layers, in the order of the tree's rows."""
    assert capture.extracellular is not None
    nodes = capture.extracellular.layered
    return [int(n) for n in nodes[np.argsort(structure.row_of_node[nodes])]]


def _set(owners: Sequence[Any], name: str, length: int, values: Any) -> None:
    rows = np.asarray(values)
    if length:
        for k, owner in enumerate(owners):
            array = getattr(owner, name)
            for j in range(length):
                array[j] = float(rows[j, k])
        return
    for owner, value in zip(owners, rows.tolist(), strict=True):
        setattr(owner, name, value)
