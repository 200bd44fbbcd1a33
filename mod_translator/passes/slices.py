"""The statements on which the values of some variables depend."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from mod_translator import ir
from mod_translator.passes.effects import Analysis
from mod_translator.passes.walk import calls, expressions, names, statements


def sliced(body: tuple[ir.Stmt, ...], wanted: Set[str], analysis: Analysis) -> tuple[ir.Stmt, ...]:
    """Return the statements without those that have no part in what `wanted` hold at the end.

    What is left may still hold a few that have none.
    """
    return _slice(body, set(wanted), analysis)[0]


def _slice(body: tuple[ir.Stmt, ...], live: set[str], analysis: Analysis) -> tuple[tuple[ir.Stmt, ...], set[str]]:
    kept: list[ir.Stmt] = []
    for statement in reversed(body):
        if isinstance(statement, ir.If):
            then, before_then = _slice(statement.then, set(live), analysis)
            orelse, before_orelse = _slice(statement.orelse, set(live), analysis)
            if then or orelse:
                kept.insert(0, replace(statement, then=then, orelse=orelse))
                live = before_then | before_orelse | _read((replace(statement, then=(), orelse=()),), analysis)
            continue
        written = ir.assigned((statement,)) | _written_by(calls((statement,)), analysis)
        if not written & live:
            continue
        kept.insert(0, statement)
        if isinstance(statement, ir.Assign) and isinstance(statement.target, ir.Var):
            live -= {statement.target.name}
        live |= _read((statement,), analysis)
    return tuple(kept), live


def _read(body: tuple[ir.Stmt, ...], analysis: Analysis) -> set[str]:
    found = {name for s in statements(body) for expr in expressions(s) for name in names(expr)}
    for called in calls(body):
        effects = analysis.of(called)
        found |= {name for name, _ in effects.reads} if effects else set()
    return found


def _written_by(called: list[str], analysis: Analysis) -> set[str]:
    found = (analysis.of(name) for name in called)
    return {name for effects in found if effects for name, _ in effects.may}
