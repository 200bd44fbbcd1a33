"""Loops whose number of turns is only known at run time, in a form that can be differentiated in both modes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

_FAN, _LEVELS = 16, 5
MAX_TURNS = _FAN**_LEVELS


def loop(
    condition: Callable[..., Any],
    turn: Callable[..., tuple[Any, ...]],
    start: tuple[Any, ...],
    *,
    levels: int = _LEVELS,
) -> tuple[Any, ...]:
    """Repeat `start = turn(on, *start)` while condition(*start), each instance on its own; return what is left.

    on: where the condition holds; elsewhere what turn returns is not used. Array variables are tuples of elements. An
    instance that is not done after _FAN**levels turns is NaN. Turns are nested so many levels deep, with an early exit
    from each level, and each level is computed again in reverse mode: memory grows with levels * _FAN turns only.
    """
    carry = _settled(condition, turn, start)

    def one(now: Any) -> Any:
        on = condition(*now)
        return _select(on, turn(on, *now), now)

    def level(depth: int) -> Callable[[Any], Any]:
        inner = one if depth == 0 else jax.checkpoint(level(depth - 1))

        def if_any(now: Any, _: None) -> tuple[Any, None]:
            return jax.lax.cond(_any(jnp.asarray(condition(*now))), inner, lambda same: same, now), None

        return lambda now: jax.lax.scan(if_any, now, None, length=_FAN)[0]

    left = level(levels - 1)(carry)
    endless = condition(*left)
    result: tuple[Any, ...] = jax.tree.map(lambda x: jnp.where(endless, jnp.nan, x), left)
    return result


@jax.custom_batching.custom_vmap
def _any(on: jax.Array) -> jax.Array:
    return jnp.any(on)


@_any.def_vmap
def _any_of_a_batch(size: int, batched: Any, on: jax.Array) -> tuple[jax.Array, bool]:
    """One answer for the whole batch: with one for each instance, all levels would run to their end."""
    return _any(on), False


def _select(on: Any, new: Any, old: Any) -> Any:
    return jax.tree.map(lambda a, b: jnp.broadcast_to(jnp.where(on, a, b), jnp.shape(b)), new, old)


def _settled(condition: Callable[..., Any], turn: Callable[..., Any], start: Any) -> Any:
    """The start as floats, with the shapes that a turn gives them."""
    start = jax.tree.map(lambda x: jnp.asarray(x, dtype=float), start)
    for _ in jax.tree.leaves(start):  # a turn carries a shape at least one variable further
        on = jax.eval_shape(lambda now: jnp.asarray(condition(*now)), start)
        after = jax.eval_shape(lambda now: turn(jnp.asarray(condition(*now)), *now), start)
        wider = jax.tree.map(
            lambda x, form, on=on: jnp.broadcast_to(
                x, jnp.broadcast_shapes(jnp.shape(x), getattr(form, "shape", ()), on.shape)
            ),
            start,
            after,
        )
        if jax.tree.map(jnp.shape, wider) == jax.tree.map(jnp.shape, start):
            break
        start = wider
    return start
