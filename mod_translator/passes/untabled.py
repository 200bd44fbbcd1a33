"""What a file does where it asks for `usetable == 0`, right after it called a routine with a TABLE.

    mh(v)
    if (usetable == 0) { m = Inf[0] } else { m = Add[0]/(1 - Mult[0]) }

Without tables the call has computed Inf; with tables nobody reads it. The branch gets a call of the routine without its
TABLE, so that Inf is assigned where it is read, and is no memory of what the last filling of the table left.
"""

from __future__ import annotations

from dataclasses import replace

from mod_translator import ir
from mod_translator.passes.context import PassContext
from mod_translator.passes.effects import Analysis
from mod_translator.passes.walk import all_names, fresh, names, with_bodies
from mod_translator.semantic.names import USE_TABLE


def untabled(mechanism: ir.Mechanism, context: PassContext) -> ir.Mechanism:
    """Repeat such calls in such branches, if that changes nothing but the order in which things are known."""
    if USE_TABLE not in mechanism.symbols:
        return mechanism
    analysis, used = Analysis(mechanism), all_names(mechanism)
    made: dict[str, ir.Routine] = {}

    def repeatable(call: ir.Stmt) -> bool:
        routine = mechanism.routines.get(call.name) if isinstance(call, ir.CallRoutine) else None
        if routine is None or routine.table is None or routine.kind != "PROCEDURE":
            return False
        assert isinstance(call, ir.CallRoutine)
        written = set(analysis.summary(routine)[1])
        return not written & (analysis.exposed(routine) | {n for arg in call.args for n in names(arg)})

    def exact(call: ir.Stmt) -> ir.Stmt:
        assert isinstance(call, ir.CallRoutine)
        if call.name not in made:
            own = fresh(f"{call.name}_untabled", used)
            made[call.name] = replace(mechanism.routines[call.name], name=own, table=None)
        return replace(call, name=made[call.name].name)

    def body(statements: tuple[ir.Stmt, ...]) -> tuple[ir.Stmt, ...]:
        out: list[ir.Stmt] = []
        for statement in statements:
            if isinstance(statement, ir.If):
                then, orelse = body(statement.then), body(statement.orelse)
                off = _where_off(statement.condition)
                if off is not None and out and repeatable(out[-1]):
                    again = exact(out[-1])
                    then, orelse = ((again, *then), orelse) if off else (then, (again, *orelse))
                out.append(replace(statement, then=then, orelse=orelse))
            elif isinstance(statement, ir.While | ir.ForNetcons):
                out.append(replace(statement, body=body(statement.body)))
            else:
                out.append(statement)
        return tuple(out)

    changed = with_bodies(mechanism, lambda routine: replace(routine, body=body(routine.body)))
    routines: dict[str, ir.Routine] = {}
    for name, routine in changed.routines.items():  # callees come before their callers
        routines[name] = routine
        routines |= {made[name].name: made[name]} if name in made else {}
    return replace(changed, routines=routines)


def _where_off(condition: ir.Expr) -> bool | None:
    """Return whether a condition holds where usetable is 0 (True), where it is not 0 (False), or neither (None)."""
    match condition:
        case ir.Var(name):
            return False if name == USE_TABLE else None
        case ir.Unary("!", operand):
            inner = _where_off(operand)
            return None if inner is None else not inner
        case ir.Binary("==" | "!=" as op, ir.Var(name), ir.Num(value, _)) if name == USE_TABLE and value == 0:
            return op == "=="
    return None
