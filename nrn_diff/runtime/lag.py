"""The past of a variable, of which LAG asks, as NEURON's lag() keeps and reads it (src/scopmath/lag.cpp).

A past is an array [4 + 2*k, ...]: how many nodes it holds, whether a value was interpolated, the last such value, the
delay (ms), the times of the nodes (ms), newest first, and their values. Between nodes the value is interpolated, and so
is its derivative by the delay. For another delay NEURON begins another list: a delay that changes during a run makes
NaN.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from nrn_diff.runtime.arrays import stack

Array = Any
_HEAD = 4


def lag__value(past: Any, now: Any, value: Any, delay: Any) -> Array:
    """The variable `delay` before `now` (both in ms); what it was first where the past does not reach so far."""
    return _call(past, now, value, delay)[0]


def lag__after(past: Any, now: Any, value: Any, delay: Any) -> Array:
    """The past with the value of now. NaN, and so is what is read from it, if there is no place for what is needed."""
    return _call(past, now, value, delay)[1]


def lag__forget(past: Any) -> Array:
    """A past that holds nothing, as after finitialize."""
    return jnp.zeros_like(stack(past))


def _call(past: Any, now: Any, value: Any, delay: Any) -> tuple[Array, Array]:
    past = stack(past)
    size = (past.shape[0] - _HEAD) // 2
    now, value, delay = (jnp.broadcast_to(jnp.asarray(x, float), past.shape[1:]) for x in (now, value, delay))
    held, known, between = past[0], past[1], past[2]
    times, values = past[_HEAD : _HEAD + size], past[_HEAD + size :]
    place = jnp.arange(size).reshape((size,) + (1,) * held.ndim)
    age = jnp.where(place < held, now - times, -jnp.inf)
    first = held == 0
    again = ~first & (age[0] == 0.0)
    exceeds = ~first & ~again & jnp.any(age >= delay, axis=0)
    adds = first | exceeds | (~again & (age[0] > 0.0))
    full = adds & (held == size) & ~(age[-2] >= delay)
    wrong = jnp.isnan(held) | full | ~(delay > 0.0) | (~first & (delay != past[3])) | (adds & ~first & (age[0] < 0.0))

    times = jnp.where(adds, jnp.concatenate([now[None], times[:-1]]), times)
    values = jnp.where(adds, jnp.concatenate([value[None], values[:-1]]), values)
    values = values.at[0].set(jnp.where(again, value, values[0]))
    held = jnp.minimum(held + adds, size)
    old = (place < held) & (now - times >= delay)
    found = jnp.where(jnp.any(old, axis=0), jnp.argmax(old, axis=0), held.astype(int) - 1)
    start = _at(times, found), _at(values, found)
    end = _at(times, found - 1), _at(values, found - 1)
    width = end[0] - start[0]
    ratio = ((now - delay) - start[0]) / jnp.where(width == 0.0, 1.0, width)
    inside = exceeds & (now - delay > start[0])
    between = jnp.where(inside, start[1] + ratio * (end[1] - start[1]), between)
    known = jnp.where(inside, 1.0, known)
    interpolated = inside | (again & (now - start[0] >= delay))
    unknown = interpolated & (known == 0.0)  # in NEURON some number
    result = jnp.where(interpolated, between, start[1])
    after = jnp.concatenate([jnp.stack([held, known, between, delay]), times, values])
    return jnp.where(wrong | unknown, jnp.nan, result), jnp.where(wrong, jnp.nan, after)


def _at(x: Array, index: Array) -> Array:
    return jnp.take_along_axis(x, jnp.maximum(index, 0)[None], axis=0)[0]
