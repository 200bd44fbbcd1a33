"""A static many-to-one map between two arrays, as two linear operations that are each other's transpose.

XLA's scatter is slow on CPU and not reproducible on GPU, and the automatic transpose of a gather is a scatter. Since
every index of a model is known before it runs, both directions are printed as gathers instead; on a CPU they are a
kernel, because XLA would fuse a gather with all that is computed before and after it into one loop of single numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from nrn_diff.native import library

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
        return gather_each(x, (self,))[0]

    def sum(self, y: jax.Array) -> jax.Array:
        """Sum over the sources of each target: [n_sources, ...] -> [n_targets, ...]."""
        return y if self.is_identity else sum_all([(y,)], (self,))[0]

    @cached_property
    def is_identity(self) -> bool:
        """Whether both directions return their argument."""
        return self.n_sources == self.n_targets and bool(np.all(self.target == np.arange(self.n_targets)))

    @cached_property
    def is_slice(self) -> bool:
        """Whether the sources belong to targets in a row."""
        first = int(self.target[0]) if len(self.target) else -1
        return first >= 0 and bool(np.all(self.target == np.arange(first, first + self.n_sources)))

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


Incidences = tuple[Incidence, ...]


def gather_each(x: jax.Array, incidences: Incidences) -> list[jax.Array]:
    """`gather` of one array by several incidences, in one operation."""
    moved = [i for i in incidences if not i.is_identity]
    results = iter(_gather_p.bind(x, incidences=tuple(moved)) if moved else ())
    return [x if i.is_identity else next(results) for i in incidences]


def sum_all(ys: Sequence[Sequence[jax.Array]], incidences: Incidences) -> list[jax.Array]:
    """For each of ys, which has one array for each incidence: the sum of their `sum`s; in one operation."""
    whole = [
        [jnp.broadcast_to(y, (i.n_sources, *jnp.shape(y)[1:])) for y, i in zip(of_each, incidences, strict=True)]
        for of_each in ys
    ]
    totals: list[jax.Array] = _sum_p.bind(*(y for of_each in whole for y in of_each), incidences=incidences)
    return totals


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


def _gathered(xs: tuple[jax.Array, ...], incidences: Incidences) -> list[jax.Array]:
    return [_take(x, incidence.target) for x in xs for incidence in incidences]


def _summed(ys: tuple[jax.Array, ...], incidences: Incidences) -> list[jax.Array]:
    each = [_sum(y, incidences[k % len(incidences)]) for k, y in enumerate(ys)]
    return [reduce(jnp.add, each[k : k + len(incidences)]) for k in range(0, len(ys), len(incidences))]


def _sum(y: jax.Array, incidence: Incidence) -> jax.Array:
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


def _call(kernel: str, arrays: tuple[jax.Array, ...], incidences: Incidences, rows: list[int]) -> list[jax.Array]:
    shapes = [jax.ShapeDtypeStruct((n, *arrays[0].shape[1:]), arrays[0].dtype) for n in rows]
    target = np.concatenate([incidence.target for incidence in incidences]).astype(np.int32)
    return list(jax.ffi.ffi_call(kernel, shapes)(target, *arrays))


def _native(arrays: tuple[jax.Array, ...]) -> bool:
    return library.available() and all(x.dtype == jnp.float64 for x in arrays)


def _gathered_on_cpu(xs: tuple[jax.Array, ...], incidences: Incidences) -> list[jax.Array]:
    # A kernel of its own keeps what it reads and what reads it apart: XLA would fuse all into one loop without vectors.
    if not _native(xs) or all(incidence.is_slice for incidence in incidences):
        return _gathered(xs, incidences)
    return _call(library.GATHER, xs, incidences, [incidence.n_sources for _ in xs for incidence in incidences])


def _summed_on_cpu(ys: tuple[jax.Array, ...], incidences: Incidences) -> list[jax.Array]:
    if not _native(ys):
        return _summed(ys, incidences)
    return _call(library.SUM, ys, incidences, [incidences[0].n_targets] * (len(ys) // len(incidences)))


def _linear(name: str, portable: Any, on_cpu: Any, rows: Any) -> Primitive:
    """A primitive of several arguments and several results; rows: numbers of rows of the results."""
    primitive = Primitive(name)
    primitive.multiple_results = True
    primitive.def_impl(jax.jit(lambda *xs, incidences: portable(xs, incidences), static_argnames="incidences"))

    @primitive.def_abstract_eval
    def _abstract(*xs: Any, incidences: Incidences) -> list[Any]:
        return [xs[0].update(shape=(n, *xs[0].shape[1:])) for n in rows(len(xs), incidences)]

    def _batch(xs: Any, dims: Any, *, incidences: Incidences) -> Any:
        # Batch last: rows stay contiguous, so a gather copies whole rows.
        size = next(x.shape[dim] for x, dim in zip(xs, dims, strict=True) if dim is not None)
        moved = [
            jnp.broadcast_to(x[..., None], (*x.shape, size)) if dim is None else jnp.moveaxis(x, dim, -1)
            for x, dim in zip(xs, dims, strict=True)
        ]
        results = primitive.bind(*moved, incidences=incidences)
        return results, [x.ndim - 1 for x in results]

    batching.primitive_batchers[primitive] = _batch
    lower = lambda how: mlir.lower_fun(lambda *xs, incidences: how(xs, incidences), multiple_results=True)  # noqa: E731
    mlir.register_lowering(primitive, lower(portable))
    mlir.register_lowering(primitive, lower(on_cpu), platform="cpu")
    return primitive


_gather_p = _linear(
    "nrn_gather", _gathered, _gathered_on_cpu, lambda n, incidences: [i.n_sources for i in incidences] * n
)
_sum_p = _linear(
    "nrn_sum", _summed, _summed_on_cpu, lambda n, incidences: [incidences[0].n_targets] * (n // len(incidences))
)


def _other_way(primitive: Primitive) -> Any:
    def transpose(cts: Any, *_: Any, incidences: Incidences) -> Any:
        return primitive.bind(*map(ad.instantiate_zeros, cts), incidences=incidences)

    return transpose


ad.deflinear2(_gather_p, _other_way(_sum_p))
ad.deflinear2(_sum_p, _other_way(_gather_p))
