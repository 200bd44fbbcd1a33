"""The C functions that an expression may call, as nocmodl knows them (src/nocmodl/extdef.h)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Intrinsic:
    """arity: number of arguments.

    guards: (argument, harmless value) pairs: arguments for which the function or its derivative can be undefined.
    reads: NEURON's own variables that it uses besides its arguments.
    """

    arity: int
    guards: tuple[tuple[int, float], ...] = ()
    reads: tuple[str, ...] = ()


_TOTAL = Intrinsic(1)  # finite with finite derivative for every finite argument
_POSITIVE = Intrinsic(1, ((0, 1.0),))
_UNIT = Intrinsic(1, ((0, 0.0),))

INTRINSICS: dict[str, Intrinsic] = {
    "exp": _TOTAL,
    "log": _POSITIVE,
    "log10": _POSITIVE,
    "sqrt": _POSITIVE,
    "pow": Intrinsic(2, ((0, 1.0),)),
    "sin": _TOTAL,
    "cos": _TOTAL,
    "tan": _TOTAL,
    "asin": _UNIT,
    "acos": _UNIT,
    "atan": _TOTAL,
    "atan2": Intrinsic(2, ((1, 1.0),)),
    "sinh": _UNIT,
    "cosh": _UNIT,
    "tanh": _TOTAL,
    "erf": _TOTAL,
    "fabs": _TOTAL,
    "floor": _TOTAL,
    "ceil": _TOTAL,
    "fmod": Intrinsic(2, ((1, 1.0),)),
    "fmin": Intrinsic(2),
    "fmax": Intrinsic(2),
    "nrn_ghk": Intrinsic(4, ((1, 1.0), (2, 1.0)), ("celsius",)),
}
