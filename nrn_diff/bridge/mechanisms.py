"""Density mechanisms and located point processes: which IR, where, and every value that HOC can read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from neuron import h

from mod_translator import ir
from nrn_diff.bridge.catalog import MechanismType, Variable
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.topology import Topology
from nrn_diff.snapshot import MechanismData

# These are part of the cable itself (capacitance: cm; morphology: diam).
CABLE_MECHANISMS = frozenset({"morphology", "capacitance"})

_NO_TEXT = {
    "extracellular": ("the extracellular layers are not supported yet", "remove it (uninsert extracellular)"),
    "fastpas": ("it has no NMODL text", "insert pas, which computes the same"),
}


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


def place_of(segment: Any) -> str:
    """'dend[2](0.25)'."""
    return f"{segment.sec.name()}({segment.x:g})"


def locate_density(types: Sequence[MechanismType], topology: Topology) -> list[Located]:
    """Every density mechanism and ion that is inserted somewhere, with its segments in segment order."""
    found = []
    for kind in types:
        if kind.point or kind.name in CABLE_MECHANISMS:
            continue
        holds = np.array([bool(section.has_membrane(kind.name)) for section in topology.sections])
        rows = np.flatnonzero(holds[topology.segment_section])
        if len(rows):
            owners = tuple(topology.sections[topology.segment_section[r]](topology.segment_x[r]) for r in rows)
            places, nodes = tuple(map(place_of, owners)), topology.segment_node[rows]
            found.append(Located(kind, nodes, rows, owners, places, ("",) * len(rows)))
    return found


def locate_points(types: Sequence[MechanismType], topology: Topology) -> list[Located]:
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
            places = tuple(f"{n} at {place_of(s)}" for n, s in zip(labels, segments, strict=True))
            found.append(Located(kind, nodes, rows, owners, places, labels))
    return found


def execution_rank(
    types: Sequence[MechanismType], writes_concentration: Callable[[MechanismType], bool]
) -> dict[str, int]:
    """Position of each mechanism in NEURON's memb_order_ (nrn_writes_conc in init.cpp).

    Ions come first, in the order of their registration. A mechanism that writes a concentration is put right behind the
    ions when it is registered, so of several the last registered comes first. All others follow in type order.
    """
    ions = [t for t in types if t.is_ion]
    writers = [t for t in types if not t.is_ion and writes_concentration(t)]
    first = {t.name for t in ions} | {t.name for t in writers}
    order = [*ions, *reversed(writers), *(t for t in types if t.name not in first)]
    return {t.name: rank for rank, t in enumerate(order)}


def read_values(located: Located, variables: Sequence[Variable], findings: Findings) -> dict[str, np.ndarray]:
    """Live values of `variables` of all instances: name -> [n] or [n, length]. NaN and infinity are refused."""
    values = {}
    for variable in variables:
        rows = [getattr(owner, variable.hoc_name) for owner in located.owners]
        if rows and not isinstance(rows[0], (int, float)) and not variable.length:
            continue  # POINTER and RANDOM variables are no numbers; the translation decides whether they matter
        if variable.length:
            rows = [[row[k] for k in range(variable.length)] for row in rows]
        values[variable.name] = array = np.array(rows, dtype=float)
        for i in np.flatnonzero(~np.isfinite(array.reshape(len(rows), -1)).all(axis=1)):
            findings.finite(array[i], variable.hoc_name, f"{located.places[i]}, mechanism {located.type.name}")
    return values


def read_globals(kind: MechanismType, findings: Findings) -> tuple[dict[str, np.ndarray], bool]:
    """Live GLOBAL values (name -> scalar or [length]) and usetable_<suffix>."""
    values, use_table = {}, False
    for variable in kind.globals_:
        live = getattr(h, variable.hoc_name)
        value = np.array([live[k] for k in range(variable.length)] if variable.length else live, dtype=float)
        if variable.name == "usetable":
            use_table = bool(value)
            continue
        findings.finite(value, variable.hoc_name, f"mechanism {kind.name}")
        values[variable.name] = value
    return values, use_table


class Translator:
    """Lowers each mechanism's embedded NMODL text once; refusals of the translation become refusals of the capture."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._done: dict[str, ir.Mechanism | None] = {}

    def lower(self, kind: MechanismType) -> ir.Mechanism | None:
        """The mechanism's IR, or None after a refusal."""
        if kind.name not in self._done:
            self._done[kind.name] = self._lower(kind)
        return self._done[kind.name]

    def _lower(self, kind: MechanismType) -> ir.Mechanism | None:
        import mod_translator
        from mod_translator.errors import TranslationError, TranslationErrors

        where = f"mechanism {kind.name}"
        if not kind.code:
            why, remedy = _NO_TEXT.get(
                kind.name,
                ("it has no NMODL text, so it was made by the ChannelBuilder (KSChan) or in C", "use a mod file"),
            )
            self._findings.refuse(kind.name, where, why, remedy)
            return None
        try:
            mechanism, report = mod_translator.lower(kind.code, file=kind.file)
        except TranslationErrors as errors:
            self._refuse(where, errors.errors)
        except TranslationError as error:
            self._refuse(where, (error,))
        else:
            for note in report.notes:
                self._findings.note(f"{where}: {note}")
            return mechanism
        return None

    def _refuse(self, where: str, errors: Sequence[Any]) -> None:
        for error in errors:
            line = f"{error.place}" if error.line else kind_file(error.file)
            what = f"{error.kind}{f' [{error.code}]' if error.code else ''}"
            source = f"\n{error.caret}" if error.caret else ""
            self._findings.refuse(what, f"{where}, {line}", f"{error.reason}{source}", error.remedy)


def kind_file(file: str) -> str:
    """The file's name for a message, also when it is not known."""
    return file or "unknown file"


def capture_mechanism(located: Located, mechanism: ir.Mechanism, rank: int, findings: Findings) -> MechanismData:
    """All instances of one translated mechanism with their live values."""
    globals_, use_table = read_globals(located.type, findings)
    values = read_values(located, located.type.instance_variables, findings)
    known = mechanism.symbols
    return MechanismData(
        ir=mechanism,
        rank=rank,
        nodes=located.nodes,
        values={name: value for name, value in values.items() if name in known},
        globals_={name: value for name, value in globals_.items() if name in known},
        use_table=use_table,
        labels=located.labels,
    )
