"""Which Vector records what: in a copy of the process unique values are put everywhere, and NEURON samples them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from neuron import h

from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.forked import in_copy
from nrn_diff.bridge.inventory import Inventory, Located, hoc_objects, place_of
from nrn_diff.bridge.play_record import Kind, play_record_kinds
from nrn_diff.bridge.topology import Topology
from nrn_diff.snapshot import Record

# Far outside of what a model holds, and exact in double precision.
_FIRST = 3.0e7


@dataclass(frozen=True)
class Candidate:
    """A variable that a Vector may record. record is None if it is known but cannot be recorded here."""

    reference: Any
    label: str
    record: Record | None


def _voltages(topology: Topology) -> list[Candidate]:
    found = []
    for node in range(topology.n_nodes):
        section, x = topology.node_place(node)
        segment = section(x)
        label = f"{place_of(segment)}.v"
        found.append(Candidate(segment._ref_v, label, Record(label=label, kind="v", index=node)))
    return found


def _variables(located: Located) -> list[Candidate]:
    name, found = located.type.name, []
    for variable in located.type.instance_variables:
        for row, owner in enumerate(located.owners):
            live = getattr(owner, variable.hoc_name)
            if not isinstance(live, float) and not variable.length:
                continue
            place = located.labels[row] or f"{located.places[row]}.{name}"
            for k in range(variable.length or 1):
                label = f"{place}.{variable.name}" + (f"[{k}]" if variable.length else "")
                element = k if variable.length else -1
                record = Record(label, "mechanism", row, name, variable.name, element)
                reference = getattr(owner, f"_ref_{variable.hoc_name}")
                found.append(Candidate(reference[k] if variable.length else reference, label, record))
    return found


def _ion_variables(located: Located) -> list[Candidate]:
    name, found = located.type.name.removesuffix("_ion"), []
    meaning = {f"{name}i": "inside", f"{name}o": "outside", f"e{name}": "erev", f"i{name}": "current"}
    for variable in located.type.instance_variables:
        for row, segment in enumerate(located.owners):
            label = f"{located.places[row]}.{variable.name}"
            known = meaning.get(variable.name)
            record = Record(label, "ion", row, name, known) if known else None
            found.append(Candidate(getattr(segment, f"_ref_{variable.hoc_name}"), label, record))
    return found


def _others(topology: Topology) -> list[Candidate]:
    """Variables of the snapshot that do not change during a run, so that a refusal can name them."""
    found = [Candidate(s._ref_cm, f"{place_of(s)}.cm", None) for s in topology.segments()]
    found += [Candidate(s._ref_i_cap, f"{place_of(s)}.i_cap", None) for s in topology.segments()]
    for netcon in hoc_objects("NetCon"):
        for k in range(int(netcon.wcnt())):
            found.append(Candidate(netcon._ref_weight[k], f"{netcon.hname()}.weight[{k}]", None))
    return found


def _sample(candidates: Sequence[Candidate], vectors: Sequence[Any], section: Any) -> list[tuple[int, float]]:
    """Length and first value of each Vector after NEURON recorded the sentinels. For a copy of the process only."""
    h.CVode().active(0)  # frecord_init samples only for the fixed step
    h.psection(sec=section)  # brings up to date what NEURON otherwise does in finitialize (verify_structure)
    for i, candidate in enumerate(candidates):
        candidate.reference[0] = _FIRST + 1 + i
    for vector in vectors:
        # A Vector that records has one value after frecord_init, one that records at given times none.
        if vector.size() < 2:
            vector.resize(2)
    h.t = _FIRST
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
    candidates = _voltages(inventory.topology) + _others(inventory.topology)
    for located in inventory.mechanisms:
        candidates += _variables(located)
    for located in inventory.ions:
        candidates += _ion_variables(located)
    vectors = hoc_objects("Vector")
    samples = in_copy(lambda: _sample(candidates, vectors, inventory.topology.sections[0]))
    records = _match(candidates, vectors, samples, findings)
    expected = int(np.isin(kinds, [Kind.RECORD, Kind.RECORD_T]).sum())
    if sum(size == 1 for size, _ in samples) != expected:
        findings.refuse(
            f"{expected} Vectors record, but NEURON shows {sum(size == 1 for size, _ in samples)} of them",
            "Vector.record",
            "what they record cannot be found out",
            "record with one Vector for each variable, made by Vector.record",
        )
    return records


def _match(
    candidates: Sequence[Candidate],
    vectors: Sequence[Any],
    samples: Sequence[Sequence[float]],
    findings: Findings,
) -> tuple[Record, ...]:
    records: list[Record] = []
    timed_names = []
    for vector, (size, first) in zip(vectors, samples, strict=True):
        name = _vector_name(vector)
        if size == 0:
            timed_names.append(name)
        if size != 1:
            continue
        index = int(first - _FIRST) - 1 if _FIRST <= first <= _FIRST + len(candidates) else -2
        candidate = candidates[index] if index >= 0 else None
        if first == _FIRST:
            records.append(Record("t", "t", vector=vector.hname()))
        elif candidate is None or candidate.record is None:
            recorded = candidate.label if candidate else "a variable that the captured model does not hold"
            findings.refuse(
                f"{name} records {recorded}",
                name,
                "recorded are t, voltages, ion variables and the variables of mechanisms and point processes",
                f"stop it with {vector.hname()}.play_remove(), or record another variable",
            )
        else:
            records.append(replace(candidate.record, vector=vector.hname()))
    if timed_names:
        findings.refuse(
            "Vector.record with an interval or with times",
            ", ".join(timed_names),
            "recording other than at every step is not supported yet",
            "record at every step: vector.record(reference)",
        )
    return tuple(records)
