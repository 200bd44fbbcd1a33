"""Numbers of a HOC program that know the formula they come from, where that has variables of the model in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from mod_translator import ir
from mod_translator.passes.walk import subexpressions


class NotFollowedError(Exception):
    """What stands in the way, as the rest of a sentence that begins with 'init() '."""


@dataclass(frozen=True, slots=True)
class Value:
    """number: what it is now, as NEURON has it. formula: over names of variables of the model; None: a constant."""

    number: float
    formula: ir.Expr | None = None

    @property
    def expression(self) -> ir.Expr:
        """The formula, also of a constant."""
        return ir.Num(self.number) if self.formula is None else self.formula


def combine(op: str, left: Value, right: Value, number: float) -> Value:
    """`number` is what HOC's operator makes of the two."""
    if left.formula is None and right.formula is None:
        return Value(number)
    return Value(number, ir.Binary(op, left.expression, right.expression))


def compared(op: str, a: float, b: float, slack: float) -> float:
    """HOC's comparisons: 1.0 or 0.0."""
    holds = {
        ">": a > b + slack,
        "<": a < b - slack,
        ">=": a >= b - slack,
        "<=": a <= b + slack,
        "==": b - slack <= a <= b + slack,
        "!=": a < b - slack or a > b + slack,
    }
    return float(holds[op])


def plain(value: Any, purpose: str) -> float:
    """A number that must not follow variables of the model."""
    if not isinstance(value, Value):
        raise NotFollowedError(f"has something that is no number as {purpose}")
    if value.formula is not None:
        raise NotFollowedError(f"takes a variable of the model as {purpose}")
    return value.number


def names(expr: ir.Expr) -> Iterator[str]:
    """Of the variables in it, from left to right, as often as they occur."""
    return (e.name for e in subexpressions(expr) if isinstance(e, ir.Var))


def mapped(expr: ir.Expr, leaf: Callable[[ir.Var | ir.Num], ir.Expr]) -> ir.Expr:
    """The same formula with every variable and number replaced, from left to right."""
    match expr:
        case ir.Unary(op, operand):
            return ir.Unary(op, mapped(operand, leaf))
        case ir.Binary(op, left, right):
            return ir.Binary(op, mapped(left, leaf), mapped(right, leaf))
        case ir.Call(name, args):
            return ir.Call(name, tuple(mapped(arg, leaf) for arg in args))
        case ir.Var() | ir.Num():
            return leaf(expr)
    raise TypeError(expr)


def packed(expr: ir.Expr) -> list[Any]:
    """As JSON values."""
    match expr:
        case ir.Num(value):
            return ["number", value]
        case ir.Var(name):
            return ["name", name]
        case ir.Unary(op, operand):
            return ["unary", op, packed(operand)]
        case ir.Binary(op, left, right):
            return ["binary", op, packed(left), packed(right)]
        case ir.Call(name, args):
            return ["call", name, *map(packed, args)]
    raise TypeError(expr)


def unpacked(data: list[Any]) -> ir.Expr:
    """From `packed`."""
    kind, rest = data[0], data[1:]
    if kind == "number":
        return ir.Num(float(rest[0]))
    if kind == "name":
        return ir.Var(rest[0])
    if kind == "unary":
        return ir.Unary(rest[0], unpacked(rest[1]))
    if kind == "binary":
        return ir.Binary(rest[0], unpacked(rest[1]), unpacked(rest[2]))
    return ir.Call(rest[0], tuple(map(unpacked, rest[1:])))
