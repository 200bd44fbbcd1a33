"""Newton's method for equations that use what their last evaluation left: each evaluation in NEURON's order.

Such equations (a variable is read before it is assigned, a counter) give results that depend on how often and where
nrn_newton_thread (src/scopmath/newton_thread.hpp) evaluates them: at x + dx, at x - dx and at x for each state in turn
where the Jacobian is made anew, and once after each step. Here the same evaluations follow each other.
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
    ZERO,
    Array,
    Vector,
    flatten,
    increments,
    largest,
    relative_change,
    residuals,
    select,
    solve,
    tangent_solve,
    unflatten,
)
from nrn_diff.runtime.loop import loop
from nrn_diff.runtime.ruled import root, with_derivative_of

Evaluate = Callable[[Vector, Any], tuple[Vector, Any]]  # states and what is left, to residuals and what is left then


def derivimplicit_in_order(
    rates: Callable[..., Any],
    states: Sequence[Any],
    dt: Any,
    left: tuple[Any, ...],
    *,
    at: Sequence[int],
    settles: bool,
) -> tuple[Any, ...]:
    """Advance states as `derivimplicit` does; returns them and, last, what is left as the block's own run finds it.

    rates: takes the states and then `left`, and returns at the places `at` what it leaves. settles: what it leaves does
    not depend on what was left before; if it does, it must not depend on the states (for the derivative).
    """
    return _advance(rates, states, dt, left, at, settles, range(0), last=True)


def newton_in_order(
    rates: Callable[..., Any], states: Sequence[Any], left: tuple[Any, ...], *, at: Sequence[int], settles: bool
) -> tuple[Any, ...]:
    """Solve as `newton` does; the rest as for derivimplicit_in_order, but as the last evaluation finds it."""
    rows = range(len(flatten(states)[0]))
    return _advance(rates, states, 1.0, left, at, settles, rows, last=False)


def _advance(
    rates: Callable[..., Any],
    states: Sequence[Any],
    dt: Any,
    left: tuple[Any, ...],
    at: Sequence[int],
    settles: bool,
    algebraic: Sequence[int],
    *,
    last: bool,
) -> tuple[Any, ...]:
    old, form = flatten(states)
    forms = jax.eval_shape(lambda: rates(*states, *left))
    shape = jnp.broadcast_shapes(*(x.shape for x in jax.tree.leaves(forms)), *map(jnp.shape, old))

    def whole(tree: Any) -> Any:
        return jax.tree.map(lambda x: jnp.broadcast_to(jnp.asarray(x, dtype=float), shape), tree)

    start, first = whole(old), whole(left)

    def evaluate(x: Vector, before: Any) -> tuple[Vector, Any]:
        values = rates(*unflatten(x, form), *before)
        return residuals(values, x, start, dt, algebraic), whole(tuple(values[i] for i in at))

    plain, constants = jax.closure_convert(evaluate, start, first)
    constants = jax.lax.stop_gradient(constants)
    x, before, after, count = jax.lax.stop_gradient(
        _iterate(lambda x, h: plain(x, h, *constants), *jax.lax.stop_gradient((start, first)))
    )
    evaluations = count - (0.0 if last else 1.0)

    def at_solution(x: Vector) -> Any:
        if settles:
            return evaluate(x, first)[1]
        condition = lambda k, _: k < evaluations  # noqa: E731
        return loop(condition, lambda on, k, h: (k + 1.0, evaluate(x, h)[1]), (jnp.zeros(shape), first))[1]

    solution = root(lambda x: evaluate(x, at_solution(x))[0], x, lambda _, x: x, tangent_solve)
    found, smooth = jax.tree.flatten(after if last else before), jax.tree.leaves(at_solution(solution))
    return (*unflatten(solution, form), jax.tree.unflatten(found[1], with_derivative_of(found[0], smooth)))


def _iterate(evaluate: Evaluate, start: Vector, first: Any) -> tuple[Vector, Any, Any, Array]:
    """The solution, what the last evaluation found and what it left, and the number of evaluations."""
    n = len(start)
    moves = np.zeros((3 * n, n))  # of each state in turn: up, down, back
    for j in range(n):
        moves[3 * j : 3 * j + 2, j] = 1.0, -1.0

    def jacobian(x: Vector, left: Any, stale: Array) -> Any:
        step = increments(x)

        def evaluation(left: Any, move: Array) -> Any:
            value, new = evaluate(tuple(s + m * d for s, m, d in zip(x, move, step, strict=True)), left)
            return select(stale, new, left), value

        left, values = jax.lax.scan(evaluation, left, jnp.asarray(moves))
        twice = 2.0 * jnp.stack(step)
        return tuple((f[::3] - f[1::3]) / twice for f in values), tuple(f[-1] for f in values), left

    def unfinished(carry: Any) -> Array:
        return jnp.logical_and(carry[0] < MAXITERS, jnp.logical_not(jnp.all(carry[-1])))

    def iterate(carry: Any) -> Any:
        turn, x, value, matrix, before, left, count, change, done = carry
        stale = jnp.logical_and(change > MAXCHANGE, jnp.logical_not(done))
        matrix, value, left = jax.lax.cond(
            jnp.any(stale),
            lambda: select(stale, jacobian(x, left, stale), (matrix, value, left)),
            lambda: (matrix, value, left),
        )
        delta = solve(matrix, tuple(-f for f in value))
        new_x = select(done, x, tuple(s + d for s, d in zip(x, delta, strict=True)))
        new_change = jnp.where(done, change, relative_change(delta, x))
        new_value, new = evaluate(new_x, left)
        converged = jnp.logical_and(new_change <= CONVERGE, largest([jnp.abs(f) for f in new_value]) <= ZERO)
        count = jnp.where(done, count, count + 1.0 + 3.0 * n * stale)
        before, new = select(done, (before, left), (left, new))
        return turn + 1, new_x, new_value, matrix, before, new, count, new_change, jnp.logical_or(done, converged)

    zero = jnp.zeros_like(start[0])
    empty = tuple(jnp.zeros((n, *jnp.shape(zero))) for _ in range(n))
    carry = (0, start, (zero,) * n, empty, first, first, zero, zero + 1.0, jnp.zeros_like(zero, dtype=bool))
    _, x, _, _, before, after, count, _, done = jax.lax.while_loop(unfinished, iterate, carry)
    return tuple(jnp.where(done, value, jnp.nan) for value in x), before, after, count
