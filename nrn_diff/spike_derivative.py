"""What the derivative through a spike is: objects, to be passed as `simulate(..., spikes=...)`.

A NetCon that watches a voltage sends in one step or in the next: the numbers that NEURON's fixed step computes are
piecewise constant in the time of a spike. The values of a run never depend on these objects, only its derivatives do.
docs/spikes.md says when each is right.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from nrn_diff.runtime.ruled import only_once, ruled

Array = jax.Array


class AbstractSpikeDerivative(abc.ABC):
    """Derivatives of the spikes that cross a threshold; hashable, being part of what is compiled."""

    @property
    @abc.abstractmethod
    def moves(self) -> bool:
        """Whether the time of a spike has a derivative."""

    @property
    @abc.abstractmethod
    def counts(self) -> bool:
        """Whether its presence has a derivative."""

    def shift(self, before: Array, now: Array, threshold: Array, fired: Array, dt: float) -> Array:
        """Time of the crossing (ms) as a number that is 0 and has its derivative, [n_sources].

        before, now (mV): the voltages at the start of the last step and of this one.
        """
        raise NotImplementedError

    def presence(self, distance: Array, was_above: Array) -> Array:
        """Presence of a spike as a number that is 0 and has its derivative, [n_sources].

        distance (mV): of the voltage from the threshold.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class NoDerivative(AbstractSpikeDerivative):
    """The derivative of the numbers computed: none passes through the time or the presence of a spike."""

    moves = False
    counts = False


NO_DERIVATIVE = NoDerivative()


@dataclass(frozen=True)
class CrossingTime(AbstractSpikeDerivative):
    """The implicit function derivative of the crossing time, interpolated in the step: dt*/dp = (dthreshold - dv)/v'.

    An arrival that moves by a part of dt is one delivered in part now and in part one step later. Right for spikes that
    exist and go on to exist, also with respect to thresholds. slowest (mV/ms): where the voltage crosses more slowly
    than this, as at a peak that just touches the threshold, the slope is taken as this, so that one spike about to
    vanish does not rule the gradient; 0: exact.
    """

    slowest: float = 0.0
    moves = True
    counts = False

    def shift(self, before: Array, now: Array, threshold: Array, fired: Array, dt: float) -> Array:
        """See the base class."""
        # A source that is above its threshold at t = 0 sends then, and did not cross.
        crossed = fired & (before <= threshold)
        rise = jnp.maximum(jnp.where(crossed, now - before, 1.0), max(self.slowest * dt, 1e-12))
        fraction = jnp.where(crossed, (threshold - before) / rise, 0.0)
        return _moved(
            jnp.broadcast_to(threshold, before.shape), before, now, jnp.where(crossed, dt / rise, 0.0), fraction
        )


_ONCE = (
    "no second derivative passes through the time of a spike (CrossingTime): an event that moves is delivered in parts "
    "to two steps, which is right to first order only. Take first derivatives, or NoDerivative() or Surrogate()"
)


def _moved(threshold: Array, before: Array, now: Array, time_per_mv: Array, fraction: Array) -> Array:
    """0, with the derivative of the crossing time.

    The slope is a constant in it: the implicit function theorem, and the same as the derivative of the quotient where
    `slowest` does not act.
    """

    def rule(call: Any, primals: Any, tangents: Any) -> tuple[Any, Any]:
        time_per_mv, fraction = (only_once(x, _ONCE) for x in primals[3:])
        threshold, before, now = (0.0 if t is None else t for t in tangents[:3])
        return call(*primals), [time_per_mv * ((threshold - before) - fraction * (now - before))]

    return ruled(lambda x, *_: [jnp.zeros_like(x)], rule, threshold, before, now, time_per_mv, fraction)[0]


@dataclass(frozen=True)
class Surrogate(AbstractSpikeDerivative):
    """A spike is 1 or 0; its derivative with respect to the voltage is that of a sigmoid of this width (mV).

    In every step, also where there is no spike: it tells an optimiser in which direction a spike would appear or
    vanish. It is not the derivative of anything that was computed.
    """

    width: float = 2.0
    moves = False
    counts = True

    def presence(self, distance: Array, was_above: Array) -> Array:
        """See the base class."""
        smooth = jax.nn.sigmoid(distance / self.width)
        return jnp.where(was_above, 0.0, smooth - jax.lax.stop_gradient(smooth))
