"""LINEAR and NONLINEAR blocks: equations become a routine of residuals and one SolveImplicit statement.

Source: nocmodl's simultan.cpp; as many equations as there are states in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mod_translator import ir
from mod_translator.passes.walk import names, statements
from mod_translator.semantic.context import first_name
from mod_translator.syntax import tree

if TYPE_CHECKING:
    from mod_translator.semantic.block import Block
    from mod_translator.semantic.statements import Lowering


class Simultaneous:
    """Lowers one LINEAR or NONLINEAR block."""

    def __init__(self, lowering: Lowering, block: tree.Block, work: Block) -> None:
        self.lowering = lowering
        self.context = lowering.context
        self.symbols = lowering.symbols.table
        self.block = block
        self.work = work
        self.residuals: list[str] = []
        self.unknown: set[str] = set()
        chosen = {self.context.name(n) for n in block.solvefor}
        states = {n for n, s in self.symbols.items() if s.block == "STATE"}
        self.solvable = states & chosen if chosen else states

    def equation(self, equation: tree.AlgebraicEquation) -> tuple[ir.Stmt, ...]:
        """Return the residual of one equation."""
        at = first_name(equation.left) or first_name(equation.right)
        left = self.lowering.resolve.expr(equation.left, self.work.scope)
        right = self.lowering.resolve.expr(equation.right, self.work.scope)
        if self.block.kind == "LINEAR" and not all(self._degree(side) < 2 for side in (left, right)):
            self.context.wrong(
                "S175",
                f"the equation is not linear in the states of {self.context.name(self.block.name)}",
                "use a form in which states are only multiplied by numbers and parameters",
                at,
            )
        self.unknown |= (names(left) | names(right)) & self.solvable
        self.residuals.append(self.work.scope.fresh(f"residual_{len(self.residuals) + 1}"))
        return (ir.Assign(ir.Var(self.residuals[-1]), ir.Binary("-", left, right), self.context.loc(at)),)

    def _degree(self, expr: ir.Expr) -> int:
        """Return 0 for an expression without unknowns, 1 for a linear one, 2 for any other."""
        match expr:
            case ir.Var(name) | ir.Element(name, _):
                return int(name in self.solvable)
            case ir.Unary("-", operand):
                return self._degree(operand)
            case ir.Binary("+" | "-", left, right):
                return max(self._degree(left), self._degree(right))
            case ir.Binary("*", left, right):
                return self._degree(left) + self._degree(right)
            case ir.Binary("/", left, right):
                return self._degree(left) if self._degree(right) == 0 else 2
            case _:
                return 2 if names(expr) & self.solvable else 0

    def finish(self, name: str, body: tuple[ir.Stmt, ...]) -> tuple[ir.Routine, ir.SolveImplicit]:
        """Return the routine of residuals and the statement that solves it, from the lowered body."""
        loc = self.context.source.loc(self.block.token)
        order = tuple(n for n in self.symbols if n in self.unknown)
        cells = sum(max(self.symbols[n].length, 1) for n in order)
        conditional = {s.target.name for s in statements(body) if isinstance(s, ir.Assign) and s not in body} & set(
            self.residuals
        )
        if cells != len(self.residuals) or conditional:
            self.context.wrong(
                "S176",
                f"{self.block.kind} {name} has {len(self.residuals)} equations for {cells} states",
                "write one equation for each state, none of them inside if/else",
                self.block.name,
            )
        routine = ir.Routine(f"{name}_residuals", "RATES", body, order, tuple(self.residuals), loc=loc)
        linear = self.block.kind == "LINEAR"
        return routine, ir.SolveImplicit("simeq" if linear else "newton", order, routine.name, loc, order, linear)
