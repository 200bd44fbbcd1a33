"""KINETIC blocks whose rate constants depend on the states that they solve for.

NEURON's matrix takes rate constants as numbers. The rates routine then takes the states twice, first as everything but
the reactants sees them, then as reactants. Of a linear scheme NEURON makes a single step with the constants that the
states had at its start; for others, and for a steady state, it iterates, with constants that follow the states and a
matrix that does not.
"""

from __future__ import annotations

from dataclasses import replace

from mod_translator import ir
from mod_translator.passes.context import PassContext
from mod_translator.passes.effects import Analysis
from mod_translator.passes.walk import (
    all_names,
    expressions,
    fresh,
    mapped,
    rebuild,
    rename,
    replaced,
    subexpressions,
    with_bodies,
)

REACTANT = "#"  # appended to a state that stands as a reactant, until this pass


def frozen(mechanism: ir.Mechanism, context: PassContext) -> ir.Mechanism:
    """Give reactants their names; where rate constants follow the states, let the rates routine take them twice."""
    analysis = Analysis(mechanism)
    used = all_names(mechanism)
    routines = dict(mechanism.routines)
    twice: set[str] = set()
    for name, routine in mechanism.routines.items():
        if routine.kind != "RATES":
            continue
        varying = _Varying(mechanism, analysis, routine)
        found = [n for n in routine.made_of if varying.name(n)]
        args, made = routine.args, routine
        if found:
            cells = [(s, i) for s in args for i in range(mechanism.symbols[s].length)]
            elements = {cell: fresh(f"{cell[0]}_next_{cell[1]}", used) for cell in cells}
            scalars = {s: fresh(f"{s}_next", used) for s in args if not mechanism.symbols[s].length}
            next_ = [n for s in args for n in ([scalars[s]] if s in scalars else _of(s, elements))]
            made = _with_elements(rename(routine, {f"{s}{REACTANT}": n for s, n in scalars.items()}), elements)
            args = (*args, *next_)
        names = {f"{s}{REACTANT}": s for s in routine.args}
        routines[name] = replace(rename(made, names), args=args, made_of=())
        if found:
            twice.add(name)
    mechanism = replace(mechanism, routines=routines)

    def change(statement: ir.Stmt) -> tuple[ir.Stmt, ...]:
        if isinstance(statement, ir.SolveImplicit) and statement.rates in twice:
            return (replace(statement, twice=True),)
        return (statement,)

    return with_bodies(mechanism, lambda routine: replace(routine, body=rebuild(routine.body, change)))


def _of(state: str, elements: dict[tuple[str, int], str]) -> list[str]:
    return [name for (owner, _), name in elements.items() if owner == state]


def _with_elements(routine: ir.Routine, elements: dict[tuple[str, int], str]) -> ir.Routine:
    """Give each element of an array that stands as a reactant the name of its own."""

    def change(part: ir.Expr) -> ir.Expr:
        if isinstance(part, ir.Element) and part.name.endswith(REACTANT) and isinstance(part.index, ir.Num):
            return ir.Var(elements[part.name.removesuffix(REACTANT), int(part.index.value)])
        return part

    body = rebuild(routine.body, lambda statement: (mapped(statement, lambda e: replaced(e, change)),))
    return replace(routine, body=body)


class _Varying:
    """Which variables of a rates routine follow its states (not minding the order of statements)."""

    def __init__(self, mechanism: ir.Mechanism, analysis: Analysis, routine: ir.Routine) -> None:
        self.mechanism = mechanism
        self.analysis = analysis
        self.found = {*routine.args, *(f"{s}{REACTANT}" for s in routine.args)}
        before = 0
        while before != len(self.found):
            before = len(self.found)
            self._body(routine.body, False)

    def name(self, name: str) -> bool:
        """Return whether a variable, or the value of a function, follows the states."""
        routine = self.mechanism.routines.get(name)
        return name in self.found if routine is None else bool(self.analysis.exposed(routine) & self.found)

    def _expr(self, expr: ir.Expr) -> bool:
        parts = [p for p in subexpressions(expr) if isinstance(p, ir.Var | ir.Element | ir.Call)]
        return any(self.name(p.name) for p in parts)

    def _body(self, body: tuple[ir.Stmt, ...], under: bool) -> None:
        for statement in body:
            varies = under or any(self._expr(e) for e in expressions(statement))
            match statement:
                case ir.Assign(target, _, _) if varies:
                    self.found.add(target.name)
                case ir.If(_, then, orelse, _):
                    self._body(then, varies)
                    self._body(orelse, varies)
                case ir.While(_, inner, _):
                    self._body(inner, varies)
                case ir.CallRoutine(name, _, _, result):
                    if varies or self.name(name):
                        self.found |= set(self.analysis.summary(self.mechanism.routines[name])[1])
                        self.found |= {result} if result else set()
