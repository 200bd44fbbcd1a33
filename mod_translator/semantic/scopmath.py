"""NEURON's functions of src/scopmath that a mod file may call, written in NMODL.

A call of one lowers it like a FUNCTION of the file itself. In NEURON those of time also say when they have jumped, for
which a fixed step has no use. Where NEURON ends with an error (the factorial of a negative number) the value is NaN.
"""

from __future__ import annotations

import functools

from mod_translator.ir import Expr, Var
from mod_translator.report import Collector
from mod_translator.syntax import tree
from mod_translator.syntax.parse import parse
from mod_translator.syntax.source import Source

_TEXT = """
FUNCTION gauss(x, mean, deviation) {
    gauss = exp(-0.5*((x - mean)/deviation)^2)/(sqrt(6.28318530)*deviation)
}
FUNCTION sigmoid(x, max, k, n) { sigmoid = (max*x^n)/(x^n + k^n) }
FUNCTION revsigmoid(x, max, k, n) { revsigmoid = (max*k^n)/(k^n + x^n) }
FUNCTION hyperbol(x, max, k) { hyperbol = (max*x)/(x + k) }
FUNCTION revhyperbol(x, max, k) { revhyperbol = (max*k)/(x + k) }
FUNCTION harmonic(now, period, amplitude, offset) {
    harmonic = amplitude*sin(6.2831853/period*(now + offset))
}
FUNCTION step(now, when, jump) {
    if (now >= when) { step = jump } else { step = 0 }
}
FUNCTION perstep(now, lag, period, jump) {
    if (now < lag) { perstep = 0 } else { perstep = (floor((now - lag)/period) + 1)*jump }
}
FUNCTION pulse(now, lag, height, duration) {
    if (now < lag) { pulse = 0 } else if (now < lag + duration) { pulse = height } else { pulse = 0 }
}
FUNCTION perpulse(now, lag, height, duration, pause) {
    LOCAL period
    period = duration + pause
    if (now < lag) {
        perpulse = 0
    } else if (fmod((now - lag)/period, 1)*period < duration) {
        perpulse = height
    } else {
        perpulse = 0
    }
}
FUNCTION ramp(now, lag, height, duration) {
    if (now < lag) {
        ramp = 0
    } else if (now > lag + duration) {
        ramp = height
    } else {
        ramp = (now - lag)*height/duration
    }
}
FUNCTION squarewave(now, period, amplitude) {
    if (fmod(now/period, 1) < 0.5) { squarewave = amplitude } else { squarewave = -amplitude }
}
FUNCTION sawtooth(now, period, amplitude) { sawtooth = amplitude*fmod(now/period, 1) }
FUNCTION revsawtooth(now, period, amplitude) { revsawtooth = amplitude*(1 - fmod(now/period, 1)) }
FUNCTION factorial(n) {
    LOCAL x, i
    x = floor(n + 0.1)
    if (n + 0.1 <= -1) {
        factorial = sqrt(n)
    } else if (x < 2) {
        factorial = 1
    } else if (x < 20) {
        factorial = 1
        i = floor(n)
        while (i > 1) { factorial = factorial*i i = i - 1 }
    } else {
        factorial = exp(-x)*x^x*sqrt(6.28318530*x)
    }
}
FUNCTION poisson(x, mean) {
    LOCAL whole, i, product
    whole = floor(x + 0.1)
    product = 1
    if (x + 0.1 <= -1) {
        product = sqrt(x)
    } else if (whole >= 20) {
        product = exp(-whole)*whole^whole*sqrt(6.28318530*whole)
    } else if (whole >= 2) {
        i = floor(x)
        while (i > 1) { product = product*i i = i - 1 }
    }
    poisson = (mean^x*exp(-mean))/product
}
FUNCTION threshold__min(x, limit) {
    if (x >= limit) { threshold__min = 1 } else { threshold__min = 0 }
}
FUNCTION threshold__max(x, limit) {
    if (x <= limit) { threshold__max = 1 } else { threshold__max = 0 }
}
"""

_MODES = {'"min"': "threshold__min", '"max"': "threshold__max"}  # NEURON compares texts, here it is two functions


@functools.cache
def functions() -> dict[str, tree.Block]:
    """Return the functions by name."""
    return {block.name: block for block in parse(Source(_TEXT, marks=False), Collector()).blocks}


def without_mode(name: str, args: tuple[Expr, ...]) -> tuple[str, tuple[Expr, ...]]:
    """Return name and arguments of a call, of which threshold(x, limit, "min") has a text as its last."""
    mode = args[-1] if args else None
    if name == "threshold" and isinstance(mode, Var) and mode.name in _MODES:
        return _MODES[mode.name], args[:-1]
    return name, args
