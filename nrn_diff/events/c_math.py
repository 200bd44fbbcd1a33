"""Arithmetic as the C++ that nocmodl writes does it: IEEE doubles, no exceptions, exp clipped as hoc_Exp."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable

_INF = math.inf


def divide(a: float, b: float) -> float:
    """a / b with the infinities and NaN of IEEE 754."""
    if b != 0.0:
        return a / b
    if a == 0.0 or math.isnan(a) or math.isnan(b):
        return math.nan
    return math.copysign(_INF, a) * math.copysign(1.0, b)


def hoc_exp(x: float) -> float:
    """exp as every mod file gets it: 0 below -700, exp(700) above 700 (hoc_Exp, src/oc/math.cpp)."""
    if x < -700.0:
        return 0.0
    return math.exp(700.0 if x > 700.0 else x)


def power(x: float, y: float) -> float:
    """pow(x, y) of C."""
    try:
        return math.pow(x, y)
    except OverflowError:
        odd = y == math.floor(y) and math.fmod(y, 2.0) != 0.0
        return -_INF if x < 0.0 and odd else _INF
    except ValueError:
        if x != 0.0:
            return math.nan
        odd = y == math.floor(y) and math.fmod(y, 2.0) != 0.0
        return math.copysign(_INF, x) if odd else _INF


def log(x: float) -> float:
    """log(x): -inf at 0, NaN below."""
    return math.log(x) if x > 0.0 else (-_INF if x == 0.0 else math.nan)


def log10(x: float) -> float:
    """log10(x): -inf at 0, NaN below."""
    return math.log10(x) if x > 0.0 else (-_INF if x == 0.0 else math.nan)


def _total(function: Callable[..., float], overflow: float = math.nan) -> Callable[..., float]:
    def wrapped(*args: float) -> float:
        try:
            return float(function(*args))
        except ValueError:
            return math.nan
        except OverflowError:
            return overflow

    return wrapped


def _sinh(x: float) -> float:
    try:
        return math.sinh(x)
    except OverflowError:
        return math.copysign(_INF, x)


def _rounded(function: Callable[[float], int]) -> Callable[[float], float]:
    def wrapped(x: float) -> float:
        # copysign: floor(-0.0) and ceil(-0.5) are -0.0 in C.
        return math.copysign(float(function(x)), x) if math.isfinite(x) else x

    return wrapped


UNARY: dict[str, Callable[[float], float]] = {"-": operator.neg, "!": lambda x: 0.0 if x else 1.0}

BINARY: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": divide,
    "^": power,
    "<": lambda a, b: 1.0 if a < b else 0.0,
    "<=": lambda a, b: 1.0 if a <= b else 0.0,
    ">": lambda a, b: 1.0 if a > b else 0.0,
    ">=": lambda a, b: 1.0 if a >= b else 0.0,
    "==": lambda a, b: 1.0 if a == b else 0.0,
    "!=": lambda a, b: 1.0 if a != b else 0.0,
}

INTRINSICS: dict[str, Callable[..., float]] = {
    "exp": hoc_exp,
    "pow": power,
    "log": log,
    "log10": log10,
    "fabs": math.fabs,
    "abs": math.fabs,
    "sqrt": _total(math.sqrt),
    "sin": _total(math.sin),
    "cos": _total(math.cos),
    "tan": _total(math.tan),
    "asin": _total(math.asin),
    "acos": _total(math.acos),
    "atan": math.atan,
    "atan2": math.atan2,
    "sinh": _sinh,
    "cosh": _total(math.cosh, _INF),
    "tanh": math.tanh,
    "floor": _rounded(math.floor),
    "ceil": _rounded(math.ceil),
    "fmod": _total(math.fmod),
    "erf": math.erf,
}
