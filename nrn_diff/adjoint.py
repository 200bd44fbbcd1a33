"""How reverse mode goes back through the steps: objects, to be passed as `simulate(..., adjoint=...)`.

They differ in what they keep of the forward run, not in the result. Memory is for one instance.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from nrn_diff.solver import linear_solve

Step = Callable[[Any, Any], tuple[Any, Any]]


def kept_of_a_step(primitive: Any, *_: Any, **params: Any) -> bool:
    """What of the inside of a step is kept with its state: the tree's diagonal, and the solution.

    From them the way back needs neither the right-hand side nor the elimination once more.
    """
    return bool(primitive is linear_solve.solve_p or params.get("name") == linear_solve.DIAGONAL)


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
    """Keep the state and the solution of the tree of every step, and redo the rest: the fastest while memory lasts."""

    def scan(self, step: Step, state: Any, xs: Any, n_steps: int) -> tuple[Any, Any]:
        """See the base class."""
        return jax.lax.scan(jax.checkpoint(step, prevent_cse=False, policy=kept_of_a_step), state, xs, length=n_steps)


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


@dataclass(frozen=True)
class Budget(AbstractAdjoint):
    """The rule when nothing is given: `Rematerialised` if the states of all steps fit, else `Checkpointed`.

    bytes: for one instance. Under vmap over many, divide by their number.
    """

    bytes: int = 2**29

    def scan(self, step: Step, state: Any, xs: Any, n_steps: int) -> tuple[Any, Any]:
        """See the base class."""
        return choose(_kept_bytes(state), n_steps, self.bytes).scan(step, state, xs, n_steps)


@dataclass(frozen=True)
class Forward(AbstractAdjoint):
    """No way back: the derivatives with respect to every free number are carried along with the run.

    For few free numbers, whatever the number of steps: nothing of the past is kept but the derivative of each recorded
    sample, [n_free, n_samples, n_recorded]. First-order reverse mode only (`jax.grad`, `vjp`); jvp needs no strategy.
    """

    def scan(self, step: Step, state: Any, xs: Any, n_steps: int) -> tuple[Any, Any]:
        """See the base class."""
        return jax.lax.scan(step, state, xs, length=n_steps)

    def differentiate(self, function: Callable[[Any], tuple[Any, Any]], theta: Any) -> tuple[Any, Any]:
        """function(theta) -> (array, other), with a derivative of the array that is computed by forward mode."""
        flat, unravel = ravel_pytree(jax.tree.map(lambda x: jnp.asarray(x, float), theta))

        @jax.custom_vjp
        def run(x: Any) -> tuple[Any, Any]:
            return function(unravel(x))

        def forth(x: Any) -> tuple[tuple[Any, Any], Any]:
            along = lambda e: jax.jvp(lambda y: function(unravel(y)), (x,), (e,), has_aux=True)  # noqa: E731
            value, tangents, other = jax.vmap(along)(jnp.eye(len(x)))
            # The run is the same for all directions.
            return jax.tree.map(lambda y: y[0], (value, other)), tangents

        def back(tangents: Any, cotangent: tuple[Any, Any]) -> tuple[Any]:
            return (jnp.tensordot(tangents, cotangent[0], axes=cotangent[0].ndim),)

        run.defvjp(forth, back)
        return run(flat)


def _kept_bytes(state: Any) -> int:
    """Of a step: the state, and the diagonal and the solution of the tree, each as long as the voltages."""
    unknowns = [x for name in ("v", "vext") if (x := getattr(state, name, None)) is not None]
    arrays = [*jax.tree.leaves(state), *unknowns, *unknowns]
    return sum(math.prod(x.shape) * x.dtype.itemsize for x in arrays)


def choose(state_bytes: int, n_steps: int, budget_bytes: int = 2**29) -> AbstractAdjoint:
    """The rule when none is given: keep every state if they fit the budget (512 MiB), else segments."""
    return Rematerialised() if state_bytes * n_steps <= budget_bytes else Checkpointed()
