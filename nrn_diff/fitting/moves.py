"""One move of one start of a search, by an optax transformation or by AbstractSteps, as a function to be batched."""

from __future__ import annotations

import abc
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree

from .errors import FitError
from .few_errors import AbstractSteps
from .problem import Objective, Z

Array = jax.Array
Leaves = tuple[Array, ...]


class AbstractMoves(abc.ABC):
    """What the loop of `search` calls."""

    simulations: int = 0

    @abc.abstractmethod
    def init(self, z: Array, key: Array) -> Leaves:
        """What a start remembers, for z [n]."""

    @abc.abstractmethod
    def move(self, z: Array, value: Array, leaves: Leaves) -> tuple[Array, Array, Array, Leaves]:
        """From z [n], with the last known loss, to (loss, the z that has it, where to go on, what is remembered)."""

    @abc.abstractmethod
    def describe(self) -> str:
        """For checkpoints."""


@dataclass(frozen=True)
class OptaxMoves(AbstractMoves):
    """Gradient and an optax transformation; the loss is that before the move."""

    objective: Objective
    unravel: Callable[[Array], Z]
    optimizer: optax.GradientTransformationExtraArgs

    def init(self, z: Array, key: Array) -> Leaves:
        """See the base class."""
        del key
        return tuple(jax.tree.leaves(self.optimizer.init(self.unravel(z))))

    def move(self, z: Array, value: Array, leaves: Leaves) -> tuple[Array, Array, Array, Leaves]:
        """See the base class. A start whose loss or step is not finite stays where it is."""
        point = self.unravel(z)
        old = jax.tree.unflatten(jax.tree.structure(self.optimizer.init(point)), leaves)
        value, gradient = jax.value_and_grad(self.objective)(point)
        change, new = self.optimizer.update(gradient, old, point, value=value, grad=gradient, value_fn=self.objective)
        moved = ravel_pytree(optax.apply_updates(point, change))[0]
        finite = jnp.isfinite(value) & jnp.all(jnp.isfinite(moved))
        kept = tuple(jnp.where(finite, a, b) for a, b in zip(jax.tree.leaves(new), leaves, strict=True))
        return jnp.where(finite, value, jnp.inf), z, jnp.where(finite, moved, z), kept

    def describe(self) -> str:
        """See the base class: functions have no text that says what they do."""
        return "an optax transformation"


@dataclass(frozen=True)
class ErrorMoves(AbstractMoves):
    """AbstractSteps on the errors that the loss is made of; the loss is that after the move."""

    objective: Objective
    unravel: Callable[[Array], Z]
    steps: AbstractSteps

    def __post_init__(self) -> None:
        if self.objective.errors is None:
            raise FitError(
                f"{self.steps!r} needs a loss that says which errors it is made of: methods errors(recording) -> [n] "
                "and of_errors, as AbsoluteZScores has, or residuals, as ZScores has"
            )

    @property
    def simulations(self) -> int:  # type: ignore[override]
        """Of one move."""
        return self.steps.simulations

    def init(self, z: Array, key: Array) -> Leaves:
        """See the base class."""
        return tuple(jax.tree.leaves(self.steps.init(z, key)))

    def move(self, z: Array, value: Array, leaves: Leaves) -> tuple[Array, Array, Array, Leaves]:
        """See the base class."""
        assert self.objective.errors is not None
        errors, total = self.objective.errors
        structure = jax.tree.structure(self.steps.init(z, jax.random.key_data(jax.random.key(0))))
        state = jax.tree.unflatten(structure, leaves)
        moved, value, new = self.steps.step(lambda x: errors(self.unravel(x)), total, z, value, state)
        return value, moved, moved, tuple(jax.tree.leaves(new))

    def describe(self) -> str:
        """See the base class."""
        return repr(self.steps)
