"""Where an operation can be infinite or undefined, in value or derivative, for finite operands."""

from __future__ import annotations

from collections.abc import Mapping

from mod_translator import ir
from mod_translator.passes import walk

MAX_WHOLE_EXPONENT = 64

# arguments for which a function or its derivative can be undefined, each with a harmless value
GUARDS: dict[str, tuple[tuple[int, float], ...]] = {
    "log": ((0, 1.0),),
    "log10": ((0, 1.0),),
    "sqrt": ((0, 1.0),),
    "pow": ((0, 1.0),),
    "asin": ((0, 0.0),),
    "acos": ((0, 0.0),),
    "sinh": ((0, 0.0),),
    "cosh": ((0, 0.0),),
    "atan2": ((1, 1.0),),
    "fmod": ((1, 1.0),),
    "nrn_ghk": ((1, 1.0), (2, 1.0)),
}

# what an intrinsic uses of NEURON's own variables besides its arguments
INTRINSIC_READS: dict[str, tuple[str, ...]] = {"nrn_ghk": ("celsius",)}


def whole_exponent(expr: ir.Expr) -> int | None:
    """Return the exponent of a power written with a whole number, None for any other."""
    match expr:
        case ir.Num(value) if value == int(value) and abs(value) <= MAX_WHOLE_EXPONENT:
            return int(value)
        case ir.Unary("-", ir.Num(value)) if value == int(value) and abs(value) <= MAX_WHOLE_EXPONENT:
            return -int(value)
    return None


def _not_negative(expr: ir.Expr, constants: Mapping[str, float]) -> bool:
    match expr:
        case ir.Call("exp" | "fabs" | "sqrt", _):
            return True
        case ir.Binary("^", _, exponent) if (n := whole_exponent(exponent)) is not None and n >= 0 and n % 2 == 0:
            return True
        case ir.Binary("+" | "*", left, right):
            return _not_negative(left, constants) and _not_negative(right, constants)
    return _positive(expr, constants)


def _positive(expr: ir.Expr, constants: Mapping[str, float]) -> bool:
    match expr:
        case ir.Num(value):
            return value > 0
        case ir.Var(name):
            return constants.get(name, 0.0) > 0
        case ir.Binary("+", left, right):
            one = _positive(left, constants) or _positive(right, constants)
            return one and _not_negative(left, constants) and _not_negative(right, constants)
    return False


def is_nonzero_number(expr: ir.Expr, constants: Mapping[str, float]) -> bool:
    """Whether an expression is a number of the file, by which division has no derivative, and not zero."""
    match expr:
        case ir.Num(value):
            return value != 0
        case ir.Var(name):
            return constants.get(name, 0.0) != 0
        case ir.Unary("-", operand):
            return is_nonzero_number(operand, constants)
    return False


def never_zero(expr: ir.Expr, constants: Mapping[str, float]) -> bool:
    """Whether a denominator is seen not to be zero: a number, or a sum of positive terms such as 1 + exp(x)."""
    match expr:
        case ir.Unary("-", operand):
            return never_zero(operand, constants)
    return is_nonzero_number(expr, constants) or _positive(expr, constants)


def _infinite_power(base: ir.Expr, exponent: ir.Expr, constants: Mapping[str, float]) -> bool:
    n = whole_exponent(exponent)
    return (n is None or n < 0) and not _positive(base, constants)


def infinite_factor(expr: ir.Expr, constants: Mapping[str, float], powers: frozenset[str] = frozenset()) -> bool:
    """Whether a factor is a quotient or a power that is infinite where its denominator or its base is zero.

    powers: variables that hold such a power.
    """
    match expr:
        case ir.Var(name):
            return name in powers
        case ir.Binary("^", left, exponent):
            return _infinite_power(left, exponent, constants)
        case ir.Binary("/", left, right):
            return not never_zero(right, constants) or infinite_factor(left, constants, powers)
        case ir.Binary("*", left, right):
            return infinite_factor(left, constants, powers) or infinite_factor(right, constants, powers)
        case ir.Unary("-", operand):
            return infinite_factor(operand, constants, powers)
    return False


def power_variables(body: tuple[ir.Stmt, ...], constants: Mapping[str, float]) -> frozenset[str]:
    """Return the variables that a body makes a power which may be infinite, such as q10^((celsius - 22)/10)."""
    return frozenset(
        statement.target.name
        for statement in walk.statements(body)
        if isinstance(statement, ir.Assign) and _is_power(statement.value, constants)
    )


def _is_power(expr: ir.Expr, constants: Mapping[str, float]) -> bool:
    match expr:
        case ir.Binary("*", left, right):
            return _is_power(left, constants) or _is_power(right, constants)
        case ir.Binary("/", left, _) | ir.Unary("-", left):
            return _is_power(left, constants)
        case ir.Binary("^", _, _):
            return infinite_factor(expr, constants)
    return False


def is_partial(body: tuple[ir.Stmt, ...], constants: Mapping[str, float]) -> bool:
    """Whether a body itself holds an operation that has to be guarded under a condition."""
    for stmt in walk.statements(body):
        if any(_needs_guard(e, constants) for operand in walk.expressions(stmt) for e in walk.subexpressions(operand)):
            return True
    return False


def _needs_guard(expr: ir.Expr, constants: Mapping[str, float]) -> bool:
    match expr:
        case ir.Binary("/", _, right):
            return not never_zero(right, constants)
        case ir.Binary("^", left, exponent):
            return _infinite_power(left, exponent, constants)
        case ir.Call(name, _):
            return name in GUARDS
    return False
