"""The live NEURON model as a `Capture`: the run that h.run() would make, from finitialize(v_init) to tstop."""

from __future__ import annotations

from dataclasses import dataclass

from neuron import h

from nrn_diff.bridge.catalog import MechanismType, mechanism_types
from nrn_diff.bridge.clock import read_clock
from nrn_diff.bridge.connections import capture_connections, find_artificial, read_wires
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.ions import capture_ion
from nrn_diff.bridge.mechanisms import (
    Located,
    Translator,
    capture_mechanism,
    execution_rank,
    locate_density,
    locate_points,
)
from nrn_diff.bridge.records import find_records
from nrn_diff.bridge.refuse import check_process
from nrn_diff.bridge.topology import Topology, read_cable, read_topology
from nrn_diff.snapshot import Capture


@dataclass(frozen=True)
class LiveModel:
    """What was found in the process, as NEURON objects; lives no longer than one call."""

    types: tuple[MechanismType, ...]
    topology: Topology
    density: tuple[Located, ...]
    ions: tuple[Located, ...]
    points: tuple[Located, ...]


def read_live_model(findings: Findings) -> LiveModel:
    """Find sections, mechanisms and point processes. Raises CaptureError at once if there are no sections."""
    sections = tuple(h.allsec())
    if not sections:
        findings.refuse("no sections", "", "there is no model in this NEURON process", "build the model before capture")
        findings.raise_if_refused()
    types = mechanism_types()
    topology = read_topology(sections)
    inserted = locate_density(types, topology)
    return LiveModel(
        types=types,
        topology=topology,
        density=tuple(d for d in inserted if not d.type.is_ion),
        ions=tuple(d for d in inserted if d.type.is_ion),
        points=tuple(locate_points(types, topology)),
    )


def capture_snapshot(tstop: float | None = None, dt: float | None = None) -> Capture:
    """Read the live NEURON model into plain arrays and the mechanisms' IR.

    tstop, dt (ms): of the run to capture; None: what h.run() would use (stdrun.hoc's setdt included). Nothing in NEURON
    changes, also if an error is raised. Raises CaptureError, which lists everything that cannot be reproduced.
    """
    findings = Findings()
    model = read_live_model(findings)
    check_process(model.topology, findings)
    clock = read_clock(tstop, dt, findings)
    cable = read_cable(model.topology, findings)

    translator = Translator(findings)
    inserted = (*model.density, *model.points)
    lowered = {d.type.name: m for d in inserted if (m := translator.lower(d.type)) is not None}
    ions = tuple(capture_ion(d, model.topology, model.density, model.points, lowered, findings) for d in model.ions)
    rank = execution_rank(
        [*(d.type for d in model.ions), *sorted((d.type for d in inserted), key=lambda t: t.internal_type)],
        lambda t: t.name in lowered and any(use.writes_concentration for use in lowered[t.name].ions),
    )
    mechanisms = tuple(
        capture_mechanism(d, lowered[d.type.name], rank[d.type.name], findings)
        for d in sorted(inserted, key=lambda d: rank[d.type.name])
        if d.type.name in lowered
    )
    instances = {label: (d.type.name, row) for d in model.points for row, label in enumerate(d.labels)}
    artificial = {name: live for name, (_, live) in find_artificial(model.types).items()}
    wires = read_wires(artificial, model.topology, findings)
    connections, trains = capture_connections(wires, model.types, instances, clock.tstop, translator, findings)
    records = find_records(model.topology, model.density, model.points, model.ions, findings)
    findings.raise_if_refused()
    return Capture(
        cable=cable,
        ions=ions,
        mechanisms=mechanisms,
        connections=connections,
        trains=trains,
        records=records,
        celsius=float(h.celsius),
        v_init=clock.v_init,
        dt=clock.dt,
        tstop=clock.tstop,
        secondorder=clock.secondorder,
        notes=findings.notes,
    )
