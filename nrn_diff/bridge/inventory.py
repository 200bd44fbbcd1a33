"""What there is in the process: sections, inserted mechanisms, ions, point processes, artificial cells."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from neuron import h

from nrn_diff.bridge.catalog import MechanismType, mechanism_types
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.topology import Topology, read_topology

# These are part of the cable itself (capacitance: cm; morphology: diam).
EXTRACELLULAR = "extracellular"
CABLE_MECHANISMS = frozenset({"morphology", "capacitance"})


@dataclass(frozen=True)
class Located:
    """Instances of one mechanism.

    owners: the objects whose attributes are the values (segments or point processes). segments: -1 for a point process
    at an end of a section, which sits on a zero-area node.
    """

    type: MechanismType
    nodes: np.ndarray
    segments: np.ndarray
    owners: tuple[Any, ...]
    places: tuple[str, ...]
    labels: tuple[str, ...]


def hoc_objects(class_name: str) -> list[Any]:
    """Every live object of a HOC class, in the order of creation."""
    objects = h.List(class_name)
    return [objects.o(i) for i in range(int(objects.count()))]


def _locate_density(types: Sequence[MechanismType], topology: Topology) -> list[Located]:
    """Every density mechanism and ion that is inserted somewhere, with its segments in segment order."""
    found = []
    for kind in types:
        if kind.point or kind.name in CABLE_MECHANISMS:
            continue
        holds = np.array([bool(section.has_membrane(kind.name)) for section in topology.sections])
        rows = np.flatnonzero(holds[topology.segment_section])
        if len(rows):
            owners = tuple(topology.sections[topology.segment_section[r]](topology.segment_x[r]) for r in rows)
            places, nodes = tuple(topology.place(s.sec, s.x) for s in owners), topology.segment_node[rows]
            found.append(Located(kind, nodes, rows, owners, places, ("",) * len(rows)))
    return found


def _locate_points(types: Sequence[MechanismType], topology: Topology) -> list[Located]:
    """Every point process that is located in a section, in the order of creation."""
    found = []
    for kind in types:
        if not kind.point or kind.artificial:
            continue
        owners = tuple(o for o in hoc_objects(kind.name) if o.has_loc())
        if owners:
            segments = [o.get_segment() for o in owners]
            nodes = np.array([topology.node_of(s.sec, s.x) for s in segments])
            segment_at = dict(zip(topology.segment_node.tolist(), range(len(topology.segment_node)), strict=True))
            rows = np.array([segment_at.get(int(n), -1) for n in nodes])
            labels = tuple(o.hname() for o in owners)
            places = tuple(f"{n} at {topology.place(s.sec, s.x)}" for n, s in zip(labels, segments, strict=True))
            found.append(Located(kind, nodes, rows, owners, places, labels))
    return found


@dataclass(frozen=True)
class Inventory:
    """Everything of the live model that has values, as NEURON objects; lives no longer than one call.

    artificial: name -> (type, object), by type, then in the order of creation. extracellular: its segments, if any.
    """

    types: tuple[MechanismType, ...]
    topology: Topology
    density: tuple[Located, ...]
    ions: tuple[Located, ...]
    points: tuple[Located, ...]
    artificial: dict[str, tuple[MechanismType, Any]]
    extracellular: Located | None = None

    @property
    def mechanisms(self) -> tuple[Located, ...]:
        """Density mechanisms and point processes, in the order of NEURON's type numbers."""
        return tuple(sorted((*self.density, *self.points), key=lambda d: d.type.internal_type))

    @cached_property
    def instances(self) -> dict[str, tuple[str, int]]:
        """Name of a located point process -> (mechanism, row)."""
        return {label: (d.type.name, row) for d in self.points for row, label in enumerate(d.labels)}


def locate_cells(inventory: Inventory, labels: Collection[str]) -> tuple[Located, ...]:
    """The artificial cells of these names, by type; they are at no node (-1)."""
    found: dict[str, list[str]] = {}
    for label, (kind, _) in inventory.artificial.items():
        if label in labels:
            found.setdefault(kind.name, []).append(label)
    made = []
    for names in found.values():
        kind, nowhere = inventory.artificial[names[0]][0], np.full(len(names), -1)
        owners = tuple(inventory.artificial[name][1] for name in names)
        made.append(Located(kind, nowhere, nowhere, owners, tuple(names), tuple(names)))
    return tuple(made)


def take_inventory(findings: Findings) -> Inventory | None:
    """Find what is there. Refuses a process without sections, and returns None."""
    sections = tuple(h.allsec())
    if not sections:
        remedy = "build the model before capture; of a script that opens a panel, say what its button calls: --then HOC"
        findings.refuse("no sections", "", "there is no model in this NEURON process", remedy)
        return None
    h.CVode().current_method()  # brings NEURON's order of nodes up to date with the sections
    if hoc_objects("KSChan"):
        with contextlib.suppress(ValueError):  # NEURON shows Python the channels that HOC made only when it fails here
            sections[0].uninsert("no such mechanism")
    types = mechanism_types()
    topology = read_topology(sections)
    inserted = _locate_density(types, topology)
    return Inventory(
        types=types,
        topology=topology,
        density=tuple(d for d in inserted if not d.type.is_ion and d.type.name != EXTRACELLULAR),
        ions=tuple(d for d in inserted if d.type.is_ion),
        points=tuple(_locate_points(types, topology)),
        artificial={o.hname(): (t, o) for t in types if t.artificial for o in hoc_objects(t.name)},
        extracellular=next((d for d in inserted if d.type.name == EXTRACELLULAR), None),
    )
