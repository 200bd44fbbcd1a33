"""What a parameter name means in a model: where its numbers are, and which segment each of them belongs to.

Names are NEURON's: 'gnabar_hh' (RANGE, one value for each segment that has it), 'vhalf_kx' (GLOBAL), 'Exp2Syn.tau1'
(one for each point process), 'Ra', 'L' (sections), 'cm', 'diam' (segments), 'xraxial[0]', 'xg[1]', 'xc[0]',
'e_extracellular' (one for each segment with these layers), 'ena', 'nai' (one for each segment with that ion),
'nai0_na_ion', 'NetCon.weight' (one for each connection, in the order of h.List('NetCon')), 'NetCon.threshold' (one for
each voltage that NetCons watch), 'NetCon.delay' (one for each connection that a voltage drives; for derivatives, see
docs/spikes.md), 'celsius', 'v_init', 'LinearMechanism[0].g' (row by row), '.c', '.b', '.y0', 'play[0]' (the samples of
a Vector that is played, in the order of the plays). Where a run starts: 'v' (segments), 'm_hh' (a STATE).
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from mod_translator import ir
from mod_translator.semantic.names import USE_TABLE
from nrn_diff.errors import ParameterError
from nrn_diff.snapshot import ELEMENTS, Capture, Extracellular, MechanismData
from nrn_diff.solver.build_events import find_sources
from nrn_diff.solver.contraction import contract
from nrn_diff.solver.play import waves
from nrn_diff.solver.values import Array, Circuit, Values

Path = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Part:
    """Entries `position` of a quantity are the entries `index` of the array at `path` (None: the array itself)."""

    path: Path
    position: np.ndarray
    index: tuple[np.ndarray, ...] | None = None


@dataclass(frozen=True, eq=False)
class Quantity:
    """A named array of numbers of a model.

    size: 0 for a scalar. section [size]: index of the section of each entry, -1 where there is none. owner [size]: what
    an entry belongs to, as NEURON prints it: 'dend[3](0.5)', 'Exp2Syn[0]'.
    """

    name: str
    size: int
    section: np.ndarray
    owner: tuple[str, ...]
    parts: tuple[Part, ...]

    def read(self, values: Values) -> Array:
        """Its numbers, [size] or scalar."""
        import jax.numpy as jnp

        if self.size == 0:
            return _at(values, self.parts[0].path)
        out = jnp.zeros(self.size)
        for part in self.parts:
            x = _at(values, part.path)
            out = out.at[part.position].set(x if part.index is None else x[part.index])
        return out

    def write(self, values: Values, entries: np.ndarray | None, new: Array) -> Values:
        """`values` with `new` at the given entries (None: a scalar quantity)."""
        if entries is None:
            return _changed(values, self.parts[0].path, lambda _: new)
        place = np.full(max(self.size, 1), -1)
        place[entries] = np.arange(len(entries))
        for part in self.parts:
            mine = place[part.position]
            here = np.flatnonzero(mine >= 0)
            if len(here):
                target = (here,) if part.index is None else tuple(i[here] for i in part.index)
                source = new[mine[here]]
                values = _changed(values, part.path, partial(_set, target, source))
        return values


def _set(target: Any, source: Array, x: Array) -> Array:
    return x.at[target].set(source)


def _at(values: Any, path: Path) -> Any:
    for key in path:
        values = values[key] if isinstance(values, dict) else getattr(values, key)
    return values


def _changed(values: Any, path: Path, change: Callable[[Array], Array]) -> Any:
    if not path:
        return change(values)
    key, rest = path[0], path[1:]
    if isinstance(values, dict):
        return {**values, key: _changed(values[key], rest, change)}
    return values._replace(**{key: _changed(getattr(values, key), rest, change)})


def find(capture: Capture, name: str) -> Quantity:
    """The quantity of that name; ParameterError (with the nearest names) if the model has none."""
    for known, make in _candidates(capture):
        if known == name:
            return make()
    known_names = [known for known, _ in _candidates(capture)]
    near = difflib.get_close_matches(name, known_names, n=3, cutoff=0.5)
    hint = f"; did you mean {', '.join(near)}?" if near else "."
    raise ParameterError(
        f"the model has no parameter {name!r}{hint} Names are as in NEURON: 'gnabar_hh', 'Exp2Syn.tau1', 'Ra'."
    )


def names(capture: Capture) -> list[str]:
    """Every parameter name of a model."""
    return [known for known, _ in _candidates(capture)]


def segment_labels(capture: Capture) -> list[str]:
    """'dend[3](0.5)' for each segment."""
    cable = capture.cable
    return [f"{cable.section_names[s]}({x:g})" for s, x in zip(cable.segment_section, cable.segment_x, strict=True)]


def _candidates(capture: Capture) -> Iterator[tuple[str, Callable[[], Quantity]]]:
    cable = capture.cable
    for scalar in ("celsius", "v_init"):
        yield scalar, partial(_scalar, scalar, (scalar,))
    sections = tuple(cable.section_names)
    for name in ("Ra", "L"):
        yield name, partial(_whole, name, ("cable", name), np.arange(len(sections)), sections)
    for name in ("cm", "diam"):
        yield name, partial(_whole, name, ("cable", name), cable.segment_section, tuple(segment_labels(capture)))
    yield "v", partial(_start_voltages, capture)
    if capture.extracellular is not None:
        yield from _layer_candidates(capture, capture.extracellular)
    for circuit in capture.circuits:
        for field in Circuit._fields:
            name = f"{circuit.name}.{field}"
            yield name, partial(_of_circuit, name, circuit.name, field, np.shape(getattr(circuit, field)))
    for ion in capture.ions:
        for name, field in ((f"e{ion.name}", "erev"), (f"{ion.name}i", "inside"), (f"{ion.name}o", "outside")):
            yield name, partial(_on_nodes, capture, name, ("ions", ion.name, field), ion.nodes)
        for name, field in ((f"{ion.name}i0_{ion.name}_ion", "inside0"), (f"{ion.name}o0_{ion.name}_ion", "outside0")):
            yield name, partial(_scalar, name, ("ions", ion.name, field))
    for data in (d for d in capture.mechanisms if d.name != ELEMENTS):
        yield from _mechanism_candidates(capture, data)
    yield from ((name, partial(_samples, capture, name, len(samples))) for name, samples in waves(capture).items())
    yield from _connection_candidates(capture)


def _connection_candidates(capture: Capture) -> Iterator[tuple[str, Callable[[], Quantity]]]:
    if capture.connections:
        every = np.arange(len(capture.connections))
        yield "NetCon.weight", partial(_of_connections, capture, "NetCon.weight", "weights", every)
    if any(c.source_node >= 0 for c in capture.connections) or capture.spikes:
        yield "NetCon.threshold", partial(_thresholds, capture)
    if len(driven := driven_by_voltages(capture)):
        yield "NetCon.delay", partial(_of_connections, capture, "NetCon.delay", "delays", driven)


def _layer_candidates(capture: Capture, layers: Extracellular) -> Iterator[tuple[str, Callable[[], Quantity]]]:
    nodes, name = layers.nodes, "e_extracellular"
    yield name, partial(_on_nodes, capture, name, ("extracellular", name), nodes)
    for field in ("xraxial", "xg", "xc"):
        for k in range(layers.xg.shape[1]):
            index = (np.arange(len(nodes)), np.full(len(nodes), k))
            yield f"{field}[{k}]", partial(_on_nodes, capture, f"{field}[{k}]", ("extracellular", field), nodes, index)


def _of_circuit(name: str, circuit: str, field: str, shape: tuple[int, ...]) -> Quantity:
    index = np.unravel_index(np.arange(int(np.prod(shape))), shape)
    owner = tuple(name + "".join(f"[{i}]" for i in place) for place in zip(*index, strict=True))
    return _whole(name, ("circuits", circuit, field), np.full(len(owner), -1), owner, tuple(index))


def _mechanism_candidates(capture: Capture, data: MechanismData) -> Iterator[tuple[str, Callable[[], Quantity]]]:
    for variable, value in data.values.items():
        if np.ndim(value) != 1 or not data.ir.symbols[variable].visible:
            continue
        path = ("start" if is_start(data, variable) else "mechanisms", data.name, variable)
        if data.ir.kind is not ir.Kind.DENSITY:
            name, section = f"{data.name}.{variable}", _sections(capture, data.nodes)
            yield name, partial(_whole, name, path, section, data.labels)
        else:
            name = f"{variable}_{data.name}"
            yield name, partial(_on_nodes, capture, name, path, data.nodes)
    for variable, value in data.globals_.items():
        if np.ndim(value) == 0 and variable != USE_TABLE:
            name = f"{variable}_{data.name}"
            yield name, partial(_scalar, name, ("globals_", data.name, variable))


def is_start(data: MechanismData, variable: str) -> bool:
    """Whether it is a STATE, whose number as a parameter is the one that a run starts from."""
    return data.ir.symbols[variable].block == "STATE"


def _sections(capture: Capture, nodes: np.ndarray) -> np.ndarray:
    """Section of each node; -1 for artificial cells, which are in none."""
    return np.where(nodes >= 0, capture.cable.node_section[nodes], -1)


def _start_voltages(capture: Capture) -> Quantity:
    cable = capture.cable
    rows = contract(cable.parent).order.argsort()[cable.segment_node]
    part = Part(("start_v",), np.arange(len(rows)), (rows,))
    return Quantity("v", len(rows), cable.segment_section, tuple(segment_labels(capture)), (part,))


def _samples(capture: Capture, name: str, n: int) -> Quantity:
    """The samples of a played Vector, one after the other."""
    return _whole(name, ("plays", name), np.full(n, -1), (name,) * n)


def _scalar(name: str, path: Path) -> Quantity:
    return Quantity(name, 0, np.zeros(0, int), (), (Part(path, np.zeros(0, int)),))


def _whole(
    name: str, path: Path, section: np.ndarray, owner: tuple[str, ...], index: tuple[np.ndarray, ...] | None = None
) -> Quantity:
    return Quantity(name, len(section), np.asarray(section), owner, (Part(path, np.arange(len(section)), index),))


def _on_nodes(
    capture: Capture, name: str, path: Path, nodes: np.ndarray, index: tuple[np.ndarray, ...] | None = None
) -> Quantity:
    cable = capture.cable
    segment_of_node = {int(node): i for i, node in enumerate(cable.segment_node)}
    labels = segment_labels(capture)
    owner = tuple(labels[segment_of_node[n]] if n in segment_of_node else "" for n in nodes.tolist())
    return _whole(name, path, cable.node_section[nodes], owner, index)


def _thresholds(capture: Capture) -> Quantity:
    """One for each voltage that NetCons watch, as in NEURON; in the order of their first NetCon."""
    cable, labels = capture.cable, segment_labels(capture)
    segment_of_node = {int(node): i for i, node in enumerate(cable.segment_node)}
    nodes = np.array([node for node, _ in find_sources(capture)], dtype=int)
    owner = tuple(labels[segment_of_node[n]] if n in segment_of_node else "" for n in nodes.tolist())
    return _whole("NetCon.threshold", ("thresholds",), cable.node_section[nodes], owner)


def driven_by_voltages(capture: Capture) -> np.ndarray:
    """Numbers of the connections whose delays have a derivative: those that a voltage drives."""
    return np.array([k for k, c in enumerate(capture.connections) if c.source_node >= 0], dtype=int)


def _of_connections(capture: Capture, name: str, field: str, chosen: np.ndarray) -> Quantity:
    """One for each chosen connection; of a weight vector the first."""
    parts, owner, section = [], [], []
    node_of = {data.name: data.nodes for data in capture.mechanisms}
    rows = {c.target: 0 for c in capture.connections}
    row = []
    for c in capture.connections:
        row.append(rows[c.target])
        rows[c.target] += 1
    connections = [capture.connections[k] for k in chosen]
    for c in connections:
        owner.append(f"NetCon[{c.index}]")
        section.append(int(_sections(capture, node_of[c.target][c.instance])))
    for target in dict.fromkeys(c.target for c in connections):
        position = np.array([k for k, c in enumerate(connections) if c.target == target])
        index = np.array([row[k] for k in chosen[position]])
        parts.append(Part((field, target), position, (index, np.zeros_like(index)) if field == "weights" else (index,)))
    return Quantity(name, len(owner), np.array(section), tuple(owner), tuple(parts))
