"""Division whose derivative is finite where the quotient is, and multiplication by such a quotient."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jax.typing import ArrayLike

from nrn_diff.runtime.ruled import Elementwise

_LARGEST = float(np.finfo(float).max)


class Symbol:
    """What stands for a number while a program is looked at (see reactions.py)."""

    def over(self, y: Any) -> Any:
        """Return this by y."""
        raise TypeError("it cannot be divided")


def divide(x: ArrayLike, y: ArrayLike) -> Any:
    """x / y, elementwise.

    The derivative is (dx - (x/y) dy) / y, never with y*y, which overflows beyond 1e154. Where y or its inverse is
    infinite, nothing passes: the derivative is 0, so that c / (1 + k/x) has one at x = 0, where its value is 0. Where
    the quotient is NaN, no derivative is promised.
    """
    if isinstance(x, float) and isinstance(y, float) and y != 0.0:
        return x / y  # as a number known while tracing, which bounds of a TABLE may be
    if isinstance(x, Symbol):
        return x.over(y)
    x, y = jnp.asarray(x, dtype=float), jnp.asarray(y, dtype=float)
    # A denominator that is one number stays one: XLA multiplies by the inverse of a constant.
    return _divide_p.bind(jnp.broadcast_to(x, jnp.broadcast_shapes(x.shape, y.shape)), y)


def times(x: Any, y: Any) -> Any:
    """x * y, elementwise; nothing passes to a factor whose other factor is infinite.

    So exp(-(1/k)*x) has a derivative at k = 0, where its value is 0 or the largest one.
    """
    return x * y if isinstance(x, Symbol) or isinstance(y, Symbol) else _times(x, y)


@Elementwise
def _times(x: Any, y: Any) -> Any:
    return x * y


@_times.defjvp
def _times_jvp(primals: Any, tangents: Any) -> Any:
    (x, y), (dx, dy) = primals, tangents
    change = jnp.zeros_like(x)
    if dx is not None:
        change += jnp.where(jnp.isinf(y), 0.0, y) * dx
    if dy is not None:
        change += jnp.where(jnp.isinf(x), 0.0, x) * dy
    return _times(x, y), change


def change_over(change: Any, y: Any, value: Any = None) -> Any:
    """change / y, linear in the change; 0 where y or its inverse is infinite, unless the value is NaN.

    A selection, not only a factor 0: what is infinite before or after has made NaN of the change.
    """
    inverse = _divide_p.bind(jnp.ones_like(y), y)
    size = jnp.abs(inverse)
    constant = jnp.logical_or(size == 0.0, size == jnp.inf)
    if value is not None:
        constant = jnp.logical_and(constant, value == value)  # noqa: PLR0124
    return jnp.where(constant, 0.0, change) * jnp.where(constant, 0.0, inverse)


def _finite(x: Any) -> Any:
    """x, with the largest number in place of an infinite one."""
    return jnp.minimum(jnp.maximum(x, -_LARGEST), _LARGEST)  # not lax.clamp, which loses NaN


def _division(x: jax.Array, y: jax.Array) -> jax.Array:
    return jax.lax.div(x, jnp.broadcast_to(y, x.shape))


# The numerator has the shape of the result.
_divide_p = Primitive("nrn_divide")
_divide_p.def_impl(jax.jit(_division))
_divide_p.def_abstract_eval(lambda x, _: x)
mlir.register_lowering(_divide_p, mlir.lower_fun(_division, multiple_results=False))


def _batch(args: Any, dims: Any) -> Any:
    (x, y), (of_x, of_y) = args, dims
    size = y.shape[of_y] if of_x is None else x.shape[of_x]
    x = jnp.broadcast_to(x, (size, *x.shape)) if of_x is None else jnp.moveaxis(x, of_x, 0)
    if of_y is not None:
        y = jnp.moveaxis(y, of_y, 0)
        y = y.reshape(size, *(1,) * (x.ndim - y.ndim), *y.shape[1:])
    return _divide_p.bind(x, y), 0


batching.primitive_batchers[_divide_p] = _batch


def _jvp(primals: Any, tangents: Any) -> Any:
    (x, y), (dx, dy) = primals, tangents
    quotient = _divide_p.bind(x, y)
    if type(dx) is ad.Zero and type(dy) is ad.Zero:
        return quotient, ad.Zero(quotient.aval.to_tangent_aval())
    change = ad.instantiate_zeros(dx)
    if type(dy) is not ad.Zero:
        of_y = _finite(quotient) * dy
        change = -of_y if type(dx) is ad.Zero else change - of_y
    return quotient, change_over(change, y, quotient)


ad.primitive_jvps[_divide_p] = _jvp
