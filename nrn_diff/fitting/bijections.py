"""Bounds by change of variable: the optimiser works on an unbounded z, the model sees x = forward(z) inside the bounds.

Every bijection is an object; `for_bounds` chooses one from (low, high). z is of order one wherever x is well inside.
"""

from __future__ import annotations

import abc
import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .errors import FitError

Array = np.ndarray

# Where a value that sits on a bound starts instead, as a fraction of the range (of the decades, for log bounds).
NUDGE = 1e-3
# Closer to a bound than this fraction of the range counts as on it: z would be beyond 27 and its gradient lost.
ON_BOUND = 1e-12
# From this ratio on, positive bounds are searched in the logarithm.
LOG_RATIO = 100.0


class AbstractBijection(abc.ABC):
    """A smooth, strictly monotone map from the real line onto the open interval of the bounds."""

    @abc.abstractmethod
    def forward(self, z: jax.Array) -> jax.Array:
        """X for z, same shape."""

    @abc.abstractmethod
    def inverse(self, x: Array) -> Array:
        """Z for x inside the bounds; a value on a bound is nudged inside by NUDGE first."""

    @abc.abstractmethod
    def describe(self) -> str:
        """What decides the map, exactly, for the digest of a checkpoint."""


@dataclass(frozen=True)
class Scaled(AbstractBijection):
    """x = scale * z: no bounds. scale: the order of magnitude of the parameter, positive, a scalar or of its shape."""

    scale: Array

    def forward(self, z: jax.Array) -> jax.Array:
        """See the base class."""
        return jnp.asarray(self.scale) * z

    def inverse(self, x: Array) -> Array:
        """See the base class."""
        return np.asarray(x / self.scale)

    def describe(self) -> str:
        """See the base class."""
        return f"scaled {_exact(self.scale)}"


@dataclass(frozen=True)
class OneSided(AbstractBijection):
    """x = bound + scale * softplus(z), or bound - scale * softplus(z) for an upper bound (then decreasing in z)."""

    bound: Array
    scale: Array
    upper: bool = False

    def forward(self, z: jax.Array) -> jax.Array:
        """See the base class."""
        distance = jnp.asarray(self.scale) * jax.nn.softplus(z)
        return jnp.asarray(self.bound) + (-distance if self.upper else distance)

    def inverse(self, x: Array) -> Array:
        """See the base class."""
        distance = (self.bound - x if self.upper else x - self.bound) / self.scale
        distance = np.where(distance <= ON_BOUND, NUDGE, distance)
        # log(exp(d) - 1) without overflow for large d.
        return np.asarray(distance + np.log(-np.expm1(-distance)))

    def describe(self) -> str:
        """See the base class."""
        return f"{'below' if self.upper else 'above'} {_exact(self.bound)} scale {_exact(self.scale)}"


@dataclass(frozen=True)
class Interval(AbstractBijection):
    """x = low + (high - low) * sigmoid(z)."""

    low: Array
    high: Array

    def forward(self, z: jax.Array) -> jax.Array:
        """See the base class."""
        low, high = jnp.asarray(self.low), jnp.asarray(self.high)
        return low + (high - low) * jax.nn.sigmoid(z)

    def inverse(self, x: Array) -> Array:
        """See the base class."""
        return _logit((x - self.low) / (self.high - self.low), (self.high - x) / (self.high - self.low))

    def describe(self) -> str:
        """See the base class."""
        return f"interval {_exact(self.low)} {_exact(self.high)}"


@dataclass(frozen=True)
class LogInterval(AbstractBijection):
    """log(x) = log(low) + log(high / low) * sigmoid(z), for positive bounds that span decades."""

    low: Array
    high: Array

    def forward(self, z: jax.Array) -> jax.Array:
        """See the base class."""
        low, high = jnp.asarray(self.low), jnp.asarray(self.high)
        return low * jnp.exp(jnp.log(high / low) * jax.nn.sigmoid(z))

    def inverse(self, x: Array) -> Array:
        """See the base class."""
        decades = np.log(self.high / self.low)
        return _logit(np.log(x / self.low) / decades, np.log(self.high / x) / decades)

    def describe(self) -> str:
        """See the base class."""
        return f"log interval {_exact(self.low)} {_exact(self.high)}"


def for_bounds(name: str, value: Array, bounds: Any = None, *, log: bool | None = None) -> AbstractBijection:
    """The bijection for one parameter.

    name: for messages. value: its start, of any shape. bounds: None, an AbstractBijection, or (low, high), each None,
    infinite, a number, or an array that broadcasts to value. log: search in the logarithm; None decides by the bounds
    (both positive, high / low >= 100). Raises FitError for bounds that are not ordered, for a start outside of them
    (one exactly on a bound is nudged inside by 0.1 % of the range), for a start that is not finite.
    """
    value = np.asarray(value, dtype=np.float64)
    if not np.all(np.isfinite(value)):
        raise FitError(f"{name}: the start value is not finite: {_shown(value)}")
    if isinstance(bounds, AbstractBijection):
        return bounds
    low, high = _two_sides(name, value, bounds)
    has_low, has_high = bool(np.all(np.isfinite(low))), bool(np.all(np.isfinite(high)))
    if np.any(np.isfinite(low)) != has_low or np.any(np.isfinite(high)) != has_high:
        raise FitError(f"{name}: the elements of one parameter must be bounded on the same sides")
    if np.any(value < low) or np.any(value > high):
        raise FitError(f"{name}: the start {_shown(value)} is outside its bounds ({_shown(low)}, {_shown(high)})")
    positive = has_low and has_high and bool(np.all(low > 0))
    if log and not positive:
        raise FitError(f"{name}: log bounds must both be positive, not ({_shown(low)}, {_shown(high)})")
    if has_low and has_high:
        if log or (log is None and positive and bool(np.all(high / low >= LOG_RATIO))):
            return LogInterval(low, high)
        return Interval(low, high)
    if has_low or has_high:
        bound = low if has_low else high
        return OneSided(bound, _magnitude(value - bound), upper=has_high)
    return Scaled(_magnitude(value))


def _two_sides(name: str, value: Array, bounds: Any) -> tuple[Array, Array]:
    if bounds is None:
        bounds = (None, None)
    try:
        given_low, given_high = bounds
        low = np.asarray(-math.inf if given_low is None else given_low, dtype=np.float64)
        high = np.asarray(math.inf if given_high is None else given_high, dtype=np.float64)
        np.broadcast_to(low, value.shape)
        np.broadcast_to(high, value.shape)
    except (TypeError, ValueError) as error:
        raise FitError(f"{name}: bounds must be (low, high), each None, a number or of shape {value.shape}") from error
    if not np.all(low < high):
        raise FitError(f"{name}: the lower bound must be below the upper one, not ({_shown(low)}, {_shown(high)})")
    return low, high


def _magnitude(values: Array) -> Array:
    """|value| of each element, 1 where that is 0."""
    size = np.abs(values)
    return np.where(size > 0, size, 1.0)


def _logit(below: Array, above: Array) -> Array:
    """log(u / (1 - u)) from the fractions of the range below and above x; on a bound, that of NUDGE."""
    at_low, at_high = below <= ON_BOUND, above <= ON_BOUND
    below = np.where(at_low, NUDGE, np.where(at_high, 1 - NUDGE, below))
    above = np.where(at_low, 1 - NUDGE, np.where(at_high, NUDGE, above))
    return np.asarray(np.log(below) - np.log(above))


def _exact(values: Array) -> str:
    return ",".join(float(v).hex() for v in np.ravel(values))


def _shown(values: Array) -> str:
    flat = np.ravel(values)
    return f"{flat[0]:.6g}" if flat.size == 1 else f"[{flat.min():.6g} .. {flat.max():.6g}]"
