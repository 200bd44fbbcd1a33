"""Locals that C++ would read uninitialised are set to 0 first, so that every local is assigned before it is read."""

from __future__ import annotations

from dataclasses import replace

from mod_translator import ir
from mod_translator.passes.context import PassContext
from mod_translator.passes.effects import Analysis
from mod_translator.passes.walk import with_bodies


def initialise_locals(mechanism: ir.Mechanism, context: PassContext) -> ir.Mechanism:
    """Put `name = 0` in front where a LOCAL or the value of a FUNCTION may be read before it is assigned."""
    analysis = Analysis(mechanism)

    def change(routine: ir.Routine) -> ir.Routine:
        exposed = [n for n, _ in analysis.body(routine).reads if n not in mechanism.symbols]
        loc = routine.loc or ir.Loc(1)
        for name in exposed:
            what = "returns no value" if name == routine.name else f"may read {name} before it is assigned"
            context.note_at(f"{routine.kind} {routine.name} {what} on some path; 0 is used", loc)
        zeros = tuple(ir.Assign(ir.Var(n), ir.Num(0.0, "0"), loc) for n in exposed)
        return replace(routine, body=zeros + routine.body)

    return with_bodies(mechanism, change)
