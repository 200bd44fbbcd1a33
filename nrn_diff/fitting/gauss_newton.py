"""Gauss-Newton steps for losses that are sums of squares, as an optax transformation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree

from .errors import FitError

Array = jax.Array


class GaussNewtonState(NamedTuple):
    """damping: relative to the loss; grows when a step fails, falls when one succeeds."""

    damping: Array


class _Trial(NamedTuple):
    tried: Array
    damping: Array
    step: Array
    accepted: Array


def gauss_newton(damping: float = 0.1, tries: int = 10, limit: float = 1.0) -> optax.GradientTransformationExtraArgs:
    """Damped Gauss-Newton steps, for `fit(..., optimizer=gauss_newton())`.

    For up to some dozens of numbers to fit: conductances that compensate each other make a narrow valley, in which
    first-order methods creep and this one walks. An update costs one forward run with a tangent for each number, and
    one plain run for each try; it never raises the loss. Far from the target it falls into local minima like any
    descent: take some steps of the default optimizer first.

    The step solves (J'J + damping * loss * I) step = -J'r in the unbounded variables, which are of order one. The
    damping goes down with the loss, so that directions which hardly matter wait until the others are right, and
    convergence is quadratic also where they do not matter at all (Yamashita and Fukushima 2001, Computing Suppl.
    15:239-249).

    damping: at the start. tries: of increasing damping within one update; if all fail, the parameters stay.
    limit: largest change of an unbounded variable in one update.
    Raises FitError for a loss without `residuals` (those of trace_mse have them).
    """

    def init(params: Any) -> GaussNewtonState:
        del params
        return GaussNewtonState(jnp.asarray(damping))

    def update(
        updates: Any,
        state: GaussNewtonState,
        params: Any = None,
        *,
        value_fn: Callable[[Any], Array] | None = None,
        **_: Any,
    ) -> tuple[Any, GaussNewtonState]:
        del updates
        residual_fn = getattr(value_fn, "residuals", None)
        if residual_fn is None:
            raise FitError(
                "gauss_newton needs a loss that is a sum of squares and says so: a method residuals(recording) -> [n] "
                "whose squares add up to the loss, as trace_mse has. Give it one, or take another optimizer."
            )
        z, unravel = ravel_pytree(params)

        def residuals(x: Array) -> Array:
            return jnp.asarray(residual_fn(unravel(x)))

        values, jacobian = jax.vmap(lambda e: jax.jvp(residuals, (z,), (e,)), out_axes=(None, 1))(jnp.eye(z.size))
        step, new_damping = _search(residuals, z, values, jacobian, state.damping, tries, limit)
        return unravel(step), GaussNewtonState(new_damping)

    return optax.GradientTransformationExtraArgs(init, update)


def _search(
    residuals: Callable[[Array], Array],
    z: Array,
    values: Array,
    jacobian: Array,
    damping: Array,
    tries: int,
    limit: float,
) -> tuple[Array, Array]:
    """The first step that lowers the sum of squares, zero if none does; and the damping to go on with."""
    loss = jnp.sum(values**2)
    curvature, slope, identity = jacobian.T @ jacobian, jacobian.T @ values, jnp.eye(z.size)
    # Rounding makes the curvature singular where numbers have no influence, and the loss may be zero.
    floor = 1e-15 * jnp.max(jnp.diag(curvature)) + jnp.finfo(z.dtype).tiny

    def attempt(trial: _Trial) -> _Trial:
        step = -jnp.linalg.solve(curvature + (trial.damping * loss + floor) * identity, slope)
        step = step * jnp.minimum(1.0, limit / jnp.maximum(jnp.max(jnp.abs(step)), 1e-300))
        new_loss = jnp.sum(residuals(z + step) ** 2)
        accepted = new_loss < loss  # False for NaN
        factor = jnp.where(accepted, 0.1, 8.0)
        return _Trial(trial.tried + 1, trial.damping * factor, jnp.where(accepted, step, 0.0), accepted)

    start = _Trial(jnp.asarray(0), damping, jnp.zeros_like(z), jnp.asarray(False))
    last = jax.lax.while_loop(lambda t: ~t.accepted & (t.tried < tries), attempt, start)
    return last.step, jnp.clip(last.damping, 1e-12, 1e12)
