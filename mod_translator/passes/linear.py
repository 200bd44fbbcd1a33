"""Splitting a rate into `slope * state + offset`, exactly as nocmodl does for METHOD cnexp.

Source: nocmodl's diffeq.ypp. It carries three expressions through the parse tree: the derivative with respect to the
state, the coefficient of the state and the rest. The trees built here have the shape of the text it prints, so that the
rounding is the same. No algebra is done beyond that: x*x/x is not linear.
"""

from __future__ import annotations

from dataclasses import dataclass

from mod_translator.ir import Binary, Call, Element, Expr, Num, Unary, Var
from mod_translator.passes.walk import names

_ONE = Num(1.0, "1")


class NotLinearError(Exception):
    """The rate is not of the form that nocmodl recognises as linear in its state."""


@dataclass(frozen=True, slots=True)
class Linear:
    """`slope`: derivative of the rate; `factor`: coefficient of the state; `offset`: the rest. None stands for zero."""

    slope: Expr | None
    factor: Expr | None
    offset: Expr | None


def decompose(rate: Expr, state: str) -> Linear:
    """Return the parts of a rate.

    Raises NotLinearError where nocmodl falls back to derivimplicit.
    """
    match rate:
        case Var(name) if name == state:
            return Linear(_ONE, _ONE, None)
        case Num(value, _):
            return Linear(None, None, None if value == 0 else rate)
        case Unary("-", operand):
            part = decompose(operand, state)
            return Linear(_minus(part.slope), _minus(part.factor), _minus(part.offset))
        case Binary("+" | "-" as op, left, right):
            return _sum(op, decompose(left, state), decompose(right, state))
        case Binary("*", left, right):
            return _product(rate, state)
        case Binary("/", left, right):
            return _quotient(decompose(left, state), right, state)
        case Var() | Element():
            return Linear(None, None, rate)
        case Call() | Binary() | Unary():
            if state in names(rate):
                raise NotLinearError
            return Linear(None, None, rate)


def _minus(expr: Expr | None) -> Expr | None:
    return None if expr is None else Unary("-", expr)


def _sum(op: str, left: Linear, right: Linear) -> Linear:
    def add(a: Expr | None, b: Expr | None) -> Expr | None:
        if a is not None and b is not None:
            return Binary(op, a, b)
        if a is not None:
            return a
        return b if op == "+" else _minus(b)

    return Linear(add(left.slope, right.slope), add(left.factor, right.factor), add(left.offset, right.offset))


def _product(rate: Binary, state: str) -> Linear:
    left, right = decompose(rate.left, state), decompose(rate.right, state)
    if left.factor is not None and right.factor is not None:
        raise NotLinearError
    slope: Expr | None = None
    factor: Expr | None = None
    if left.slope is not None:
        slope = Binary("*", left.slope, rate.right)
    elif right.slope is not None:
        slope = Binary("*", rate.left, right.slope)
    if left.factor is not None and right.offset is not None:
        factor = Binary("*", left.factor, right.offset)
    elif right.factor is not None and left.offset is not None:
        factor = Binary("*", left.offset, right.factor)
    offset = None
    if left.offset is not None and right.offset is not None:
        offset = Binary("*", left.offset, right.offset)
    return Linear(slope, factor, offset)


def _quotient(left: Linear, divisor: Expr, state: str) -> Linear:
    if decompose(divisor, state).slope is not None:
        raise NotLinearError

    def divide(expr: Expr | None) -> Expr | None:
        return None if expr is None else Binary("/", expr, divisor)

    return Linear(divide(left.slope), divide(left.factor), divide(left.offset))
