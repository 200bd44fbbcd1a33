"""What a script's own init() does, as data: phases between the numbers of a model and its first step.

A model whose script leaves stdrun.hoc's init() as it is has none of them: finitialize(v_init) is meant. Formulas are
scalar expressions over the names of their operands, for each entry of the operands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from mod_translator import ir
from nrn_diff.events.time_grid import time_grid

Array = np.ndarray


@dataclass(frozen=True)
class Reference:
    """One variable of several owners. kind, owner, variable, element, and index [n] are those of `snapshot.Record`.

    kind may also be 'v_init' (no index: one number).
    """

    kind: str
    owner: str = ""
    variable: str = ""
    element: int = -1
    index: Array = field(default_factory=lambda: np.zeros(1, dtype=int))


@dataclass(frozen=True)
class Formula:
    """expression: of + - * / ^, comparisons and intrinsics over the names of `operands`; numbers [n] where those differ
    from place to place, references [n] to what the variables hold when the formula is evaluated.
    """

    expression: ir.Expr
    operands: Mapping[str, Reference | Array]


@dataclass(frozen=True)
class Assignments:
    """Variables take new values, all at once: every formula is evaluated before anything is set."""

    target: Reference
    value: Formula


@dataclass(frozen=True)
class Initialise:
    """finitialize(v): every INITIAL block. v (mV): a formula of one entry; None: the present voltages."""

    v: Formula | None


@dataclass(frozen=True)
class Currents:
    """fcurrent(): the currents at the present voltages and states."""


@dataclass(frozen=True)
class SetTime:
    """t (ms) is set."""

    t: float


@dataclass(frozen=True)
class Steps:
    """fadvance(), n times, with a dt (ms) of its own; t goes on from what it is."""

    n: int
    dt: float

    def end(self, t: float) -> float:
        """Time after them (ms), summed as NEURON does, if they begin at t."""
        return float(time_grid(self.dt, self.n, t)[-1])


@dataclass(frozen=True)
class RecordStart:
    """frecord_init(): Vectors begin anew; what they record first is what the variables hold now."""


@dataclass(frozen=True)
class Guard:
    """A branch that was taken because a formula of one entry was true (not zero), or false: where it is otherwise, the
    phases are not those of NEURON. text: the condition, for messages.
    """

    condition: Formula
    holds: bool
    text: str


Phase = Assignments | Initialise | Currents | SetTime | Steps | RecordStart | Guard


@dataclass(frozen=True)
class OwnInit:
    """Phases in the order of their execution.

    overwritten: names of parameters ('e_pas') that it sets in every run. fixed: names of others ('diam') that it reads
    and whose present numbers stand in the phases as plain numbers, which do not follow the parameter.
    """

    phases: tuple[Phase, ...]
    overwritten: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()

    @property
    def takes_v_init(self) -> bool:
        """Whether any formula does."""
        formulas = (formula for phase in self.phases if (formula := formula_of(phase)) is not None)
        operands = (x for formula in formulas for x in formula.operands.values())
        return any(isinstance(x, Reference) and x.kind == "v_init" for x in operands)

    def __str__(self) -> str:
        """In a few words, for reports."""
        named = (_NAMES[type(p)] if not isinstance(p, Assignments) else f"{_what(p.target)} set" for p in self.phases)
        shown = [f"{n} x {what}" if n > 1 else what for what, n in ((w, len([*g])) for w, g in groupby(named))]
        return ", ".join(shown)


_NAMES = {
    Initialise: "finitialize",
    Currents: "fcurrent",
    SetTime: "t set",
    Steps: "steps",
    RecordStart: "frecord_init",
    Guard: "a condition",
}


def formula_of(phase: Phase) -> Formula | None:
    """Its only one."""
    match phase:
        case Assignments(_, formula) | Initialise(formula) | Guard(formula, _, _):
            return formula
    return None


def _what(target: Reference) -> str:
    """The name of a variable as in HOC."""
    if target.kind == "ion":
        ion = target.owner
        return {"erev": f"e{ion}", "current": f"i{ion}", "inside": f"{ion}i", "outside": f"{ion}o"}[target.variable]
    suffix = f"_{target.owner}" if target.kind in ("mechanism", "global") else ""
    return f"{target.variable or target.kind}{suffix}"
