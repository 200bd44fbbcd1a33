"""METHOD euler and runge (src/scopmath/euler_thread.hpp, runge.hpp), and no method of integration at all.

With no METHOD for a DERIVATIVE, or one that is for CVODE, NEURON's fixed step evaluates the equations and leaves the
states as they are. With h.secondorder the states of every method go on over dt with the derivatives that it has left
(solve.cpp in nocmodl); dt itself is then half a step in BREAKPOINT. The same holds for a call of a block that
derivimplicit solves: what its iteration looks for outside of a SOLVE are the states themselves.
"""

from __future__ import annotations

from dataclasses import replace

from mod_translator import ir
from mod_translator.errors import UnsupportedConstruct
from mod_translator.passes.context import PassContext
from mod_translator.passes.derivatives import Derivatives
from mod_translator.passes.effects import Analysis
from mod_translator.passes.staged import Staged
from mod_translator.passes.walk import all_names, fresh

EVALUATE = "evaluate"  # the method of a block that is only evaluated
AGAIN = "evaluate again"  # likewise, after the step
CALLED_IMPLICIT = "derivimplicit, called"  # likewise, but as often as Newton's iteration does, at last at the states
_DT, _T = ir.Var("dt"), ir.Var("t")


def explicit(mechanism: ir.Mechanism, context: PassContext) -> ir.Mechanism:
    """Replace the equations of every DERIVATIVE block that is solved by euler or runge, or not at all."""
    used = all_names(mechanism)
    symbols = dict(mechanism.symbols)
    routines = dict(mechanism.routines)
    for name, routine in routines.items():
        if routine.method not in ("euler", "runge", EVALUATE, AGAIN, CALLED_IMPLICIT):
            continue
        if routine.method == CALLED_IMPLICIT:
            _refuse_history(mechanism, routine, context)
        derivatives = Derivatives(routine, symbols, used)
        body = derivatives.evaluated()
        if routine.method == "euler":
            body = (*body, *_euler(derivatives))
        elif routine.method == "runge":
            staged = Staged(mechanism, used)
            body = _runge(derivatives, replace(routine, body=body), staged, used)
            routines = {**staged.copies, **routines}  # callees come before their callers
        if context.second_order and routine.method not in (AGAIN, CALLED_IMPLICIT):
            body = (*body, *_euler(derivatives))
        routines[name] = replace(routine, body=body, method="")
    return replace(mechanism, symbols=symbols, routines=routines)


def _refuse_history(mechanism: ir.Mechanism, routine: ir.Routine, context: PassContext) -> None:
    """Refuse a block that uses what its last evaluation left: how many of them there are is not known here."""
    analysis = Analysis(mechanism)
    used = analysis.exposed(routine) & set(analysis.summary(routine)[1]) - set(mechanism.states)
    if used:
        context.refuse_at(
            UnsupportedConstruct,
            "U165",
            f"a DERIVATIVE that is called, SOLVEd by derivimplicit, and uses {', '.join(sorted(used))} of the "
            "evaluation before",
            "SOLVE it in BREAKPOINT, and nowhere else",
            routine.loc,
        )


def _plus(left: ir.Expr, right: ir.Expr) -> ir.Expr:
    return ir.Binary("+", left, right)


def _times(left: ir.Expr, right: ir.Expr) -> ir.Expr:
    return ir.Binary("*", left, right)


def _over(left: ir.Expr, number: int) -> ir.Expr:
    return ir.Binary("/", left, ir.Num(float(number), str(number)))


def _euler(derivatives: Derivatives) -> list[ir.Stmt]:
    return [
        ir.Assign(ir.Var(e.state), _plus(ir.Var(e.state), _times(_DT, ir.Var(derivatives.names[e.state]))), e.loc)
        for e in derivatives.advanced
    ]


def _runge(derivatives: Derivatives, block: ir.Routine, staged: Staged, used: set[str]) -> tuple[ir.Stmt, ...]:
    """Return the four stages, in runge's own arithmetic; what else the block assigns it assigns four times."""
    start, change, total = (
        [ir.Var(fresh(f"{e.state}_{what}", used)) for e in derivatives.advanced]
        for what in ("start", "change", "total")
    )
    time = ir.Var(fresh("t_stage", used))
    loc = block.loc or ir.Loc(1)
    later = staged.body(block.body, time)
    stages: list[ir.Stmt] = []
    for stage in range(4):
        if stage in (1, 3):
            now: ir.Expr = _T if stage == 1 else time
            stages.append(ir.Assign(time, _plus(now, _over(_DT, 2)), loc))
        stages += later if stage else block.body
        for k, equation in enumerate(derivatives.advanced):
            x, rate = ir.Var(equation.state), ir.Var(derivatives.names[equation.state])
            x0, step, sum_ = start[k], change[k], total[k]

            def put(target: ir.Var, value: ir.Expr, loc: ir.Loc = equation.loc) -> ir.Stmt:
                return ir.Assign(target, value, loc)

            match stage:
                case 0:
                    stages += [put(x0, x), put(step, _times(_over(_DT, 2), rate)), put(x, _plus(x0, step))]
                    stages += [put(sum_, _plus(x0, _over(step, 3)))]
                case 1 | 2:
                    moved = _over(step, 2) if stage == 1 else step
                    stages += [put(step, _times(_DT, rate)), put(x, _plus(x0, moved))]
                    stages += [put(sum_, _plus(sum_, _over(step, 3)))]
                case 3:
                    stages += [put(x, _plus(sum_, _times(_over(_DT, 6), rate)))]
    return tuple(stages)
