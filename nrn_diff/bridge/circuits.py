"""The LinearMechanisms of the live model, whose matrices only NEURON's memory shows (src/nrniv/linmod1.cpp)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from neuron import h

from nrn_diff.bridge.extracellular import layered_nodes, n_layers, set_layer_potential
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.forked import ChildFailedError, in_copy
from nrn_diff.bridge.inventory import Inventory, hoc_objects
from nrn_diff.bridge.native import addresses, read_word
from nrn_diff.snapshot import Circuit

# Members of struct LinearMechanism behind its table of virtual functions, in words.
_C, _G, _Y, _Y0, _B, _COUNT, _CALLABLE = range(2, 9)
_STEP = 2.0**-30


@dataclass(frozen=True)
class LiveCircuit:
    """The objects that a LinearMechanism was made of. y0 may be None; count: of the nodes; calls: it has a callable."""

    name: str
    c: Any
    g: Any
    y: Any
    y0: Any
    b: Any
    count: int
    calls: bool


def live_circuits() -> list[LiveCircuit] | None:
    """Every valid LinearMechanism in the order of creation; None if this build of NEURON does not show them."""
    circuits = hoc_objects("LinearMechanism")
    if not circuits:
        return []
    known: dict[int, Any] = {0: None}
    for kind in ("Matrix", "Vector"):
        places = addresses(kind)
        if places is None or len(places) != len(hoc_objects(kind)):
            return None
        known.update(zip(places, hoc_objects(kind), strict=True))
    places = addresses("LinearMechanism")
    if places is None or len(places) != len(circuits):
        return None
    found = []
    for live, at in zip(circuits, places, strict=True):
        if not live.valid():
            continue
        parts = [read_word(at + 8 * k) for k in (_C, _G, _Y, _Y0, _B)]
        if any(part not in known for part in parts):
            return None
        count = read_word(at + 8 * _COUNT) & 0xFFFFFFFF
        c, g, y, y0, b = (known[part] for part in parts)
        found.append(LiveCircuit(live.hname(), c, g, y, y0, b, count, bool(read_word(at + 8 * _CALLABLE))))
    return found


def vectors_of_circuits() -> set[str]:
    """HOC names of the Vectors that LinearMechanisms were made of: NEURON ends where their sizes are not those."""
    parts = (part for c in live_circuits() or () for part in (c.y, c.y0, c.b))
    return {part.hname() for part in parts if part is not None}


def malformed_circuits(findings: Findings) -> bool:
    """Whether there are circuits whose matrices and Vectors do not fit together. Refuses them."""
    found = False
    for circuit in live_circuits() or ():
        n = int(circuit.y.size())
        sizes = {name: (int(m.nrow()), int(m.ncol())) for name, m in (("c", circuit.c), ("g", circuit.g))}
        of_vectors = {"y0": circuit.y0, "b": circuit.b}
        wrong = [
            f"{name} is {rows} x {columns}" for name, (rows, columns) in sizes.items() if (rows, columns) != (n, n)
        ]
        wrong += [f"{k} has {int(v.size())}" for k, v in of_vectors.items() if v is not None and v.size() != n]
        if circuit.count > n:
            wrong.append(f"it is connected to {circuit.count} places")
        if wrong:
            findings.refuse(
                f"{circuit.name} whose parts do not fit together",
                circuit.name,
                f"y has {n} elements, but {', '.join(wrong)}: NEURON ends the process",
                "give c and g as many rows and columns, and b and y0 as many elements, as y has",
            )
            found = True
    return found


def read_circuits(
    inventory: Inventory, secondorder: int, findings: Findings, *, from_now: bool = False
) -> tuple[Circuit, ...]:
    """The circuits with their numbers, and where they are connected. Refuses what changes during a run.

    from_now: y0 is what y is now.
    """
    live = live_circuits()
    if live is None:
        findings.refuse("LinearMechanism", "", "this build of NEURON does not show its matrices", "remove it")
        return ()
    if not live:
        return ()
    if secondorder:
        findings.refuse(
            f"LinearMechanism with secondorder = {secondorder}", live[0].name, "NEURON refuses it", "h.secondorder = 0"
        )
    for circuit in live:
        if circuit.calls:
            findings.refuse(
                f"{circuit.name} with a callable",
                circuit.name,
                "its code runs in every step and may change the circuit",
                "give constant matrices and leave the callable out",
            )
    by_vector: dict[str, str] = {}
    for circuit in live:
        other = by_vector.setdefault(circuit.y.hname(), circuit.name)
        if other != circuit.name:
            both = f"{other} and {circuit.name}"
            findings.refuse(f"{both} with the same y", both, "each overwrites the other's", "give each its own y")
    places = _connections(live, inventory, findings)
    return tuple(
        _read(circuit, circuit.y if from_now else circuit.y0, at, findings)
        for circuit, at in zip(live, places, strict=True)
        if at is not None
    )


def put_circuits(y: Mapping[str, np.ndarray]) -> None:
    """Set the live unknowns of the circuits, by name."""
    for circuit in live_circuits() or ():
        for k, value in enumerate(y[circuit.name].tolist()):
            circuit.y[k] = value


def _read(circuit: LiveCircuit, start: Any, at: list[tuple[int, int]], findings: Findings) -> Circuit:
    n = int(circuit.b.size())
    square = lambda m: np.array([[m.getval(i, j) for j in range(n)] for i in range(n)])  # noqa: E731
    y0 = np.zeros(n) if start is None else np.array(start, dtype=float)
    numbers = {"c": square(circuit.c), "g": square(circuit.g), "b": np.array(circuit.b, dtype=float), "y0": y0}
    for name, value in numbers.items():
        findings.finite(value, name, circuit.name)
    nodes, layers = (np.array([place[k] for place in at], dtype=int) for k in range(2))
    return Circuit(circuit.name, numbers["c"], numbers["g"], numbers["b"], numbers["y0"], nodes, layers)


def _connections(
    live: list[LiveCircuit], inventory: Inventory, findings: Findings
) -> list[list[tuple[int, int]] | None]:
    """(node, layer) of each of the first equations of each circuit: in a copy, potentials tell them apart."""
    try:
        samples = in_copy(lambda: _sample(live, inventory))
    except ChildFailedError as error:
        findings.refuse("LinearMechanism", live[0].name, f"NEURON does not compute it: {error}", "remove it")
        return [None for _ in live]
    known = {value: place for place, value in _potentials(inventory)}
    found: list[list[tuple[int, int]] | None] = []
    for circuit, values in zip(live, samples, strict=True):
        places = [known.get(value) for value in values]
        if None in places:
            findings.refuse(
                f"{circuit.name} connected to a layer that is not there",
                circuit.name,
                "equation "
                + ", ".join(str(i) for i, p in enumerate(places) if p is None)
                + " has no unknown of a cell",
                "insert extracellular there, or use layer 0",
            )
            found.append(None)
        else:
            found.append([place for place in places if place is not None])
    return found


def _potentials(inventory: Inventory) -> list[tuple[tuple[int, int], float]]:
    """(node, layer) -> the potential that a circuit sees there in the copy; layer 0 is inside."""
    layered, count, out = set(layered_nodes(inventory).tolist()), n_layers(), []
    for node in range(inventory.topology.n_nodes):
        out.append(((node, 0), -65.0 + _STEP * node + (1.0 + _STEP * node if node in layered else 0.0)))
        if node in layered:
            out += [((node, k + 1), k + 1.0 + _STEP * node) for k in range(count)]
    return out


def _sample(live: list[LiveCircuit], inventory: Inventory) -> list[list[float]]:
    topology, layered = inventory.topology, set(layered_nodes(inventory).tolist())
    h.psection(sec=topology.sections[0])
    for node in range(topology.n_nodes):
        section, x = topology.node_place(node)
        section(x).v = -65.0 + _STEP * node
        for k in range(n_layers()) if node in layered else ():
            set_layer_potential(section, x, k, k + 1.0 + _STEP * node)
    for circuit in live:
        circuit.y.fill(-1e9)
    h.fcurrent()
    return [[float(circuit.y[i]) for i in range(circuit.count)] for circuit in live]
