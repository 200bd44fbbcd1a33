"""The tree solve: one linear system per step, coupled along the branches of the cells.

Row i of the system reads  d[i] x[i] + b[i] x[parent(i)] + sum over children c of a[c] x[c] = rhs[i]
(a and b as in NEURON's NODEA and NODEB, src/nrnoc/solve.cpp). All arrays are in the row order of the schedule, [n, ...].
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from nrn_diff.solver.contraction import Schedule


class Factors(NamedTuple):
    """What the elimination leaves behind for substitution, [n, ...] each, as of the round in which a row is eliminated.

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


def factorise(schedule: Schedule, a: jax.Array, b: jax.Array, d: jax.Array) -> Factors:
    """Eliminate; d [n, ...] with a, b of the same shape or without the trailing batch axes."""
    kept: list[tuple[jax.Array, ...]] = []
    for step in schedule.rounds:
        k = step.eliminated
        inverse, up, from_up = 1.0 / d[:k], b[:k], a[:k]
        a, b, d = a[k:], b[k:], d[k:]
        down, from_down = step.down.gather(a), step.down.gather(b)
        kept.append((inverse, up, down, from_up, from_down))
        d = d - step.up.sum(from_up * up * inverse)
        if (step.above.target >= 0).any():
            over_inverse = step.above.gather(inverse)
            moved = step.above.target >= 0
            moved = moved.reshape(moved.shape + (1,) * (d.ndim - 1))
            d = d - a * b * over_inverse
            a, b = (
                jnp.where(moved, -step.above.gather(from_up) * a * over_inverse, a),
                jnp.where(moved, -step.above.gather(up) * b * over_inverse, b),
            )
    return Factors(*(jnp.concatenate(parts) for parts in zip(*kept, strict=True)))


def substitute(schedule: Schedule, factors: Factors, rhs: jax.Array) -> jax.Array:
    """Solve with given factors; linear in rhs."""
    shape = jnp.broadcast_shapes(factors.inverse.shape, rhs.shape)
    return _substitute_p.bind(*factors, jnp.broadcast_to(rhs, shape), schedule=schedule)


def _substitute_impl(*args: jax.Array, schedule: Schedule) -> jax.Array:
    *arrays, rhs = args
    factors, start, pending = Factors(*arrays), 0, []
    for step in schedule.rounds:
        k = step.eliminated
        f = Factors(*(part[start : start + k] for part in factors))
        scaled = rhs[:k] * f.inverse
        pending.append((f, scaled))
        rhs = rhs[k:] - step.up.sum(f.from_up * scaled)
        if (step.above.target >= 0).any():
            rhs = rhs - step.above.gather(f.from_down * scaled)
        start += k
    x = rhs
    for step, (f, scaled) in zip(reversed(schedule.rounds), reversed(pending), strict=True):
        coupled = f.up * step.up.gather(x) + f.down * step.down.gather(x)
        x = jnp.concatenate([scaled - coupled * f.inverse, x])
    return x


_substitute_p = Primitive("nrn_tree_substitute")
_substitute_p.def_impl(jax.jit(_substitute_impl, static_argnames="schedule"))
_substitute_p.def_abstract_eval(lambda *args, schedule: args[-1])
mlir.register_lowering(_substitute_p, mlir.lower_fun(_substitute_impl, multiple_results=False))


def _substitute_jvp(primals: Any, tangents: Any, *, schedule: Schedule) -> Any:
    *factors, rhs = primals
    *dfactors, drhs = tangents
    out = _substitute_p.bind(*primals, schedule=schedule)
    tangents = []
    if type(drhs) is not ad.Zero:
        tangents.append(_substitute_p.bind(*factors, drhs, schedule=schedule))
    moving = [i for i, t in enumerate(dfactors) if type(t) is not ad.Zero]
    if moving:  # second derivatives only: the first is taken by the rule of `solve`

        def of_factors(*values: jax.Array) -> jax.Array:
            full = list(factors)
            for i, value in zip(moving, values, strict=True):
                full[i] = value
            return _substitute_impl(*full, rhs, schedule=schedule)

        _, extra = jax.jvp(of_factors, tuple(factors[i] for i in moving), tuple(dfactors[i] for i in moving))
        tangents.append(extra)
    return out, sum(tangents[1:], tangents[0])


def _substitute_transpose(ct: Any, *args: Any, schedule: Schedule) -> Any:
    *arrays, rhs = args
    if type(ct) is ad.Zero:
        return [None] * len(arrays) + [ad.Zero(rhs.aval)]
    return [None] * len(arrays) + [_substitute_p.bind(*Factors(*arrays).transposed(), ct, schedule=schedule)]


def _substitute_batch(args: Any, dims: Any, *, schedule: Schedule) -> Any:
    rank = max(jnp.ndim(x) - (dim is not None) for x, dim in zip(args, dims, strict=True))
    size = next(x.shape[dim] for x, dim in zip(args, dims, strict=True) if dim is not None)
    moved = []
    for x, dim in zip(args, dims, strict=True):
        y = jnp.expand_dims(x, -1) if dim is None else jnp.moveaxis(x, dim, -1)
        moved.append(jnp.reshape(y, (*y.shape[:-1], *(1,) * (rank + 1 - y.ndim), y.shape[-1])))
    moved[-1] = jnp.broadcast_to(moved[-1], (*moved[-1].shape[:-1], size))
    return _substitute_p.bind(*moved, schedule=schedule), rank


ad.primitive_jvps[_substitute_p] = _substitute_jvp
ad.primitive_transposes[_substitute_p] = _substitute_transpose
batching.primitive_batchers[_substitute_p] = _substitute_batch


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def solve(schedule: Schedule, a: jax.Array, b: jax.Array, d: jax.Array, rhs: jax.Array) -> jax.Array:
    """x [n, ...] with the system above. The adjoint is one substitution with the same factors, a and b swapped."""
    return substitute(schedule, factorise(schedule, a, b, d), rhs)


@solve.defjvp
def _solve_jvp(schedule: Schedule, primals: Any, tangents: Any) -> Any:
    a, b, d, rhs = primals
    da, db, dd, drhs = tangents
    factors = factorise(schedule, a, b, d)
    x = substitute(schedule, factors, rhs)
    return x, substitute(schedule, factors, drhs - multiply(schedule, da, db, dd, x))


def multiply(schedule: Schedule, a: jax.Array, b: jax.Array, d: jax.Array, x: jax.Array) -> jax.Array:
    """The matrix of `solve` times x."""
    return d * x + b * schedule.parent.gather(x) + schedule.parent.sum(a * x)
