"""Facts (see `log`) become phases: what was done to many variables by formulas of one form becomes one phase."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mod_translator import ir
from nrn_diff.bridge.own_init.log import V_INIT
from nrn_diff.bridge.own_init.places import Place, Places
from nrn_diff.bridge.own_init.values import NotFollowedError, mapped, names, unpacked
from nrn_diff.own_init import (
    Assignments,
    Currents,
    Formula,
    Guard,
    Initialise,
    Phase,
    RecordStart,
    Reference,
    SetTime,
    Steps,
)

Fact = list[Any]
_Variable = tuple[str, str, str, int]  # kind, owner, variable and element of a Record


def make_phases(facts: Sequence[Fact], places: Places) -> tuple[Phase, ...]:
    """The phases of what was done. Raises NotFollowedError where assignments go in a circle."""
    phases: list[Phase] = []
    for fact in facts:
        kind, rest = fact[0], fact[1:]
        last = phases[-1] if phases else None
        if kind == "set":
            phases += _assignments(rest[0], places)
        elif kind == "initialise":
            # finitialize sets t to 0.
            phases = [p for p in phases if not isinstance(p, SetTime)] if _none_has_run(phases) else phases
            phases.append(Initialise(None if rest[0] is None else _single(rest[0], places)))
        elif kind == "currents":
            phases.append(Currents())
        elif kind == "record":
            phases.append(RecordStart())
        elif kind == "time":
            phases.append(SetTime(rest[0]))
        elif kind == "guard":
            phases.append(Guard(_single(rest[0], places), rest[1], rest[2]))
        elif isinstance(last, Steps) and last.dt == rest[0]:
            phases[-1] = Steps(last.n + 1, last.dt)
        else:
            phases.append(Steps(1, rest[0]))
    return tuple(phases)


def _none_has_run(phases: Sequence[Phase]) -> bool:
    return not any(isinstance(p, (Steps, Currents)) for p in phases)


def _variable(place: Place, places: Places) -> tuple[_Variable, int]:
    record = places.record(place)
    return (record.kind, record.owner, record.variable, record.element), record.index


def _place(name: str) -> Place:
    block, index = map(int, name.split(":"))
    return Place(block, index)


@dataclass
class _Group:
    """Assignments to one variable of several owners by formulas of one form."""

    form: ir.Expr
    target: _Variable
    sources: tuple[_Variable | None, ...]
    index: list[int] = field(default_factory=list)
    rows: list[list[float]] = field(default_factory=list)
    sets: set[Place] = field(default_factory=set)
    reads: set[Place] = field(default_factory=set)


def _form(formula: ir.Expr, places: Places) -> tuple[ir.Expr, list[_Variable | None], list[float]]:
    """The formula with x0, x1, ... as its operands; of each the variable and index, or None and the number."""
    sources: list[_Variable | None] = []
    values: list[float] = []
    known: dict[str, int] = {}

    def leaf(found: ir.Var | ir.Num) -> ir.Expr:
        if isinstance(found, ir.Var) and found.name in known:
            return ir.Var(f"x{known[found.name]}")
        if isinstance(found, ir.Num):
            source, value = None, found.value
        elif found.name == V_INIT:
            source, value = (V_INIT, "", "", -1), 0.0
        else:
            source, value = _variable(_place(found.name), places)
        if isinstance(found, ir.Var):
            known[found.name] = len(sources)
        sources.append(source)
        values.append(float(value))
        return ir.Var(f"x{len(sources) - 1}")

    return mapped(formula, leaf), sources, values


def _formula(form: ir.Expr, sources: Sequence[_Variable | None], rows: Sequence[Sequence[float]]) -> Formula:
    columns = np.array(rows, dtype=float).reshape(len(rows), len(sources)).T
    operands: dict[str, Reference | np.ndarray] = {}
    numbers: dict[str, float] = {}
    for k, (source, column) in enumerate(zip(sources, columns, strict=True)):
        if source is not None and source[0] == V_INIT:
            operands[f"x{k}"] = Reference(V_INIT)
        elif source is not None:
            kind, owner, variable, element = source
            operands[f"x{k}"] = Reference(kind, owner, variable, element, column.astype(int))
        elif len(set(column.copy().view(np.int64).tolist())) == 1:
            numbers[f"x{k}"] = float(column[0])
        else:
            operands[f"x{k}"] = column.copy()

    def leaf(found: ir.Var | ir.Num) -> ir.Expr:
        assert isinstance(found, ir.Var)
        return ir.Num(numbers[found.name]) if found.name in numbers else found

    return Formula(mapped(form, leaf), operands)


def _single(data: list[Any], places: Places) -> Formula:
    form, sources, values = _form(unpacked(data), places)
    return _formula(form, sources, [values])


def _assignments(entries: Sequence[Sequence[Any]], places: Places) -> list[Phase]:
    groups: dict[Any, _Group] = {}
    for block, index, data in entries:
        formula = unpacked(data)
        form, sources, values = _form(formula, places)
        place = Place(block, index)
        target, owner = _variable(place, places)
        group = groups.setdefault((form, target, tuple(sources)), _Group(form, target, tuple(sources)))
        group.index.append(owner)
        group.rows.append(values)
        group.sets.add(place)
        group.reads.update(_place(name) for name in names(formula) if name != V_INIT)
    ordered = _in_order(list(groups.values()), places.label)
    return [
        Assignments(Reference(*g.target, np.array(g.index, dtype=int)), _formula(g.form, g.sources, g.rows))
        for g in ordered
    ]


def _in_order(groups: list[_Group], label: Callable[[Place], str]) -> list[_Group]:
    """All of them happen at once: who reads a variable comes before who sets it."""
    ordered: list[_Group] = []
    while groups:
        ready = [g for g in groups if not any(g.sets & other.reads for other in groups if other is not g)]
        if not ready:
            stuck = next(iter(groups[0].sets))
            raise NotFollowedError(f"exchanges the values of {label(stuck)} and other variables")
        ordered += ready[:1]
        groups = [g for g in groups if g is not ready[0]]
    return ordered
