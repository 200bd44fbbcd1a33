"""What init() sets to plain numbers before its first finitialize() stands in a snapshot too."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mod_translator import ir
from nrn_diff.own_init import Assignments, Initialise, OwnInit, Reference
from nrn_diff.snapshot import Capture, Connection, Ion, MechanismData


def with_constants(capture: Capture, own_init: OwnInit | None) -> Capture:
    """The capture with these numbers and with the phases."""
    if own_init is None:
        return capture
    for phase in own_init.phases:
        if isinstance(phase, Initialise):
            break
        numbers = _numbers(phase) if isinstance(phase, Assignments) else None
        if isinstance(phase, Assignments) and numbers is not None:
            capture = _with(capture, phase.target, numbers)
    return replace(capture, own_init=own_init)


def _numbers(phase: Assignments) -> np.ndarray | None:
    """What is assigned, [n]; None if it depends on variables of the model."""
    expression, n = phase.value.expression, len(phase.target.index)
    if isinstance(expression, ir.Num):
        return np.full(n, expression.value)
    operand = phase.value.operands.get(expression.name) if isinstance(expression, ir.Var) else None
    return operand if isinstance(operand, np.ndarray) else None


def _with(capture: Capture, target: Reference, numbers: np.ndarray) -> Capture:
    if target.kind == "v":
        return replace(capture, cable=replace(capture.cable, v=_put(capture.cable.v, target, numbers)))
    if target.kind in ("ion", "start"):
        return replace(capture, ions=tuple(_of_ion(ion, target, numbers) for ion in capture.ions))
    if target.kind == "celsius":
        return replace(capture, celsius=float(numbers[-1]))
    if target.kind == "weight":
        return replace(capture, connections=tuple(_of_netcon(c, target, numbers) for c in capture.connections))
    return replace(capture, mechanisms=tuple(_of_mechanism(data, target, numbers) for data in capture.mechanisms))


def _of_ion(ion: Ion, target: Reference, numbers: np.ndarray) -> Ion:
    if ion.name != target.owner:
        return ion
    old = getattr(ion, target.variable)
    new: Any = float(numbers[-1]) if target.kind == "start" else _put(old, target, numbers)
    changed: dict[str, Any] = {target.variable: new}
    return replace(ion, **changed)


def _of_netcon(connection: Connection, target: Reference, numbers: np.ndarray) -> Connection:
    weight = np.array(connection.weight, dtype=float)
    weight[target.element] = dict(zip(np.asarray(target.index).tolist(), numbers, strict=True)).get(
        connection.index, weight[target.element]
    )
    return replace(connection, weight=weight)


def _of_mechanism(data: MechanismData, target: Reference, numbers: np.ndarray) -> MechanismData:
    name = target.variable
    if data.name != target.owner:
        return data
    if target.kind == "mechanism" and name in data.values:
        return replace(data, values={**data.values, name: _put(data.values[name], target, numbers)})
    if target.kind == "global" and name in data.globals_:
        value = np.array(data.globals_[name], dtype=float)
        value[target.element if target.element >= 0 else ()] = numbers[-1]
        return replace(data, globals_={**data.globals_, name: value})
    return data


def _put(values: np.ndarray, target: Reference, numbers: np.ndarray) -> np.ndarray:
    values = np.array(values, dtype=float)
    values[(target.index, target.element) if target.element >= 0 else target.index] = numbers
    return values
