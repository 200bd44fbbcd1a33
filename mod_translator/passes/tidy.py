"""What has become empty goes."""

from __future__ import annotations

from dataclasses import replace

from mod_translator import ir
from mod_translator.passes.context import PassContext
from mod_translator.passes.walk import rebuild, with_bodies


def tidy(mechanism: ir.Mechanism, context: PassContext) -> ir.Mechanism:
    """Remove every If without statements (after at_time, printf and the like were left out)."""

    def change(statement: ir.Stmt) -> tuple[ir.Stmt, ...]:
        empty = isinstance(statement, ir.If) and not statement.then and not statement.orelse
        return () if empty else (statement,)

    return with_bodies(mechanism, lambda routine: replace(routine, body=rebuild(routine.body, change)))
