"""A static many-to-one map between two arrays, as two linear operations that are each other's transpose.

XLA's scatter is slow on CPU and not reproducible on GPU, and the automatic transpose of a gather is a scatter. Since
every index of a model is known before it runs, both directions are printed as gathers instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

# Targets with up to this many sources are summed by one masked gather for each rank, which fuses with what follows.
_RANKS_IN_LINE = 3


@dataclass(frozen=True, eq=False)
class Incidence:
    """Source row i belongs to target row `target[i]`; -1: to none.

    gather: [n_targets, ...] -> [n_sources, ...] (zero for rows without a target).
    sum: [n_sources, ...] -> [n_targets, ...].
    """

    target: np.ndarray
    n_targets: int

    @property
    def n_sources(self) -> int:
        """Number of source rows."""
        return len(self.target)

    def gather(self, x: jax.Array) -> jax.Array:
        """Value of each source's target: [n_targets, ...] -> [n_sources, ...]."""
        return x if self.is_identity else _gather_p.bind(x, incidence=self)

    def sum(self, y: jax.Array) -> jax.Array:
        """Sum over the sources of each target: [n_sources, ...] -> [n_targets, ...]."""
        return y if self.is_identity else _sum_p.bind(y, incidence=self)

    @cached_property
    def is_identity(self) -> bool:
        """Whether both directions return their argument."""
        return self.n_sources == self.n_targets and bool(np.all(self.target == np.arange(self.n_targets)))

    @cached_property
    def last(self) -> Incidence:
        """Target row -> the last of its sources (-1: it has none): where the one that is written last decides."""
        row = np.full(self.n_targets, -1)
        has = self.target >= 0
        row[self.target[has]] = np.flatnonzero(has)
        return Incidence(row, self.n_sources)

    @cached_property
    def _sources(self) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...], np.ndarray]:
        """Sources by rank (padded with -1), then the crowded targets' padded source lists, then their place in line."""
        valid = np.flatnonzero(self.target >= 0)
        order = valid[np.argsort(self.target[valid], kind="stable")]
        counts = np.bincount(self.target[valid], minlength=self.n_targets)
        starts = np.concatenate([[0], np.cumsum(counts)])[:-1]
        simple = counts <= _RANKS_IN_LINE
        ranks = []
        for rank in range(int(counts[simple].max(initial=0))):
            has = simple & (counts > rank)
            row = np.full(self.n_targets, -1)
            row[has] = order[starts[has] + rank]
            ranks.append(row)
        lists, place, taken = [], np.full(self.n_targets, -1), 0
        width = 4
        while np.any(counts > width // 2) and np.any(~simple):
            members = np.flatnonzero(~simple & (counts > width // 2) & (counts <= width))
            if len(members):
                block = np.full((len(members), width), -1)
                for i, target in enumerate(members):
                    block[i, : counts[target]] = order[starts[target] : starts[target] + counts[target]]
                lists.append(block)
                place[members] = taken + np.arange(len(members))
                taken += len(members)
            width *= 2
        return tuple(ranks), tuple(lists), place


def _take(x: jax.Array, index: np.ndarray) -> jax.Array:
    """Rows of x; zero where the index is -1."""
    if len(index) and index.min() >= 0 and np.array_equal(index, np.arange(index[0], index[0] + len(index))):
        return jax.lax.slice_in_dim(x, int(index[0]), int(index[0]) + len(index), axis=0)
    if x.shape[0] == 0:
        return jnp.zeros((*index.shape, *x.shape[1:]), x.dtype)
    rows = x.at[np.maximum(index, 0).astype(np.int32)].get(mode="promise_in_bounds")
    if index.min(initial=0) >= 0:
        return rows
    present = (index >= 0).reshape(index.shape + (1,) * (x.ndim - 1))
    return jnp.where(present, rows, jnp.zeros((), x.dtype))


def _gather_impl(x: jax.Array, *, incidence: Incidence) -> jax.Array:
    return _take(x, incidence.target)


def _sum_impl(y: jax.Array, *, incidence: Incidence) -> jax.Array:
    ranks, lists, place = incidence._sources
    total = jnp.zeros((incidence.n_targets, *y.shape[1:]), y.dtype)
    for row in ranks:
        total = total + _take(y, row)
    if lists:
        crowded = jnp.concatenate(
            [_take(y, block.ravel()).reshape(*block.shape, *y.shape[1:]).sum(1) for block in lists]
        )
        total = total + _take(crowded, place)
    return total


def _linear(name: str, impl: Any, rows: Any) -> Primitive:
    primitive = Primitive(name)
    primitive.def_impl(jax.jit(impl, static_argnames="incidence"))

    @primitive.def_abstract_eval
    def _abstract(x: Any, *, incidence: Incidence) -> Any:
        return x.update(shape=(rows(incidence), *x.shape[1:]))

    def _batch(args: Any, dims: Any, *, incidence: Incidence) -> Any:
        (x,), (dim,) = args, dims
        # Batch last: rows stay contiguous, so a gather copies whole rows.
        moved = jnp.moveaxis(x, dim, -1)
        return primitive.bind(moved, incidence=incidence), moved.ndim - 1

    batching.primitive_batchers[primitive] = _batch
    mlir.register_lowering(primitive, mlir.lower_fun(impl, multiple_results=False))
    return primitive


_gather_p = _linear("nrn_gather", _gather_impl, lambda incidence: incidence.n_sources)
_sum_p = _linear("nrn_sum", _sum_impl, lambda incidence: incidence.n_targets)
ad.deflinear2(_gather_p, lambda ct, x, *, incidence: [_sum_p.bind(ad.instantiate_zeros(ct), incidence=incidence)])
ad.deflinear2(_sum_p, lambda ct, y, *, incidence: [_gather_p.bind(ad.instantiate_zeros(ct), incidence=incidence)])
