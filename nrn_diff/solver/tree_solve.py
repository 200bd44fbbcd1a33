"""The tree solve: one linear system per step, coupled along the branches of the cells.

Row i of the system reads  d[i] x[i] + b[i] x[parent(i)] + sum over children c of a[c] x[c] = rhs[i]
(a and b as in NEURON's NODEA and NODEB, src/nrnoc/solve.cpp). All arrays are in the row order of the schedule,
[n, ...]. The transposed system has a and b swapped, so the derivative in both modes is again a tree solve.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from nrn_diff.solver.contraction import Schedule
from nrn_diff.solver.native import library


def solve(schedule: Schedule, a: jax.Array, b: jax.Array, d: jax.Array, rhs: jax.Array) -> jax.Array:
    """x of the system above, [n]; differentiable in everything, to any order."""
    x: jax.Array = _solve_p.bind(*map(jnp.asarray, (a, b, d, rhs)), schedule=schedule, transposed=False)
    return x


def multiply(schedule: Schedule, a: jax.Array, b: jax.Array, d: jax.Array, x: jax.Array) -> jax.Array:
    """The matrix of `solve` times x."""
    return d * x + b * schedule.parent.gather(x) + schedule.parent.sum(a * x)


class Factors(NamedTuple):
    """What the contraction leaves behind for substitution, [n, ...] each, as of the round in which a row is eliminated.

    inverse: 1/d. up, down: coefficient of the parent, of the only child, in the row itself. from_up, from_down:
    coefficient of the row in its parent's row, in its only child's row.
    """

    inverse: jax.Array
    up: jax.Array
    down: jax.Array
    from_up: jax.Array
    from_down: jax.Array

    def transposed(self) -> Factors:
        """Factors of the transposed system: the same elimination with a and b swapped."""
        return Factors(self.inverse, self.from_up, self.from_down, self.up, self.down)


def factorise(schedule: Schedule, a: jax.Array, b: jax.Array, d: jax.Array) -> list[Factors]:
    """Eliminate, round by round."""
    kept = []
    for step in schedule.rounds:
        k = step.eliminated
        inverse, up, from_up = 1.0 / d[:k], b[:k], a[:k]
        a, b, d = a[k:], b[k:], d[k:]
        kept.append(Factors(inverse, up, step.down.gather(a), from_up, step.down.gather(b)))
        d = d - step.up.sum(from_up * up * inverse)
        if (step.above.target >= 0).any():
            over = step.above.gather(inverse)
            moved = (step.above.target >= 0).reshape((-1,) + (1,) * (d.ndim - 1))
            d = d - a * b * over
            a, b = (
                jnp.where(moved, -step.above.gather(from_up) * a * over, a),
                jnp.where(moved, -step.above.gather(up) * b * over, b),
            )
    return kept


def substitute(schedule: Schedule, factors: list[Factors], rhs: jax.Array) -> jax.Array:
    """Solve with given factors."""
    pending = []
    for step, f in zip(schedule.rounds, factors, strict=True):
        scaled = rhs[: step.eliminated] * f.inverse
        pending.append(scaled)
        rhs = rhs[step.eliminated :] - step.up.sum(f.from_up * scaled)
        if (step.above.target >= 0).any():
            rhs = rhs - step.above.gather(f.from_down * scaled)
    x = rhs
    for step, f, scaled in zip(reversed(schedule.rounds), reversed(factors), reversed(pending), strict=True):
        coupled = f.up * step.up.gather(x) + f.down * step.down.gather(x)
        x = jnp.concatenate([scaled - coupled * f.inverse, x])
    return x


def _by_contraction(a: Any, b: Any, d: Any, rhs: Any, *, schedule: Schedule, transposed: bool) -> jax.Array:
    # The factors of the plain and of the transposed system are the same expressions, so XLA computes them once.
    shape = jnp.broadcast_shapes(a.shape, b.shape, d.shape, rhs.shape)
    factors = factorise(schedule, a, b, jnp.broadcast_to(d, shape))
    if transposed:
        factors = [f.transposed() for f in factors]
    return substitute(schedule, factors, jnp.broadcast_to(rhs, shape))


def _by_hines(a: Any, b: Any, d: Any, rhs: Any, *, schedule: Schedule, transposed: bool) -> jax.Array:
    shape = jnp.broadcast_shapes(a.shape, b.shape, d.shape, rhs.shape)
    call = jax.ffi.ffi_call(library.TREE_SOLVE, jax.ShapeDtypeStruct(shape, rhs.dtype))
    visit, parent = schedule.visit.astype(np.int32), schedule.parent.target.astype(np.int32)
    # The kernel takes one number a row for all systems, or one for each; of a nested batch a part may be shared.
    whole = [x if x.size in {shape[0], math.prod(shape)} else jnp.broadcast_to(x, shape) for x in (a, b, d, rhs)]
    x: jax.Array = call(visit, parent, *whole, transposed=np.bool_(transposed))
    return x


def _on_cpu(a: Any, b: Any, d: Any, rhs: Any, *, schedule: Schedule, transposed: bool) -> jax.Array:
    native = library.available() and rhs.dtype == jnp.float64
    return (_by_hines if native else _by_contraction)(a, b, d, rhs, schedule=schedule, transposed=transposed)


_solve_p = Primitive("nrn_tree_solve")
_STATIC = ("schedule", "transposed")


@jax.jit(static_argnames=_STATIC)
def _eager(*args: Any, schedule: Schedule, transposed: bool) -> jax.Array:
    x: jax.Array = _solve_p.bind(*args, schedule=schedule, transposed=transposed)
    return x


_solve_p.def_impl(_eager)


@_solve_p.def_abstract_eval
def _abstract(a: Any, b: Any, d: Any, rhs: Any, *, schedule: Schedule, transposed: bool) -> Any:
    return rhs.update(shape=jnp.broadcast_shapes(a.shape, b.shape, d.shape, rhs.shape))


mlir.register_lowering(_solve_p, mlir.lower_fun(_by_contraction, multiple_results=False))
mlir.register_lowering(_solve_p, mlir.lower_fun(_on_cpu, multiple_results=False), platform="cpu")


def _jvp(primals: Any, tangents: Any, *, schedule: Schedule, transposed: bool) -> Any:
    a, b, d, _ = primals
    x = _solve_p.bind(*primals, schedule=schedule, transposed=transposed)
    da, db, dd, drhs = (ad.instantiate_zeros(t) for t in tangents)
    if transposed:
        da, db = db, da
    moved = [t for t in tangents[:3] if type(t) is not ad.Zero]
    if moved:
        drhs = drhs - multiply(schedule, da, db, dd, x)
    return x, _solve_p.bind(a, b, d, drhs, schedule=schedule, transposed=transposed)


def _transpose(ct: Any, a: Any, b: Any, d: Any, rhs: Any, *, schedule: Schedule, transposed: bool) -> Any:
    if type(ct) is ad.Zero:
        return [None, None, None, ad.Zero(rhs.aval)]
    return [None, None, None, _solve_p.bind(a, b, d, ct, schedule=schedule, transposed=not transposed)]


def _batch(args: Any, dims: Any, *, schedule: Schedule, transposed: bool) -> Any:
    rank = max(jnp.ndim(x) - (dim is not None) for x, dim in zip(args, dims, strict=True))
    moved = []
    for x, dim in zip(args, dims, strict=True):
        y = jnp.expand_dims(x, -1) if dim is None else jnp.moveaxis(x, dim, -1)
        moved.append(jnp.reshape(y, (*y.shape[:-1], *(1,) * (rank + 1 - y.ndim), y.shape[-1])))
    # The right-hand side carries the full shape, as the transpose needs it.
    shape = jnp.broadcast_shapes(*(x.shape for x in moved))
    moved[-1] = jnp.broadcast_to(moved[-1], shape)
    return _solve_p.bind(*moved, schedule=schedule, transposed=transposed), rank


ad.primitive_jvps[_solve_p] = _jvp
ad.primitive_transposes[_solve_p] = _transpose
batching.primitive_batchers[_solve_p] = _batch
