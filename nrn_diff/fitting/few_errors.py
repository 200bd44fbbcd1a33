"""Steps of a search for losses made of few errors: their Jacobian by one reverse sweep, candidates tried at once."""

from __future__ import annotations

import abc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from .errors import FitError

Array = jax.Array
Errors = Callable[[Array], Array]
Total = Callable[[Array], Array]

# Of errors: each costs a part of a reverse sweep.
_MOST = 64


class AbstractSteps(abc.ABC):
    """How one start of `search` moves, where an optax transformation would need more simulations than that.

    Immutable, with a repr that says all: it is part of what a checkpoint belongs to.
    """

    @property
    @abc.abstractmethod
    def simulations(self) -> int:
        """Simulations without derivatives that one step makes."""

    @abc.abstractmethod
    def init(self, z: Array, key: Array) -> Any:
        """What a start remembers, a pytree of arrays. z [n]: where it begins; key: random."""

    @abc.abstractmethod
    def step(self, errors: Errors, total: Total, z: Array, value: Array, state: Any) -> tuple[Array, Array, Any]:
        """From z [n], where the loss is `value`, to (z, value, state). errors: z -> [m]; total: errors -> loss."""


@dataclass(frozen=True)
class MinimumNorm(AbstractSteps):
    """The shortest steps that would make all errors vanish if they were linear, with several dampings and lengths.

    For a dozen features and more parameters than features: a reverse sweep for all errors at once costs hardly more
    than one for their sum, and says in which direction each goes. The candidates are simulated as one batch; the best
    one is taken, also if the loss is up to `uphill` times what it was: where spikes appear or vanish the loss has
    kinks, and a descent that only went down would stay there. `search` remembers the best point.

    dampings: relative to the mean squared length of the gradients. lengths: largest changes of an unbounded variable.
    wander: standard deviation, relative to the length, of what is added at random to a second set of candidates.
    """

    dampings: tuple[float, ...] = (1e-3, 1e-1)
    lengths: tuple[float, ...] = (1.5, 0.5, 0.15)
    wander: float = 0.3
    uphill: float = 1.5

    @property
    def simulations(self) -> int:
        """See the base class."""
        return (len(self.dampings) + 1) * len(self.lengths)

    def init(self, z: Array, key: Array) -> Array:
        """See the base class."""
        del z
        return key

    def step(self, errors: Errors, total: Total, z: Array, value: Array, state: Array) -> tuple[Array, Array, Array]:
        """See the base class."""
        here, back = jax.vjp(errors, z)
        if here.size > _MOST:
            raise FitError(f"{here.size} errors are too many for MinimumNorm (at most {_MOST}): use gauss_newton")
        identity = jnp.eye(here.size)
        jacobian = jax.vmap(back)(identity)[0]
        gram = jacobian @ jacobian.T
        mean = jnp.trace(gram) / here.size + jnp.finfo(z.dtype).tiny

        def shortest(damping: Array) -> Array:
            return -jacobian.T @ jnp.linalg.solve(gram + damping * mean * identity, here)

        steps = jax.vmap(shortest)(jnp.asarray(self.dampings))
        lengths = jnp.asarray(self.lengths)
        longest = jnp.maximum(jnp.max(jnp.abs(steps), axis=1), 1e-300)
        scaled = steps[:, None] * jnp.minimum(1.0, lengths / longest[:, None])[..., None]
        key, now = jax.random.split(state)
        noise = self.wander * lengths[:, None] * jax.random.normal(now, (lengths.size, z.size))
        candidates = z + jnp.concatenate([scaled.reshape(-1, z.size), scaled[0] + noise])
        values = jax.vmap(lambda x: total(errors(x)))(candidates)
        values = jnp.where(jnp.isfinite(values), values, jnp.inf)
        best = jnp.argmin(values)
        taken = values[best] <= self.uphill * value
        return jnp.where(taken, candidates[best], z), jnp.where(taken, values[best], value), key
