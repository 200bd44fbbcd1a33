"""NetCon events reaching point processes: NET_RECEIVE, in rounds in which no target occurs twice."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from nrn_diff.solver.moment import Moment
from nrn_diff.solver.structure import Deliveries, MechanismStructure
from nrn_diff.solver.values import Array

# Up to this many rounds in one step are written out one by one; more of them are a loop.
_UNROLLED = 4


def deliver(now: Moment, events: dict[str, Array]) -> None:
    """Apply the events of this moment; events: mechanism -> [n_rounds, width] event numbers, -1 for none."""
    for mechanism in now.structure.mechanisms:
        rounds = events.get(mechanism.name)
        if rounds is None or mechanism.deliveries is None or rounds.size == 0:
            continue
        block, here = mechanism.blocks["net_receive"], now.mechanisms[mechanism.name]
        changing = {name: here[name] for name in block.outputs if name in here}
        others = [n for n in block.inputs if n not in changing and n not in ("t", "flag")]
        receive = partial(_receive, mechanism, mechanism.deliveries, {n: now.read(mechanism, n) for n in others})
        carry = (changing, now.weights[mechanism.name])
        if rounds.shape[0] <= _UNROLLED:
            for k in range(rounds.shape[0]):
                carry = receive(carry, rounds[k])
        else:
            carry = _loop(receive, carry, rounds)
        here.update(carry[0])
        now.weights[mechanism.name] = carry[1]


def _loop(receive: Callable[[Any, Array], Any], carry: Any, rounds: Array) -> Any:
    return jax.lax.scan(lambda c, events: (receive(c, events), None), carry, rounds)[0]


def _receive(
    mechanism: MechanismStructure,
    deliveries: Deliveries,
    unchanging: dict[str, Array],
    carry: tuple[dict[str, Array], Array],
    events: Array,
) -> tuple[dict[str, Array], Array]:
    """NET_RECEIVE for events [width] that all have different targets."""
    changing, weights = carry
    block = mechanism.blocks["net_receive"]
    number = jnp.maximum(events, 0)
    connection = jnp.asarray(deliveries.connection)[number]
    row = jnp.asarray(deliveries.row)[connection]
    given: dict[str, Array] = {}
    for name in block.inputs:
        if name == "t":
            given[name] = jnp.asarray(deliveries.time)[number]
        elif name == "flag":
            given[name] = jnp.zeros(())
        else:
            value = changing[name] if name in changing else unchanging[name]
            given[name] = value[..., row] if mechanism.is_per_instance(name) else value
    args = tuple(weights[connection, k] for k in range(len(block.args)))
    results = mechanism.run("net_receive", given, args)
    # Padding goes to a row that does not exist and is dropped there.
    row = jnp.where(events >= 0, row, mechanism.count)
    changed = {name: x.at[..., row].set(results[name], mode="drop") for name, x in changing.items()}
    if any(name in results for name in block.args):
        new = jnp.stack([jnp.broadcast_to(results.get(n, args[k]), row.shape) for k, n in enumerate(block.args)], -1)
        connection = jnp.where(events >= 0, connection, weights.shape[0])
        weights = weights.at[connection].set(new, mode="drop")
    return changed, weights
