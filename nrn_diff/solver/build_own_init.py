"""What a script's own init() does, by the rows of the structure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from nrn_diff.errors import CaptureError
from nrn_diff.own_init import Assignments, Formula, Guard, Initialise, OwnInit, Phase, Reference, formula_of
from nrn_diff.snapshot import Capture, Record
from nrn_diff.solver.play_group import PlayGroup
from nrn_diff.solver.refuse_own_init import refusals
from nrn_diff.solver.structure import MechanismStructure, Recorded
from nrn_diff.solver.values import Array

RowsOf = Callable[[Record], Recorded]
_PLACELESS = ("v_init", "t")


def build_own_init(
    capture: Capture, mechanisms: tuple[MechanismStructure, ...], plays: tuple[PlayGroup, ...], rows_of: RowsOf
) -> OwnInit | None:
    """The phases with rows in place of indices. Raises CaptureError for what cannot be done as NEURON does it."""
    own = capture.own_init
    if own is None:
        return None
    found = list(refusals(capture, own, mechanisms, plays))
    if found:
        raise CaptureError(found)
    return replace(own, phases=tuple(_with_rows(phase, rows_of) for phase in own.phases))


def own_numbers(own: OwnInit | None) -> tuple[dict[str, Array], ...]:
    """By phase, the numbers in its formulas, by operand."""
    phases = () if own is None else own.phases
    return tuple({n: jnp.asarray(x, dtype=jnp.float64) for n, x in _numbers(phase)} for phase in phases)


def shape_of(own: OwnInit) -> Iterator[object]:
    """Everything about the phases that is compiled: all but their numbers."""
    for phase in own.phases:
        yield type(phase).__name__
        match phase:
            case Assignments(target, value):
                yield from (*_shape(target), *_of_formula(value))
            case Initialise(v):
                yield from () if v is None else _of_formula(v)
            case Guard(condition, holds, text):
                yield from (*_of_formula(condition), holds, text)
            case _:
                yield phase


def _of_formula(formula: Formula) -> Iterator[object]:
    yield formula.expression
    for name, x in formula.operands.items():
        yield name
        yield from _shape(x) if isinstance(x, Reference) else (np.shape(x),)


def _shape(reference: Reference) -> tuple[Any, ...]:
    return reference.kind, reference.owner, reference.variable, reference.element, np.asarray(reference.index)


def _numbers(phase: Phase) -> list[tuple[str, np.ndarray]]:
    formula = formula_of(phase)
    return [] if formula is None else [(n, x) for n, x in formula.operands.items() if not isinstance(x, Reference)]


def _with_rows(phase: Phase, rows_of: RowsOf) -> Phase:
    match phase:
        case Assignments(target, value):
            return Assignments(_located(target, rows_of), _located_in(value, rows_of))
        case Initialise(v):
            return Initialise(None if v is None else _located_in(v, rows_of))
        case Guard(condition, _, _):
            return replace(phase, condition=_located_in(condition, rows_of))
    return phase


def _located_in(formula: Formula, rows_of: RowsOf) -> Formula:
    return Formula(
        formula.expression,
        {n: _located(x, rows_of) if isinstance(x, Reference) else x for n, x in formula.operands.items()},
    )


def _located(reference: Reference, rows_of: RowsOf) -> Reference:
    if reference.kind in _PLACELESS:
        return reference
    records = [
        Record("", reference.kind, int(k), reference.owner, reference.variable, reference.element)
        for k in reference.index
    ]
    found = [rows_of(record) for record in records]
    owner = found[0].owner if found else reference.owner
    return replace(reference, owner=owner, index=np.array([r.row for r in found], dtype=int))
