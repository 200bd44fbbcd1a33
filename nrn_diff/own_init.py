"""What a script's own init() does, as data: phases between the numbers of a model and its first step.

A model whose script leaves stdrun.hoc's init() as it is has none of them: finitialize(v_init) is meant. Formulas are
scalar expressions over the names of their operands, for each entry of the operands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mod_translator import ir

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
