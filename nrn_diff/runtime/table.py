"""TABLE: how the code of nocmodl fills it (`_check_<routine>`) and looks it up (`_n_<routine>`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

Array = jax.Array


class Table(NamedTuple):
    """rows [intervals + 1, n_columns]: one column for each variable (each element of an array variable).

    low: argument of the first row. scale: rows per unit of the argument.
    """

    rows: Array
    low: Any
    scale: Any


def _arguments(low: Any, step: Any, intervals: int) -> Any:
    """The arguments of the rows, accumulated as in NEURON (`_x += _dx`), not multiplied."""
    if isinstance(low, float) and isinstance(step, float):
        return jnp.asarray(np.cumsum(np.array([low] + [step] * intervals)))
    return jax.lax.scan(lambda x, _: (x + step, x), jnp.asarray(low + 0.0 * step), length=intervals + 1)[1]


def make_table(function: Callable[[Any], Any], low: Any, high: Any, intervals: int) -> Table:
    """Evaluate the body of a routine at each row; `function` returns the TABLE variables as a tuple."""
    step = (high - low) / intervals
    x = _arguments(low, step, intervals)
    columns: list[Any] = []
    for value in function(x):
        columns.extend(value if isinstance(value, tuple) or jnp.ndim(value) > 1 else (value,))
    rows = jnp.stack([jnp.broadcast_to(jnp.asarray(c, dtype=float), x.shape) for c in columns], axis=-1)
    return Table(rows, low, 1.0 / step)


def lookup(table: Table, x: Any, lengths: tuple[int, ...] = ()) -> tuple[Any, ...]:
    """Interpolate the variables linearly at x; beyond the ends they keep the end values, NaN gives NaN.

    lengths: for each variable 0 if it is a scalar, else the number of its elements, which come back as a tuple; left
    out, all are scalars.
    """
    last = table.rows.shape[0] - 1
    position = table.scale * (x - table.low)
    inside = jnp.logical_not(jnp.logical_or(position <= 0.0, position >= last))
    row = jnp.clip(position, 0.0, last).astype(jnp.int32)
    theta = jnp.where(inside, position - row, 0.0)
    after = jnp.minimum(row + 1, last)
    values = []
    for column in table.rows.T:
        start = column.at[row].get(mode="promise_in_bounds")
        values.append(start + theta * (column.at[after].get(mode="promise_in_bounds") - start))
    if not lengths:
        return tuple(values)
    remaining = iter(values)
    return tuple(tuple(next(remaining) for _ in range(n)) if n else next(remaining) for n in lengths)
