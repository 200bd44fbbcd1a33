"""Which variables are still needed after a statement, so that an `if` merges only those."""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import TYPE_CHECKING

from mod_translator import ir
from mod_translator.passes import walk

if TYPE_CHECKING:
    from mod_translator.emit.interface import Interface

FileKey = Callable[[str], str]


class Liveness:
    """Backward analysis of one routine; variables by their key in the environment."""

    def __init__(self, interface: Interface, file_key: FileKey) -> None:
        self.interface = interface
        self.file_key = file_key

    def _used(self, expr: ir.Expr) -> set[str]:
        names: set[str] = set()
        for part in walk.subexpressions(expr):
            if isinstance(part, ir.Var | ir.Element):
                names.add(part.name)
            elif isinstance(part, ir.Call) and part.name in self.interface.mechanism.routines:
                names.update(self.file_key(n) for n in self.interface.inputs(self.interface.routine(part.name)))
        return names

    def before(self, body: tuple[ir.Stmt, ...], after: Set[str]) -> set[str]:
        """Return what is needed before the statements, given what is needed after them."""
        live = set(after)
        for stmt in reversed(body):
            live = self.before_one(stmt, live)
        return live

    def before_one(self, stmt: ir.Stmt, after: Set[str]) -> set[str]:
        """Return what is needed before one statement."""
        live = set(after)
        match stmt:
            case ir.Assign(ir.Var(name), _, _):
                live.discard(name)
            case ir.Assign(ir.Element(name, _), _, _):
                live.add(name)
            case ir.If(_, then, orelse, _):
                live = self.before(then, after) | self.before(orelse, after)
            case ir.While(condition, body, _):
                live |= self._used(condition)
                for _ in range(2):  # what a turn needs of the one before
                    live |= self.before(body, live)
            case ir.CallRoutine(name, _, _, result):
                routine = self.interface.routine(name)
                live -= {self.file_key(w) for w in routine.writes} | {result or ""}
                live |= {self.file_key(n) for n in self.interface.inputs(routine)}
            case ir.SolveImplicit(_, states, rates, _):
                routine = self.interface.routine(rates)
                live -= {self.file_key(w) for w in routine.writes}
                step = ("dt",) if stmt.uses_dt else ()
                live |= {self.file_key(n) for n in (*self.interface.inputs(routine), *states, *step)}
        for operand in walk.expressions(stmt):
            live |= self._used(operand)
        return live
