"""`advance` shows the steps of the SOLVEd block itself, not a call of it."""

from __future__ import annotations

from dataclasses import replace

from mod_translator import ir
from mod_translator.passes.context import PassContext
from mod_translator.passes.walk import blocks, calls

_SOLVED = ("DERIVATIVE", "KINETIC", "LINEAR", "NONLINEAR")


def inline_solved(mechanism: ir.Mechanism, context: PassContext) -> ir.Mechanism:
    """Put the body of every block of equations that is called once, from `advance`, in place of the call."""
    advance = mechanism.advance
    if advance is None:
        return mechanism
    everything = [c for r in (*mechanism.routines.values(), *blocks(mechanism).values()) for c in calls(r.body)]
    routines = dict(mechanism.routines)
    body: list[ir.Stmt] = []
    for statement in advance.body:
        routine = routines.get(statement.name) if isinstance(statement, ir.CallRoutine) else None
        if routine is not None and routine.kind in _SOLVED and everything.count(routine.name) == 1:
            body += routine.body
            del routines[routine.name]
        else:
            body.append(statement)
    return replace(mechanism, advance=replace(advance, body=tuple(body)), routines=routines)
