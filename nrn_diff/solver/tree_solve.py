"""The tree solve: one linear system per step, coupled along the branches of the cells.

Row i of the system reads  d[i] x[i] + b[i] x[parent(i)] + sum over children c of a[c] x[c] = rhs[i]
(a and b as in NEURON's NODEA and NODEB, src/nrnoc/solve.cpp). All arrays are in the row order of the schedule,
[n, ...]. The transposed system has a and b swapped, so the derivative in both modes is again a tree solve.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from nrn_diff.errors import NrnDiffError
from nrn_diff.native import library
from nrn_diff.solver import linear_solve
from nrn_diff.solver.contraction import Schedule
from nrn_diff.solver.elimination import factorise, substitute
from nrn_diff.solver.linear_solve import AbstractPattern, Coefficients
from nrn_diff.solver.rings import Numbers


def solve(schedule: Schedule, a: jax.Array, b: jax.Array, d: jax.Array, rhs: jax.Array) -> jax.Array:
    """x of the system above, [n]; differentiable in everything, to any order."""
    return linear_solve.solve(Tree(schedule), (a, b, d), rhs)


def multiply(schedule: Schedule, a: jax.Array, b: jax.Array, d: jax.Array, x: jax.Array) -> jax.Array:
    """The matrix of `solve` times x."""
    return d * x + b * schedule.parent.gather(x) + schedule.parent.sum(a * x)


@dataclass(frozen=True)
class Tree(AbstractPattern):
    """Coefficients: a, b, d."""

    schedule: Schedule

    def multiply(self, coefficients: Coefficients, x: jax.Array) -> jax.Array:
        """See the base class."""
        a, b, d = coefficients
        return multiply(self.schedule, a, b, d, x)

    def transpose(self, coefficients: Coefficients) -> Coefficients:
        """See the base class."""
        a, b, d = coefficients
        return b, a, d

    def solve(self, coefficients: Coefficients, rhs: jax.Array, transposed: bool) -> jax.Array:
        """By contraction. Raises NrnDiffError for a cell in which the order of the sums shows."""
        if self.schedule.siblings:
            raise NrnDiffError(
                "in this model, whose axial resistances are tiny, rounding in the order of NEURON's sums changes what "
                "the membrane does. They are made in that order on a CPU, by a kernel that needs a C++ compiler (see "
                "nrn-diff doctor). Run it there, or take Ra = 0.1 ohm cm: voltages along a section are nearly as equal."
            )
        # The factors of the plain and of the transposed system are the same expressions, so XLA computes them once.
        a, b, d = coefficients
        shape, numbers = _shape(coefficients, rhs), Numbers()
        factors = factorise(self.schedule, numbers, a, b, jnp.broadcast_to(d, shape))
        if transposed:
            factors = [f.transposed(numbers) for f in factors]
        return substitute(self.schedule, numbers, factors, jnp.broadcast_to(rhs, shape))

    def solve_on_cpu(self, coefficients: Coefficients, rhs: jax.Array, transposed: bool) -> jax.Array:
        """As NEURON does it, if the kernel is there."""
        if not (library.available() and rhs.dtype == jnp.float64):
            return self.solve(coefficients, rhs, transposed)
        shape = _shape(coefficients, rhs)
        visit, parent = self.schedule.visit.astype(np.int32), self.schedule.parent.target.astype(np.int32)
        call = jax.ffi.ffi_call(library.TREE_SOLVE, jax.ShapeDtypeStruct(shape, rhs.dtype))
        whole = spread((*coefficients, rhs), shape[1:])
        x: jax.Array = call(visit, parent, *whole, transposed=np.bool_(transposed))
        return x


def spread(arrays: tuple[jax.Array, ...], batch: tuple[int, ...]) -> list[jax.Array]:
    """The kernels take one number a row for all systems, or one for each; of a nested batch a part may be shared."""
    each = math.prod(batch)
    return [x if x.size in {len(x), len(x) * each} else jnp.broadcast_to(x, (len(x), *batch)) for x in arrays]


def _shape(coefficients: Coefficients, rhs: jax.Array) -> tuple[int, ...]:
    return jnp.broadcast_shapes(rhs.shape, *(x.shape for x in coefficients))
