"""From a label like 'soma(0.5).v' to the quantity that it names."""

from __future__ import annotations

import re

import numpy as np

from mod_translator import ir
from nrn_diff.errors import ParameterError
from nrn_diff.quantities import segment_labels
from nrn_diff.section_names import common
from nrn_diff.snapshot import Capture, Extracellular, Record

_CIRCUIT = re.compile(r"^(?P<name>LinearMechanism\[\d+\])\.y\[(?P<k>\d+)\]$")
_SEGMENT = re.compile(r"^(?P<section>.+)\((?P<x>[-+.\deE]+)\)\.(?P<rest>[^()]+)$")


def find_record(capture: Capture, label: str) -> Record:
    """The Record that `label` names.

    't'; 'sec(x).v'; 'sec(x).mech.variable' or 'sec(x).variable_mech'; 'sec(x).ina', '.ena', '.nai', '.nao';
    'sec(x).i_membrane_' (nA), '.i_cap'; 'sec(x).i_membrane', '.vext[0]', '.e_extracellular' with such layers;
    'Exp2Syn[0].g'; 'LinearMechanism[0].y[1]'; 'IntFire1[0].m' of a cell that given trains drive, if a Vector recorded
    it. x picks the segment as in NEURON. Raises ParameterError if the model has no such thing.
    """
    if label == "t":
        return Record("t", "t")
    given = next((r for r in capture.records if r.kind == "artificial" and r.label == label), None)
    if given is not None:
        return given
    circuit = _CIRCUIT.match(label)
    if circuit:
        return _of_circuit(capture, label, circuit["name"], int(circuit["k"]))
    match = _SEGMENT.match(label)
    record = _of_segment(capture, label, match) if match else _of_point(capture, label)
    if record is None:
        raise ParameterError(f"{label!r} names nothing that this model can record, e.g. {segment_labels(capture)[0]}.v")
    return record


def _of_circuit(capture: Capture, label: str, name: str, k: int) -> Record:
    if not any(c.name == name and k < len(c.b) for c in capture.circuits):
        raise ParameterError(f"{label!r} names no unknown of a LinearMechanism of this model")
    return Record(label, "circuit", k, name)


def _of_point(capture: Capture, label: str) -> Record | None:
    owner, _, variable = label.rpartition(".")
    for data in capture.mechanisms:
        if owner in data.labels and _is_variable(data.ir, variable):
            return Record(label, "mechanism", data.labels.index(owner), data.name, variable)
    return None


def _of_segment(capture: Capture, label: str, match: re.Match[str]) -> Record | None:
    node = _node(capture, match["section"], float(match["x"]))
    if node is None:
        return None
    rest = match["rest"]
    if rest == "v":
        return Record(label, "v", node)
    if rest in ("i_membrane_", "i_cap"):
        return Record(label, "membrane", node, variable=rest)
    if (record := _of_layers(capture.extracellular, label, rest, node)) is not None:
        return record
    for ion in capture.ions:
        fields = {
            f"e{ion.name}": "erev",
            f"i{ion.name}": "current",
            f"{ion.name}i": "inside",
            f"{ion.name}o": "outside",
        }
        rows = np.flatnonzero(ion.nodes == node)
        if rest in fields and len(rows):
            return Record(label, "ion", int(rows[0]), ion.name, fields[rest])
    for data in capture.mechanisms:
        rows = np.flatnonzero(data.nodes == node)
        variable = rest.removeprefix(f"{data.name}.") if "." in rest else rest.removesuffix(f"_{data.name}")
        if data.ir.kind is ir.Kind.DENSITY and variable != rest and len(rows) and _is_variable(data.ir, variable):
            return Record(label, "mechanism", int(rows[0]), data.name, variable)
    return None


def _of_layers(layers: Extracellular | None, label: str, rest: str, node: int) -> Record | None:
    if layers is None or node not in layers.nodes:
        return None
    names = {"vext": 0} | {f"vext[{k}]": k for k in range(layers.xg.shape[1])}
    if rest in names:
        return Record(label, "vext", node, variable="vext", element=names[rest])
    if rest == "i_membrane":
        return Record(label, "membrane", node, variable=rest)
    if rest == "e_extracellular":
        return Record(label, "e_extracellular", int(np.flatnonzero(layers.nodes == node)[0]))
    return None


def _node(capture: Capture, section: str, x: float) -> int | None:
    cable = capture.cable
    if section not in cable.section_names:
        if several := [name for name in cable.section_names if common(name) == section]:
            raise ParameterError(f"{len(several)} sections are called {section}: here {', '.join(several[:3])}, ...")
        return None
    if not 0 <= x <= 1:
        return None
    index = cable.section_names.index(section)
    if x in (0.0, 1.0):
        return None
    mine = np.flatnonzero(cable.segment_section == index)
    return int(cable.segment_node[mine[min(int(x * len(mine)), len(mine) - 1)]])


def _is_variable(mechanism: ir.Mechanism, name: str) -> bool:
    symbol = mechanism.symbols.get(name)
    if symbol is None or symbol.length:
        return False
    # A mechanism has its own copy of the ion current that it writes.
    return symbol.role is ir.Role.INSTANCE or name in {current.name for current in mechanism.currents}
