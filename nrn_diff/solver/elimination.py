"""Elimination along a contraction schedule, for entries of any ring: factors first, then right-hand sides.

Row i reads  D[i] x[i] + B[i] x[parent(i)] + sum over children c of A[c] x[c] = rhs[i].
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from nrn_diff.solver.contraction import Schedule
from nrn_diff.solver.rings import AbstractRing


class Factors(NamedTuple):
    """What the contraction leaves behind for substitution, as of the round in which a row is eliminated.

    inverse: 1/d. up, down: coefficient of the parent, of the only child, in the row itself. from_up, from_down:
    coefficient of the row in its parent's row, in its only child's row.
    """

    inverse: jax.Array
    up: jax.Array
    down: jax.Array
    from_up: jax.Array
    from_down: jax.Array

    def transposed(self, ring: AbstractRing) -> Factors:
        """Factors of the transposed system: the same elimination with a and b swapped."""
        parts = (self.inverse, self.from_up, self.from_down, self.up, self.down)
        return Factors(*map(ring.transpose, parts))


def factorise(schedule: Schedule, ring: AbstractRing, a: jax.Array, b: jax.Array, d: jax.Array) -> list[Factors]:
    """Eliminate, round by round."""
    kept, times = [], ring.product
    for step in schedule.rounds:
        k = step.eliminated
        inverse, up, from_up = ring.invert(d[:k]), b[:k], a[:k]
        a, b, d = a[k:], b[k:], d[k:]
        kept.append(Factors(inverse, up, step.down.gather(a), from_up, step.down.gather(b)))
        d = d - step.up.sum(times(from_up, inverse, up))
        if (step.above.target >= 0).any():
            over = step.above.gather(inverse)
            moved = (step.above.target >= 0).reshape((-1,) + (1,) * (d.ndim - 1))
            d = d - times(b, over, a)
            a, b = (
                jnp.where(moved, -times(step.above.gather(from_up), over, a), a),
                jnp.where(moved, -times(b, over, step.above.gather(up)), b),
            )
    return kept


def substitute(schedule: Schedule, ring: AbstractRing, factors: list[Factors], rhs: jax.Array) -> jax.Array:
    """Solve with given factors."""
    pending = []
    for step, f in zip(schedule.rounds, factors, strict=True):
        scaled = ring.apply(f.inverse, rhs[: step.eliminated])
        pending.append(scaled)
        rhs = rhs[step.eliminated :] - step.up.sum(ring.apply(f.from_up, scaled))
        if (step.above.target >= 0).any():
            rhs = rhs - step.above.gather(ring.apply(f.from_down, scaled))
    x = rhs
    for step, f, scaled in zip(reversed(schedule.rounds), reversed(factors), reversed(pending), strict=True):
        coupled = ring.apply(f.up, step.up.gather(x)) + ring.apply(f.down, step.down.gather(x))
        x = jnp.concatenate([scaled - ring.apply(f.inverse, coupled), x])
    return x
