"""Array variables: the first axis counts the elements, `x[k]` is one of them for all instances.

Inside a block an array variable that was assigned is a tuple of its elements: none is copied to change another. A
longer one than LONG stays an array, as a program of so many variables takes minutes to compile.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Array = jax.Array


LONG = 128


def whole(x: Any) -> Any:
    """What a loop carries of an array variable: its elements, or the array itself if it is a long one."""
    return _array(x) if len(x) > LONG else tuple(x)


def put(x: Any, index: int, value: Any) -> Any:
    """The array variable with one element replaced."""
    if len(x) > LONG:
        x, value = _of_one_shape(x, value)
        return x.at[index].set(value)
    elements = list(x)
    elements[index] = value
    return tuple(elements)


def _number(index: Any) -> Array:
    # C cuts the double to an integer
    return jnp.trunc(jnp.asarray(index, dtype=float))


def _array(x: Any) -> Array:
    if isinstance(x, tuple) and all(isinstance(item, float) for item in x):
        return jnp.asarray(np.array(x))
    return stack(x)


def _of_one_shape(x: Any, value: Any) -> tuple[Array, Array]:
    x, value = _array(x), jnp.asarray(value, dtype=float)
    shape = jnp.broadcast_shapes(x.shape[1:], value.shape)
    x = x.reshape(len(x), *(1,) * (len(shape) + 1 - x.ndim), *x.shape[1:])
    return jnp.broadcast_to(x, (len(x), *shape)), jnp.broadcast_to(value, shape)


def element(x: Any, index: Any) -> Any:
    """The element at a computed index; NaN outside, where NEURON would read someone else's memory."""
    number = _number(index)
    if len(x) > LONG:
        x, number = _of_one_shape(x, number)
        inside = jnp.logical_and(number >= 0, number < len(x))
        row = jnp.where(inside, number, 0.0).astype(int)
        return jnp.where(inside, jnp.take_along_axis(x, row[None], 0)[0], jnp.nan)
    value: Any = jnp.nan
    for k, item in enumerate(x):
        value = jnp.where(number == k, item, value)
    return value


def put_at(x: Any, index: Any, value: Any) -> Any:
    """The array variable with the element at a computed index replaced."""
    number = _number(index)
    inside = jnp.logical_and(number >= 0, number < len(x))
    if len(x) > LONG:
        number, inside, value = jnp.broadcast_arrays(number, inside, jnp.asarray(value, dtype=float))
        x, value = _of_one_shape(x, value)
        counted = jnp.arange(float(len(x))).reshape(-1, *(1,) * (x.ndim - 1))
        return jnp.where(inside, jnp.where(counted == number, value, x), jnp.nan)
    return tuple(jnp.where(inside, jnp.where(number == k, value, item), jnp.nan) for k, item in enumerate(x))


def stack(x: Any) -> Array:
    """An array variable as one array [length, n...]."""
    return jnp.stack(jnp.broadcast_arrays(*x)) if isinstance(x, tuple) else x
