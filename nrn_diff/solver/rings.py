"""What an entry of the tree's matrix is: a number, or a small dense block. Elimination is the same for both."""

from __future__ import annotations

import abc
from functools import reduce

import jax
import jax.numpy as jnp
import numpy as np


class AbstractRing(abc.ABC):
    """Arithmetic of the entries; arrays are [rows, *entry, ...] and [rows, *vector, ...]."""

    entry_rank: int

    @abc.abstractmethod
    def invert(self, d: jax.Array) -> jax.Array:
        """1 / d."""

    @abc.abstractmethod
    def product(self, *factors: jax.Array) -> jax.Array:
        """Product of entries, from left to right."""

    @abc.abstractmethod
    def apply(self, entry: jax.Array, x: jax.Array) -> jax.Array:
        """Entry times vector."""

    @abc.abstractmethod
    def transpose(self, entry: jax.Array) -> jax.Array:
        """The transposed entry."""


class Numbers(AbstractRing):
    """One unknown a row."""

    entry_rank = 0

    def invert(self, d: jax.Array) -> jax.Array:
        """See the base class."""
        return 1.0 / d

    def product(self, *factors: jax.Array) -> jax.Array:
        """See the base class."""
        return reduce(jnp.multiply, factors)

    def apply(self, entry: jax.Array, x: jax.Array) -> jax.Array:
        """See the base class."""
        return entry * x

    def transpose(self, entry: jax.Array) -> jax.Array:
        """See the base class."""
        return entry


class Blocks(AbstractRing):
    """Several unknowns a row: entries are [rows, k, k, ...], vectors [rows, k, ...]."""

    entry_rank = 2

    def invert(self, d: jax.Array) -> jax.Array:
        """Gauss-Jordan without a search for pivots: the blocks of a current balance are diagonally dominant."""
        size = d.shape[1]
        row = np.arange(size).reshape(1, size, 1, *(1,) * (d.ndim - 3))
        inverse = jnp.broadcast_to((row == np.moveaxis(row, 1, 2)).astype(d.dtype), d.shape)
        for k in range(size):
            scale, factor = 1.0 / d[:, k, k], d[:, :, k, None]
            pivot, own = d[:, k] * scale[:, None], inverse[:, k] * scale[:, None]
            d = jnp.where(row == k, pivot[:, None], d - factor * pivot[:, None])
            inverse = jnp.where(row == k, own[:, None], inverse - factor * own[:, None])
        return inverse

    def product(self, *factors: jax.Array) -> jax.Array:
        """See the base class."""
        return reduce(lambda a, b: (a[:, :, :, None] * b[:, None]).sum(2), factors)

    def apply(self, entry: jax.Array, x: jax.Array) -> jax.Array:
        """See the base class."""
        return (entry * x[:, None]).sum(2)

    def transpose(self, entry: jax.Array) -> jax.Array:
        """See the base class."""
        return jnp.swapaxes(entry, 1, 2)
