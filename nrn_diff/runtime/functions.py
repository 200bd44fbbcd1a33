"""The functions NMODL can call, with NEURON's values and derivatives that are finite wherever the value is.

All are elementwise on float64. Sources: src/oc/math.cpp (hoc_Exp, which nocmodl puts in place of exp),
src/nrnoc/eion.cpp (nrn_nernst, nrn_ghk) and the C library for the rest.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from nrn_diff.runtime.division import change_over, divide
from nrn_diff.runtime.elementwise import any_log, exp_on_cpu, library_exp, log_on_cpu
from nrn_diff.runtime.ruled import Elementwise

Array = jax.Array

# CODATA 2018, computed as src/oc/nrnunits.h computes them
FARADAY = 1.602176634e-19 * 6.02214076e23  # C/mol
GAS_CONSTANT = 1.380649e-23 * 6.02214076e23  # J/(K mol)


@Elementwise
def exp(x: ArrayLike) -> Array:
    """NEURON's exp: 0 below -700, exp(700) above 700; where it is constant its derivative is 0."""
    return library_exp(jnp.asarray(x))


exp.lowered_on_cpu(exp_on_cpu)


@exp.defjvp
def _exp_jvp(primals: tuple[Any], tangents: tuple[Any]) -> tuple[Array, Array]:
    (x,), (dx,) = primals, tangents
    value = exp(x)
    # The change is left out, not only multiplied by 0: beside an infinite x it may be NaN.
    return value, value * jnp.where(jnp.greater(jnp.abs(x), 700.0), 0.0, dx)


@Elementwise
def log(x: ArrayLike) -> Array:
    """Natural logarithm; at 0, where it is infinite, its derivative is 0."""
    return any_log(jnp.asarray(x))


log.lowered_on_cpu(log_on_cpu)


@log.defjvp
def _log_jvp(primals: tuple[Any], tangents: tuple[Any]) -> tuple[Array, Array]:
    (x,), (dx,) = primals, tangents
    return log(x), change_over(dx, x)


@Elementwise
def log10(x: ArrayLike) -> Array:
    """Logarithm to the base 10; at 0, where it is infinite, its derivative is 0."""
    return jnp.log10(x)


@log10.defjvp
def _log10_jvp(primals: tuple[Any], tangents: tuple[Any]) -> tuple[Array, Array]:
    (x,), (dx,) = primals, tangents
    return log10(x), change_over(dx, x) / math.log(10.0)


@Elementwise
def sqrt(x: ArrayLike) -> Array:
    """Square root; the derivative at 0, infinite in truth, is 0."""
    return jnp.sqrt(x)


@sqrt.defjvp
def _sqrt_jvp(primals: tuple[Any], tangents: tuple[Any]) -> tuple[Array, Array]:
    (x,), (dx,) = primals, tangents
    value = sqrt(x)
    return value, 0.5 * change_over(dx, value)


@Elementwise
def pow(x: ArrayLike, y: ArrayLike) -> Array:
    """C's pow.

    Derivatives are exact where they are finite and 0 elsewhere: at x = 0 the one to x for y < 1. For x <= 0 the one to
    y is 0 (the function exists there for whole y only).
    """
    return jnp.power(jnp.asarray(x, dtype=float), jnp.asarray(y, dtype=float))


def _pow_jvp(primals: tuple[Any, Any], tangents: tuple[Any, Any]) -> tuple[Array, Array]:
    (x, y), (dx, dy) = primals, tangents
    value = pow(x, y)
    tangent = jnp.zeros_like(value)
    if dx is not None:
        infinite = jnp.logical_or(jnp.logical_and(jnp.equal(x, 0.0), jnp.less(y, 1.0)), jnp.isinf(y))
        slope = y * pow(jnp.where(infinite, 1.0, x), jnp.where(infinite, 0.0, jnp.subtract(y, 1.0)))
        infinite = jnp.logical_or(infinite, jnp.isinf(slope))
        tangent += jnp.where(infinite, 0.0, slope) * jnp.where(infinite, 0.0, dx)
    if dy is not None:
        # NaN, and not 0, where x is NaN
        infinite = jnp.logical_or(jnp.logical_or(jnp.less_equal(x, 0.0), jnp.isinf(x)), jnp.isinf(value))
        slope = jnp.where(infinite, 0.0, value) * log(jnp.where(infinite, 1.0, x))
        tangent += slope * jnp.where(infinite, 0.0, dy)
    return value, tangent


pow.defjvp(_pow_jvp)


@Elementwise
def fabs(x: ArrayLike) -> Array:
    """Absolute value; the derivative at 0 is 0."""
    return jnp.abs(x)


@fabs.defjvp
def _fabs_jvp(primals: tuple[Any], tangents: tuple[Any]) -> tuple[Array, Array]:
    (x,), (dx,) = primals, tangents
    return fabs(x), jnp.sign(x) * dx


@Elementwise
def asin(x: ArrayLike) -> Array:
    """Arc sine; the derivative at -1 and 1, infinite in truth, is 0."""
    return jnp.arcsin(x)


@asin.defjvp
def _asin_jvp(primals: tuple[Any], tangents: tuple[Any]) -> tuple[Array, Array]:
    (x,), (dx,) = primals, tangents
    return asin(x), change_over(dx, sqrt((1.0 - x) * (1.0 + x)))


@Elementwise
def acos(x: ArrayLike) -> Array:
    """Arc cosine; the derivative at -1 and 1, infinite in truth, is 0."""
    return jnp.arccos(x)


@acos.defjvp
def _acos_jvp(primals: tuple[Any], tangents: tuple[Any]) -> tuple[Array, Array]:
    (x,), (dx,) = primals, tangents
    return acos(x), -change_over(dx, sqrt((1.0 - x) * (1.0 + x)))


@Elementwise
def atan2(y: ArrayLike, x: ArrayLike) -> Array:
    """C's atan2; its derivatives at the origin, where it has none, are 0."""
    return jnp.arctan2(y, x)


@atan2.defjvp
def _atan2_jvp(primals: tuple[Any, Any], tangents: tuple[Any, Any]) -> tuple[Array, Array]:
    (y, x), (dy, dx) = primals, (0.0 if t is None else t for t in tangents)
    origin = jnp.logical_and(jnp.equal(x, 0.0), jnp.equal(y, 0.0))
    y, x = jnp.where(origin, 0.0, y), jnp.where(origin, 1.0, x)
    radius = jnp.hypot(y, x)
    change = change_over(divide(x, radius) * dy - divide(y, radius) * dx, radius)
    return atan2(y, x), jnp.where(origin, 0.0, change)


@Elementwise
def sinh(x: ArrayLike) -> Array:
    """Hyperbolic sine; where it is infinite its derivative is 0."""
    return jnp.sinh(x)


@sinh.defjvp
def _sinh_jvp(primals: tuple[Any], tangents: tuple[Any]) -> tuple[Array, Array]:
    (x,), (dx,) = primals, tangents
    return sinh(x), _slope(cosh(x)) * dx


@Elementwise
def cosh(x: ArrayLike) -> Array:
    """Hyperbolic cosine; where it is infinite its derivative is 0."""
    return jnp.cosh(x)


@cosh.defjvp
def _cosh_jvp(primals: tuple[Any], tangents: tuple[Any]) -> tuple[Array, Array]:
    (x,), (dx,) = primals, tangents
    return cosh(x), _slope(sinh(x)) * dx


def _slope(value: Array) -> Array:
    return jnp.where(jnp.isinf(value), 0.0, value)


def fmod(x: ArrayLike, y: ArrayLike) -> Array:
    """C's fmod: the remainder has the sign of x."""
    return jnp.fmod(jnp.asarray(x, dtype=float), y)


def floor(x: ArrayLike) -> Array:
    """Largest whole number that is not above x, as a float; its derivative is 0."""
    return jnp.floor(jnp.asarray(x, dtype=float))


def ceil(x: ArrayLike) -> Array:
    """Smallest whole number that is not below x, as a float; its derivative is 0."""
    return jnp.ceil(jnp.asarray(x, dtype=float))


sin, cos, tan = jnp.sin, jnp.cos, jnp.tan
atan, tanh = jnp.arctan, jnp.tanh
erf = jax.scipy.special.erf
fmin, fmax = jnp.minimum, jnp.maximum


def _ktf(celsius: ArrayLike) -> Array:
    """RT/F in mV, as eion.cpp writes it."""
    return jnp.divide(1000.0 * GAS_CONSTANT * jnp.add(celsius, 273.15), FARADAY)


def nernst(inside: ArrayLike, outside: ArrayLike, charge: ArrayLike, celsius: ArrayLike) -> Array:
    """Reversal potential in mV of concentrations in mM (nrn_nernst).

    0 for an ion without charge, 1e6 for inside <= 0, -1e6 for outside <= 0, as in NEURON; celsius in degrees C.
    """
    charged = jnp.not_equal(charge, 0.0)
    # Not `> 0`: a concentration that is NaN gives NaN, as in NEURON.
    inside_ok, outside_ok = ~jnp.less_equal(inside, 0.0), ~jnp.less_equal(outside, 0.0)
    ratio = divide(jnp.where(outside_ok, outside, 1.0), jnp.where(inside_ok, inside, 1.0))
    regular = _ktf(celsius) / jnp.where(charged, charge, 1.0) * log(ratio)
    limited = jnp.where(inside_ok, jnp.where(outside_ok, regular, -1e6), 1e6)
    return jnp.where(charged, limited, 0.0)


def _efun(x: Array) -> Array:
    small = jnp.abs(x) < 1e-4
    return jnp.where(small, 1.0 - x / 2.0, divide(x, jnp.where(small, 1.0, exp(x) - 1.0)))


def nrn_ghk(v: ArrayLike, inside: ArrayLike, outside: ArrayLike, charge: ArrayLike, celsius: ArrayLike) -> Array:
    """Goldman-Hodgkin-Katz current per permeability (nrn_ghk): v in mV, concentrations in mM, celsius in degrees C."""
    x = jnp.multiply(charge, v) / _ktf(celsius)
    return 0.001 * jnp.multiply(charge, FARADAY) * (inside * _efun(-x) - outside * _efun(x))
