"""exp and log of whole arrays.

exp is most of what a mechanism costs. On a CPU, XLA's own is slow for float64, and a loop of its own for each call:
small arrays take a formula that XLA fuses with what comes before and after, larger ones a kernel of ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp

from nrn_diff.native import library

Elementwise = Callable[[jax.Array], jax.Array]

# Elements from which a kernel pays: late for exp, whose formula fuses; early for log, slow in XLA at any size.
_FROM_EXP, _FROM_LOG = 1024, 64
# Added to a number below 2^51 it leaves the nearest whole number in the low bits.
_ROUND = 6755399441055744.0
# ln 2 in two parts, the first of which has few digits: a whole number below 2^20 times it is exact.
_LN2 = (6.93147180369123816490e-01, 1.90821492927058770002e-10)
_TAYLOR = [1.0 / math.factorial(k) for k in range(14)]


def library_exp(x: jax.Array) -> jax.Array:
    """NEURON's exp, on any device."""
    return jnp.where(jnp.less(x, -700.0), 0.0, jnp.exp(jnp.minimum(x, 700.0)))


def _inline_exp(x: jax.Array) -> jax.Array:
    """By x = k ln 2 + r and the Taylor series of exp(r); the relative error is below one unit in the last place."""
    y = jax.lax.max(jax.lax.min(x, 700.0), -700.0)
    k = jax.lax.round(y * (1 / math.log(2)), jax.lax.RoundingMethod.TO_NEAREST_EVEN)
    r = (y - k * _LN2[0]) - k * _LN2[1]
    r2 = r * r
    r4 = r2 * r2
    pairs = [_TAYLOR[n] + r * _TAYLOR[n + 1] for n in range(2, 14, 2)]
    low, high = pairs[0] + r2 * pairs[1], pairs[2] + r2 * pairs[3]
    series = (low + r4 * high) + (r4 * r4) * (pairs[4] + r2 * pairs[5])
    exponent = (jax.lax.bitcast_convert_type(k + _ROUND, jnp.int64) + 1023) << 52
    power_of_two = jax.lax.bitcast_convert_type(exponent, jnp.float64)
    return jnp.where(x < -700.0, 0.0, (1.0 + (r + r2 * series)) * power_of_two)


def any_log(x: jax.Array) -> jax.Array:
    """Also of numbers below 2^-1022, which XLA's threads take for zero: their bits are read as a whole number."""
    if x.dtype != jnp.float64:
        return jnp.log(x)
    bits = jax.lax.bitcast_convert_type(x, jnp.int64)
    magnitude = bits & (2**63 - 1)
    small = jnp.logical_and(magnitude > 0, magnitude < 1 << 52)
    return jnp.log(jnp.where(small, bits.astype(jnp.float64), x)) - jnp.where(small, 1074 * math.log(2), 0.0)


def _on_cpu(inline: Elementwise, portable: Elementwise, kernel: str, least: int) -> Elementwise:
    def compute(x: jax.Array) -> jax.Array:
        if x.dtype != jnp.float64:
            return portable(x)
        if x.size < least or not library.available():
            return inline(x)
        y: jax.Array = jax.ffi.ffi_call(kernel, jax.ShapeDtypeStruct(x.shape, x.dtype))(x)
        return y

    return compute


exp_on_cpu = _on_cpu(_inline_exp, library_exp, library.EXP, _FROM_EXP)
log_on_cpu = _on_cpu(any_log, any_log, library.LOG, _FROM_LOG)
