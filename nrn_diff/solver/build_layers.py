"""Structure and values of the extracellular layers."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from nrn_diff.snapshot import Capture
from nrn_diff.solver.contraction import Schedule
from nrn_diff.solver.incidence import Incidence
from nrn_diff.solver.layered_solve import LayeredTree
from nrn_diff.solver.structure import ExtracellularStructure
from nrn_diff.solver.values import Layers


def layered_row(capture: Capture, row: np.ndarray) -> np.ndarray:
    """Node -> row among those with layers (in the order of the tree's rows), -1 for none; [n_nodes]."""
    found = np.full(len(row), -1)
    if capture.extracellular is not None:
        nodes = capture.extracellular.layered
        found[nodes[np.argsort(row[nodes])]] = np.arange(len(nodes))
    return found


def build_extracellular(capture: Capture, tree: Schedule, row: np.ndarray) -> ExtracellularStructure | None:
    """None without layers. row: node -> row of the tree."""
    given, cable = capture.extracellular, capture.cable
    if given is None:
        return None
    outer = layered_row(capture, row)
    nodes, n = tree.order[outer[tree.order] >= 0], len(given.nodes)
    segment = np.full(len(row), -1)
    segment[given.nodes] = np.arange(n)
    parent = cable.parent[nodes]
    above = np.maximum(parent, 0)
    same = (parent >= 0) & (cable.node_section[above] == cable.node_section[nodes])
    return ExtracellularStructure(
        LayeredTree(tree, Incidence(row[nodes], len(row)), given.xraxial.shape[1]),
        Incidence(np.where(parent >= 0, outer[above], -1), len(nodes)),
        Incidence(segment[nodes], n),
        Incidence(np.where(same, segment[above], -1), n),
    )


def build_layers(capture: Capture, row: np.ndarray) -> Layers | None:
    """The numbers of the layers; None without them. row: node -> row of the tree."""
    given, cable = capture.extracellular, capture.cable
    if given is None:
        return None
    section = cable.node_section[given.nodes]
    half_length = 0.5e-4 * cable.L[section] / cable.nseg[section]
    left = np.zeros(len(given.layered))
    left[layered_row(capture, row)[given.layered]] = given.left
    numbers = (given.xraxial, given.xg, given.xc, given.e_extracellular, half_length, left)
    return Layers(*(jnp.asarray(x, dtype=jnp.float64) for x in numbers))
