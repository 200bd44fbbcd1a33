"""The currents through the membrane that NEURON keeps beside the variables of mechanisms."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from neuron import h

from nrn_diff.bridge.inventory import Inventory
from nrn_diff.solver.structure import Structure

Array = np.ndarray


def membrane_currents(inventory: Inventory, structure: Structure) -> dict[str, jax.Array]:
    """As they are in NEURON now, by name, [rows]: i_cap, i_membrane (mA/cm2), i_membrane_ (nA); 0 where it has none."""
    topology, n_rows = inventory.topology, len(structure.row_of_node)
    currents = {}
    for name, nodes in _nodes(inventory).items():
        now = np.zeros(n_rows)
        for node in nodes.tolist():
            section, x = topology.node_place(node)
            now[structure.row_of_node[node]] = getattr(section(x), name)
        currents[name] = jnp.asarray(now)
    return currents


def set_membrane_currents(inventory: Inventory, structure: Structure, currents: Mapping[str, jax.Array]) -> None:
    """Leave them in NEURON. currents: name -> [rows]."""
    topology = inventory.topology
    for name, nodes in _nodes(inventory).items():
        now = np.asarray(currents[name])[structure.row_of_node]
        for node in nodes.tolist():
            section, x = topology.node_place(node)
            setattr(section(x), name, float(now[node]))


def _nodes(inventory: Inventory) -> dict[str, Array]:
    """i_cap; i_membrane where extracellular is inserted; i_membrane_ if NEURON computes it."""
    topology, outside = inventory.topology, inventory.extracellular
    fast = bool(h.CVode().use_fast_imem())
    return {
        "i_cap": topology.segment_node,
        "i_membrane": np.zeros(0, int) if outside is None else outside.nodes,
        "i_membrane_": np.arange(topology.n_nodes if fast else 0),
    }
