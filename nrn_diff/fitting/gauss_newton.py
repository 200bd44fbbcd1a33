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
    """damping: relative to the curvature; grows when a step fails, falls when one succeeds."""

    damping: Array


class _Trial(NamedTuple):
    tried: Array
    damping: Array
    step: Array
    accepted: Array


def gauss_newton(damping: float = 1e-2, tries: int = 8, limit: float = 1.0) -> optax.GradientTransformationExtraArgs:
    """Levenberg-Marquardt (Marquardt 1963, J. SIAM 11:431-441), for `fit(..., optimizer=gauss_newton())`.

    For up to some dozens of numbers to fit: conductances that compensate each other make a narrow valley, in which
    first-order methods creep and this one walks. An update costs one forward run with a tangent for each number, and
    one plain run for each try; it never raises the loss.

    damping: at the start, relative to the curvature. tries: of increasing damping within one update; if all fail, the
    parameters stay. limit: largest change of an unbounded variable in one update (they are of order one).
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
    curvature, slope = jacobian.T @ jacobian, jacobian.T @ values
    diagonal = jnp.diag(curvature)
    # A number without any influence would make the matrix singular.
    diagonal = jnp.maximum(diagonal, 1e-12 * jnp.max(diagonal) + jnp.finfo(z.dtype).tiny)

    def attempt(trial: _Trial) -> _Trial:
        step = -jnp.linalg.solve(curvature + trial.damping * jnp.diag(diagonal), slope)
        step = step * jnp.minimum(1.0, limit / jnp.maximum(jnp.max(jnp.abs(step)), 1e-300))
        new_loss = jnp.sum(residuals(z + step) ** 2)
        accepted = new_loss < loss  # False for NaN
        factor = jnp.where(accepted, 0.1, 8.0)
        return _Trial(trial.tried + 1, trial.damping * factor, jnp.where(accepted, step, 0.0), accepted)

    start = _Trial(jnp.asarray(0), damping, jnp.zeros_like(z), jnp.asarray(False))
    last = jax.lax.while_loop(lambda t: ~t.accepted & (t.tried < tries), attempt, start)
    return last.step, jnp.clip(last.damping, 1e-12, 1e12)
