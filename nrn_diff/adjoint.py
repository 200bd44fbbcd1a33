"""How reverse mode goes back through the steps: objects, to be passed as `simulate(..., adjoint=...)`.

They differ in what they keep of the forward run, not in the result. Memory is for one instance, in states of the model.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax

Step = Callable[[Any, Any], tuple[Any, Any]]


class AbstractAdjoint(abc.ABC):
    """Runs `step(state, x) -> (state, y)` over the leading axis of xs; hashable, being part of what is compiled."""

    @abc.abstractmethod
    def scan(self, step: Step, state: Any, xs: Any, n_steps: int) -> tuple[Any, Any]:
        """Final state and the stacked y, [n_steps, ...]."""


@dataclass(frozen=True)
class Direct(AbstractAdjoint):
    """Keep every intermediate value of every step: for very short runs and for tests."""

    def scan(self, step: Step, state: Any, xs: Any, n_steps: int) -> tuple[Any, Any]:
        """See the base class."""
        return jax.lax.scan(step, state, xs, length=n_steps)


@dataclass(frozen=True)
class Rematerialised(AbstractAdjoint):
    """Keep the state of every step and redo the inside of a step: the fastest while the states fit in memory."""

    def scan(self, step: Step, state: Any, xs: Any, n_steps: int) -> tuple[Any, Any]:
        """See the base class."""
        return jax.lax.scan(jax.checkpoint(step, prevent_cse=False), state, xs, length=n_steps)


@dataclass(frozen=True)
class Checkpointed(AbstractAdjoint):
    """Keep the state at the start of each segment of steps and redo a segment: memory grows like sqrt(steps).

    segment: steps in a segment; None: the square root of the number of steps. Costs one more forward run than
    `Rematerialised`.
    """

    segment: int | None = None

    def scan(self, step: Step, state: Any, xs: Any, n_steps: int) -> tuple[Any, Any]:
        """See the base class."""
        length = min(self.segment or max(math.isqrt(n_steps), 1), max(n_steps, 1))
        whole = n_steps // length * length
        inner = Rematerialised()

        @jax.checkpoint
        def segment(carry: Any, chunk: Any) -> tuple[Any, Any]:
            return inner.scan(step, carry, chunk, length)

        chunks = jax.tree.map(lambda x: x[:whole].reshape(whole // length, length, *x.shape[1:]), xs)
        state, ys = jax.lax.scan(segment, state, chunks, length=whole // length)
        ys = jax.tree.map(lambda y: y.reshape(whole, *y.shape[2:]), ys)
        if whole == n_steps:
            return state, ys
        state, rest = inner.scan(step, state, jax.tree.map(lambda x: x[whole:], xs), n_steps - whole)
        return state, jax.tree.map(lambda y, r: jax.numpy.concatenate([y, r]), ys, rest)


def choose(state_bytes: int, n_steps: int, budget_bytes: int = 2**29) -> AbstractAdjoint:
    """The rule when none is given: keep every state if they fit the budget (512 MiB), else segments."""
    return Rematerialised() if state_bytes * n_steps <= budget_bytes else Checkpointed()
