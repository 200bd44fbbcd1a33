"""TABLE: how the code of nocmodl fills it (`_check_<routine>`) and looks it up (`_n_<routine>`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero
from jax.interpreters import partial_eval

from nrn_diff.runtime.arrays import stack
from nrn_diff.runtime.ruled import Call, ruled

Array = jax.Array


class Table(NamedTuple):
    """What a TABLE holds, with one column for each variable and each element of an array variable.

    rows, steps [n_columns, intervals + 1]: the values, and the difference to the next (0 for the last). low: argument
    of the first row. scale: rows per unit of the argument. Where each instance has a table of its own, all have
    one more axis for the instances, the last.
    """

    rows: Array
    steps: Array
    low: Any
    scale: Any


def _arguments(low: Any, step: Any, intervals: int) -> Any:
    """The arguments of the rows, accumulated as in NEURON (`_x += _dx`), not multiplied."""
    if isinstance(low, float) and isinstance(step, float):
        return jnp.asarray(np.cumsum(np.array([low] + [step] * intervals)))
    return jax.lax.scan(lambda x, _: (x + step, x), jnp.asarray(low + 0.0 * step), length=intervals + 1)[1]


def make_table(
    function: Callable[..., Any],
    low: Any,
    high: Any,
    intervals: int,
    start: tuple[Any, ...] = (),
    unsure: tuple[bool, ...] = (),
) -> Table:
    """Evaluate the body of a routine at each row; `function` returns the TABLE variables as a tuple.

    start: variables that a row takes over from the row before, as the first row finds them (None: not known, and what a
    row leaves there does not depend on it). `function` takes them after its argument, and returns them, as it leaves
    them, beside the tuple. unsure: for each variable, whether its first row depends on what is not known: NaN.

    An entry that is not finite, such as that of 0/0 in one row, has the derivative 0, and those of the other entries
    stay what they are; not where rows take something over (start).
    """
    step = (high - low) / intervals
    x = _arguments(low, step, intervals)
    unknown: list[bool] = []

    def columns(x: Array) -> list[Array]:
        found: list[Any] = []
        values = _in_turn(function, x, start)[0] if start else function(x)
        for value, hidden in zip(values, unsure or (False,) * len(values), strict=True):
            new = value if isinstance(value, tuple) or jnp.ndim(value) > 1 else (value,)
            found.extend(new)
            unknown.extend([hidden] * len(new))
        return [jnp.broadcast_to(jnp.asarray(c, dtype=float), x.shape) for c in found]

    rows = jnp.stack(columns(x) if start else _with_finite_derivative(columns, x))
    if any(unknown):
        rows = rows.at[np.flatnonzero(unknown), 0].set(jnp.nan)
    return Table(rows, jnp.diff(rows, append=rows[:, -1:]), low, 1.0 / step)


def _with_finite_derivative(columns: Callable[[Array], list[Array]], x: Array) -> list[Array]:
    """columns(x), with no derivative where one is not finite: it is taken at the argument of another row there.

    A selection among derivatives does not do: in reverse mode 0 would be multiplied by what is infinite.
    """
    closed = jax.make_jaxpr(columns)(x)

    def evaluate(*all_of: Any) -> list[Array]:
        *taken, x = all_of
        return list(jax.core.eval_jaxpr(closed.jaxpr, taken, x))

    program = jax.make_jaxpr(evaluate)(*closed.consts, x).jaxpr

    def rule(call: Call, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[list[Array], list[Any]]:
        values = call(*primals)
        return values, [_column_change(program, k, value, primals, tangents) for k, value in enumerate(values)]

    return ruled(evaluate, rule, *closed.consts, x)


def _column_change(program: Any, k: int, value: Array, primals: Sequence[Any], tangents: Sequence[Any]) -> Array | None:
    mine, used = partial_eval.dce_jaxpr(program, [i == k for i in range(len(program.outvars))])
    x = jnp.asarray(primals[-1])
    good = jnp.isfinite(value)
    given = [*primals[:-1], jnp.where(good, x, x[jnp.argmax(good)])]
    given = [argument for argument, taken in zip(given, used, strict=True) if taken]
    moves = [tangent for tangent, taken in zip(tangents, used, strict=True) if taken]
    moving = [i for i, tangent in enumerate(moves) if tangent is not None]
    if not moving:
        return None

    def column(*moved: Array) -> Array:
        arguments = [moved[moving.index(i)] if i in moving else argument for i, argument in enumerate(given)]
        result: Array = jax.core.eval_jaxpr(mine, (), *arguments)[0]
        return result

    _, change = jax.jvp(column, [given[i] for i in moving], [moves[i] for i in moving])
    return jnp.where(good, change, 0.0)


def last_row(
    function: Callable[..., Any], low: Any, high: Any, intervals: int, start: tuple[Any, ...] = ()
) -> tuple[Any, ...]:
    """Return what `function` gives for the last row that make_table evaluates; arguments as there."""
    x = _arguments(low, (high - low) / intervals, intervals)
    if not start:
        return tuple(function(x[-1]))
    return jax.tree.map(lambda column: column[-1], _in_turn(function, x, start)[0])


def _in_turn(function: Callable[..., Any], x: Array, start: tuple[Any, ...]) -> Any:
    def row(carry: tuple[Any, ...], argument: Any) -> tuple[tuple[Any, ...], Any]:
        columns, left = function(argument, *carry)
        floats = jax.tree.map(lambda value: jnp.asarray(value, dtype=float), columns)
        return tuple(map(_as_float, left)), floats

    if any(value is None for value in start):
        settled = row(tuple(_as_float(1.0 if value is None else value) for value in start), x[0])[0]
        start = tuple(new if value is None else value for value, new in zip(start, settled, strict=True))
    first = tuple(map(_as_float, start))
    like = jax.eval_shape(lambda c: row(c, x[0])[0], first)
    first = jax.tree.map(lambda value, form: jnp.broadcast_to(value, form.shape), first, like)
    carry, columns = jax.lax.scan(row, first, x)
    return columns, carry


def _as_float(value: Any) -> Array:
    return jnp.asarray(stack(value), dtype=float)


def _place(position: Array, last: int) -> tuple[Array, Array, Array]:
    """Row below, fraction of the way to the next, and whether the position is between the ends."""
    inside = jnp.logical_not(jnp.logical_or(position <= 0.0, position >= last))
    row = jnp.clip(position, 0.0, last).astype(jnp.int32)
    return row, jnp.where(inside, position - row, 0.0), inside


def _at(column: Array, row: Array) -> Array:
    if column.ndim == 1:
        return column.at[row].get(mode="promise_in_bounds")
    return jnp.take_along_axis(column, jnp.broadcast_to(row, column.shape[1:])[None], 0)[0]


@jax.custom_jvp
def _interpolate(rows: Array, steps: Array, position: Array) -> tuple[Array, ...]:
    row, theta, _ = _place(position, rows.shape[1] - 1)
    return tuple(_at(value, row) + theta * _at(step, row) for value, step in zip(rows, steps, strict=True))


def _interpolate_jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
    # by hand, so that reverse mode keeps one slope for each variable and nothing of a table that is not differentiated
    rows, steps, position = primals
    drows, dsteps, dposition = tangents
    row, theta, inside = _place(position, rows.shape[1] - 1)
    values, changes = [], []
    for k in range(rows.shape[0]):
        step = _at(steps[k], row)
        values.append(_at(rows[k], row) + theta * step)
        change = jnp.zeros_like(position)
        if not isinstance(dposition, SymbolicZero):
            change += jnp.where(inside, step, 0.0) * dposition
        if not isinstance(drows, SymbolicZero):
            change += _at(drows[k], row)
        if not isinstance(dsteps, SymbolicZero):
            change += theta * _at(dsteps[k], row)
        changes.append(change)
    return tuple(values), tuple(changes)


_interpolate.defjvp(_interpolate_jvp, symbolic_zeros=True)


def lookup(table: Table, x: Any, lengths: tuple[int, ...] = ()) -> tuple[Any, ...]:
    """Interpolate the variables linearly at x; beyond the ends they keep the end values, NaN gives NaN.

    lengths: for each variable 0 if it is a scalar, else the number of its elements, which come back as a tuple; left
    out, all are scalars. The derivative is the slope of the interval, and the exact one to the entries of the table.
    """
    values = _interpolate(table.rows, table.steps, jnp.asarray(table.scale * (x - table.low), dtype=float))
    if not lengths:
        return values
    remaining = iter(values)
    return tuple(tuple(next(remaining) for _ in range(n)) if n else next(remaining) for n in lengths)
