"""METHOD euler: all rates from the values at the start of the step, then all states."""

from __future__ import annotations

from dataclasses import replace

from mod_translator import ir
from mod_translator.passes.context import PassContext
from mod_translator.passes.walk import all_names, fresh, rebuild, statements


def euler(mechanism: ir.Mechanism, context: PassContext) -> ir.Mechanism:
    """Replace the equations of every DERIVATIVE block that is solved by euler: state = state + dt*rate."""
    used = all_names(mechanism)
    routines = dict(mechanism.routines)
    for name, routine in routines.items():
        if routine.method == "euler":
            routines[name] = _stepped(routine, used)
    return replace(mechanism, routines=routines)


def _stepped(routine: ir.Routine, used: set[str]) -> ir.Routine:
    equations = [s for s in statements(routine.body) if isinstance(s, ir.Derivative)]
    rates = {e.state: fresh(f"D{e.state}", used) for e in equations}

    def evaluate(statement: ir.Stmt) -> tuple[ir.Stmt, ...]:
        if isinstance(statement, ir.Derivative):
            return (ir.Assign(ir.Var(rates[statement.state]), statement.rate, statement.loc),)
        return (statement,)

    steps = []
    for equation in {e.state: e for e in equations}.values():
        state = ir.Var(equation.state)
        value = ir.Binary("+", state, ir.Binary("*", ir.Var("dt"), ir.Var(rates[equation.state])))
        steps.append(ir.Assign(state, value, equation.loc))
    return replace(routine, body=(*rebuild(routine.body, evaluate), *steps), method="")
