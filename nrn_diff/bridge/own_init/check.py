"""The phases, done with NEURON in a copy of the process, must leave what the user's init() leaves in another."""

from __future__ import annotations

import contextlib
import ctypes
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from neuron import h

from mod_translator import ir
from nrn_diff.bridge.native import neuron_library
from nrn_diff.bridge.own_init.log import V_INIT
from nrn_diff.bridge.own_init.objects import without_python
from nrn_diff.bridge.own_init.places import Places
from nrn_diff.bridge.own_init.values import compared
from nrn_diff.events.time_grid import HOC_EPSILON
from nrn_diff.own_init import Assignments, Currents, Formula, Guard, Initialise, Phase, Reference, SetTime, Steps

_OF_RUN = ("t", "dt", "tstop", "v_init", "secondorder", "steps_per_ms")
_FUNCTIONS: Mapping[str, Callable[[float], float]] = {
    "exp": math.exp, "log": math.log, "log10": math.log10, "sqrt": math.sqrt, "sin": math.sin, "cos": math.cos,
    "fabs": abs,
}  # fmt: skip
_OPERATORS: Mapping[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b, "^": math.pow,
    "&&": lambda a, b: float(a != 0 and b != 0), "||": lambda a, b: float(a != 0 or b != 0),
}  # fmt: skip


def prepare(dt: float, tstop: float) -> None:
    """As h.run() begins: with its dt. For a copy of the process only, which draws nothing."""
    library = neuron_library()
    if library is not None and hasattr(library, "hoc_usegui"):
        ctypes.c_int.in_dll(library, "hoc_usegui").value = 0
    h.dt, h.tstop = dt, tstop


def run_users(places: Places, name: str, *, with_steps: bool) -> dict[str, Any]:
    """What the user's procedure leaves, run() before its first step. with_steps: whether it makes steps before that."""
    if name == "run":
        for first in ("step", "continuerun", *(() if with_steps else ("advance",))):
            h(f'proc {first}() {{ execerror("nrn_diff", "stops here") }}')
    with contextlib.suppress(*[RuntimeError] if name == "run" else []):
        without_python(getattr(h, name))()
    return state(places)


def state(places: Places) -> dict[str, Any]:
    """Every number of the model and of the run."""
    return {
        "model": [[_key(x) for x in block.values()] for block in places.blocks],
        "run": [_key(getattr(h, name)) for name in _OF_RUN],
        "shape": [_key(x) for s in places.topology.segments() for x in (s.diam, s.cm)]
        + [_key(x) for s in places.topology.sections for x in (s.L, s.Ra, s.nseg, s.rallbranch)],
    }


def _key(x: float) -> str:
    """Equal for equal bits, but for those of NaN."""
    return float(x).hex()


def difference(one: Mapping[str, Any], other: Mapping[str, Any], places: Places) -> str:
    """The first variable in which two states differ, '' if there is none."""
    for number, (a, b) in enumerate(zip(one["model"], other["model"], strict=True)):
        for k, (x, y) in enumerate(zip(a, b, strict=True)):
            if x != y:
                label = places.blocks[number].at(k)[0]
                return f"{label} ({float.fromhex(x):.17g} and {float.fromhex(y):.17g})"
    for name, x, y in zip(_OF_RUN, one["run"], other["run"], strict=True):
        if x != y:
            return f"{name} ({float.fromhex(x):.17g} and {float.fromhex(y):.17g})"
    return "" if one["shape"] == other["shape"] else "the shape of a section"


class Replay:
    """Does phases with NEURON. For a copy of the process only."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._where: dict[tuple[str, str, str, int, int], tuple[int, int]] = {}
        for number, block in enumerate(places.blocks):
            for k in range(block.size):
                record = block.at(k)[1]
                if record is not None:
                    key = (record.kind, record.owner, record.variable, record.element, record.index)
                    self._where[key] = (number, k)

    def run(self, phases: Sequence[Phase]) -> dict[str, Any] | None:
        """What they leave; None where a Guard does not hold."""
        for phase in phases:
            if isinstance(phase, Guard):
                if (self._computed(phase.condition, 1)[0] != 0) != phase.holds:
                    return None
            else:
                self._do(phase)
        return state(self._places)

    def _do(self, phase: Phase) -> None:
        match phase:
            case Assignments(target, value):
                for (b, k), x in zip(self._at(target), self._computed(value, len(target.index)), strict=True):
                    self._places.blocks[b].write(k, x)
            case Initialise(v):
                h.finitialize(*([] if v is None else self._computed(v, 1)))
            case Currents():
                h.fcurrent()
            case SetTime(t):
                h.t = t
            case Steps(n, dt):
                before, h.dt = h.dt, dt
                for _ in range(n):
                    h.fadvance()
                h.dt = before
            case _:
                h.frecord_init()

    def _at(self, reference: Reference) -> list[tuple[int, int]]:
        r = reference
        return [self._where[(r.kind, r.owner, r.variable, r.element, k)] for k in np.asarray(r.index).tolist()]

    def _values(self, operand: Reference | np.ndarray) -> list[float]:
        if not isinstance(operand, Reference):
            return [float(x) for x in operand]
        if operand.kind == V_INIT:
            return [float(h.v_init)]
        return [self._places.blocks[b].read(k) for b, k in self._at(operand)]

    def _computed(self, formula: Formula, n: int) -> list[float]:
        operands = {name: self._values(x) for name, x in formula.operands.items()}
        return [evaluate(formula.expression, {k: x[i % len(x)] for k, x in operands.items()}) for i in range(n)]


def evaluate(expr: ir.Expr, operands: Mapping[str, float]) -> float:
    """A formula for one entry of its operands, with HOC's arithmetic."""
    match expr:
        case ir.Num(value):
            return value
        case ir.Var(name):
            return operands[name]
        case ir.Unary(op, operand):
            x = evaluate(operand, operands)
            return -x if op == "-" else float(x == 0)
        case ir.Binary(op, left, right) if op not in _OPERATORS:
            return compared(op, evaluate(left, operands), evaluate(right, operands), HOC_EPSILON)
        case ir.Binary(op, left, right):
            return _OPERATORS[op](evaluate(left, operands), evaluate(right, operands))
        case ir.Call(name, (arg,)):
            return _FUNCTIONS[name](evaluate(arg, operands))
    raise TypeError(expr)
