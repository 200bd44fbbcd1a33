"""What a formula of HOC is worth: scalar expressions for all entries at once, as src/oc/code.cpp computes them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from mod_translator import ir
from nrn_diff import runtime
from nrn_diff.events.time_grid import HOC_EPSILON

Array = jax.Array

FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "exp": runtime.exp,
    "log": runtime.log,
    "log10": runtime.log10,
    "sqrt": runtime.sqrt,
    "abs": runtime.fabs,
    "fabs": runtime.fabs,
    "sin": runtime.sin,
    "cos": runtime.cos,
    "tanh": runtime.tanh,
    "atan": runtime.atan,
    "atan2": runtime.atan2,
    "erf": runtime.erf,
    "pow": runtime.pow,
    "nernst": runtime.nernst,
    "nrn_ghk": runtime.nrn_ghk,
}

_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    # HOC compares with a slack.
    "<": lambda a, b: runtime.as_number(a < b - HOC_EPSILON),
    "<=": lambda a, b: runtime.as_number(a <= b + HOC_EPSILON),
    ">": lambda a, b: runtime.as_number(a > b + HOC_EPSILON),
    ">=": lambda a, b: runtime.as_number(a >= b - HOC_EPSILON),
    "==": lambda a, b: runtime.as_number((a <= b + HOC_EPSILON) & (a >= b - HOC_EPSILON)),
    "!=": lambda a, b: runtime.as_number((a < b - HOC_EPSILON) | (a > b + HOC_EPSILON)),
    "&&": lambda a, b: runtime.as_number((a != 0.0) & (b != 0.0)),
    "||": lambda a, b: runtime.as_number((a != 0.0) | (b != 0.0)),
    "+": operator.add,
    "-": operator.sub,
    "*": runtime.times,
    "/": runtime.divide,
    "^": runtime.pow,
}


def evaluate(expression: ir.Expr, operands: Mapping[str, Array]) -> Array:
    """The value for every entry; operands [n] or scalar, by name. A comparison is 1.0 or 0.0."""

    def value(e: ir.Expr) -> Array:
        return evaluate(e, operands)

    match expression:
        case ir.Num(number):
            return jnp.asarray(number, jnp.float64)
        case ir.Var(name):
            return operands[name]
        case ir.Unary("-", operand):
            return -value(operand)
        case ir.Unary("!", operand):
            return runtime.as_number(value(operand) == 0.0)
        case ir.Binary(op, left, right) if op in _OPERATORS:
            return jnp.asarray(_OPERATORS[op](value(left), value(right)))
        case ir.Call(name, args):
            return jnp.asarray(FUNCTIONS[name](*(value(a) for a in args)))
    raise ValueError(f"{expression} is no formula")


def unknown(expression: ir.Expr, operands: Mapping[str, Any]) -> Iterator[str]:
    """What `evaluate` would not know of a formula: functions, variables, kinds of expressions."""
    match expression:
        case ir.Num():
            return
        case ir.Var(name):
            yield from () if name in operands else (name,)
        case ir.Unary("-" | "!", operand):
            yield from unknown(operand, operands)
        case ir.Binary(op, left, right) if op in _OPERATORS:
            yield from unknown(left, operands)
            yield from unknown(right, operands)
        case ir.Call(name, args):
            yield from () if name in FUNCTIONS else (f"{name}()",)
            for argument in args:
                yield from unknown(argument, operands)
        case _:
            yield str(expression)
