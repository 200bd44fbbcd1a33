"""The posterior of a model's parameters as a differentiable log-density, for samplers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from .bijections import Interval, LogInterval
from .problem import Problem, Simulates, find_bijections, require_float64


class LogDensity:
    """log p(z | data) up to a constant, as a function of a vector z [n]: what BlackJAX, NumPyro and sbi take.

    log p = -loss / (2 noise^2) + log prior. The loss is a sum of squares in units of the noise (with ZScores of n
    targets of equal weight, which is their mean, noise = 1/sqrt(n)). Prior: uniform between the bounds, in the
    logarithm where `fit` searches in it; without two bounds flat in the unbounded variable, so give bounds to
    everything. start [n]: z of the parameters given. theta(z): the parameters. Traceable: jit, grad, vmap.
    """

    def __init__(
        self,
        model: Simulates,
        theta: Any,
        loss: Callable[[Any], Any],
        *,
        noise: float = 1.0,
        bounds: Mapping[str, Any] | None = None,
        log: Mapping[str, bool] | None = None,
    ) -> None:
        require_float64()
        self._problem = Problem(model, loss, theta, find_bijections(theta, bounds, log))
        self.start, self._unravel = ravel_pytree(self._problem.start())
        self.noise = noise

    def __call__(self, z: jax.Array) -> jax.Array:
        """The log-density at z [n]; -inf where the loss is not finite."""
        named = self._unravel(z)
        value = self._problem.objective(named)
        prior = jnp.zeros(())
        for name, bijection in self._problem.bijections.items():
            if isinstance(bijection, Interval | LogInterval):
                # x is uniform in its range: z is logistic.
                prior += jnp.sum(jax.nn.log_sigmoid(named[name]) + jax.nn.log_sigmoid(-named[name]))
        density = -value / (2 * self.noise**2) + prior
        return jnp.where(jnp.isfinite(value), density, -jnp.inf)

    def theta(self, z: jax.Array) -> Any:
        """The bounded parameters of z."""
        return self._problem.theta(self._unravel(z))
