"""Along which segments the states of a mechanism diffuse (longdifusalloc in src/nrnoc/ldifus.cpp)."""

from __future__ import annotations

import numpy as np

from nrn_diff.errors import CaptureError, Refusal
from nrn_diff.snapshot import Cable, MechanismData
from nrn_diff.solver.contraction import contract
from nrn_diff.solver.incidence import Incidence
from nrn_diff.solver.structure import DiffusionStructure


def build_diffusion(cable: Cable, data: MechanismData) -> DiffusionStructure | None:
    """None if nothing diffuses. Raises CaptureError for what has no clear neighbours."""
    if not data.ir.diffusions:
        return None
    if any(data.labels):
        raise _refused(data, "in a point process", "several of them can sit in one segment", "use a density mechanism")
    order = np.argsort(data.nodes)
    nodes = data.nodes[order]
    place = np.full(len(cable.parent), -1)
    place[nodes] = np.arange(len(nodes))
    parent = np.array([_parent(cable, data, place, int(node)) for node in nodes], dtype=np.int64)
    section = cable.node_section[nodes]
    dx = (cable.L / cable.nseg)[section]
    of_parent = dx[parent]
    coupled = parent >= 0
    above = np.where(coupled, 2.0 * cable.branches[nodes] / of_parent / (dx + of_parent), 0.0)
    below = np.where(coupled, 2.0 / dx / (dx + of_parent), 0.0)
    tree = contract(parent)
    rows = tree.order
    return DiffusionStructure(tree, Incidence(order[rows], len(order)), above[rows], below[rows])


def _parent(cable: Cable, data: MechanismData, place: np.ndarray, node: int) -> int:
    """The place of what NEURON takes for the parent of a segment, -1 for none. place [n_nodes]: -1 without it."""
    above = int(cable.parent[node])
    if place[above] >= 0:
        return int(place[above])
    further = int(cable.parent[above])
    if further >= 0 and place[further] >= 0:
        return int(place[further])
    # What hangs on the beginning of another section goes to the first segment of that section.
    section = cable.node_section[node]
    beside = [int(n) for n in np.flatnonzero(cable.parent == above) if cable.node_section[n] != section]
    beside = [n for n in beside if place[n] >= 0]
    if further < 0:
        owner = cable.node_section[above]
        return next((int(place[n]) for n in beside if cable.node_section[n] == owner), -1)
    if beside:
        where = cable.section_names[section]
        raise _refused(
            data, f"at the beginning of {where}", "which section is its parent is not known", "insert it there"
        )
    return -1


def _refused(data: MechanismData, what: str, why: str, remedy: str) -> CaptureError:
    where = f"mechanism {data.name}, {data.ir.file}"
    return CaptureError([Refusal(f"LONGITUDINAL_DIFFUSION {what}", where, why, remedy)])
