"""Selection between the branches of an `if`, which are both evaluated."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp


def logical_and(a: Any, b: Any) -> Any:
    """Both conditions. Of Python's own True and False the result is known while tracing."""
    if isinstance(a, bool):
        return b if a else False
    if isinstance(b, bool):
        return a if b else False
    return jnp.logical_and(a, b)


def logical_or(a: Any, b: Any) -> Any:
    """Either condition."""
    if isinstance(a, bool):
        return True if a else b
    if isinstance(b, bool):
        return True if b else a
    return jnp.logical_or(a, b)


def logical_not(a: Any) -> Any:
    """Not the condition."""
    return not a if isinstance(a, bool) else jnp.logical_not(a)


def where(condition: Any, then: Any, orelse: Any) -> Any:
    """`then` where the condition holds, `orelse` elsewhere; elements of array variables one by one."""
    if isinstance(condition, bool):
        return then if condition else orelse
    if isinstance(then, tuple) or isinstance(orelse, tuple):
        return tuple(jnp.where(condition, a, b) for a, b in zip(then, orelse, strict=True))
    return jnp.where(condition, then, orelse)


def guard(condition: Any, operand: Any, fill: float = 1.0) -> Any:
    """The operand where the branch is taken, a harmless number elsewhere.

    Reverse mode multiplies the cotangent 0 of a branch not taken by the derivatives inside it; an infinite one would
    give NaN. `condition` may be Python's own True (no condition) or False.
    """
    if isinstance(condition, bool):
        return operand if condition else fill
    return jnp.where(condition, operand, fill)


def as_number(condition: Any) -> Any:
    """The 1.0 or 0.0 that C makes of a comparison."""
    return float(condition) if isinstance(condition, bool) else jnp.where(condition, 1.0, 0.0)
