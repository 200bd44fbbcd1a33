"""KINETIC blocks whose rate constants depend on the states that they solve for.

NEURON's matrix takes rate constants as numbers: with constants that follow the states, one of its steps is not the
Newton step that the implicit solver makes. Until that can be reproduced, such blocks are refused.
"""

from __future__ import annotations

from dataclasses import replace

from mod_translator import ir
from mod_translator.errors import UnsupportedConstruct
from mod_translator.passes.context import PassContext
from mod_translator.passes.effects import Analysis
from mod_translator.passes.walk import expressions, subexpressions


def frozen(mechanism: ir.Mechanism, context: PassContext) -> ir.Mechanism:
    """Refuse rate constants that depend on a state; forget what they are made of."""
    analysis = Analysis(mechanism)
    routines = dict(mechanism.routines)
    for name, routine in routines.items():
        if routine.made_of:
            varying = _Varying(mechanism, analysis, routine)
            found = [n for n in routine.made_of if varying.name(n)]
            if found:
                context.refuse_at(
                    UnsupportedConstruct,
                    "U166",
                    f"a rate constant of {name.removesuffix('_rates')} depends on a state that it solves for "
                    f"({', '.join(found)})",
                    "write the dependence as a reaction, or solve the equations by derivimplicit",
                    routine.loc,
                )
            routines[name] = replace(routine, made_of=())
    return replace(mechanism, routines=routines)


class _Varying:
    """Which variables of a rates routine follow its states (not minding the order of statements)."""

    def __init__(self, mechanism: ir.Mechanism, analysis: Analysis, routine: ir.Routine) -> None:
        self.mechanism = mechanism
        self.analysis = analysis
        self.found = set(routine.args)
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
                case ir.CallRoutine(name, _, _, result):
                    if varies or self.name(name):
                        self.found |= set(self.analysis.summary(self.mechanism.routines[name])[1])
                        self.found |= {result} if result else set()
