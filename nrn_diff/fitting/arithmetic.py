"""Formulas in files of others, read as arithmetic and never executed."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp

from .errors import FitError

_OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": jnp.exp,
    "log": jnp.log,
    "sqrt": jnp.sqrt,
    "tanh": jnp.tanh,
    "pow": jnp.power,
}


def formula(text: str, coefficients: Sequence[str] = ()) -> Callable[..., Any]:
    """'(-0.8696 + 2.087*math.exp(({distance})*0.0031))*{value}' as a function of jax.numpy (distance, value, ...).

    coefficients: further names in braces, further arguments in this order. Only arithmetic and functions of `math` are
    read. Raises FitError for anything else.
    """
    names = ("distance", "value", *coefficients)
    plain = text
    for name in names:
        plain = plain.replace("{" + name + "}", name)
    try:
        tree = ast.parse(plain, mode="eval").body
        _evaluate(tree, dict.fromkeys(names, jnp.ones(1)))
    except (SyntaxError, FitError) as error:
        raise FitError(f"distribution {text!r}: {error}") from None
    return lambda distance, *numbers: (
        _evaluate(tree, dict(zip(names, (distance, *numbers), strict=True))) + 0.0 * distance
    )


def _evaluate(node: ast.expr, names: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(float() | int() as value):
            return value
        case ast.Name(name) if name in names:
            return names[name]
        case ast.Attribute(ast.Name("math"), "pi"):
            return math.pi
        case ast.BinOp(left, op, right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_evaluate(left, names), _evaluate(right, names))
        case ast.UnaryOp(op, operand) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_evaluate(operand, names))
        case ast.Call(ast.Attribute(ast.Name("math"), name), args, []) if name in _FUNCTIONS:
            return _FUNCTIONS[name](*(_evaluate(arg, names) for arg in args))
    raise FitError(f"{ast.unparse(node)!r} is not arithmetic of {', '.join(names)}")
