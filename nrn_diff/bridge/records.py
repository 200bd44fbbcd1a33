"""Which Vector records what: in a copy of the process unique values are put everywhere, and NEURON samples them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from neuron import h

from nrn_diff.bridge.catalog import Variable
from nrn_diff.bridge.circuits import LiveCircuit, live_circuits
from nrn_diff.bridge.extracellular import ARRAYS, layered_nodes, n_layers, set_layer_potential
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.forked import in_copy
from nrn_diff.bridge.inventory import Inventory, Located, hoc_objects, place_of
from nrn_diff.bridge.play_record import Kind, play_record_kinds
from nrn_diff.bridge.topology import Topology
from nrn_diff.snapshot import Record

# Far outside of what a model holds, and exact in double precision: of t, and of the first variable.
_TIME = 3.0e7
FIRST = _TIME + 1


@dataclass(frozen=True)
class Block:
    """One variable of many owners, each of which a Vector may record.

    length: 0 for a scalar. describe(row, k) -> (label, record) of element k of an owner; record is None if it is known
    but not recorded here. put(owner, k, value): where an attribute does not do.
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
        """The present values, in the order of `set`."""
        if not self.length:
            return [float(getattr(owner, self.name)) for owner in self.owners]
        return [float(getattr(owner, self.name)[k]) for owner in self.owners for k in range(self.length)]

    def at(self, index: int) -> tuple[str, Record | None]:
        """`describe` of the value with that number."""
        return self.describe(*divmod(index, self.length or 1))


def _voltages(topology: Topology) -> Block:
    segments = [section(x) for section, x in map(topology.node_place, range(topology.n_nodes))]

    def describe(node: int, _k: int) -> tuple[str, Record | None]:
        label = f"{place_of(segments[node])}.v"
        return label, Record(label, "v", node)

    return Block(segments, "v", 0, describe)


def _mechanism_variable(located: Located, variable: Variable) -> Block:
    def describe(row: int, k: int) -> tuple[str, Record | None]:
        name, element = located.type.name, f"[{k}]" if variable.length else ""
        label = f"{located.labels[row] or f'{located.places[row]}.{name}'}.{variable.name}{element}"
        return label, Record(label, "mechanism", row, name, variable.name, k if variable.length else -1)

    return Block(located.owners, variable.hoc_name, variable.length, describe)


def _ion_variable(located: Located, variable: Variable) -> Block:
    name = located.type.name.removesuffix("_ion")
    known = {f"{name}i": "inside", f"{name}o": "outside", f"e{name}": "erev", f"i{name}": "current"}.get(variable.name)

    def describe(row: int, _k: int) -> tuple[str, Record | None]:
        label = f"{located.places[row]}.{variable.name}"
        return label, Record(label, "ion", row, name, known) if known else None

    return Block(located.owners, variable.hoc_name, variable.length, describe)


def _membrane(topology: Topology, variable: str) -> Block:
    nodes = topology.segment_node if variable == "i_cap" else np.arange(topology.n_nodes)
    segments = [section(x) for section, x in map(topology.node_place, nodes.tolist())]

    def describe(row: int, _k: int) -> tuple[str, Record | None]:
        label = f"{place_of(segments[row])}.{variable}"
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
        label = f"{place_of(ends[row][0](ends[row][1]))}.vext[{k}]"
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
        *(_fixed(owners, name, count) for name in ARRAYS),
        *(_fixed(owners, name) for name in ("sav_g", "sav_rhs")),
    ]


def _circuit(circuit: LiveCircuit) -> Block:
    def describe(_row: int, k: int) -> tuple[str, Record | None]:
        label = f"{circuit.name}.y[{k}]"
        return label, Record(label, "circuit", k, circuit.name)

    def put(y: Any, k: int, value: float) -> None:
        y[k] = value

    return Block([circuit.y], "y", int(circuit.y.size()), describe, put)


def _fixed(owners: Sequence[Any], name: str, length: int = 0) -> Block:
    """Something that does not change during a run, so that a refusal can name it."""

    def describe(row: int, k: int) -> tuple[str, Record | None]:
        owner = owners[row]
        place = place_of(owner) if hasattr(owner, "sec") else owner.hname()
        return f"{place}.{name}{f'[{k}]' if length else ''}", None

    return Block(owners, name, length, describe)


def recordable(inventory: Inventory) -> list[Block]:
    """Everything that a Vector may record, in the order in which values are put into it."""
    segments = inventory.topology.segments()
    blocks = [_voltages(inventory.topology), _fixed(segments, "cm"), _membrane(inventory.topology, "i_cap")]
    if h.CVode().use_fast_imem():
        blocks.append(_membrane(inventory.topology, "i_membrane_"))
    blocks += _layers(inventory)
    blocks += [_circuit(circuit) for circuit in live_circuits() or ()]
    blocks += [_fixed([n], "weight", int(n.wcnt())) for n in hoc_objects("NetCon") if n.wcnt()]
    for make, found in ((_mechanism_variable, inventory.mechanisms), (_ion_variable, inventory.ions)):
        blocks += [make(d, v) for d in found for v in d.type.instance_variables]
    return blocks


def put_sentinels(blocks: Sequence[Block], section: Any) -> None:
    """Put FIRST, FIRST + 1, ... into the variables, one after the other. For a copy of the process only."""
    h.CVode().active(0)  # frecord_init samples only for the fixed step
    h.psection(sec=section)  # brings up to date what NEURON otherwise does in finitialize (verify_structure)
    h.t = _TIME
    first = FIRST
    for block in blocks:
        block.set(first)
        first += block.size


def _sample(blocks: Sequence[Block], vectors: Sequence[Any], section: Any) -> list[tuple[int, float]]:
    """Length and first value of each Vector after NEURON recorded the sentinels. For a copy of the process only."""
    put_sentinels(blocks, section)
    for vector in vectors:
        # A Vector that records has one value after frecord_init, one that records at given times none.
        if vector.size() < 2:
            vector.resize(2)
    h.frecord_init()
    return [(int(v.size()), float(v.x[0]) if v.size() else 0.0) for v in vectors]


def _vector_name(vector: Any) -> str:
    label = vector.label()
    return f"{vector.hname()}{f' ({label!r})' if label else ''}"


def find_records(inventory: Inventory, findings: Findings) -> tuple[Record, ...]:
    """What every recording Vector of the live model records, in the order of h.List('Vector').

    Refuses Vector.play, Vector.record at given times or intervals, and variables that the snapshot does not hold.
    """
    kinds = play_record_kinds()
    plays = int(np.isin(kinds, [Kind.PLAY_STEP, Kind.PLAY_CONTINUOUS]).sum())
    if plays:
        findings.refuse(
            f"Vector.play ({plays} of them)",
            "",
            "a Vector that drives a variable is not supported yet",
            "use IClamp or SEClamp, or stop it with vector.play_remove()",
        )
    if not np.isin(kinds, [Kind.RECORD, Kind.RECORD_T, Kind.RECORD_EVERY, Kind.RECORD_AT_TIMES]).any():
        return ()
    blocks, vectors = recordable(inventory), hoc_objects("Vector")
    samples = in_copy(lambda: _sample(blocks, vectors, inventory.topology.sections[0]))
    records = _match(blocks, vectors, samples, findings)
    expected = int(np.isin(kinds, [Kind.RECORD, Kind.RECORD_T]).sum())
    if sum(size == 1 for size, _ in samples) != expected:
        findings.refuse(
            f"{expected} Vectors record, but NEURON shows {sum(size == 1 for size, _ in samples)} of them",
            "Vector.record",
            "what they record cannot be found out",
            "record with one Vector for each variable, made by Vector.record",
        )
    return records


def identify(blocks: Sequence[Block], value: float) -> tuple[str, Record | None]:
    """The variable into which `value` was put."""
    if value == _TIME:
        return "t", Record("t", "t")
    index = int(value - FIRST)
    if value == FIRST + index and index >= 0:
        for block in blocks:
            if index < block.size:
                return block.at(index)
            index -= block.size
    return "a variable that the captured model does not hold", None


def _match(
    blocks: Sequence[Block],
    vectors: Sequence[Any],
    samples: Sequence[Sequence[float]],
    findings: Findings,
) -> tuple[Record, ...]:
    records: list[Record] = []
    timed_names = []
    for vector, (size, first) in zip(vectors, samples, strict=True):
        if size == 0:
            timed_names.append(_vector_name(vector))
        if size != 1:
            continue
        label, record = identify(blocks, first)
        if record is None:
            findings.refuse(
                f"{_vector_name(vector)} records {label}",
                _vector_name(vector),
                "recorded are t, voltages, currents of ions and of the membrane, and variables of mechanisms",
                f"stop it with {vector.hname()}.play_remove(), or record another variable",
            )
        else:
            records.append(replace(record, vector=vector.hname()))
    if timed_names:
        findings.refuse(
            "Vector.record with an interval or with times",
            ", ".join(timed_names),
            "recording other than at every step is not supported yet",
            "record at every step: vector.record(reference)",
        )
    return _unique_labels(records)


def _unique_labels(records: Sequence[Record]) -> tuple[Record, ...]:
    """Python may give several sections one name: the second quantity of a label becomes 'soma(0.5).v #2'."""
    known: dict[str, list[Record]] = {}
    unique = []
    for record in records:
        same = known.setdefault(record.label, [])
        quantity = replace(record, vector="")
        if quantity not in same:
            same.append(quantity)
        number = same.index(quantity) + 1
        unique.append(replace(record, label=f"{record.label} #{number}") if number > 1 else record)
    return tuple(unique)
