"""What a script's own init() does before the first step: its phases in turn, with what each leaves for the next."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from nrn_diff.adjoint import AbstractAdjoint
from nrn_diff.own_init import (
    Assignments,
    Currents,
    Formula,
    Guard,
    Initialise,
    RecordStart,
    Reference,
    SetTime,
    Steps,
)
from nrn_diff.solver.assign import assign
from nrn_diff.solver.currents import assemble
from nrn_diff.solver.formulas import evaluate
from nrn_diff.solver.initialise import before_any, finitialize, initialise, split
from nrn_diff.solver.moment import Moment
from nrn_diff.solver.record import recorded
from nrn_diff.solver.settle import settle
from nrn_diff.solver.structure import Place, Structure
from nrn_diff.solver.values import Array, Fixed, IonValues, State, Values


class Started(NamedTuple):
    """fixed, state: before the first step. first [n_recorded]: what Vectors begin with. strayed: by phase, whether it
    went another way than at the capture (`why_strayed`).
    """

    fixed: Fixed
    state: State
    first: Array
    strayed: dict[int, Array]


def start(structure: Structure, values: Values, events: dict[str, Array], adjoint: AbstractAdjoint) -> Started:
    """From the numbers of a model to the state before the first step."""
    if structure.own_init is None:
        return Started(*initialise(structure, values, events), {})
    now, first, strayed = before_any(structure, values), jnp.zeros(0), {}
    t = 0.0
    for k, phase in enumerate(structure.own_init.phases):
        numbers = values.own_init[k]
        match phase:
            case Initialise(v):
                given = present(now)
                if v is not None:
                    everywhere = jnp.broadcast_to(_worth(now, v, numbers), now.v.shape)
                    given = given._replace(start_v=everywhere)
                now, t = finitialize(structure, given, events), 0.0
                first = recorded(now)
            case Currents():
                assemble(now)
            case Assignments(target, value):
                assign(now, _place(target), target.index, _worth(now, value, numbers))
            case SetTime(t):
                now.t = jnp.asarray(t)
            case Steps():
                now, strayed[k] = settle(now, phase, t, adjoint)
                t = phase.end(t)
            case RecordStart():
                now.run_everywhere("before_step")
                first = recorded(now)
            case Guard(condition, holds, _):
                strayed[k] = ((_worth(now, condition, numbers) != 0.0) != holds).any()
    return Started(*split(now), first, strayed)


def why_strayed(structure: Structure, phase: int) -> str:
    """What is said where a phase went another way than at the capture."""
    assert structure.own_init is not None
    match structure.own_init.phases[phase]:
        case Guard(_, holds, text):
            was = "true" if holds else "false"
            return f"{text} was {was} at the capture and is not with these values: set them in NEURON and capture again"
    return "a voltage that a NetCon watches crosses its threshold in the steps that it makes, which is not followed"


def present(now: Moment) -> Values:
    """The numbers as they are now, for the next finitialize: what was assigned, and what has been left."""
    values, mechanisms, globals_ = now.fixed.values, {}, {}
    for m in now.structure.mechanisms:
        left = dict(now.mechanisms[m.name])
        common = dict(now.fixed.globals_[m.name])
        for name in m.ir.shared & left.keys():
            last = left[name][..., m.last]
            common |= {name: last} if name in common else {}
            left[name] = jnp.broadcast_to(last[..., None], left[name].shape)
        mechanisms[m.name], globals_[m.name] = {**values.mechanisms[m.name], **left}, common
    ions = {
        name: IonValues(x.inside, x.outside, x.erev, values.ions[name].inside0, values.ions[name].outside0, x.current)
        for name, x in now.ions.items()
    }
    layers = values.extracellular
    if layers is not None and now.vext is not None:
        layers = layers._replace(left=now.vext[:, 0])
    return values._replace(
        mechanisms=mechanisms,
        globals_=globals_,
        ions=ions,
        weights=dict(now.weights),
        extracellular=layers,
        start_v=now.v,
    )


def _worth(now: Moment, formula: Formula, numbers: dict[str, Array]) -> Array:
    return evaluate(formula.expression, {n: _operand(now, n, x, numbers) for n, x in formula.operands.items()})


def _operand(now: Moment, name: str, operand: Reference | np.ndarray, numbers: dict[str, Array]) -> Array:
    if not isinstance(operand, Reference):
        return numbers[name]
    match operand.kind:
        case "v_init":
            return now.fixed.values.v_init
        case "t":
            return now.t
    return now.at(_place(operand))[operand.index]


def _place(reference: Reference) -> Place:
    return Place(reference.kind, reference.owner, reference.variable, reference.element)
