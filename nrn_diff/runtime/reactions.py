"""Linear schemes of many states: the rates as a short list of terms, and one matrix made of it.

XLA compiles a kernel for nearly every line of a scheme that is written out, and again for its matrix and its
derivative. Here the rates are called with symbols for the states while they are traced. What they return are sums of
terms `coefficient * state`; only the coefficients are traced, the rest is a table of numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nrn_diff.runtime.division import Symbol, divide, times

Array = jax.Array
_NONE = -1  # the state of a term that is a constant


@dataclass
class Terms:
    """All terms that were made: coefficient (a number, or an array of the instances) and state of each."""

    coefficients: list[Any] = field(default_factory=list)
    states: list[int] = field(default_factory=list)

    def new(self, coefficient: Any, state: int) -> int:
        """Return the number of a new term."""
        self.coefficients.append(coefficient)
        self.states.append(state)
        return len(self.states) - 1

    def total(self, coefficient: Any, state: int = _NONE) -> Total:
        """Return a single term as a sum."""
        return Total(self, {self.new(coefficient, state): 1.0})


class Total(Symbol):
    """A sum of terms, each so many times. Anything but linear arithmetic raises TypeError."""

    __slots__ = ("parts", "terms")
    __array_ufunc__ = None  # numbers of numpy leave the arithmetic to this
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, terms: Terms, parts: Mapping[int, float]) -> None:
        self.terms = terms
        self.parts = parts

    def _plus(self, other: Any, sign: float) -> Total:
        if not isinstance(other, Total):
            if not _is_value(other):
                return NotImplemented
            other = self.terms.total(other)
        parts = dict(self.parts)
        for term, count in other.parts.items():
            parts[term] = parts.get(term, 0.0) + sign * count
        return Total(self.terms, parts)

    def __add__(self, other: Any) -> Total:
        return self._plus(other, 1.0)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Total:
        return self._plus(other, -1.0)

    def __rsub__(self, other: Any) -> Total:
        return (-self)._plus(other, 1.0)

    def __neg__(self) -> Total:
        return self * -1.0

    def __mul__(self, other: Any) -> Total:
        if isinstance(other, int | float):
            return Total(self.terms, {term: other * count for term, count in self.parts.items()})
        if not _is_value(other):
            return NotImplemented
        return self._scaled(lambda old: other if isinstance(old, float) and old == 1.0 else times(old, other))

    __rmul__ = __mul__

    def over(self, y: Any) -> Total:
        """Return the sum by a number; a product of sums raises TypeError."""
        if not _is_value(y):
            raise TypeError("a number by a sum of terms")
        return self._scaled(lambda old: divide(old, y))

    __truediv__ = over

    def _scaled(self, change: Callable[[Any], Any]) -> Total:
        terms = self.terms
        return Total(
            terms, {terms.new(change(terms.coefficients[t]), terms.states[t]): n for t, n in self.parts.items()}
        )

    def __eq__(self, other: object) -> bool:
        raise TypeError("a sum of terms cannot be compared")

    def __bool__(self) -> bool:
        raise TypeError("a sum of terms has no truth")


def _is_value(x: Any) -> bool:
    return isinstance(x, int | float | jax.Array | np.ndarray | np.number)


def linear_step(
    rates: Callable[[Sequence[Any]], Sequence[Any]], old: Sequence[Array], dt: Any, algebraic: Sequence[int]
) -> tuple[Array, ...] | None:
    """The states after an implicit step of x' = rates(x) over dt; None if rates does more than linear arithmetic.

    rates: from the elements of all states to as many rates. old [n] of one shape. algebraic: rows that must vanish.
    """
    n, terms = len(old), Terms()
    try:
        rows = [
            row if isinstance(row, Total) else terms.total(row)
            for row in rates([terms.total(1.0, k) for k in range(n)])
        ]
    except TypeError:
        return None
    used = sorted({term for row in rows for term in row.parts})
    counts = np.array([[row.parts.get(term, 0.0) for term in used] for row in rows])  # [n, terms]
    state = np.array([terms.states[term] for term in used])
    values = jnp.broadcast_arrays(*(jnp.asarray(terms.coefficients[term], dtype=float) for term in used), old[0])[:-1]
    coefficient = jnp.stack(values)  # [terms, ...]
    x = jnp.stack([jnp.broadcast_to(s, coefficient.shape[1:]) for s in old])
    matrix = _columns(counts, state, coefficient, n)
    constant = state == _NONE
    rate = jnp.einsum("ij...,j...->i...", matrix, x) + jnp.tensordot(counts[:, constant], coefficient[constant], 1)
    moving = np.diag([0.0 if i in algebraic else 1.0 for i in range(n)])
    equations = matrix - moving.reshape(n, n, *(1,) * (x.ndim - 1)) / dt
    change = jnp.linalg.solve(jnp.moveaxis(equations, (0, 1), (-2, -1)), -jnp.moveaxis(rate, 0, -1)[..., None])
    return tuple(x + jnp.moveaxis(change[..., 0], -1, 0))


def _columns(counts: np.ndarray, state: np.ndarray, coefficient: Array, n: int) -> Array:
    """The matrix [n, n, ...] of all terms with a state: one term of each state at a time."""
    of_state = [np.flatnonzero(state == k) for k in range(n)]
    matrix = jnp.zeros((n, n, *coefficient.shape[1:]))
    for slot in range(max(map(len, of_state), default=0)):
        here = np.array([of[slot] if slot < len(of) else -1 for of in of_state])
        counted = np.where(here >= 0, counts[:, here], 0.0)  # [n, n]
        matrix += counted.reshape(n, n, *(1,) * (coefficient.ndim - 1)) * coefficient[here]
    return matrix
