"""Implicit steps of equations that use what their last evaluation left: each evaluation in NEURON's order.

Such equations (a variable is read before it is assigned, a counter) give results that depend on how often and where
NEURON evaluates them. nrn_newton_thread (src/scopmath/newton_thread.hpp) does it at x + dx, at x - dx and at x for each
state in turn where the Jacobian is made anew, and once after each step; sparse_thread (sparse_thread.hpp) once in each
iteration and once at the end. Here the same evaluations follow each other, and what is differentiated is this course
itself: between two evaluations the equations need not have a solution that they tend to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nrn_diff.runtime.implicit import (
    CONVERGE,
    MAXCHANGE,
    MAXITERS,
    MAXSTEPS,
    ZERO,
    Array,
    Vector,
    flatten,
    increments,
    largest,
    matrix_of,
    relative_change,
    residuals,
    select,
    solve,
    unflatten,
)
from nrn_diff.runtime.loop import loop

_LEVELS = 2  # of the loop: room for more turns than NEURON takes


def derivimplicit_in_order(
    rates: Callable[..., Any], states: Sequence[Any], dt: Any, left: tuple[Any, ...], *, at: Sequence[int]
) -> tuple[Any, ...]:
    """Advance states as `derivimplicit` does; returns them and, last, what is left as the block's own run finds it.

    rates: takes the states and then `left`, and returns at the places `at` what it leaves.
    """
    x, _, after = _newton(_Equations(rates, states, dt, left, at))
    return (*x, after)


def newton_in_order(
    rates: Callable[..., Any], states: Sequence[Any], left: tuple[Any, ...], *, at: Sequence[int]
) -> tuple[Any, ...]:
    """Solve as `newton` does; the rest as for derivimplicit_in_order, but as the last evaluation finds it."""
    rows = range(len(flatten(states)[0]))
    x, before, _ = _newton(_Equations(rates, states, 1.0, left, at, algebraic=rows))
    return (*x, before)


def sparse_in_order(
    rates: Callable[..., Any],
    states: Sequence[Any],
    dt: Any,
    left: tuple[Any, ...],
    *,
    at: Sequence[int],
    algebraic: Sequence[int] = (),
    linear: bool = False,
    twice: bool = False,
) -> tuple[Any, ...]:
    """Advance states as `sparse` does; returns them, what is left as the last evaluation finds it, and where that is.

    rates: takes what it takes there and then `left`, and returns at the places `at` what it leaves. The last evaluation
    is one at the solution, but where 22 iterations have not converged NEURON leaves it out and goes on: there it is
    that of the last iteration. Where: what rates takes before `left`.
    """
    equations = _Equations(rates, states, dt, left, at, algebraic, twice=twice)
    start = equations.start

    def step(x: Vector, left: Any) -> tuple[Vector, Vector, Any]:
        fixed = start if linear else x
        value, slopes, new = jax.linearize(lambda u: equations(u, left, fixed), x, has_aux=True)
        delta = solve(matrix_of(slopes, x), tuple(-f for f in value))
        return tuple(s + d for s, d in zip(x, delta, strict=True)), delta, new

    if linear:
        x, _, found = step(start, equations.left)
        return (*equations.shaped(x), found, equations.taken(x, x))

    def unfinished(count: Array, now: Any, before: Any, size: Array) -> Array:
        return jnp.logical_and(count <= MAXSTEPS + 1, size > CONVERGE)

    def turn(on: Array, count: Array, now: Any, before: Any, size: Array) -> tuple[Any, ...]:
        moved, delta, new = step(*now)
        kept = tuple(jnp.where(s < 0.0, 0.0, s) for s in moved)
        return count + 1.0, (kept, new), now, jax.lax.stop_gradient(sum(jnp.abs(d) for d in delta))

    zero, first = jnp.zeros_like(start[0]), (start, equations.left)
    _, now, before, size = loop(unfinished, turn, (zero, first, first, zero + 1.0), levels=_LEVELS)
    where, found = select(size <= CONVERGE, now, before)
    return (*equations.shaped(now[0]), found, equations.taken(where, where))


class _Equations:
    """What must vanish, as a function of the unknowns and of what is left; start, left: broadcast to all instances."""

    def __init__(
        self,
        rates: Callable[..., Any],
        states: Sequence[Any],
        dt: Any,
        left: tuple[Any, ...],
        at: Sequence[int],
        algebraic: Sequence[int] = (),
        *,
        twice: bool = False,
    ) -> None:
        self._rates, self._dt, self._at, self._algebraic, self._twice = rates, dt, at, algebraic, twice
        old, self._form = flatten(states)
        forms = jax.eval_shape(lambda: self._values(old, left, old))
        self._shape = jnp.broadcast_shapes(*(x.shape for x in jax.tree.leaves(forms)), *map(jnp.shape, old))
        self.start: Vector = self._whole(old)
        self.left = self._whole(left)

    def __call__(self, x: Vector, left: Any, fixed: Vector = ()) -> tuple[Vector, Any]:
        """The residuals, and what is left then. fixed: the states as rate constants see them."""
        values = self._values(x, left, fixed)
        rows = residuals(values, x, self.start, self._dt, self._algebraic)
        return rows, self._whole(tuple(values[i] for i in self._at))

    def shaped(self, x: Vector) -> tuple[Any, ...]:
        """Unknowns in the form of the states."""
        return unflatten(x, self._form)

    def taken(self, x: Vector, fixed: Vector) -> tuple[Any, ...]:
        """What rates takes before what is left."""
        return (*unflatten(fixed, self._form), *x) if self._twice else unflatten(x, self._form)

    def _values(self, x: Vector, left: Any, fixed: Vector) -> Any:
        return self._rates(*self.taken(x, fixed), *left)

    def _whole(self, tree: Any) -> Any:
        return jax.tree.map(lambda x: jnp.broadcast_to(jnp.asarray(x, dtype=float), self._shape), tree)


def _newton(equations: _Equations) -> tuple[tuple[Any, ...], Any, Any]:
    """The states, what the last evaluation found, and what it left."""
    start, n = equations.start, len(equations.start)
    moves = np.zeros((3 * n, n))  # of each state in turn: up, down, back
    for j in range(n):
        moves[3 * j : 3 * j + 2, j] = 1.0, -1.0

    def jacobian(x: Vector, left: Any, stale: Array) -> Any:
        step = increments(x)

        def evaluation(left: Any, move: Array) -> Any:
            value, new = equations(tuple(s + m * d for s, m, d in zip(x, move, step, strict=True)), left)
            return select(stale, new, left), value

        left, values = jax.lax.scan(evaluation, left, jnp.asarray(moves))
        twice = 2.0 * jnp.stack(step)
        return tuple((f[::3] - f[1::3]) / twice for f in values), tuple(f[-1] for f in values), left

    def converged(value: Vector, change: Array) -> Array:
        return jnp.logical_and(change <= CONVERGE, largest([jnp.abs(f) for f in value]) <= ZERO)

    def unfinished(count: Array, x: Vector, value: Vector, matrix: Any, before: Any, left: Any, change: Array) -> Array:
        return jnp.logical_and(count < MAXITERS, jnp.logical_not(converged(value, change)))

    def turn(
        on: Array, count: Array, x: Vector, value: Vector, matrix: Any, before: Any, left: Any, change: Array
    ) -> tuple[Any, ...]:
        stale = jnp.logical_and(on, change > MAXCHANGE)
        matrix, value, left = jax.lax.cond(
            jnp.any(stale),
            lambda: select(stale, jacobian(x, left, stale), (matrix, value, left)),
            lambda: (matrix, value, left),
        )
        delta = solve(matrix, tuple(-f for f in value))
        moved = tuple(s + d for s, d in zip(x, delta, strict=True))
        value, new = equations(moved, left)
        return count + 1.0, moved, value, matrix, left, new, jax.lax.stop_gradient(relative_change(delta, x))

    zero = jnp.zeros_like(start[0])
    empty = tuple(jnp.zeros((n, *jnp.shape(zero))) for _ in range(n))
    carry = (zero, start, (zero,) * n, empty, equations.left, equations.left, zero + 1.0)
    _, x, value, _, before, after, change = loop(unfinished, turn, carry, levels=_LEVELS)
    done = converged(value, change)
    return equations.shaped(tuple(jnp.where(done, s, jnp.nan) for s in x)), before, after
