"""Sections, segments and nodes of the live model, in the order that `snapshot.Cable` documents."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from neuron import h

from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.forked import ChildFailedError, in_copy
from nrn_diff.bridge.frusta import area_and_ri, make_frusta, pieces_of_cylinders, pieces_of_points
from nrn_diff.bridge.shape import segment_ends
from nrn_diff.section_names import stable
from nrn_diff.snapshot import Cable, Frusta

ZERO_AREA = 100.0  # nrn_area_ri in treeset.cpp: "last segment has 0 length. area is 1e2 in dimensionless units"


@dataclass(frozen=True)
class Topology:
    """Where each node of the live model is.

    sections: h.allsec(). segment_section, segment_x, segment_node [n_segments]: in segment order. section_segment: the
    first segment of each section. parent_node, far_node [n_sections]: the node that a section hangs on (its root node
    if it has no parent) and the zero-area node at its other end. parent, node_section [n_nodes].
    """

    sections: tuple[Any, ...]
    orientation: tuple[int, ...]
    section_index: dict[Any, int]
    segment_section: np.ndarray
    segment_x: np.ndarray
    segment_node: np.ndarray
    section_segment: np.ndarray
    parent_node: np.ndarray
    far_node: np.ndarray
    parent: np.ndarray
    node_section: np.ndarray

    @property
    def n_nodes(self) -> int:
        """Number of nodes, zero-area ones included."""
        return len(self.parent)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the sections; no two are the same."""
        return stable([section.name() for section in self.sections])

    def place(self, section: Any, x: float) -> str:
        """'dend[2](0.25)'."""
        return f"{self.names[self.section_index[section]]}({x:g})"

    def segments(self) -> list[Any]:
        """Every segment, in segment order."""
        return [self.sections[i](x) for i, x in zip(self.segment_section, self.segment_x, strict=True)]

    def segment_of(self, section: Any, x: float) -> int:
        """The segment that holds `x`, 0 and 1 included (node_index in cabcode.cpp)."""
        i = self.section_index[section]
        nseg = int(self.sections[i].nseg)
        return int(self.section_segment[i]) + min(int(nseg * x), nseg - 1)

    def node_of(self, section: Any, x: float) -> int:
        """The node at `x`; 0 and 1 are the zero-area nodes (node_exact in cabcode.cpp)."""
        i = self.section_index[section]
        if x in (0.0, 1.0):
            return int(self.parent_node[i] if x == self.orientation[i] else self.far_node[i])
        return int(self.segment_node[self.segment_of(section, x)])

    def node_place(self, node: int) -> tuple[Any, float]:
        """A section and x from which NEURON reaches `node`."""
        i = int(self.node_section[node])
        section = self.sections[i]
        if node == self.far_node[i]:
            return section, float(1 - self.orientation[i])
        if node == self.parent_node[i]:
            return section, float(self.orientation[i])
        first = int(self.section_segment[i])
        # The nodes of a section are consecutive, in the direction of its orientation.
        along = node - int(self.far_node[i]) + int(section.nseg)
        return section, float(self.segment_x[first + (int(section.nseg) - 1 - along if self.orientation[i] else along)])


def _parents_first(sections: tuple[Any, ...], index: dict[Any, int]) -> list[int]:
    """Section indices with each parent before its children, otherwise in the given order."""
    placed: set[int] = set()
    order: list[int] = []
    for start in range(len(sections)):
        chain = []
        i: int | None = start
        while i is not None and i not in placed:
            chain.append(i)
            seg = sections[i].parentseg()
            i = None if seg is None else index[seg.sec]
        for j in reversed(chain):
            placed.add(j)
            order.append(j)
    return order


def read_topology(sections: tuple[Any, ...]) -> Topology:
    """Number the nodes of `sections` (all of h.allsec()), parents before children. Changes nothing in NEURON."""
    index = {section: i for i, section in enumerate(sections)}
    orientation = tuple(int(section.orientation()) for section in sections)
    nsegs = [int(section.nseg) for section in sections]
    first = np.concatenate([[0], np.cumsum(nsegs)]).astype(int)
    x = np.array([seg.x for section in sections for seg in section])
    segment_node = np.full(first[-1], -1)
    parent_node = np.full(len(sections), -1)
    far_node = np.full(len(sections), -1)
    parent: list[int] = []
    owner: list[int] = []

    def add(of: int, section: int) -> int:
        parent.append(of)
        owner.append(section)
        return len(parent) - 1

    def attachment(i: int) -> int:
        seg = sections[i].parentseg()
        if seg is None:
            return add(-1, i)
        j, at = index[seg.sec], seg.x
        if at in (0.0, 1.0):
            return int(parent_node[j] if at == orientation[j] else far_node[j])
        return int(segment_node[first[j] + min(int(nsegs[j] * at), nsegs[j] - 1)])

    for i in _parents_first(sections, index):
        node = parent_node[i] = attachment(i)
        along = range(first[i], first[i + 1])
        # A section attached by its 1 end is numbered from there: segment 1 - dx/2 comes first.
        for segment in reversed(along) if orientation[i] else along:
            node = segment_node[segment] = add(int(node), i)
        far_node[i] = add(int(node), i)
    return Topology(
        sections=sections,
        orientation=orientation,
        section_index=index,
        segment_section=np.repeat(np.arange(len(sections)), nsegs),
        segment_x=x,
        segment_node=segment_node,
        section_segment=first[:-1],
        parent_node=parent_node,
        far_node=far_node,
        parent=np.array(parent, dtype=int),
        node_section=np.array(owner, dtype=int),
    )


def _geometry(topology: Topology) -> dict[str, Any]:
    """Area, ri, diam, ends of segments, ri of far nodes, L, 3-D points, distances; for a copy of the process only."""
    # What finitialize does first: recompute the geometry if anything changed, as of now and for all sections alike.
    h.psection(sec=topology.sections[0])
    segments = topology.segments()
    far = [section(1 - end) for section, end in zip(topology.sections, topology.orientation, strict=True)]
    return {
        "area": [seg.area() for seg in segments],
        "ri": [seg.ri() for seg in segments],
        "diam": [seg.diam for seg in segments],
        "far_ri": [seg.ri() for seg in far],
        "L": [section.L for section in topology.sections],
        "arc": [[s.arc3d(k) for k in range(s.n3d())] for s in topology.sections],
        "points": [[s.diam3d(k) for k in range(s.n3d())] for s in topology.sections],
        "distance": _distances(topology),
        # Last, as it may lay out 3-D points.
        "ends": segment_ends(topology.sections),
    }


def _distances(topology: Topology) -> list[float]:
    """h.distance from the root of its tree to each node."""
    places = [topology.node_place(node) for node in range(topology.n_nodes)]
    root = np.arange(topology.n_nodes)
    for node, parent in enumerate(topology.parent.tolist()):
        root[node] = root[parent] if parent >= 0 else node
    ends = {node: section(x) for node, (section, x) in enumerate(places) if topology.parent[node] < 0}
    return [h.distance(ends[root[node]], section(x)) for node, (section, x) in enumerate(places)]


def _shapes(topology: Topology, geometry: dict[str, Any], area: np.ndarray, ri: np.ndarray) -> Frusta:
    """What NEURON sums over; nothing for a section whose sums are not NEURON's (spines)."""
    found, first_node = [], []
    diam = dict(zip(topology.segment_node.tolist(), geometry["diam"], strict=True))
    for i, section in enumerate(topology.sections):
        nseg = int(section.nseg)
        nodes = np.arange(topology.far_node[i] - nseg, topology.far_node[i] + 1)
        first_node.append(int(nodes[0]))
        pieces = (
            pieces_of_points(geometry["arc"][i], geometry["points"][i], nseg)
            if len(geometry["arc"][i]) > 1
            else pieces_of_cylinders(geometry["L"][i], [diam[n] for n in nodes[:-1].tolist()])
        )
        own_area, own_ri = area_and_ri(pieces, nseg, float(section.Ra))
        same = np.allclose(own_area, area[nodes[:-1]], rtol=1e-10) and np.allclose(own_ri, ri[nodes], rtol=1e-10)
        found.append(pieces if same else [])
    points = np.array([len(arc) > 1 for arc in geometry["arc"]])
    return replace(make_frusta(found, first_node, topology.segment_node), points=points)


_NOTICED = 1e-9  # of the membrane, in a step: voltages then differ by about 1e-6 mV
_LOST = 1e-3


def read_cable(topology: Topology, findings: Findings) -> Cable | None:
    """The live cable parameters, with the geometry that the next finitialize will use.

    Refuses NaN and infinity, Ra and L that are not positive; None if NEURON rejects the geometry.
    """
    sections, n = topology.sections, topology.n_nodes
    try:
        geometry = in_copy(partial(_geometry, topology))
    except ChildFailedError as error:
        findings.refuse("geometry", "", f"NEURON does not take it: {error}", "check diam and L of every section")
        return None
    area, ri, v = np.full(n, ZERO_AREA), np.zeros(n), np.zeros(n)
    area[topology.segment_node], ri[topology.segment_node] = geometry["area"], geometry["ri"]
    ri[topology.far_node] = geometry["far_ri"]
    for node in range(n):
        section, x = topology.node_place(node)
        v[node] = section(x).v
    has_area = np.zeros(n, dtype=bool)
    has_area[topology.segment_node] = True
    segments = topology.segments()
    cable = Cable(
        section_names=topology.names,
        nseg=np.array([int(section.nseg) for section in sections]),
        Ra=np.array([section.Ra for section in sections], dtype=float),
        L=np.array(geometry["L"]),
        segment_section=topology.segment_section,
        segment_x=topology.segment_x,
        segment_node=topology.segment_node,
        cm=np.array([seg.cm for seg in segments], dtype=float),
        diam=np.array(geometry["diam"]),
        parent=topology.parent,
        node_section=topology.node_section,
        area=area,
        ri=ri,
        has_area=has_area,
        v=v,
        ends=np.array(geometry["ends"]),
        frusta=_shapes(topology, geometry, area, ri),
        distance=np.array(geometry["distance"]),
        near_end=np.array(topology.orientation, dtype=float),
        rallbranch=np.array([section.rallbranch for section in sections], dtype=float),
    )
    _check(cable, topology, findings)
    return cable


def mind_small_resistances(cable: Cable, topology: Topology, dt: float, findings: Findings, *, coupled: bool) -> Cable:
    """The cable with NEURON's order of nodes, if the membrane of a cell is lost in rounding beside axial conductances.

    There NEURON's own result follows the order of its sums (ModelDB 64296: Ra = 1e-7 ohm cm). Refuses what is beyond
    that. coupled: whether nodes are coupled otherwise too (extracellular layers, LinearMechanisms), which refuses all.
    A short piece among others is no such case: its neighbours hold it, and what rounding does to it is nothing to them
    (ModelDB 119283: a soma of 0.01 um).
    """
    with np.errstate(divide="ignore"):
        axial = np.where(cable.parent >= 0, 1.0 / cable.ri, 0.0)  # uS
    membrane = np.zeros_like(axial)  # uS: what the capacitance is in one step
    membrane[cable.segment_node] = 1e-5 * np.abs(cable.cm) * cable.area[cable.segment_node] / dt
    lost = _lost(axial, membrane, cable.parent)[cable.segment_node]
    lost[~np.isfinite(lost)] = 0.0
    if not (lost > _NOTICED).any():
        return cable
    bad = lost > (_NOTICED if coupled else _LOST)
    for section in np.unique(cable.segment_section[bad]).tolist():
        findings.refuse(
            f"Ra = {cable.Ra[section]:g} ohm cm",
            cable.section_names[section],
            "the axial resistance is so small that rounding in NEURON's matrix changes what the membrane does, by "
            f"{lost[bad & (cable.segment_section == section)].max():.0e} of it in each step",
            "take a larger Ra: with 0.1 ohm cm the voltages along a section are nearly as equal",
        )
    return replace(cable, turn=neurons_order(topology))


def neurons_order(topology: Topology) -> np.ndarray:
    """The place of each node in NEURON's order, [n_nodes]: cell by cell, sections in breadth, roots before all.

    (reorder_secorder in src/nrnoc/multicore.cpp)
    """
    roots = [i for i, section in enumerate(topology.sections) if section.parentseg() is None]
    order = [int(topology.parent_node[i]) for i in roots]
    for root in roots:
        queue = deque([root])
        while queue:
            i = queue.popleft()
            order += range(int(topology.far_node[i]) - int(topology.sections[i].nseg), int(topology.far_node[i]) + 1)
            queue.extend(topology.section_index[child] for child in topology.sections[i].children())
    turn = np.empty(topology.n_nodes, int)
    turn[order] = np.arange(topology.n_nodes)
    return turn


def _lost(axial: np.ndarray, membrane: np.ndarray, parent: np.ndarray) -> np.ndarray:
    """How much the voltages of a step change, relatively, where rounding changes the diagonal of NEURON's matrix.

    [n_nodes]: the solution x of M x = e, where M is the matrix of one implicit step of the passive cable and e the
    rounding of its diagonal, eps times the axial conductance. All in uS.
    """
    e = np.finfo(float).eps * axial
    held = membrane.copy()  # diagonal less the conductance to the parent, which would be lost in it
    for node in range(len(parent) - 1, -1, -1):
        if parent[node] >= 0 and axial[node] > 0:
            share = axial[node] / (axial[node] + held[node])
            held[parent[node]] += held[node] * share
            e[parent[node]] += e[node] * share
    x = np.zeros_like(e)
    with np.errstate(divide="ignore", invalid="ignore"):
        for node in range(len(parent)):
            above = axial[node] * x[parent[node]] if parent[node] >= 0 else 0.0
            x[node] = (e[node] + above) / (axial[node] + held[node])
    return x


def _check(cable: Cable, topology: Topology, findings: Findings) -> None:
    for i, name in enumerate(cable.section_names):
        for variable, value in (("Ra", cable.Ra[i]), ("L", cable.L[i])):
            findings.finite(value, variable, name)
            if np.isfinite(value) and value <= 0:
                findings.refuse(
                    f"{variable} = {value:g}", name, "it must be positive", f"set {variable} of this section"
                )
    for variable, values in (("cm", cable.cm), ("diam", cable.diam)):
        for bad in np.flatnonzero(~np.isfinite(values)).tolist():
            where = topology.sections[cable.segment_section[bad]]
            findings.finite(values[bad], variable, topology.place(where, cable.segment_x[bad]))
