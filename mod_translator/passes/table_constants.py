"""Shared variables that a routine assigns while its TABLE is filled, such as a temperature factor.

    PROCEDURE rates(v) { TABLE minf DEPEND celsius FROM -120 TO 100 WITH 199
        tadj = q10^((celsius - temp)/10)
        ...

A lookup does not assign tadj; what other blocks read is what the filling left. Where that does not depend on the
argument or the instance it is computed at the start of INITIAL (NEURON fills tables before), and the routine works on a
variable of its own.
"""

from __future__ import annotations

from dataclasses import replace

from mod_translator import ir
from mod_translator.passes.context import PassContext
from mod_translator.passes.effects import Analysis
from mod_translator.passes.uniform import Uniformity
from mod_translator.passes.walk import all_names, blocks, calls, expressions, fresh, names, rename, subexpressions


def table_constants(mechanism: ir.Mechanism, context: PassContext) -> ir.Mechanism:
    """Move the computation of such variables into a routine that INITIAL calls first."""
    for name in [r.name for r in mechanism.tables]:
        mechanism = _with_callees(mechanism, name)
        routine = mechanism.routines[name]
        analysis = Analysis(mechanism)
        constants = _constants(mechanism, analysis, routine)
        needed = set(constants)
        body = _slice(routine.body, needed, analysis, mechanism) if constants else ()
        if not constants or body is None or needed & set(routine.args):
            continue
        used = all_names(mechanism)
        own = fresh(f"{name}_constants", used)
        hidden = rename(routine, {c: fresh(f"{c}_here", used) for c in constants})
        made = ir.Routine(own, "PROCEDURE", body, loc=routine.loc)
        routines: dict[str, ir.Routine] = {}
        for each in mechanism.routines.values():  # callees come before callers
            if each.name == name:
                routines[own] = made
            routines[each.name] = hidden if each.name == name else each
        initial = mechanism.initial or ir.Routine("initial", "INITIAL", (), loc=routine.loc)
        call = ir.CallRoutine(own, (), routine.loc or ir.Loc(1))
        mechanism = replace(mechanism, routines=routines, initial=replace(initial, body=(call, *initial.body)))
    return mechanism


def _with_callees(mechanism: ir.Mechanism, name: str) -> ir.Mechanism:
    """Put the PROCEDUREs that only this routine calls in place of the calls, if they assign what is looked for."""
    routine = mechanism.routines[name]
    assert routine.table is not None
    everything = [c for r in (*mechanism.routines.values(), *blocks(mechanism).values()) for c in calls(r.body)]
    analysis = Analysis(mechanism)
    read = {n for block in blocks(mechanism).values() for n in analysis.exposed(block)}
    wanted = {n for n in read - set(routine.table.variables) if mechanism.symbols[n].role is ir.Role.GLOBAL}
    routines = dict(mechanism.routines)
    body: list[ir.Stmt] = []
    for statement in routine.body:
        callee = routines.get(statement.name) if isinstance(statement, ir.CallRoutine) else None
        alone = callee is not None and callee.kind == "PROCEDURE" and everything.count(callee.name) == 1
        if callee is None or not alone or callee.table or not ir.assigned(callee.body) & wanted:
            body.append(statement)
            continue
        assert isinstance(statement, ir.CallRoutine)
        used = all_names(mechanism)
        inside = [*callee.args, *sorted(ir.assigned(callee.body) - set(mechanism.symbols) - set(callee.args))]
        names = {n: fresh(n, used) for n in inside}
        given = zip(callee.args, statement.args, strict=True)
        body += [ir.Assign(ir.Var(names[a]), value, statement.loc) for a, value in given]
        body += rename(callee, names).body
        del routines[callee.name]
    routines[name] = replace(routine, body=tuple(body))
    return replace(mechanism, routines=routines)


def _constants(mechanism: ir.Mechanism, analysis: Analysis, routine: ir.Routine) -> list[str]:
    assert routine.table is not None
    sure = {name for name, _ in analysis.body(routine).must}
    exposed = analysis.exposed(routine)
    uniformity = Uniformity(mechanism)
    elsewhere = {
        n
        for other in (*mechanism.routines.values(), *blocks(mechanism).values())
        if other.name != routine.name
        for n in ir.assigned(other.body)
    }
    return [
        name
        for name in analysis.summary(routine)[1]
        if mechanism.symbols[name].role is ir.Role.GLOBAL
        and name not in routine.table.variables
        and name in sure
        and name not in exposed
        and name not in elsewhere
        and uniformity.of(name)
    ]


def _slice(
    body: tuple[ir.Stmt, ...], needed: set[str], analysis: Analysis, mechanism: ir.Mechanism
) -> tuple[ir.Stmt, ...] | None:
    """Return the statements that the needed names depend on, adding to `needed`; None if they do more than that."""
    out: list[ir.Stmt] = []
    for statement in reversed(body):
        match statement:
            case ir.Assign(target, _, _) if target.name not in needed:
                continue
            case ir.If(_, then, orelse, loc):
                inner = [_slice(b, needed, analysis, mechanism) for b in (then, orelse)]
                if inner[0] is None or inner[1] is None:
                    return None
                if not inner[0] and not inner[1]:
                    continue
                statement = ir.If(statement.condition, inner[0], inner[1], loc)  # noqa: PLW2901
            case ir.CallRoutine(name, _, _, result):
                writes = set(analysis.summary(mechanism.routines[name])[1]) if name in mechanism.routines else {name}
                if not writes & needed and result not in needed:
                    continue
                if writes - needed:
                    return None
            case ir.Derivative() | ir.SolveImplicit() | ir.While() | ir.ForNetcons():
                return None
        for expr in expressions(statement):
            needed |= names(expr)
            for part in subexpressions(expr):
                if isinstance(part, ir.Call) and part.name in mechanism.routines:
                    needed |= analysis.exposed(mechanism.routines[part.name])
        out.append(statement)
    return tuple(reversed(out))
