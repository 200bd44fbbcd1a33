"""METHOD cnexp: each equation is replaced by NEURON's exponential step, in the order of the text."""

from __future__ import annotations

from dataclasses import replace

from mod_translator import ir
from mod_translator.passes.context import PassContext
from mod_translator.passes.explicit import CALLED_IMPLICIT
from mod_translator.passes.linear import Linear, NotLinearError, decompose
from mod_translator.passes.walk import rebuild, statements

CALLED = "cnexp, called"  # the method of a block that is called like a PROCEDURE, and takes a step each time
_ONE = ir.Num(1.0, "1")
_ZERO = ir.Num(0.0, "0")
_DT = ir.Var("dt")


def cnexp(mechanism: ir.Mechanism, context: PassContext) -> ir.Mechanism:
    """Replace the equations of every DERIVATIVE block that is solved by cnexp.

    A block with an equation that is not linear in its own state is left to derivimplicit, as nocmodl does. Neither it
    nor this looks at other states: coupled equations are stepped one after the other.
    """
    routines = dict(mechanism.routines)
    for name, routine in routines.items():
        if routine.method not in ("cnexp", CALLED):
            continue
        _warn_of_products(routine, context)
        try:
            routines[name] = replace(routine, body=rebuild(routine.body, _step), method="")
        except NotLinearError:
            if routine.method == CALLED:
                routines[name] = replace(routine, method=CALLED_IMPLICIT)
                continue
            states = sorted({s.state for s in statements(routine.body) if isinstance(s, ir.Derivative)})
            context.note_at(
                f"DERIVATIVE {name} is not linear in its states ({', '.join(states)}): "
                "NEURON solves it by derivimplicit instead of cnexp, and so does the translation",
                routine.loc,
            )
            routines[name] = replace(routine, method="derivimplicit")
    return replace(mechanism, routines=routines)


def _warn_of_products(routine: ir.Routine, context: PassContext) -> None:
    equations = [s for s in statements(routine.body) if isinstance(s, ir.Derivative)]
    for equation in equations:
        state = equation.state
        try:
            linear = decompose(equation.rate, state).linear
        except NotLinearError:
            return
        if not linear:
            context.note_at(
                f"{state}' is not linear in {state}: NEURON's cnexp steps it by a formula that is not its solution, "
                "and so does the translation; METHOD derivimplicit solves it",
                equation.loc,
            )


def _step(statement: ir.Stmt) -> tuple[ir.Stmt, ...]:
    if not isinstance(statement, ir.Derivative):
        return (statement,)
    return (ir.Assign(ir.Var(statement.state), step(statement.state, statement.rate), statement.loc),)


def step(state: str, rate: ir.Expr) -> ir.Expr:
    """Return the value of `state` after dt.

    x + (1 - exp(dt*slope))*(-offset/factor - x), or x + dt*offset if the rate does not depend on x. For a rate in which
    states are multiplied by each other nocmodl prints the first formula without the quotient: so does this. Raises
    NotLinearError.
    """
    parts: Linear = decompose(rate, state)
    x = ir.Var(state)
    if parts.slope is None:
        return ir.Binary("+", x, ir.Binary("*", _DT, parts.offset or _ZERO))
    decay = ir.Binary("-", _ONE, ir.Call("exp", (ir.Binary("*", _DT, parts.slope),)))
    if parts.offset is None or not parts.linear:
        return ir.Binary("+", x, ir.Binary("*", decay, ir.Unary("-", x)))
    end = ir.Binary("/", ir.Unary("-", parts.offset), parts.factor or _ZERO)
    return ir.Binary("+", x, ir.Binary("*", decay, ir.Binary("-", end, x)))
