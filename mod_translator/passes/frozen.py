"""KINETIC blocks whose rate constants depend on the states that they solve for.

NEURON's matrix takes rate constants as numbers. Of a linear scheme it makes a single step with the constants that the
states had at its start: the rates routine then takes the states twice, first as everything but the reactants sees them,
then as reactants. Of other schemes such constants are refused: what NEURON's iteration makes of them is not Newton's.
"""

from __future__ import annotations

from dataclasses import replace

from mod_translator import ir
from mod_translator.errors import UnsupportedConstruct
from mod_translator.passes.context import PassContext
from mod_translator.passes.effects import Analysis
from mod_translator.passes.walk import all_names, expressions, fresh, rebuild, rename, subexpressions, with_bodies

REACTANT = "#"  # appended to a state that stands as a reactant, until this pass


def frozen(mechanism: ir.Mechanism, context: PassContext) -> ir.Mechanism:
    """Give reactants their names; where rate constants follow the states, let the rates routine take them twice."""
    analysis = Analysis(mechanism)
    used = all_names(mechanism)
    routines = dict(mechanism.routines)
    twice: dict[str, ir.Routine] = {}
    for name, routine in mechanism.routines.items():
        if routine.kind != "RATES":
            continue
        varying = _Varying(mechanism, analysis, routine)
        found = [n for n in routine.made_of if varying.name(n)]
        names = {f"{s}{REACTANT}": s for s in routine.args}
        args = routine.args
        if found:
            names = {f"{s}{REACTANT}": fresh(f"{s}_next", used) for s in routine.args}
            args = (*args, *names.values())
        routines[name] = replace(rename(routine, names), args=args, made_of=())
        if found:
            twice[name] = routine
    mechanism = replace(mechanism, routines=routines)

    def change(statement: ir.Stmt) -> tuple[ir.Stmt, ...]:
        if isinstance(statement, ir.SolveImplicit) and statement.rates in twice:
            _check(mechanism, statement, twice[statement.rates], context)
            return (replace(statement, twice=True),)
        return (statement,)

    return with_bodies(mechanism, lambda routine: replace(routine, body=rebuild(routine.body, change)))


def _check(mechanism: ir.Mechanism, solve: ir.SolveImplicit, rates: ir.Routine, context: PassContext) -> None:
    if solve.linear and not solve.steady and not any(mechanism.symbols[s].length for s in solve.states):
        return
    what = "the STEADYSTATE" if solve.steady else "the iteration" if not solve.linear else "arrays of states"
    context.refuse_at(
        UnsupportedConstruct,
        "U166",
        f"a rate constant of {rates.name.removesuffix('_rates')} depends on a state that it solves for, in {what}",
        "write the dependence as a reaction, or solve the equations by derivimplicit",
        rates.loc,
    )


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
