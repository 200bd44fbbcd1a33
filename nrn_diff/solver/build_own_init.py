"""What a script's own init() does, by the rows of the structure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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
    own = by_owner(capture)
    if own is None:
        return None
    found = list(refusals(capture, own, mechanisms, plays))
    if found:
        raise CaptureError(found)
    return replace(own, phases=tuple(_with_rows(phase, rows_of) for phase in own.phases))


def by_owner(capture: Capture) -> OwnInit | None:
    """The phases, with assignments to weights in one phase for each mechanism that the NetCons lead to."""
    own = capture.own_init
    targets = {c.index: c.target for c in capture.connections}
    return own and replace(own, phases=tuple(part for phase in own.phases for part in _split(phase, targets)))


def _split(phase: Phase, targets: Mapping[int, str]) -> Iterator[Phase]:
    if not isinstance(phase, Assignments) or phase.target.kind != "weight":
        yield phase
        return
    owners = np.array([targets.get(int(k), "") for k in phase.target.index])
    n = len(owners)
    for owner in dict.fromkeys(owners.tolist()):
        here = np.flatnonzero(owners == owner)
        operands = {
            name: replace(x, index=_those(x.index, here, n)) if isinstance(x, Reference) else _those(x, here, n)
            for name, x in phase.value.operands.items()
        }
        target = replace(phase.target, owner=owner, index=phase.target.index[here])
        yield Assignments(target, Formula(phase.value.expression, operands))


def _those(x: np.ndarray, here: np.ndarray, n: int) -> np.ndarray:
    """The entries of some places; what is the same for all of the n places has one."""
    return x[here] if np.shape(x) == (n,) else x


def own_numbers(capture: Capture) -> tuple[dict[str, Array], ...]:
    """By phase, the numbers in its formulas, by operand."""
    own = by_owner(capture)
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
    owner = found[0].owner if found else reference.owner  # of a weight the mechanism that the NetCons lead to
    return replace(reference, owner=owner, index=np.array([r.row for r in found], dtype=int))
