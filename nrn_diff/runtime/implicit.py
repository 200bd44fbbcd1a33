"""Implicit steps of several states: NEURON's iteration for the value, the implicit function theorem for the derivative.

One step solves F(x) = f(x) - (x - x0) / dt = 0; for algebraic rows (a CONSERVE, a LINEAR equation) F = f. The
iterations replicate src/scopmath (newton_thread.hpp, sparse_thread.hpp, ssimplic_thread.hpp), each instance on its own:
one that has converged stays as it is while others iterate. Where NEURON would stop the run with an error
(derivimplicit, too many iterations), the result is NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nrn_diff.runtime.reactions import linear_step
from nrn_diff.runtime.ruled import root

Array = jax.Array
Vector = tuple[Array, ...]
Matrix = tuple[Array, ...]  # by rows: matrix[i][j] is the derivative of row i to state j, for all instances
Function = Callable[[Vector], Vector]

# src/scopmath/errcodes.hpp
ZERO = 1e-8
STEP = 1e-6
CONVERGE = 1e-6
MAXCHANGE = 0.05
MAXITERS = 50
MAXSTEPS = 20
# src/scopmath/ssimplic_thread.hpp: the time step that stands for eternity (ms), and how often it is tried.
STEADY_DT = 1e9
STEADY_TRIES = 7
# More states than this, and a linear scheme is not written out (reactions.py).
_MANY = 16
NEGATIVE = -1e-6


def derivimplicit(rates: Callable[..., Any], states: Sequence[Any], dt: Any) -> tuple[Any, ...]:
    """Advance states over dt as `METHOD derivimplicit`: Newton with the numeric Jacobian of nrn_newton_thread.

    rates(*states) returns their time derivatives, and may return more behind them. Each state is a scalar or an array
    of the common shape of all instances, or a tuple of such (an array variable). Returns the new states alike.
    """
    return _advance(rates, states, dt, _newton)


def sparse(
    rates: Callable[..., Any],
    states: Sequence[Any],
    dt: Any,
    *,
    algebraic: Sequence[int] = (),
    linear: bool = False,
    twice: bool = False,
) -> tuple[Any, ...]:
    """Advance states over dt as `METHOD sparse`: Newton with the exact Jacobian, states kept from becoming negative.

    rates: as for derivimplicit; an array variable may come element by element. algebraic: rows whose value must vanish
    itself. linear: a single Newton step, which is exact, without the bound on the states. twice: rates takes first the
    states that rate constants see (linear: as they are at the start of the step), then the unknowns, one by one; the
    matrix of the iteration knows only how the latter change the rates. As in NEURON, what 22 iterations have reached is
    taken even if they have not converged. Where a state is held at 0 the derivative is that of the equation without
    this bound.
    """
    if linear and len(flatten(states)[0]) > _MANY:
        found = _many(rates, states, dt, algebraic, twice)
        if found is not None:
            return found
    if not twice:
        return _advance(rates, states, dt, _one_step if linear else _sparse, algebraic)
    beside = _beside(rates)
    if linear:
        return _advance(lambda *unknown: beside(states, unknown), states, dt, _one_step, algebraic)
    return _advance(lambda *unknown: beside(unknown, unknown), states, dt, _sparse, algebraic, beside)


def _many(
    rates: Callable[..., Any], states: Sequence[Any], dt: Any, algebraic: Sequence[int], twice: bool
) -> tuple[Any, ...] | None:
    """A linear step of many states, whose derivative is that of its matrix and of the solution of it."""
    old, form = flatten(states)

    def of_elements(unknown: Sequence[Any]) -> tuple[Any, ...]:
        values = rates(*states, *unknown) if twice else rates(*unflatten(unknown, form))
        return _rows(values, len(old))

    shape = jnp.broadcast_shapes(*map(jnp.shape, old))
    start = [jnp.broadcast_to(jnp.asarray(x, dtype=float), shape) for x in old]
    new = linear_step(of_elements, start, dt, algebraic)
    return None if new is None else unflatten(new, form)


def sparse_steady(
    rates: Callable[..., Any],
    states: Sequence[Any],
    *,
    algebraic: Sequence[int] = (),
    linear: bool = False,
    twice: bool = False,
) -> tuple[Any, ...]:
    """Find the steady state as `SOLVE ... STEADYSTATE sparse`: a time step of 1e9 ms, as _ss_sparse_thread takes it.

    twice: as of `sparse`; here the constants always follow the states. Without an algebraic row the sum of the states
    is only kept to about 1e-7: the system is that close to singular.
    """
    beside = _beside(rates) if twice else None

    def equations(*unknown: Any) -> Any:
        return rates(*unknown) if beside is None else beside(unknown, unknown)

    iterate = _sparse if linear else partial(_steady, algebraic=algebraic)
    return _advance(equations, states, STEADY_DT, iterate, algebraic, beside)


def _beside(rates: Callable[..., Any]) -> Callable[[Sequence[Any], Sequence[Any]], Any]:
    """Rates that take their states twice, as a function of those for the constants and of those for the reactants."""
    return lambda fixed, unknown: rates(*fixed, *flatten(unknown)[0])


def go_on(
    new: Sequence[Any], start: Sequence[Any], over: Any, dt: Any, slopes: Sequence[Any] | None = None
) -> tuple[Any, ...]:
    """States that go on over dt (ms) with their derivatives, as NEURON's do with secondorder.

    The derivatives are `slopes`, one for each element, or else the change from `start` to `new` over `over` (ms).
    """
    reached, form = flatten(new)
    if slopes is None:
        slopes = [(x - x0) / over for x, x0 in zip(reached, flatten(start)[0], strict=True)]
    return unflatten([x + dt * slope for x, slope in zip(reached, slopes, strict=True)], form)


def simeq(rates: Callable[..., Any], states: Sequence[Any]) -> tuple[Any, ...]:
    """Solve simultaneous linear equations: rates(*states) returns what must vanish."""
    rows = len(flatten(states)[0])
    return _advance(rates, states, 1.0, _one_step, range(rows))


def newton(rates: Callable[..., Any], states: Sequence[Any]) -> tuple[Any, ...]:
    """Solve simultaneous equations as `METHOD newton` (newton.hpp): rates(*states) returns what must vanish."""
    rows = len(flatten(states)[0])
    return _advance(rates, states, 1.0, _newton, range(rows))


def _advance(
    rates: Callable[..., Any],
    states: Sequence[Any],
    dt: Any,
    iterate: Any,
    algebraic: Sequence[int] = (),
    beside: Callable[[Sequence[Any], Sequence[Any]], Any] | None = None,
) -> tuple[Any, ...]:
    """Solve for the states. beside: rates for constants that are held fixed, for the matrix of the iteration."""
    old, form = flatten(states)
    rows = _rows(jax.eval_shape(rates, *states), len(old))
    shape = jnp.broadcast_shapes(*(r.shape for r in rows), *map(jnp.shape, old))
    old = tuple(jnp.broadcast_to(jnp.asarray(x, dtype=float), shape) for x in old)

    def residual(x: Vector) -> Vector:
        return residuals(rates(*unflatten(x, form)), x, old, dt, algebraic)

    def holding(fixed: Vector) -> Function:
        assert beside is not None
        return lambda x: residuals(beside(unflatten(fixed, form), unflatten(x, form)), x, old, dt, algebraic)

    def solve_it(equations: Function, start: Vector) -> Vector:
        found: Vector = iterate(equations, start) if beside is None else iterate(equations, start, holding)
        return found

    new = root(residual, old, solve_it, tangent_solve)
    return unflatten(new, form)


def residuals(values: Any, x: Vector, old: Vector, dt: Any, algebraic: Sequence[int]) -> Vector:
    """What must vanish, from what a rates function returns at x."""
    moving = [
        f if i in algebraic else f - (new - start) / dt
        for i, (f, new, start) in enumerate(zip(_rows(values, len(old)), x, old, strict=True))
    ]
    return tuple(jnp.broadcast_to(f, jnp.shape(x[0])) for f in moving)


def _rows(value: Any, count: int) -> tuple[Any, ...]:
    """The first `count` numbers of what a rates function returns: one for each state or element of a state."""
    leaves: list[Any] = []
    for item in value if isinstance(value, tuple) else (value,):
        leaves.extend(item if isinstance(item, tuple) else (item,))
    return tuple(leaves[:count])


def flatten(values: Sequence[Any]) -> tuple[tuple[Any, ...], tuple[int, ...]]:
    """Elements of array variables one by one; the form has 0 for a scalar variable, else the number of elements."""
    leaves: list[Any] = []
    for value in values:
        leaves.extend(value if isinstance(value, tuple) else (value,))
    return tuple(leaves), tuple(len(v) if isinstance(v, tuple) else 0 for v in values)


def unflatten(leaves: Sequence[Any], form: tuple[int, ...]) -> tuple[Any, ...]:
    """The inverse of `flatten`."""
    remaining = iter(leaves)
    return tuple(tuple(next(remaining) for _ in range(n)) if n else next(remaining) for n in form)


# ------------------------------------------------------------------------------------------------ linear algebra


def solve(matrix: Matrix, rhs: Vector) -> Vector:
    """Solve small dense systems, one for each instance: unrolled up to four states, batched LU beyond."""
    if len(rhs) > 4:
        dense = jnp.moveaxis(jnp.stack(matrix), (0, 1), (-2, -1))
        solution = jnp.moveaxis(jnp.linalg.solve(dense, jnp.stack(rhs, axis=-1)[..., None])[..., 0], -1, 0)
        return tuple(solution)
    return _eliminate([[*row, right] for row, right in zip(matrix, rhs, strict=True)])


def _eliminate(rows: list[list[Array]]) -> Vector:
    n = len(rows)
    for k in range(n):
        for i in range(k + 1, n):  # partial pivoting: the larger of two rows moves up
            swap = jnp.abs(rows[i][k]) > jnp.abs(rows[k][k])
            upper = [jnp.where(swap, low, up) for up, low in zip(rows[k], rows[i], strict=True)]
            rows[i] = [jnp.where(swap, up, low) for up, low in zip(rows[k], rows[i], strict=True)]
            rows[k] = upper
        for i in range(k + 1, n):
            factor = rows[i][k] / rows[k][k]
            rows[i] = [low - factor * up for up, low in zip(rows[k], rows[i], strict=True)]
    x: list[Array] = [rows[0][0]] * n
    for k in reversed(range(n)):
        known = [rows[k][j] * x[j] for j in range(k + 1, n)]
        x[k] = (rows[k][n] - sum(known[1:], known[0]) if known else rows[k][n]) / rows[k][k]
    return tuple(x)


def matrix_of(linear: Function, like: Vector) -> Matrix:
    """Matrix of a function that is linear and acts on each instance on its own."""
    return jax.vmap(linear, out_axes=0)(_units(like))


def _units(like: Vector) -> Vector:
    """Unit vectors along a new first axis."""
    n = len(like)
    shape = (n, *(1,) * jnp.ndim(like[0]))
    return tuple(
        jnp.broadcast_to(column.reshape(shape), (n, *jnp.shape(x))) for column, x in zip(np.eye(n), like, strict=True)
    )


def tangent_solve(linear: Function, rhs: Vector) -> Vector:
    """Solve a linear function for its argument, as `root` asks for it."""
    return solve(matrix_of(linear, rhs), rhs)


# ------------------------------------------------------------------------------------------------- the iterations


def increments(x: Vector) -> Vector:
    """By how much each state is moved for the numeric Jacobian: 2 %, at least STEP."""
    return tuple(jnp.maximum(jnp.abs(0.02 * state), STEP) for state in x)


def _numeric_jacobian(residual: Function, x: Vector) -> Matrix:
    """Central differences with 2 % of each state, at least STEP (buildjacobian)."""
    n = len(x)
    increment = increments(x)
    # all 2 n evaluations at once: one copy of the rates in the program
    moves = [unit * by for unit, by in zip(_units(x), increment, strict=True)]
    moved = tuple(jnp.concatenate([s + move, s - move]) for s, move in zip(x, moves, strict=True))
    twice = 2.0 * jnp.stack(increment)
    return tuple((f[:n] - f[n:]) / twice for f in jax.vmap(residual)(moved))


def relative_change(delta: Vector, x: Vector) -> Array:
    """The largest change of a state in parts of it; those within ZERO of 0 do not count."""
    parts = [
        jnp.where(jnp.abs(s) > ZERO, jnp.abs(d / jnp.where(s == 0.0, 1.0, s)), 0.0)
        for d, s in zip(delta, x, strict=True)
    ]
    return largest(parts)


def largest(values: Sequence[Array]) -> Array:
    """The largest of some values, elementwise."""
    largest = values[0]
    for value in values[1:]:
        largest = jnp.maximum(largest, value)
    return largest


def select(condition: Array, then: Any, orelse: Any) -> Any:
    """`where` over trees."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), then, orelse)


def _newton(residual: Function, start: Vector) -> Vector:
    def unfinished(carry: Any) -> Array:
        count, done = carry[0], carry[-1]
        return jnp.logical_and(count < MAXITERS, jnp.logical_not(jnp.all(done)))

    def iterate(carry: Any) -> Any:
        count, x, value, jacobian, change, done = carry
        # a Jacobian is used again until the solution moves by more than MAXCHANGE
        stale = jnp.logical_and(change > MAXCHANGE, jnp.logical_not(done))
        jacobian = jax.lax.cond(
            jnp.any(stale), lambda: select(stale, _numeric_jacobian(residual, x), jacobian), lambda: jacobian
        )
        delta = solve(jacobian, tuple(-f for f in value))
        new_x = select(done, x, tuple(s + d for s, d in zip(x, delta, strict=True)))
        new_change = jnp.where(done, change, relative_change(delta, x))
        new_value = residual(new_x)
        deviation = largest([jnp.abs(f) for f in new_value])
        converged = jnp.logical_and(new_change <= CONVERGE, deviation <= ZERO)
        return count + 1, new_x, new_value, jacobian, new_change, jnp.logical_or(done, converged)

    value = residual(start)
    empty = tuple(jnp.zeros((len(start), *jnp.shape(f))) for f in value)
    carry = (0, start, value, empty, jnp.ones_like(value[0]), jnp.zeros_like(value[0], dtype=bool))
    _, x, _, _, _, done = jax.lax.while_loop(unfinished, iterate, carry)
    return tuple(jnp.where(done, value, jnp.nan) for value in x)


def _one_step(residual: Function, start: Vector, holding: Callable[[Vector], Function] | None = None) -> Vector:
    value, linear = jax.linearize(residual if holding is None else holding(start), start)
    delta = solve(matrix_of(linear, start), tuple(-f for f in value))
    return tuple(s + d for s, d in zip(start, delta, strict=True))


def _steady(
    residual: Function,
    first: Vector,
    holding: Callable[[Vector], Function] | None = None,
    *,
    algebraic: Sequence[int],
) -> Vector:
    """Linear steps until no state is negative, then the iteration; each from where the one before ended."""

    def starting_from(start: Vector, equations: Function) -> Function:
        moved = [
            0.0 if i in algebraic else (s - f) / STEADY_DT for i, (s, f) in enumerate(zip(start, first, strict=True))
        ]
        return lambda x: tuple(r + m for r, m in zip(equations(x), moved, strict=True))

    def held(start: Vector) -> Callable[[Vector], Function] | None:
        return None if holding is None else lambda fixed: starting_from(start, holding(fixed))

    def attempt(_: Any, carry: Any) -> Any:
        x, done = carry
        stepped = _one_step(starting_from(x, residual), x, held(x))
        negative = [s < NEGATIVE for s in stepped]
        any_negative = negative[0]
        for each in negative[1:]:
            any_negative = jnp.logical_or(any_negative, each)
        lifted = tuple(jnp.where(n, 0.0, s) for n, s in zip(negative, stepped, strict=True))
        return select(done, x, lifted), jnp.logical_or(done, jnp.logical_not(any_negative))

    x, done = jax.lax.fori_loop(0, STEADY_TRIES, attempt, (first, jnp.zeros_like(first[0], dtype=bool)))
    return select(done, _sparse(starting_from(x, residual), x, held(x)), x)


def _sparse(residual: Function, start: Vector, holding: Callable[[Vector], Function] | None = None) -> Vector:
    """Iterate; holding: the equations whose slopes make the matrix, from the present states."""

    def unfinished(carry: Any) -> Array:
        count, done = carry[0], carry[-1]
        return jnp.logical_and(count <= MAXSTEPS + 1, jnp.logical_not(jnp.all(done)))

    def iterate(carry: Any) -> Any:
        count, x, done = carry
        value, linear = jax.linearize(residual if holding is None else holding(x), x)
        delta = solve(matrix_of(linear, x), tuple(-f for f in value))
        moved = tuple(jnp.maximum(s + d, 0.0) for s, d in zip(x, delta, strict=True))
        size = jnp.abs(delta[0])
        for d in delta[1:]:
            size = size + jnp.abs(d)
        return count + 1, select(done, x, moved), jnp.logical_or(done, size <= CONVERGE)

    carry = (0, start, jnp.zeros_like(start[0], dtype=bool))
    _, x, _ = jax.lax.while_loop(unfinished, iterate, carry)
    return x
