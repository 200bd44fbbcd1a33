"""Splitting a rate into `slope * state + offset`, exactly as nocmodl does for METHOD cnexp.

Source: nocmodl's diffeq.ypp. It carries three expressions through the parse tree: the derivative with respect to the
state, the coefficient of the state and the rest. The trees built here have the shape of the text it prints, so that the
rounding is the same. No algebra is done beyond that.
"""

from __future__ import annotations

from dataclasses import dataclass

from mod_translator.ir import Binary, Call, Element, Expr, Num, Unary, Var
from mod_translator.passes.walk import names

_ONE = Num(1.0, "1")


class NotLinearError(Exception):
    """nocmodl cannot differentiate the rate (state in a divisor or in an argument): it uses derivimplicit."""


@dataclass(frozen=True, slots=True)
class Linear:
    """The parts of a rate; None stands for zero.

    slope: derivative of the rate. factor: coefficient of the state. offset: the rest. linear: False where states are
    multiplied by each other; nocmodl then goes on with the slope and without the offset.
    """

    slope: Expr | None
    factor: Expr | None
    offset: Expr | None
    linear: bool = True


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
            return Linear(_minus(part.slope), _minus(part.factor), _minus(part.offset), part.linear)
        case Binary("+" | "-", _, _):
            return _sum(rate, state)
        case Binary("*", _, _):
            return _product(rate, state)
        case Binary("/", _, _):
            return _quotient(rate, state)
        case Call() | Binary() | Unary() if state in names(rate):
            raise NotLinearError
        case Var() | Element() | Call() | Binary() | Unary():
            return Linear(None, None, rate)


def _minus(expr: Expr | None) -> Expr | None:
    return None if expr is None else Unary("-", expr)


def _sum(rate: Binary, state: str) -> Linear:
    left, right = decompose(rate.left, state), decompose(rate.right, state)

    def add(a: Expr | None, b: Expr | None) -> Expr | None:
        if a is not None and b is not None:
            return Binary(rate.op, a, b)
        if a is not None:
            return a
        return b if rate.op == "+" else _minus(b)

    return Linear(
        add(left.slope, right.slope),
        add(left.factor, right.factor),
        add(left.offset, right.offset),
        left.linear and right.linear,
    )


def _product(rate: Binary, state: str) -> Linear:
    left, right = decompose(rate.left, state), decompose(rate.right, state)
    slope = factor = offset = None
    if left.slope is not None:
        slope = Binary("*", left.slope, rate.right)
    if right.slope is not None:
        second = Binary("*", rate.left, right.slope)
        slope = second if slope is None else Binary("+", slope, second)
    if left.factor is not None and right.offset is not None:
        factor = Binary("*", left.factor, right.offset)
    elif right.factor is not None and left.offset is not None:
        factor = Binary("*", left.offset, right.factor)
    if left.offset is not None and right.offset is not None:
        offset = Binary("*", left.offset, right.offset)
    both = left.factor is not None and right.factor is not None
    return Linear(slope, None if both else factor, offset, left.linear and right.linear and not both)


def _quotient(rate: Binary, state: str) -> Linear:
    left, divisor = decompose(rate.left, state), rate.right
    if decompose(divisor, state).slope is not None:
        raise NotLinearError

    def divide(expr: Expr | None) -> Expr | None:
        return None if expr is None else Binary("/", expr, divisor)

    return Linear(divide(left.slope), divide(left.factor), divide(left.offset), left.linear)
