"""Formulas of the IR written with Python's operators, for front ends that make equations instead of parsing them."""

from __future__ import annotations

from dataclasses import dataclass

from mod_translator import ir

NOWHERE = ir.Loc(1)


@dataclass(frozen=True, slots=True)
class Formula:
    """An expression with operators; numbers may stand beside it."""

    expr: ir.Expr

    def __add__(self, other: Operand) -> Formula:
        return _binary("+", self, other)

    def __radd__(self, other: Operand) -> Formula:
        return _binary("+", other, self)

    def __sub__(self, other: Operand) -> Formula:
        return _binary("-", self, other)

    def __rsub__(self, other: Operand) -> Formula:
        return _binary("-", other, self)

    def __mul__(self, other: Operand) -> Formula:
        return _binary("*", self, other)

    def __rmul__(self, other: Operand) -> Formula:
        return _binary("*", other, self)

    def __truediv__(self, other: Operand) -> Formula:
        return _binary("/", self, other)

    def __rtruediv__(self, other: Operand) -> Formula:
        return _binary("/", other, self)

    def __pow__(self, other: Operand) -> Formula:
        return _binary("^", self, other)

    def __neg__(self) -> Formula:
        return Formula(ir.Unary("-", self.expr))

    def __lt__(self, other: Operand) -> Formula:
        return _binary("<", self, other)

    def __gt__(self, other: Operand) -> Formula:
        return _binary(">", self, other)


Operand = Formula | float


def formula(item: Operand) -> Formula:
    """A number as a formula; a formula as it is."""
    return item if isinstance(item, Formula) else Formula(ir.Num(float(item)))


def _binary(op: str, left: Operand, right: Operand) -> Formula:
    return Formula(ir.Binary(op, formula(left).expr, formula(right).expr))


def var(name: str) -> Formula:
    """A variable."""
    return Formula(ir.Var(name))


def call(name: str, *args: Operand) -> Formula:
    """A call of a function."""
    return Formula(ir.Call(name, tuple(formula(a).expr for a in args)))


def assign(name: str, value: Operand) -> ir.Assign:
    """`name = value`."""
    return ir.Assign(ir.Var(name), formula(value).expr, NOWHERE)


def choose(condition: Formula, then: list[ir.Stmt], orelse: list[ir.Stmt]) -> ir.If:
    """`if (condition) then else orelse`."""
    return ir.If(condition.expr, tuple(then), tuple(orelse), NOWHERE)
