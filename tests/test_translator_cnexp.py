"""The split of a rate into slope, factor and offset, and the step that follows from it."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import mod_translator
from mod_translator import ir
from mod_translator.passes.cnexp import step
from mod_translator.passes.linear import NotLinearError, decompose

STATE = "m"
VALUES = {"a": 0.7, "b": -1.3, "c": 2.1}


def evaluate(expr, values):
    match expr:
        case None:
            return 0.0
        case ir.Num(value, _):
            return value
        case ir.Var(name):
            return values[name]
        case ir.Unary("-", operand):
            return -evaluate(operand, values)
        case ir.Call("exp", (argument,)):
            return math.exp(evaluate(argument, values))
        case ir.Binary(op, left, right):
            x, y = evaluate(left, values), evaluate(right, values)
            return {"+": x + y, "-": x - y, "*": x * y, "/": x / y if y else math.nan}[op]
    raise AssertionError(expr)


constants = st.sampled_from([ir.Var("a"), ir.Var("b"), ir.Var("c"), ir.Num(2.0, "2"), ir.Num(0.0, "0")])
coefficients = st.recursive(
    constants,
    lambda inner: st.one_of(
        st.builds(ir.Binary, st.sampled_from("+-*/"), inner, inner),
        st.builds(ir.Unary, st.just("-"), inner),
        st.builds(lambda x: ir.Call("exp", (ir.Binary("/", x, ir.Num(50.0)),)), inner),
    ),
    max_leaves=4,
)


def linear_rates():
    return st.recursive(
        st.one_of(st.just(ir.Var(STATE)), coefficients),
        lambda inner: st.one_of(
            st.builds(ir.Binary, st.sampled_from("+-"), inner, inner),
            st.builds(ir.Unary, st.just("-"), inner),
            st.builds(lambda x, k: ir.Binary("*", x, k), inner, coefficients),
            st.builds(lambda x, k: ir.Binary("*", k, x), inner, coefficients),
            st.builds(lambda x, k: ir.Binary("/", x, k), inner, coefficients),
        ),
        max_leaves=6,
    )


def finite(*numbers):
    return all(math.isfinite(x) and abs(x) < 1e6 for x in numbers)


@settings(max_examples=300, deadline=None)
@given(linear_rates())
def test_a_linear_rate_is_factor_times_state_plus_offset(rate):
    parts = decompose(rate, STATE)
    assert parts.linear
    factor, offset, slope = (evaluate(x, VALUES) for x in (parts.factor, parts.offset, parts.slope))
    assume(finite(factor, offset, slope))
    for m in (0.0, 0.3, -2.5):
        value = evaluate(rate, {**VALUES, STATE: m})
        assume(finite(value))
        assert factor * m + offset == pytest.approx(value, rel=1e-9, abs=1e-9)
    assert slope == pytest.approx(factor, rel=1e-9, abs=1e-9)


@settings(max_examples=200, deadline=None)
@given(linear_rates(), st.floats(-1, 1))
def test_the_step_solves_the_equation_exactly(rate, m):
    parts = decompose(rate, STATE)
    assume(parts.slope is not None)
    slope, offset = evaluate(parts.slope, VALUES), evaluate(parts.offset, VALUES)
    dt = 0.1
    assume(finite(slope, offset) and 1e-3 < abs(slope) < 50)
    want = (m + offset / slope) * math.exp(slope * dt) - offset / slope
    got = evaluate(step(STATE, rate), {**VALUES, STATE: m, "dt": dt})
    assert got == pytest.approx(want, rel=1e-8, abs=1e-9)


def test_a_rate_without_its_state_is_an_euler_step():
    got = step("m", ir.Var("a"))
    assert got == ir.Binary("+", ir.Var("m"), ir.Binary("*", ir.Var("dt"), ir.Var("a")))


def test_a_rate_constant_of_zero_leaves_the_state_as_it_is():
    """NEURON's formula has -0/k in it there and gives NaN (docs/parity.md)."""
    rate = ir.Binary("*", ir.Binary("-", ir.Var("a"), ir.Var("b")), ir.Var("m"))
    assert evaluate(step("m", rate), {"m": 0.3, "a": 0.1, "b": 0.1, "dt": 0.025}) == 0.3


def test_the_state_in_a_divisor_or_argument_is_not_linear():
    for rate in (
        ir.Binary("/", ir.Num(1.0), ir.Var("m")),
        ir.Call("exp", (ir.Var("m"),)),
        ir.Binary("^", ir.Var("m"), ir.Num(2.0)),
    ):
        with pytest.raises(NotLinearError):
            decompose(rate, "m")


def test_another_state_is_a_constant_and_an_intermediate_variable_too():
    assert decompose(ir.Binary("*", ir.Var("h"), ir.Var("m")), "m").factor is not None
    assert decompose(ir.Var("twice_m"), "m").slope is None


MOD = """NEURON {{ SUFFIX x }}
STATE {{ m }}
BREAKPOINT {{ SOLVE s METHOD cnexp }}
DERIVATIVE s {{ m' = {rate} }}
"""


def test_a_block_that_is_not_linear_goes_to_derivimplicit_with_a_note():
    mechanism, report = mod_translator.lower(MOD.format(rate="-m/(1 + m)"))
    assert isinstance(mechanism.advance.body[0], ir.SolveImplicit)
    assert mechanism.advance.body[0].states == ("m",)
    assert any("derivimplicit" in note.text for note in report.notes)
    rates = mechanism.routines[mechanism.advance.body[0].rates]
    assert (rates.args, len(rates.results)) == (("m",), 1)


def test_a_product_of_states_is_stepped_as_nocmodl_prints_it():
    mechanism, report = mod_translator.lower(MOD.format(rate="-m*m"))
    (statement,) = mechanism.advance.body
    values = {"m": 0.5, "dt": 0.1}
    slope = (-1.0) * 0.5 + (-0.5) * 1.0
    assert evaluate(statement.value, values) == 0.5 + (1 - math.exp(0.1 * slope)) * -0.5
    assert any("not its solution" in note.text for note in report.notes)
