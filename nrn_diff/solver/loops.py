"""A loop that ends as soon as it may, and can be differentiated in both modes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

Tree = Any
_WRITTEN_OUT = 6  # items that are compiled one by one


def repeat(
    go_on: Callable[[Tree, Tree], jax.Array], body: Callable[[Tree, Tree], Tree], start: Tree, given: Tree, most: int
) -> Tree:
    """state = body(state, given) while go_on(state, given), at most `most` times.

    body and go_on must not use traced values other than their arguments. A while loop, which costs what its rounds
    cost, also under vmap; where a derivative is asked for, a scan of `most` conditional rounds, because a while loop
    cannot be reversed.
    """

    @jax.custom_jvp
    def run(start: Tree, given: Tree) -> Tree:
        def again(carry: tuple[jax.Array, Tree]) -> jax.Array:
            return (carry[0] < most) & go_on(carry[1], given)

        def step(carry: tuple[jax.Array, Tree]) -> tuple[jax.Array, Tree]:
            return carry[0] + 1, body(carry[1], given)

        return jax.lax.while_loop(again, step, (jnp.zeros((), jnp.int32), start))[1]

    def bounded(start: Tree, given: Tree) -> Tree:
        def step(state: Tree, _: None) -> tuple[Tree, None]:
            return jax.lax.cond(go_on(state, given), lambda s: body(s, given), lambda s: s, state), None

        def all_rounds(state: Tree) -> Tree:
            return jax.lax.scan(step, state, None, length=most)[0]

        return jax.lax.cond(go_on(start, given), all_rounds, lambda s: s, start)

    @run.defjvp
    def _derivative(primals: tuple[Any, Any], tangents: tuple[Any, Any]) -> tuple[Tree, Tree]:
        result: tuple[Tree, Tree] = jax.jvp(bounded, primals, tangents)
        return result

    return run(start, given)


def one_by_one(function: Callable[[Any, Any], Any], carry: Any, items: Sequence[Any]) -> Any:
    """Apply `function` to the items in turn; many of them are compiled once."""
    if len(items) > _WRITTEN_OUT:
        stacked = jax.tree.map(lambda *x: jnp.stack(x), *items)
        return jax.lax.scan(lambda now, item: (function(now, item), None), carry, stacked)[0]
    for item in items:
        carry = function(carry, item)
    return carry
