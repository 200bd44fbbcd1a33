"""FROM loops that C code leaves by `break;`: unrolled, each turn runs only while nothing has left the loop."""

from __future__ import annotations

from collections.abc import Sequence

from mod_translator import ir


class CannotLeaveError(Exception):
    """The break stands in an inner loop that is no FROM loop with constant bounds."""


def unrolled(turns: Sequence[tuple[ir.Stmt, ...]], going: str, loc: ir.Loc) -> tuple[ir.Stmt, ...]:
    """The turns of a loop one after the other. going: set to 0 where one of them leaves ('': none does)."""
    if not going:
        return tuple(statement for turn in turns for statement in turn)
    out: list[ir.Stmt] = [ir.Assign(ir.Var(going), ir.Num(1.0, "1"), loc)]
    for turn in turns:
        out.append(ir.If(_still(going), _until_left(turn, going, loc), (), loc))
    return tuple(out)


def _still(going: str) -> ir.Expr:
    return ir.Binary("!=", ir.Var(going), ir.Num(0.0, "0"))


def _until_left(body: tuple[ir.Stmt, ...], going: str, loc: ir.Loc) -> tuple[ir.Stmt, ...]:
    for i, statement in enumerate(body):
        if going not in ir.assigned((statement,)):
            continue
        before, rest = body[:i], body[i + 1 :]
        match statement:
            case ir.Assign():
                return (*before, statement)
            case ir.If(test, then, orelse, place):
                inside = ir.If(test, _until_left(then, going, loc), _until_left(orelse, going, loc), place)
                after = (ir.If(_still(going), _until_left(rest, going, loc), (), loc),) if rest else ()
                return (*before, inside, *after)
        raise CannotLeaveError
    return body
