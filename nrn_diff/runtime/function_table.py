"""FUNCTION_TABLE: how NEURON looks up what HOC has put into it with table_<name>_<suffix> (src/oc/functabl.cpp)."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

Array = jax.Array


class Points(NamedTuple):
    """An argument of a table whose values are listed: x [n], not decreasing."""

    x: Array


class Range(NamedTuple):
    """An argument of a table that goes in equal intervals from low to high."""

    low: Array
    high: Array


class FunctionTable(NamedTuple):
    """values [n_0, n_1, ...], with one axis for each argument (no axis for a constant); axes: where they stand."""

    values: Array
    axes: tuple[Points | Range, ...]


def _place(axis: Points | Range, size: int, x: Array) -> tuple[Array, Array]:
    """Row at or below x, and the fraction of the way to the next; beyond the ends the end rows (arg_index)."""
    low, high = (axis.x[0], axis.x[-1]) if isinstance(axis, Points) else (axis.low, axis.high)
    below, above = x <= low, x >= high
    inside = jnp.logical_not(jnp.logical_or(below, above))
    if size == 1:
        return jnp.zeros(x.shape, int), jnp.zeros_like(x)
    if isinstance(axis, Points):
        found = jnp.clip(jnp.searchsorted(axis.x, x, side="right") - 1, 0, size - 2)
        left, right = axis.x[found], axis.x[found + 1]
        width = jnp.where(inside, right - left, 1.0)
        fraction = jnp.where(inside, (x - left) / width, 0.0)
    else:
        step = jnp.where(high > low, (high - low) / (size - 1), 1.0)
        position = (x - low) / step
        found = jnp.clip(jnp.where(inside, position, 0.0), 0, size - 1).astype(int)
        fraction = jnp.where(inside, position - found, 0.0)
    return jnp.where(below, 0, jnp.where(above, size - 1, found)), fraction


def _between(fraction: Array, one: Array, other: Array) -> Array:
    return jnp.where(fraction > 0.0, (1.0 - fraction) * one + fraction * other, one)


def hoc_func_table(table: FunctionTable, *arguments: Any) -> Array:
    """Value of a FUNCTION_TABLE at one argument or more, elementwise.

    One argument and two: linear between the entries; more: the entry at or below, as in NEURON. Beyond the ends the
    end values hold. The derivative is the slope of the interval, and the exact one to the entries and their places.
    """
    if not table.axes:
        return table.values
    x = jnp.broadcast_arrays(*(jnp.asarray(a, dtype=float) for a in arguments))
    sizes = table.values.shape
    rows, fractions = zip(*(_place(a, n, v) for a, n, v in zip(table.axes, sizes, x, strict=True)), strict=True)
    flat, strides = table.values.ravel(), [math.prod(sizes[k + 1 :]) for k in range(len(sizes))]
    start = sum((row * stride for row, stride in zip(rows, strides, strict=True)), jnp.zeros((), int))
    if len(sizes) > 2:
        return flat[start]

    def along_last(first: Array) -> Array:
        return _between(fractions[-1], flat[first], flat[jnp.minimum(first + 1, len(flat) - 1)])

    if len(sizes) == 1:
        return along_last(start)
    return _between(fractions[0], along_last(start), along_last(jnp.minimum(start + sizes[1], len(flat) - 1)))
