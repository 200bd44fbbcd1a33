"""One JAX primitive for the linear systems of a step, whatever their pattern, with its own derivative in both modes.

A pattern (a tree, a tree with layers) says how to multiply with its matrix, how to transpose and how to solve it; the
rules for derivatives and batches are the same for all. Batches go last: every array is [n, ...].
"""

from __future__ import annotations

import abc
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

Coefficients = tuple[Any, ...]


class AbstractPattern(abc.ABC):
    """Which entries of a matrix are not zero; hashable, being part of what is compiled."""

    @abc.abstractmethod
    def multiply(self, coefficients: Coefficients, x: jax.Array) -> jax.Array:
        """The matrix times x."""

    @abc.abstractmethod
    def transpose(self, coefficients: Coefficients) -> Coefficients:
        """Coefficients of the transposed matrix."""

    @abc.abstractmethod
    def solve(self, coefficients: Coefficients, rhs: jax.Array, transposed: bool) -> jax.Array:
        """x from XLA's own operations. The coefficients are those of the matrix, also for the transposed system."""

    def solve_on_cpu(self, coefficients: Coefficients, rhs: jax.Array, transposed: bool) -> jax.Array:
        """The same on a CPU."""
        return self.solve(coefficients, rhs, transposed)


def solve(pattern: AbstractPattern, coefficients: Coefficients, rhs: jax.Array) -> jax.Array:
    """x with matrix times x = rhs; differentiable in everything, to any order."""
    x: jax.Array = solve_p.bind(*map(jnp.asarray, (*coefficients, rhs)), pattern=pattern, transposed=False)
    return x


# Names for policies of jax.checkpoint: the solution is that of this primitive.
DIAGONAL = "nrn_diagonal"
solve_p = Primitive("nrn_linear_solve")


@jax.jit(static_argnames=("pattern", "transposed"))
def _eager(*args: Any, pattern: AbstractPattern, transposed: bool) -> jax.Array:
    x: jax.Array = solve_p.bind(*args, pattern=pattern, transposed=transposed)
    return x


solve_p.def_impl(_eager)


@solve_p.def_abstract_eval
def _abstract(*args: Any, pattern: AbstractPattern, transposed: bool) -> Any:
    rhs = args[-1]
    batch = jnp.broadcast_shapes(*(x.shape[1:] for x in args))
    return rhs.update(shape=(rhs.shape[0], *batch))


def _portable(*args: Any, pattern: AbstractPattern, transposed: bool) -> jax.Array:
    return pattern.solve(args[:-1], args[-1], transposed)


def _on_cpu(*args: Any, pattern: AbstractPattern, transposed: bool) -> jax.Array:
    return pattern.solve_on_cpu(args[:-1], args[-1], transposed)


mlir.register_lowering(solve_p, mlir.lower_fun(_portable, multiple_results=False))
mlir.register_lowering(solve_p, mlir.lower_fun(_on_cpu, multiple_results=False), platform="cpu")


def _jvp(primals: Any, tangents: Any, *, pattern: AbstractPattern, transposed: bool) -> Any:
    x = solve_p.bind(*primals, pattern=pattern, transposed=transposed)
    change = ad.instantiate_zeros(tangents[-1])
    if any(type(t) is not ad.Zero for t in tangents[:-1]):
        of_matrix = tuple(ad.instantiate_zeros(t) for t in tangents[:-1])
        change = change - pattern.multiply(pattern.transpose(of_matrix) if transposed else of_matrix, x)
    return x, solve_p.bind(*primals[:-1], change, pattern=pattern, transposed=transposed)


def _transpose(ct: Any, *args: Any, pattern: AbstractPattern, transposed: bool) -> Any:
    coefficients, rhs = args[:-1], args[-1]
    if type(ct) is ad.Zero:
        return [*(None for _ in coefficients), ad.Zero(rhs.aval)]
    x = solve_p.bind(*coefficients, ct, pattern=pattern, transposed=not transposed)
    return [*(None for _ in coefficients), x]


def _batch(args: Any, dims: Any, *, pattern: AbstractPattern, transposed: bool) -> Any:
    rank = max(jnp.ndim(x) - (dim is not None) for x, dim in zip(args, dims, strict=True))
    moved = []
    for x, dim in zip(args, dims, strict=True):
        y = jnp.expand_dims(x, -1) if dim is None else jnp.moveaxis(x, dim, -1)
        moved.append(jnp.reshape(y, (*y.shape[:-1], *(1,) * (rank + 1 - y.ndim), y.shape[-1])))
    # The right-hand side carries the full shape, as the transpose needs it.
    shape = jnp.broadcast_shapes(*(x.shape[1:] for x in moved))
    moved[-1] = jnp.broadcast_to(moved[-1], (moved[-1].shape[0], *shape))
    return solve_p.bind(*moved, pattern=pattern, transposed=transposed), rank


ad.primitive_jvps[solve_p] = _jvp
ad.primitive_transposes[solve_p] = _transpose
batching.primitive_batchers[solve_p] = _batch
