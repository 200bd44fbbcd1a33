"""Structure and values of the linear circuits."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from nrn_diff.snapshot import Capture
from nrn_diff.solver.structure import CircuitStructure
from nrn_diff.solver.values import Circuit


def build_circuits(capture: Capture, row: np.ndarray, layered: np.ndarray) -> CircuitStructure | None:
    """None without circuits. row, layered [n_nodes]: row of the tree, and layered row, of each node."""
    if not capture.circuits:
        return None
    layers = 0 if capture.extracellular is None else capture.extracellular.xg.shape[1]
    unknowns = [
        np.where(c.layers == 0, row[c.nodes], len(row) + layered[c.nodes] * layers + c.layers - 1)
        for c in capture.circuits
    ]
    touched = np.unique(np.concatenate(unknowns)).astype(int)
    place, size = {}, len(touched)
    for circuit, own in zip(capture.circuits, unknowns, strict=True):
        further = len(circuit.b) - len(own)
        place[circuit.name] = np.concatenate([np.searchsorted(touched, own), size + np.arange(further)])
        size += further
    return CircuitStructure(touched, place, size)


def build_circuit_values(capture: Capture) -> dict[str, Circuit] | None:
    """The numbers of the circuits; None without them."""
    numbers = {c.name: Circuit(*(jnp.asarray(x, jnp.float64) for x in (c.c, c.g, c.b, c.y0))) for c in capture.circuits}
    return numbers or None
