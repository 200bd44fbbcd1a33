"""Selection between the branches of an `if`, which are both evaluated."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

Array = jax.Array

logical_and, logical_or, logical_not = jnp.logical_and, jnp.logical_or, jnp.logical_not


def where(condition: Any, then: Any, orelse: Any) -> Any:
    """`then` where the condition holds, `orelse` elsewhere; elements of array variables one by one."""
    if isinstance(then, tuple) or isinstance(orelse, tuple):
        return tuple(jnp.where(condition, a, b) for a, b in zip(then, orelse, strict=True))
    return jnp.where(condition, then, orelse)


def guard(condition: Any, operand: Any, fill: float = 1.0) -> Any:
    """The operand where the branch is taken, a harmless number elsewhere.

    Reverse mode multiplies the cotangent 0 of a branch not taken by the derivatives inside it; an infinite one would
    give NaN. `condition` True (Python's) means no condition: the operand itself.
    """
    return operand if condition is True else jnp.where(condition, operand, fill)


def as_number(condition: Any) -> Array:
    """The 1.0 or 0.0 that C makes of a comparison."""
    return jnp.where(condition, 1.0, 0.0)
