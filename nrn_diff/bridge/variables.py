"""Every variable of the live model that a Vector may record or be played into, by the place it has in a snapshot."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from neuron import h

from nrn_diff.bridge.catalog import Variable
from nrn_diff.bridge.circuits import LiveCircuit, live_circuits
from nrn_diff.bridge.extracellular import ARRAYS, layered_nodes, n_layers, set_layer_potential
from nrn_diff.bridge.inventory import Inventory, Located, hoc_objects, locate_cells
from nrn_diff.bridge.native import remove_before_step
from nrn_diff.bridge.topology import Topology
from nrn_diff.snapshot import Record

_USE_TABLE = "usetable"

# Far outside of what a model holds, and exact in double precision: of t, and of the first variable.
TIME = 3.0e7
FIRST = TIME + 1
# What a number is multiplied by to be another one, and what zero becomes.
_MOVED, _FROM_ZERO = 1.001, 1e-6


@dataclass(frozen=True)
class Block:
    """One variable of many owners.

    length: 0 for a scalar. describe(row, k) -> (label, record) of element k of an owner; record is None if it is known
    but has no place in a snapshot. put(owner, k, value): where an attribute does not do; such a one is never driven.
    """

    owners: Sequence[Any]
    name: str
    length: int
    describe: Callable[[int, int], tuple[str, Record | None]]
    put: Callable[[Any, int, float], None] | None = None

    @property
    def size(self) -> int:
        """Number of values."""
        return len(self.owners) * (self.length or 1)

    def set(self, first: float) -> None:
        """Write first, first + 1, ... into the values. For a copy of the process only."""
        for row, owner in enumerate(self.owners):
            if self.put is not None:
                for k in range(self.length or 1):
                    self.put(owner, k, first + row * (self.length or 1) + k)
            elif self.length:
                array = getattr(owner, self.name)
                for k in range(self.length):
                    array[k] = first + row * self.length + k
            else:
                setattr(owner, self.name, first + row)

    def values(self) -> list[float]:
        """The present values, in the order of `set`; NaN where there is a `put`."""
        if self.put is not None:
            return [math.nan] * self.size
        if not self.length:
            return [getattr(owner, self.name) for owner in self.owners]
        return [array[k] for array in (getattr(o, self.name) for o in self.owners) for k in range(self.length)]

    def read(self, index: int) -> float:
        """The live value with that number."""
        row, k = divmod(index, self.length or 1)
        live = getattr(self.owners[row], self.name)
        return float(live[k] if self.length else live)

    def write(self, index: int, value: float) -> None:
        """Set the live value with that number. For a copy of the process only."""
        row, k = divmod(index, self.length or 1)
        if self.put is not None:
            self.put(self.owners[row], k, value)
        elif self.length:
            getattr(self.owners[row], self.name)[k] = value
        else:
            setattr(self.owners[row], self.name, value)

    def at(self, index: int) -> tuple[str, Record | None]:
        """`describe` of the value with that number."""
        return self.describe(*divmod(index, self.length or 1))


def fill(blocks: Sequence[Block], first: float) -> None:
    """Put first, first + 1, ... into the variables, one after the other. For a copy of the process only."""
    for block in blocks:
        block.set(first)
        first += block.size


def put_sentinels(blocks: Sequence[Block], section: Any) -> None:
    """Put TIME into t, and FIRST, FIRST + 1, ... into the variables. For a copy of the process only."""
    remove_before_step()
    h.CVode().active(0)  # frecord_init samples only for the fixed step
    h.psection(sec=section)  # brings up to date what NEURON otherwise does in finitialize (verify_structure)
    h.t = TIME
    fill(blocks, FIRST)


class Identify:
    """From a value that was put into a variable to that variable: its label and record, which is None for others."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self._blocks = blocks
        self._ends = list(itertools.accumulate(block.size for block in blocks))

    def __call__(self, value: float) -> tuple[str, Record | None]:
        """See the class."""
        if value == TIME:
            return "t", Record("t", "t")
        index = int(value - FIRST)
        if value == FIRST + index and 0 <= index < (self._ends or [0])[-1]:
            k = bisect.bisect_right(self._ends, index)
            return self._blocks[k].at(index - (self._ends[k - 1] if k else 0))
        return "a variable that the captured model does not hold", None


def every_variable(inventory: Inventory) -> list[Block]:
    """All of them, in the order in which values are put into them."""
    blocks = [
        _voltages(inventory.topology),
        _cm(inventory.topology),
        _celsius(),
        _membrane(inventory.topology, "i_cap"),
    ]
    if h.CVode().use_fast_imem():
        blocks.append(_membrane(inventory.topology, "i_membrane_"))
    blocks += _layers(inventory)
    blocks += [_circuit(circuit) for circuit in live_circuits() or ()]
    blocks += [_weights(k, n) for k, n in enumerate(hoc_objects("NetCon")) if n.wcnt()]
    for make, found in ((_mechanism_variable, inventory.mechanisms), (_ion_variable, inventory.ions)):
        blocks += [make(d, v) for d in found for v in d.type.instance_variables]
    for located in (*inventory.mechanisms, *inventory.ions):
        blocks += [_global(located, v) for v in located.type.globals_ if v.name != _USE_TABLE]
    for located in locate_cells(inventory, inventory.artificial):
        blocks += [_cell_variable(located, v) for v in located.type.instance_variables]
    return blocks


def globals_of_cells(inventory: Inventory) -> list[Block]:
    """GLOBALs of the mechanisms of artificial cells, which POINTERs of such cells may lead to."""
    cells = locate_cells(inventory, inventory.artificial)
    return [_global(located, v) for located in cells for v in located.type.globals_ if v.name != _USE_TABLE]


def _voltages(topology: Topology) -> Block:
    segments = [section(x) for section, x in map(topology.node_place, range(topology.n_nodes))]

    def describe(node: int, _k: int) -> tuple[str, Record | None]:
        label = f"{topology.place(*topology.node_place(node))}.v"
        return label, Record(label, "v", node)

    return Block(segments, "v", 0, describe)


def _cm(topology: Topology) -> Block:
    segments = topology.segments()

    def describe(row: int, _k: int) -> tuple[str, Record | None]:
        label = f"{topology.place(segments[row].sec, segments[row].x)}.cm"
        return label, Record(label, "cm", row)

    return Block(segments, "cm", 0, describe)


def _celsius() -> Block:
    return Block([h], "celsius", 0, lambda _row, _k: ("celsius", Record("celsius", "celsius")))


def _weights(index: int, netcon: Any) -> Block:
    def describe(_row: int, k: int) -> tuple[str, Record | None]:
        label = f"{netcon.hname()}.weight[{k}]"
        return label, Record(label, "weight", index, element=k)

    return Block([netcon], "weight", int(netcon.wcnt()), describe)


def _mechanism_variable(located: Located, variable: Variable) -> Block:
    def describe(row: int, k: int) -> tuple[str, Record | None]:
        name, element = located.type.name, f"[{k}]" if variable.length else ""
        label = f"{located.labels[row] or f'{located.places[row]}.{name}'}.{variable.name}{element}"
        return label, Record(label, "mechanism", row, name, variable.name, k if variable.length else -1)

    return Block(located.owners, variable.hoc_name, variable.length, describe)


def _cell_variable(located: Located, variable: Variable) -> Block:
    def describe(row: int, k: int) -> tuple[str, Record | None]:
        label = f"{located.labels[row]}.{variable.name}{f'[{k}]' if variable.length else ''}"
        element = k if variable.length else -1
        return label, Record(label, "artificial", 0, located.labels[row], variable.name, element)

    return Block(located.owners, variable.hoc_name, variable.length, describe)


def _ion_variable(located: Located, variable: Variable) -> Block:
    name = located.type.name.removesuffix("_ion")
    known = {f"{name}i": "inside", f"{name}o": "outside", f"e{name}": "erev", f"i{name}": "current"}.get(variable.name)

    def describe(row: int, _k: int) -> tuple[str, Record | None]:
        label = f"{located.places[row]}.{variable.name}"
        return label, Record(label, "ion", row, name, known) if known else None

    return Block(located.owners, variable.hoc_name, variable.length, describe)


def _global(located: Located, variable: Variable) -> Block:
    def describe(_row: int, k: int) -> tuple[str, Record | None]:
        label = f"{variable.hoc_name}[{k}]" if variable.length else variable.hoc_name
        if located.type.is_ion:
            name = located.type.name.removesuffix("_ion")
            start = {f"{name}i0_{name}_ion": "inside0", f"{name}o0_{name}_ion": "outside0"}.get(variable.name)
            return label, Record(label, "start", 0, name, start) if start else None
        return label, Record(label, "global", 0, located.type.name, variable.name, k if variable.length else -1)

    return Block([h], variable.hoc_name, variable.length, describe)


def _membrane(topology: Topology, variable: str) -> Block:
    nodes = topology.segment_node if variable == "i_cap" else np.arange(topology.n_nodes)
    segments = [section(x) for section, x in map(topology.node_place, nodes.tolist())]

    def describe(row: int, _k: int) -> tuple[str, Record | None]:
        label = f"{topology.place(segments[row].sec, segments[row].x)}.{variable}"
        return label, Record(label, "membrane", int(nodes[row]), variable=variable)

    def put(owner: Any, _k: int, value: float) -> None:
        getattr(owner, f"_ref_{variable}")[0] = value

    return Block(segments, variable, 0, describe, put)


def _layers(inventory: Inventory) -> list[Block]:
    """The variables of extracellular; vext also at the ends of sections."""
    located, topology, count = inventory.extracellular, inventory.topology, n_layers()
    if located is None:
        return []
    owners, places, segment_node = located.owners, located.places, located.nodes
    nodes = layered_nodes(inventory)
    ends = [topology.node_place(node) for node in nodes.tolist()]

    def vext(row: int, k: int) -> tuple[str, Record | None]:
        label = f"{topology.place(*ends[row])}.vext[{k}]"
        return label, Record(label, "vext", int(nodes[row]), variable="vext", element=k)

    def put(end: tuple[Any, float], k: int, value: float) -> None:
        set_layer_potential(*end, k, value)

    def battery(row: int, _k: int) -> tuple[str, Record | None]:
        label = f"{places[row]}.e_extracellular"
        return label, Record(label, "e_extracellular", row)

    def current(row: int, _k: int) -> tuple[str, Record | None]:
        label = f"{places[row]}.i_membrane"
        return label, Record(label, "membrane", int(segment_node[row]), variable="i_membrane")

    return [
        Block(ends, "vext", count, vext, put),
        Block(owners, "e_extracellular", 0, battery),
        Block(owners, "i_membrane", 0, current),
        *(_of_layers(owners, places, name, count) for name in ARRAYS),
        *(_unknown(owners, places, name) for name in ("sav_g", "sav_rhs")),
    ]


def _circuit(circuit: LiveCircuit) -> Block:
    def describe(_row: int, k: int) -> tuple[str, Record | None]:
        label = f"{circuit.name}.y[{k}]"
        return label, Record(label, "circuit", k, circuit.name)

    def put(y: Any, k: int, value: float) -> None:
        y[k] = value

    return Block([circuit.y], "y", int(circuit.y.size()), describe, put)


def _of_layers(owners: Sequence[Any], places: Sequence[str], name: str, count: int) -> Block:
    def describe(row: int, k: int) -> tuple[str, Record | None]:
        label = f"{places[row]}.{name}[{k}]"
        return label, None if name == "xraxial" else Record(label, "layer", row, variable=name, element=k)

    return Block(owners, name, count, describe)


def _unknown(owners: Sequence[Any], places: Sequence[str], name: str) -> Block:
    """Something that a snapshot does not hold, so that a refusal can name it."""
    return Block(owners, name, 0, lambda row, _k: (f"{places[row]}.{name}" if places[row] else name, None))


def move(blocks: Iterable[Block], *, zeros: bool, kept: Collection[str] = ()) -> None:
    """Change every number a little, zeros too if asked, but none of `kept`. For a copy of the process only."""
    for block in blocks:
        if block.put is not None or block.name in kept:
            continue
        for k in range(block.size):
            old = block.read(k)
            if math.isfinite(old) and (old or zeros):
                block.write(k, old * _MOVED if old else _FROM_ZERO)


def thresholds(inventory: Inventory) -> Block:
    """Of NetCons. Those that watch one voltage share it; of one that watches none it has no place in a snapshot."""
    # NEURON ends the process where the threshold is read of a NetCon whose section was deleted.
    netcons = [n for n in hoc_objects("NetCon") if n.valid() or n.preseg() is not None]
    topology = inventory.topology
    segments = [netcon.preseg() for netcon in netcons]
    nodes = [-1 if s is None else topology.node_of(s.sec, s.x) for s in segments]

    def describe(row: int, _k: int) -> tuple[str, Record | None]:
        node = nodes[row]
        label = f"{netcons[row if node < 0 else nodes.index(node)].hname()}.threshold"
        return label, None if node < 0 else Record(label, "threshold", node)

    return Block(netcons, "threshold", 0, describe)


def never_driven(inventory: Inventory) -> list[Block]:
    """What Vectors cannot be played into, so that a refusal can name it. Only to be read."""
    topology, netcons = inventory.topology, [n for n in hoc_objects("NetCon") if n.valid()]
    segments = topology.segments()
    names, at = [n.hname() for n in netcons], [topology.place(s.sec, s.x) for s in segments]
    sections = [topology.place(s, 0.5).rpartition("(")[0] for s in topology.sections]
    blocks = [_unknown(netcons, names, "delay"), _unknown(segments, at, "diam")]
    blocks += [_unknown(topology.sections, sections, name) for name in ("Ra", "L", "rallbranch")]
    process = [name for name in ("dt", "t", "secondorder", "v_init", "tstop") if hasattr(h, name)]
    return [*blocks, *(_unknown([h], [""], name) for name in process)]
