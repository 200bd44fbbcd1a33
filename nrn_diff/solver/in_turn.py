"""Blocks in which an instance finds what the instance before left in a variable that all share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nrn_diff.solver.structure import MechanismStructure
from nrn_diff.solver.values import Array

Results = tuple[dict[str, Array], ...]


def on_all(
    mechanism: MechanismStructure, inputs: Mapping[str, Any], function: Callable[[Mapping[str, Any]], Results]
) -> Results:
    """Evaluate `function` on all instances: at once, or in NEURON's order if it has to do with `Mechanism.in_turn`.

    inputs: by the names of the file, [..., n] where they are per instance. function: from such inputs to what one or
    more evaluations leave, the last of which decides what the next instance finds. Returns what it returns.
    """
    carried = [name for name in mechanism.ir.in_turn if name in inputs]
    if not carried or not mechanism.count:
        return function(inputs)
    of_each = {n: x for n, x in inputs.items() if _has_instances(mechanism, n, x) and n not in carried}
    common = {n: x for n, x in inputs.items() if n not in of_each and n not in carried}
    last_axis_first = jax.tree.map(lambda x: jnp.moveaxis(x, -1, 0)[mechanism.order], of_each)
    start = {n: inputs[n][..., 0] if jnp.ndim(inputs[n]) > _length(mechanism, n) else inputs[n] for n in carried}

    def one(found: dict[str, Array], mine: dict[str, Any]) -> tuple[dict[str, Array], Results]:
        results = function({**common, **mine, **found})
        left = {n: jnp.asarray(results[-1].get(n, x), dtype=float) for n, x in found.items()}
        return left, jax.tree.map(lambda x: jnp.asarray(x, dtype=float), results)

    left, results = jax.lax.scan(
        one, {n: jnp.asarray(x, dtype=float) for n, x in start.items()}, last_axis_first, mechanism.count
    )
    back = np.argsort(mechanism.order)
    results = jax.tree.map(lambda x: jnp.moveaxis(x[back], 0, -1), results)
    whole = {n: jnp.broadcast_to(x[..., None], (*x.shape, mechanism.count)) for n, x in left.items()}
    return tuple({n: whole.get(n, x) for n, x in result.items()} for result in results)


def _length(mechanism: MechanismStructure, name: str) -> int:
    return 1 if mechanism.ir.symbols[name].length else 0


def _has_instances(mechanism: MechanismStructure, name: str, value: Any) -> bool:
    if name not in mechanism.ir.symbols:  # a TABLE
        return mechanism.is_per_instance(name) and value is not None
    each = mechanism.is_per_instance(name) or name == "t"  # which a DISCRETE block moves on from one to the next
    return each and jnp.ndim(value) > _length(mechanism, name)
