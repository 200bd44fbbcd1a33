"""Array variables: the first axis counts the elements, `x[k]` is one of them for all instances.

Inside a block an array variable that was assigned is a tuple of its elements: none is copied to change another.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

Array = jax.Array


def put(x: Any, index: int, value: Any) -> tuple[Any, ...]:
    """The array variable with one element replaced."""
    elements = list(x)
    elements[index] = value
    return tuple(elements)


def _number(index: Any) -> Array:
    # C cuts the double to an integer
    return jnp.trunc(jnp.asarray(index, dtype=float))


def element(x: Any, index: Any) -> Any:
    """The element at a computed index; NaN outside, where NEURON would read someone else's memory."""
    number = _number(index)
    value: Any = jnp.nan
    for k, item in enumerate(x):
        value = jnp.where(number == k, item, value)
    return value


def put_at(x: Any, index: Any, value: Any) -> tuple[Any, ...]:
    """The array variable with the element at a computed index replaced."""
    number = _number(index)
    inside = jnp.logical_and(number >= 0, number < len(x))
    return tuple(jnp.where(inside, jnp.where(number == k, value, item), jnp.nan) for k, item in enumerate(x))


def stack(x: Any) -> Array:
    """An array variable as one array [length, n...]."""
    return jnp.stack(jnp.broadcast_arrays(*x)) if isinstance(x, tuple) else x
