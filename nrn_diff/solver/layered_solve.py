"""The tree solve with further unknowns at some of its nodes: the extracellular layers (src/nrnoc/extcelln.cpp).

Unknowns: first one for each row of the tree (the inside of the cell), then `layers` for each layered row, those of one
row together. An unknown is coupled to the same layer of the parent row, where that is layered (coefficients a and b, as
in the tree), and to the next layer inward of its own row (c, the same in both directions).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np

from nrn_diff.native import library
from nrn_diff.solver import linear_solve
from nrn_diff.solver.contraction import Schedule
from nrn_diff.solver.elimination import factorise, substitute
from nrn_diff.solver.incidence import Incidence
from nrn_diff.solver.linear_solve import AbstractPattern, Coefficients
from nrn_diff.solver.rings import Blocks
from nrn_diff.solver.tree_solve import spread


@dataclass(frozen=True)
class LayeredTree(AbstractPattern):
    """Coefficients: a, b, d [unknowns], c [layered rows * layers]. row: layered row -> row of the tree."""

    schedule: Schedule
    row: Incidence
    layers: int

    @property
    def n_rows(self) -> int:
        """Rows of the tree."""
        return self.row.n_targets

    @property
    def n_unknowns(self) -> int:
        """Of the whole system."""
        return self.n_rows + self.layers * self.row.n_sources

    @cached_property
    def layered(self) -> np.ndarray:
        """Layered row of each row of the tree, -1 for none; [n_rows]."""
        return self.row.last.target

    @cached_property
    def parent(self) -> Incidence:
        """Unknown -> the same layer of the parent row (-1: it has none)."""
        return Incidence(self._unknown_of(self.schedule.parent.target), self.n_unknowns)

    @cached_property
    def inward(self) -> Incidence:
        """Outer unknown (counted from the first of them) -> the unknown of the next layer inward."""
        rows, layers = self._place
        return Incidence(self._number(rows, layers - 1)[self.n_rows :], self.n_unknowns)

    @cached_property
    def _place(self) -> tuple[np.ndarray, np.ndarray]:
        """Row and layer of each unknown."""
        n, m = self.n_rows, self.row.n_sources
        rows = np.concatenate([np.arange(n), np.repeat(self.row.target, self.layers)])
        return rows, np.concatenate([np.zeros(n, int), np.tile(np.arange(1, self.layers + 1), m)])

    def _number(self, rows: np.ndarray, layers: np.ndarray) -> np.ndarray:
        """Number of the unknown of a layer (0: inside) of a row, -1 where there is none."""
        at = self.layered[rows]
        outer = np.where(at >= 0, self.n_rows + at * self.layers + layers - 1, -1)
        return np.where(layers == 0, rows, outer)

    def _unknown_of(self, parent_row: np.ndarray) -> np.ndarray:
        rows, layers = self._place
        above = parent_row[rows]
        return np.where(above >= 0, self._number(np.maximum(above, 0), layers), -1)

    def multiply(self, coefficients: Coefficients, x: jax.Array) -> jax.Array:
        """See the base class."""
        a, b, d, c = coefficients
        tree = d * x + b * self.parent.gather(x) + self.parent.sum(a * x)
        outer = c * self.inward.gather(x)
        inner = self.inward.sum(c * x[self.n_rows :])
        return tree + inner + jnp.concatenate([jnp.zeros((self.n_rows, *outer.shape[1:])), outer])

    def transpose(self, coefficients: Coefficients) -> Coefficients:
        """See the base class."""
        a, b, d, c = coefficients
        return b, a, d, c

    def solve(self, coefficients: Coefficients, rhs: jax.Array, transposed: bool) -> jax.Array:
        """By contraction, with blocks of 1 + layers unknowns; a row without layers has ones in their place."""
        a, b, d, c = coefficients
        batch = jnp.broadcast_shapes(rhs.shape[1:], *(x.shape[1:] for x in coefficients))
        blocks, linked = Blocks(), (self.parent.target >= 0).reshape(-1, *(1,) * len(batch))
        a, b = (self._diagonal(jnp.where(linked, jnp.broadcast_to(x, (len(x), *batch)), 0.0), 0.0) for x in (a, b))
        d = self._diagonal(jnp.broadcast_to(d, (len(d), *batch)), 1.0)
        chain = self._padded(jnp.concatenate([jnp.zeros((self.n_rows, *batch)), jnp.broadcast_to(c, (len(c), *batch))]))
        for k in range(1, self.layers + 1):
            d = d.at[:, k, k - 1].set(chain[:, k]).at[:, k - 1, k].set(chain[:, k])
        factors = factorise(self.schedule, blocks, a, b, d)
        if transposed:
            factors = [f.transposed(blocks) for f in factors]
        right = self._padded(jnp.broadcast_to(rhs, (len(rhs), *batch)))
        x = substitute(self.schedule, blocks, factors, right)
        return jnp.concatenate([x[:, 0], x[self.row.target, 1:].reshape(-1, *batch)])

    def _padded(self, x: jax.Array, missing: float = 0.0) -> jax.Array:
        """[unknowns, ...] -> [rows, 1 + layers, ...]."""
        outer = self.row.sum(x[self.n_rows :].reshape(self.row.n_sources, self.layers, *x.shape[1:]))
        has = (self.layered >= 0).reshape(-1, 1, *(1,) * (x.ndim - 1))
        return jnp.concatenate([x[: self.n_rows, None], jnp.where(has, outer, missing)], axis=1)

    def _diagonal(self, x: jax.Array, missing: float) -> jax.Array:
        """[unknowns, ...] -> diagonal blocks [rows, 1 + layers, 1 + layers, ...]."""
        size = self.layers + 1
        eye = jnp.eye(size).reshape(1, size, size, *(1,) * (x.ndim - 1))
        return self._padded(x, missing)[:, None] * eye

    def solve_on_cpu(self, coefficients: Coefficients, rhs: jax.Array, transposed: bool) -> jax.Array:
        """Elimination from the tips to the roots, if the kernel is there; rows without layers stay single numbers."""
        native = self.layers <= library.MOST_LAYERS and library.available() and rhs.dtype == jnp.float64
        if not native:
            return self.solve(coefficients, rhs, transposed)
        batch = jnp.broadcast_shapes(rhs.shape[1:], *(x.shape[1:] for x in coefficients))
        shape = jax.ShapeDtypeStruct((len(rhs), *batch), rhs.dtype)
        index = (self.schedule.visit, self.schedule.parent.target, self.layered)
        x: jax.Array = jax.ffi.ffi_call(library.LAYERED_SOLVE, shape)(
            *(part.astype(np.int32) for part in index),
            *spread((*coefficients, rhs), batch),
            layers=np.int32(self.layers),
            transposed=np.bool_(transposed),
        )
        return x


def solve(pattern: LayeredTree, a: jax.Array, b: jax.Array, d: jax.Array, c: jax.Array, rhs: jax.Array) -> jax.Array:
    """x of the system above, [unknowns]; differentiable in everything, to any order."""
    return linear_solve.solve(pattern, (a, b, d, c), rhs)
