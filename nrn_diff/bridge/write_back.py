"""Put values of a captured model into the live NEURON objects it came from."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from neuron import h

from nrn_diff.bridge.catalog import Variable
from nrn_diff.bridge.circuits import live_circuits
from nrn_diff.bridge.extracellular import ARRAYS
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.inventory import EXTRACELLULAR, Inventory, Located, hoc_objects, locate_cells, take_inventory
from nrn_diff.errors import WriteBackError
from nrn_diff.quantities import driven_by_voltages, is_start
from nrn_diff.snapshot import ELEMENTS, Capture
from nrn_diff.solver.build_events import find_sources
from nrn_diff.solver.play import wave_vectors

_NETCON_WEIGHT = "NetCon.weight"


@dataclass(frozen=True)
class Slot:
    """One number of the live model."""

    read: Callable[[], float]
    write: Callable[[float], None]


def write_back(capture: Capture, values: Mapping[str, Any]) -> None:
    """Set values in live NEURON.

    values: name -> array in the order of the capture, named as in NEURON: 'gnabar_hh', 'Exp2Syn.tau1' [n instances] or
    [n instances, length], 'vhalf_kx' (GLOBAL), 'Ra' [n_sections], 'cm' [n_segments], 'ena', 'nai' [n of the ion],
    'xraxial[0]', 'xg[1]', 'xc[0]', 'e_extracellular' [n segments with layers], 'nai0_na_ion', 'celsius', 'v_init',
    'NetCon.weight' [n_connections] (the first weights) or a sequence of vectors.
    Raises WriteBackError if the live model is not the captured one any more, or a name, shape or value does not fit;
    nothing is written then.
    """
    inventory = _same_model(capture)
    slots = _slots(capture, inventory)
    pairs: list[tuple[Slot, float]] = []
    start = {f"{v}_{d.name}" for d in capture.mechanisms for v in d.values if is_start(d, v)} | {
        f"{d.name}.{v}" for d in capture.mechanisms for v in d.values if is_start(d, v)
    }
    for name, value in values.items():
        if name == "v" or name in start:
            raise WriteBackError(
                f"{name}: h.run() starts anew from v_init and INITIAL, so a value written now would be lost. "
                "Set it in an FInitializeHandler of yours, or leave it out of theta here"
            )
        if name == _NETCON_WEIGHT:
            pairs += _weights(capture, value)
            continue
        if name not in slots:
            near = difflib.get_close_matches(name, slots, n=3, cutoff=0.5)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            raise WriteBackError(f"the model has nothing named {name!r}{hint}")
        pairs += _pairs(name, slots[name](), value)
    _write(pairs)


def _pairs(name: str, slots: np.ndarray, value: Any) -> list[tuple[Slot, float]]:
    array = _finite(name, value)
    if array.shape != slots.shape:
        raise WriteBackError(f"{name} has shape {slots.shape} in the model, but the values have {array.shape}")
    return list(zip(slots.ravel().tolist(), array.ravel().tolist(), strict=True))


def _finite(name: str, value: Any) -> np.ndarray:
    array = np.asarray(value, dtype=float)
    if not np.all(np.isfinite(array)):
        where = np.flatnonzero(~np.isfinite(array.ravel()))[0]
        raise WriteBackError(f"{name}: entry {where} is {array.ravel()[where]}, not a finite number")
    return array


def _write(pairs: Sequence[tuple[Slot, float]]) -> None:
    done: list[tuple[Slot, float]] = []
    try:
        for slot, value in pairs:
            old = slot.read()
            # Not touching what is the same already keeps NEURON from recomputing the geometry for nothing.
            if old != value:
                slot.write(value)
                done.append((slot, old))
                if not np.isclose(slot.read(), value, rtol=1e-9, atol=0.0):
                    raise ValueError(f"{value:g} was set and {slot.read():g} is there (pt3dconst?)")
    except Exception as error:
        for slot, old in reversed(done):
            slot.write(old)
        raise WriteBackError(f"NEURON does not take a value: {error}") from error


def _same_model(capture: Capture) -> Inventory:
    """The live model's inventory, if everything of the capture is still where it was."""
    inventory = take_inventory(Findings())
    if inventory is None:
        raise WriteBackError("there are no sections in NEURON any more")
    topology, cable = inventory.topology, capture.cable
    if topology.names != cable.section_names:
        raise WriteBackError("the sections of the live model are not those of the captured one any more")
    for what, live, known in (
        ("nseg", np.array([int(section.nseg) for section in topology.sections]), cable.nseg),
        ("the connections between sections", topology.parent, cable.parent),
    ):
        if not np.array_equal(live, known):
            raise WriteBackError(f"{what} of the live model changed after the capture; capture it again")
    located = {d.type.name: d for d in (*inventory.mechanisms, *inventory.ions, *_cells(capture, inventory))}
    for data in capture.mechanisms:
        if data.name == ELEMENTS:
            _same_vectors(data.labels)
            continue
        _same_places(data.name, data.nodes, data.labels, located)
    for ion in capture.ions:
        _same_places(f"{ion.name}_ion", ion.nodes, ("",) * len(ion.nodes), located)
    if capture.extracellular is not None:
        nodes = capture.extracellular.nodes
        layers = {EXTRACELLULAR: inventory.extracellular} if inventory.extracellular else {}
        _same_places(EXTRACELLULAR, nodes, ("",) * len(nodes), layers)
    _same_connections(capture)
    return inventory


def _cells(capture: Capture, inventory: Inventory) -> tuple[Located, ...]:
    """The artificial cells that are part of the captured equations."""
    return locate_cells(inventory, [label for d in capture.mechanisms for label in d.labels if label])


def _same_places(name: str, nodes: np.ndarray, labels: tuple[str, ...], located: Mapping[str, Located]) -> None:
    live = located.get(name)
    if live is None or not np.array_equal(live.nodes, nodes) or live.labels != labels:
        raise WriteBackError(f"{name} is not where it was when the model was captured; capture it again")


def _same_vectors(labels: tuple[str, ...]) -> None:
    live = {f"{vector.hname()}.x[{k}]" for vector in hoc_objects("Vector") for k in range(int(vector.size()))}
    for label in labels:
        if label not in live:
            raise WriteBackError(f"{label}, to which a POINTER led, does not exist any more; capture the model again")


def _same_connections(capture: Capture) -> None:
    live = hoc_objects("NetCon")
    labels = {data.name: data.labels for data in capture.mechanisms}
    for connection in capture.connections:
        target = live[connection.index].syn() if connection.index < len(live) else None
        expected = labels[connection.target][connection.instance]
        if target is None or target.hname() != expected or live[connection.index].wcnt() != len(connection.weight):
            raise WriteBackError(
                f"NetCon number {connection.index} does not lead to {expected} any more; capture it again"
            )


def _slots(capture: Capture, inventory: Inventory) -> dict[str, Callable[[], np.ndarray]]:
    """name -> function that makes the array of slots, for everything but NetCon weights."""
    topology = inventory.topology
    slots: dict[str, Callable[[], np.ndarray]] = {
        "celsius": lambda: _array([_attribute(h, "celsius")], ()),
        "Ra": lambda: _array([_attribute(s, "Ra") for s in topology.sections], (-1,)),
        "L": lambda: _array([_attribute(s, "L") for s in topology.sections], (-1,)),
        "cm": lambda: _array([_attribute(s, "cm") for s in topology.segments()], (-1,)),
        "diam": lambda: _array([_attribute(s, "diam") for s in topology.segments()], (-1,)),
        "NetCon.threshold": lambda: _array([_attribute(nc, "threshold") for nc in _watching(capture)], (-1,)),
        "NetCon.delay": lambda: _array([_attribute(nc, "delay") for nc in _driven(capture)], (-1,)),
    }
    if capture.extracellular is not None and inventory.extracellular is not None:
        owners, count = inventory.extracellular.owners, capture.extracellular.xg.shape[1]
        slots["e_extracellular"] = lambda: _array([_attribute(o, "e_extracellular") for o in owners], (-1,))
        for name in ARRAYS:
            for k in range(count):
                slots[f"{name}[{k}]"] = partial(_elements, owners, name, k)
    for circuit in (live_circuits() or ()) if capture.circuits else ():
        for name in ("c", "g"):
            slots[f"{circuit.name}.{name}"] = partial(_matrix_slots, getattr(circuit, name))
        for name in ("b", "y0"):
            if (vector := getattr(circuit, name)) is not None:
                slots[f"{circuit.name}.{name}"] = partial(_vector_slots, vector)
    vectors = {vector.hname(): vector for vector in hoc_objects("Vector")}
    # A Random that is played has numbers, but holds none.
    slots |= {name: partial(_samples, vectors[v]) for name, v in wave_vectors(capture).items() if v in vectors}
    if hasattr(h, "v_init"):
        slots["v_init"] = lambda: _array([_attribute(h, "v_init")], ())
    for located in (*inventory.ions, *inventory.mechanisms, *_cells(capture, inventory)):
        kind = located.type
        for variable in kind.instance_variables:
            name = f"{kind.name}.{variable.name}" if kind.point else variable.hoc_name
            slots[name] = partial(_instance_slots, located.owners, variable)
        for variable in kind.globals_:
            slots[variable.hoc_name] = partial(_global_slots, variable)
    return slots


def _array(slots: list[Slot], shape: tuple[int, ...]) -> np.ndarray:
    array = np.empty(len(slots), dtype=object)
    array[:] = slots
    return array.reshape(shape)


def _instance_slots(owners: Sequence[Any], variable: Variable) -> np.ndarray:
    name, length = variable.hoc_name, variable.length
    if not length:
        return _array([_attribute(owner, name) for owner in owners], (-1,))
    return _array([_item(getattr(owner, name), k) for owner in owners for k in range(length)], (len(owners), length))


def _matrix_slots(matrix: Any) -> np.ndarray:
    places = [(i, j) for i in range(int(matrix.nrow())) for j in range(int(matrix.ncol()))]
    return _array([Slot(partial(matrix.getval, *p), partial(matrix.setval, *p)) for p in places], (-1,))


def _vector_slots(vector: Any) -> np.ndarray:
    return _array([Slot(partial(vector.get, k), partial(vector.set, k)) for k in range(int(vector.size()))], (-1,))


def _elements(owners: Sequence[Any], name: str, k: int) -> np.ndarray:
    return _array([_item(getattr(owner, name), k) for owner in owners], (-1,))


def _samples(vector: Any) -> np.ndarray:
    return _array([_item(vector.x, k) for k in range(int(vector.size()))], (-1,))


def _global_slots(variable: Variable) -> np.ndarray:
    return _instance_slots((h,), variable)[0] if variable.length else _array([_attribute(h, variable.hoc_name)], ())


def _attribute(owner: Any, name: str) -> Slot:
    return Slot(lambda: getattr(owner, name), lambda value: setattr(owner, name, value))


def _item(array: Any, k: int) -> Slot:
    return Slot(lambda: array[k], lambda value: array.__setitem__(k, value))


def _driven(capture: Capture) -> list[Any]:
    """The live NetCons that voltages drive."""
    live = hoc_objects("NetCon")
    return [live[capture.connections[k].index] for k in driven_by_voltages(capture)]


def _watching(capture: Capture) -> list[Any]:
    """A live NetCon for each watched voltage; the threshold belongs to the voltage."""
    live = hoc_objects("NetCon")
    found = {(c.source_node, c.threshold): live[c.index] for c in capture.connections}
    recording = {nc.get_recordvec().hname(): nc for nc in live if nc.get_recordvec() is not None}
    found |= {(s.node, s.threshold): recording[s.vector] for s in capture.spikes if s.vector in recording}
    return [found[source] for source in find_sources(capture)]


def _weights(capture: Capture, value: Any) -> list[tuple[Slot, float]]:
    live = hoc_objects("NetCon")
    if len(value) != len(capture.connections):
        raise WriteBackError(f"{_NETCON_WEIGHT}: {len(capture.connections)} connections, but {len(value)} values")
    pairs = []
    for connection, given in zip(capture.connections, value, strict=True):
        weights = _finite(_NETCON_WEIGHT, given)
        if weights.ndim and len(weights) != len(connection.weight):
            raise WriteBackError(
                f"{_NETCON_WEIGHT}: NetCon[{connection.index}] has {len(connection.weight)} weights, not {len(weights)}"
            )
        array = live[connection.index].weight
        pairs += [(_item(array, k), float(w)) for k, w in enumerate(np.atleast_1d(weights))]
    return pairs
