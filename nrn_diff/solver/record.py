"""The quantities that the user's Vectors record, taken at the end of a step."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from nrn_diff.solver.moment import Moment
from nrn_diff.solver.structure import Place, Recorded


def recorded(now: Moment) -> jax.Array:
    """All recorded quantities in the order of `structure.recorded`, [n_recorded]."""
    return values_of(now, now.structure.recorded)


def values_of(now: Moment, quantities: Sequence[Recorded]) -> jax.Array:
    """The present values of some quantities, [n]."""
    if not quantities:
        return jnp.zeros((0,))
    parts: list[jax.Array] = []
    order: list[int] = []
    indexed = sorted(enumerate(quantities), key=lambda pair: _source(pair[1]))
    for _, group in itertools.groupby(indexed, key=lambda pair: _source(pair[1])):
        members = list(group)
        values = _array(now, members[0][1])
        rows = np.array([quantity.row for _, quantity in members], dtype=np.int32)
        parts.append(values.at[rows].get(mode="promise_in_bounds"))
        order.extend(position for position, _ in members)
    return jnp.concatenate(parts)[np.argsort(order)]


def _source(quantity: Recorded) -> tuple[str, str, str, int]:
    return quantity.source, quantity.owner, quantity.variable, quantity.element


def _array(now: Moment, quantity: Recorded) -> jax.Array:
    if quantity.source == "t":
        return jnp.reshape(now.t, (1,))
    return now.at(Place(quantity.source, quantity.owner, quantity.variable, quantity.element))
