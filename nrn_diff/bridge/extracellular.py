"""The extracellular layers of the live model."""

from __future__ import annotations

from typing import Any

import numpy as np
from neuron import h

from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.inventory import Inventory
from nrn_diff.bridge.topology import Topology
from nrn_diff.snapshot import Extracellular

ARRAYS = ("xraxial", "xg", "xc")


def n_layers() -> int:
    """`nlayer_extracellular` of NEURON."""
    return int(h.nlayer_extracellular())


def layer_potential(section: Any, x: float, layer: int) -> float:
    """vext (mV). Through HOC: in Python vext[1] is vext[0], which NEURON 9.0.2 reads and writes whatever the index."""
    section.push()
    h(f"hoc_ac_ = vext[{layer}]({x!r})")
    h.pop_section()
    return float(h.hoc_ac_)


def set_layer_potential(section: Any, x: float, layer: int, value: float) -> None:
    """Write vext (mV)."""
    section.push()
    h(f"vext[{layer}]({x!r}) = {value!r}")
    h.pop_section()


def layered_nodes(inventory: Inventory) -> np.ndarray:
    """Every node with layers: the segments, and the ends of their sections, [m] (extcell_2d_alloc in extcelln.cpp)."""
    topology, located = inventory.topology, inventory.extracellular
    if located is None:
        return np.zeros(0, int)
    sections = np.unique(topology.segment_section[located.segments])
    roots = [topology.parent_node[i] for i in sections if topology.sections[i].parentseg() is None]
    return np.unique(np.concatenate([located.nodes, topology.far_node[sections], np.array(roots, int)]))


def read_extracellular(inventory: Inventory, findings: Findings) -> Extracellular | None:
    """The live layers, None if no section has them. Refuses what is not finite, and layers without a way to ground."""
    located = inventory.extracellular
    if located is None:
        return None
    count = n_layers()
    values = {}
    for name in ARRAYS:
        values[name] = np.array([[getattr(o, name)[k] for k in range(count)] for o in located.owners], dtype=float)
    battery = np.array([owner.e_extracellular for owner in located.owners], dtype=float)
    for row, place in enumerate(located.places):
        for name in ARRAYS:
            findings.finite(values[name][row], name, place)
        findings.finite(battery[row], "e_extracellular", place)
        for k in np.flatnonzero(values["xraxial"][row] <= 0).tolist():
            findings.refuse(
                f"xraxial[{k}] = {values['xraxial'][row, k]:g}", place, "it must be positive", "set xraxial there"
            )
    layered = layered_nodes(inventory)
    ends = [inventory.topology.node_place(node) for node in layered.tolist()]
    left = np.array([layer_potential(section, x, 0) for section, x in ends])
    found = Extracellular(located.nodes, values["xraxial"], values["xg"], values["xc"], battery, layered, left)
    _check_ground(inventory.topology, found, findings)
    return found


def _check_ground(topology: Topology, layers: Extracellular, findings: Findings) -> None:
    """Refuse cells from which no current flows to ground: NEURON's matrix is singular then."""
    count = layers.xg.shape[1]
    joined = list(range(topology.n_nodes * (count + 1) + 1))
    ground = len(joined) - 1

    def find(i: int) -> int:
        while joined[i] != i:
            joined[i] = joined[joined[i]]
            i = joined[i]
        return i

    def join(i: int, j: int) -> None:
        joined[find(i)] = find(j)

    def unknown(node: int, layer: int) -> int:
        return node * (count + 1) + layer

    layered = set(layers.layered.tolist())
    for node, parent in enumerate(topology.parent.tolist()):
        if parent >= 0:
            for layer in range(1 + count if node in layered and parent in layered else 1):
                join(unknown(node, layer), unknown(parent, layer))
    for node in set(topology.segment_node.tolist()) - layered:
        join(unknown(node, 0), ground)
    conducts = (layers.xg != 0) | (layers.xc != 0)
    for row, node in enumerate(layers.nodes.tolist()):
        join(unknown(node, 0), unknown(node, 1))
        for k in np.flatnonzero(conducts[row]).tolist():
            join(unknown(node, k + 1), unknown(node, k + 2) if k + 1 < count else ground)
    loose: dict[int, int] = {}
    for node in layers.layered.tolist():
        for layer in range(1 + count):
            if (group := find(unknown(node, layer))) != find(ground):
                loose.setdefault(group, node)
    for node in loose.values():
        findings.refuse(
            "extracellular layers without a connection to ground",
            f"{topology.place(*topology.node_place(node))} and what is connected to it",
            "xg and xc are 0, so that no current flows to ground and NEURON's matrix is singular",
            "set xg or xc of each layer in at least one segment",
        )
