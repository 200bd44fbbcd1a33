"""Functions that bring their own derivative, which holds for derivatives of any order.

`jax.custom_jvp` is not enough: where a scan is reversed, JAX drops the rule from what it keeps for the way back, and a
second derivative goes through the inside of the function, as through the iterations of a Newton solve. A primitive
keeps its rule.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

Array = jax.Array
Vector = tuple[Any, ...]


class Elementwise:
    """A function of one or more numbers, elementwise, with a rule; arguments become float64 arrays of one shape."""

    def __init__(self, function: Callable[..., Array]) -> None:
        self.__doc__, self.__name__ = function.__doc__, function.__name__
        self._primitive = primitive = Primitive(f"nrn_{function.__name__}")
        primitive.def_impl(jax.jit(primitive.bind))
        primitive.def_abstract_eval(lambda x, *_: x)
        if len(inspect.signature(function).parameters) == 1:
            batching.defvectorized(primitive)
        else:
            batching.primitive_batchers[primitive] = self._batch
        mlir.register_lowering(primitive, mlir.lower_fun(function, multiple_results=False))

    def __call__(self, *args: Any) -> Array:
        """The function's values, of the common shape of the arguments."""
        arrays = [jnp.asarray(x, dtype=float) for x in args]
        shape = jnp.broadcast_shapes(*(x.shape for x in arrays))
        result: Array = self._primitive.bind(*(jnp.broadcast_to(x, shape) for x in arrays))
        return result

    def _batch(self, args: Any, dims: Any) -> Any:
        # Not batching.defbroadcasting: it gives what is not in the batch an axis of length 1.
        size = next(x.shape[dim] for x, dim in zip(args, dims, strict=True) if dim is not None)
        moved = [
            jnp.broadcast_to(x, (size, *x.shape)) if dim is None else jnp.moveaxis(x, dim, 0)
            for x, dim in zip(args, dims, strict=True)
        ]
        return self._primitive.bind(*moved), 0

    def lowered_on_cpu(self, function: Callable[[Array], Array]) -> None:
        """Another way to compute it on a CPU."""
        mlir.register_lowering(self._primitive, mlir.lower_fun(function, multiple_results=False), platform="cpu")

    def defjvp(self, rule: Callable[[Vector, Vector], tuple[Array, Array]]) -> Any:
        """rule: primals and tangents (None where zero) -> value and tangent."""

        def jvp(primals: Any, tangents: Any) -> Any:
            return rule(tuple(primals), tuple(None if type(t) is ad.Zero else t for t in tangents))

        ad.primitive_jvps[self._primitive] = jvp
        return rule


Call = Callable[..., list[Array]]
# The function itself, primals and tangents (None where zero) -> values and tangents.
Rule = Callable[[Call, Sequence[Any], Sequence[Any]], tuple[Sequence[Any], Sequence[Any]]]

_ruled_p = Primitive("nrn_ruled")
_ruled_p.multiple_results = True


def ruled(function: Callable[..., Sequence[Any]], rule: Rule, *args: Any) -> list[Array]:
    """function(*args), arrays -> arrays, whose derivative is that of the rule; it must not close over traced values."""
    return _bind(jax.make_jaxpr(lambda *x: list(function(*x)))(*args), rule, args)


def _bind(jaxpr: Any, rule: Rule, args: Sequence[Any]) -> list[Array]:
    results: list[Array] = _ruled_p.bind(*map(jnp.asarray, args), jaxpr=jaxpr, rule=rule)
    return results


def _evaluate(*args: Any, jaxpr: Any, rule: Rule) -> list[Array]:
    return list(jax.core.eval_jaxpr(jaxpr.jaxpr, jaxpr.consts, *args))


_ruled_p.def_impl(jax.jit(_evaluate, static_argnames=("jaxpr", "rule")))
_ruled_p.def_abstract_eval(lambda *_, jaxpr, rule: list(jaxpr.out_avals))
mlir.register_lowering(_ruled_p, mlir.lower_fun(_evaluate, multiple_results=True))


def _jvp(primals: Any, tangents: Any, *, jaxpr: Any, rule: Rule) -> Any:
    given = [None if type(t) is ad.Zero else t for t in tangents]
    values, changes = rule(lambda *x: _bind(jaxpr, rule, x), list(primals), given)
    zeros = [ad.Zero(aval.to_tangent_aval()) for aval in jaxpr.out_avals]
    return list(values), [z if c is None else c for z, c in zip(zeros, changes, strict=True)]


def _batch(args: Any, dims: Any, *, jaxpr: Any, rule: Rule) -> Any:
    moved = [x if dim is None else jnp.moveaxis(x, dim, 0) for x, dim in zip(args, dims, strict=True)]
    axes = [None if dim is None else 0 for dim in dims]
    all_at_once = jax.make_jaxpr(jax.vmap(lambda *x: _evaluate(*x, jaxpr=jaxpr, rule=rule), in_axes=tuple(axes)))(
        *moved
    )

    def for_each(_: Call, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        def one(primals: list[Any], tangents: list[Any]) -> tuple[list[Any], list[Any]]:
            values, changes = rule(lambda *x: _bind(jaxpr, rule, x), primals, tangents)
            return list(values), list(changes)

        of_tangents = [None if t is None else axis for t, axis in zip(tangents, axes, strict=True)]
        return jax.vmap(one, in_axes=(axes, of_tangents))(list(primals), list(tangents))

    return _bind(all_at_once, for_each, moved), [0] * len(jaxpr.out_avals)


ad.primitive_jvps[_ruled_p] = _jvp
batching.primitive_batchers[_ruled_p] = _batch


def root(
    residual: Callable[[Vector], Vector],
    start: Vector,
    iterate: Callable[[Callable[[Vector], Vector], Vector], Vector],
    tangent_solve: Callable[[Callable[..., Any], Vector], Vector],
) -> Vector:
    """iterate(residual, start), with the derivative of the root: dx = -(dF/dx)^-1 dF, for what residual closes over.

    As jax.lax.custom_root. tangent_solve: from a linear function and its value to its argument.
    """
    equations = jax.make_jaxpr(lambda *x: tuple(residual(x)))(*start)
    solution = jax.make_jaxpr(lambda *x: tuple(iterate(residual, x)))(*start)
    n, m = len(equations.consts), len(solution.consts)

    def solve(*args: Any) -> list[Array]:
        return list(jax.core.eval_jaxpr(solution.jaxpr, args[n : n + m], *args[n + m :]))

    def rule(call: Call, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
        x, given = call(*primals), list(primals[:n])
        moving = [i for i in range(n) if tangents[i] is not None]
        if not moving:
            return x, [None] * len(x)

        def at(values: list[Any], x: Sequence[Any]) -> Vector:
            now = [values[moving.index(i)] if i in moving else value for i, value in enumerate(given)]
            return tuple(jax.core.eval_jaxpr(equations.jaxpr, now, *x))

        values = [given[i] for i in moving]
        _, change = jax.jvp(lambda v: at(v, x), (values,), ([tangents[i] for i in moving],))
        _, linear = jax.linearize(lambda y: at(values, y), tuple(x))
        return x, [-dx for dx in tangent_solve(linear, change)]

    return tuple(ruled(solve, rule, *equations.consts, *solution.consts, *start))


def only_once(x: Any, why: str) -> Array:
    """x, which is part of a first derivative and has none itself: asking for one raises NotImplementedError(why)."""

    def rule(_: Call, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
        raise NotImplementedError(why)

    return ruled(lambda y: [y], rule, x)[0]
