"""The compiled program of emitted blocks: elementwise loops and gathers, nothing that moves whole arrays."""

import re

import jax
import jax.numpy as jnp
import pytest
from emit_helpers import module, translated

SODIUM = """
NEURON { SUFFIX nax USEION na READ ena WRITE ina RANGE gbar }
PARAMETER { gbar = 0.01 }
ASSIGNED { v celsius ena ina minf mtau hinf htau }
STATE { m h }
INITIAL { rates(v) m = minf h = hinf }
BREAKPOINT { SOLVE states METHOD cnexp ina = gbar * m^3 * h * (v - ena) }
DERIVATIVE states { rates(v) m' = (minf - m) / mtau h' = (hinf - h) / htau }
PROCEDURE rates(v) { LOCAL a, b, q
    TABLE minf, mtau, hinf, htau DEPEND celsius FROM -100 TO 100 WITH 200
    q = 3 ^ ((celsius - 24) / 10)
    a = trap(v + 30, 7) b = trap(-v - 30, 7)
    minf = a / (a + b) mtau = 1 / (a + b) / q
    a = trap(v + 45, 1.5) b = trap(-v - 45, 1.5)
    hinf = 1 / (1 + exp((v + 50) / 4))
    if (1 / (a + b) < 0.5) { htau = 0.5 / q } else { htau = 1 / (a + b) / q }
}
FUNCTION trap(x, y) { if (fabs(x / y) < 1e-6) { trap = y * (1 + x / y / 2) } else { trap = x / (1 - exp(-x / y)) } }
"""


def operations(function, *args):
    text = jax.jit(function).lower(*args).compile().as_text()
    body = text[text.index("ENTRY") :]
    found = re.findall(r"= \S+ ([a-z-]+)\(", body)
    return {op: found.count(op) for op in set(found)}, text


def forbidden(text):
    return [op for op in ("concatenate", "scatter", "while", "sort", "custom-call", "dot") if f" {op}(" in text]


@pytest.fixture(scope="module")
def nax():
    return module(translated(SODIUM))


def test_current_is_one_loop_for_each_result(nax):
    v = jnp.linspace(-80.0, 40.0, 318)
    ops, text = operations(lambda v, m, h, g: nax.current(v=v, m=m, h=h, gbar=g, ena=50.0)["ina"], v, v, v, v)
    assert ops.get("fusion", 0) <= 1
    assert not forbidden(text)


@pytest.mark.parametrize("tabled", [False, True])
def test_advance_is_few_loops(nax, tabled):
    v = jnp.linspace(-80.0, 40.0, 318)
    table = nax.rates_make_table(celsius=24.0) if tabled else None

    def advance(v, m, h, table):
        new = nax.advance(v=v, m=m, h=h, celsius=24.0, dt=0.025, rates_table=table)
        return new["m"], new["h"]

    ops, text = operations(advance, v, v, v, table)
    assert ops.get("fusion", 0) <= (4 if tabled else 8)
    assert not forbidden(text)


def test_same_module_is_compiled_once(nax):
    step = jax.jit(lambda v, g: nax.current(v=v, m=v, h=v, gbar=g, ena=50.0)["ina"])
    for k in range(3):
        step(jnp.full(7, float(k)), jnp.full(7, 1.0 + k))
    assert step._cache_size() == 1
