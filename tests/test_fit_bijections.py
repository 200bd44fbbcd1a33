"""Bounds by change of variable: inverse, monotone, inside, finite gradients, clear refusals."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nrn_diff.fitting import FitError, Interval, LogInterval, OneSided, Scaled, for_bounds
from nrn_diff.fitting.bijections import NUDGE

jax.config.update("jax_enable_x64", True)

magnitude = st.floats(1e-9, 1e6)


@st.composite
def bounded_values(draw):
    low = draw(st.one_of(magnitude, magnitude.map(lambda x: -x), st.just(0.0)))
    high = low + draw(st.floats(1e-6, 1e8)) * max(abs(low), 1e-6)
    fraction = draw(st.floats(1e-9, 1 - 1e-9))
    bounds = draw(st.sampled_from([(low, high), (low, None), (None, high), (None, None)]))
    return low + (high - low) * fraction, bounds


@settings(deadline=None, max_examples=200)
@given(bounded_values())
def test_inverse_undoes_forward_and_stays_inside(case):
    value, (low, high) = case
    bijection = for_bounds("x", np.array(value), (low, high))
    back = float(bijection.forward(bijection.inverse(np.array(value))))
    size = max(abs(value), *(abs(b) for b in (low, high) if b is not None), 0.0)
    assert abs(back - value) <= 1e-9 * size
    for z in (-30.0, -1.0, 0.0, 1.0, 30.0):
        x = float(bijection.forward(np.float64(z)))
        assert low is None or x >= low
        assert high is None or x <= high


@pytest.mark.parametrize(
    "bijection",
    [
        Interval(np.float64(-2.0), np.float64(3.0)),
        LogInterval(np.float64(1e-6), np.float64(1e-1)),
        OneSided(np.float64(-70.0), np.float64(5.0)),
        Scaled(np.float64(0.12)),
    ],
    ids=lambda b: type(b).__name__,
)
def test_forward_increases_with_a_positive_derivative(bijection):
    z = np.linspace(-20, 20, 81)
    assert np.all(np.diff(bijection.forward(z)) > 0)
    assert np.all(jax.vmap(jax.grad(bijection.forward))(z) > 0)


def test_the_bounds_choose_the_bijection():
    value = np.array(0.01)
    assert isinstance(for_bounds("g", value, (1e-5, 1.0)), LogInterval)
    assert isinstance(for_bounds("g", value, (1e-5, 1.0), log=False), Interval)
    assert isinstance(for_bounds("g", value, (0.0, 1.0)), Interval)
    assert isinstance(for_bounds("g", value, (0.005, 0.02)), Interval)
    assert isinstance(for_bounds("g", value, (0.005, 0.02), log=True), LogInterval)
    assert isinstance(for_bounds("g", value, (0.0, None)), OneSided)
    assert isinstance(for_bounds("g", value, (None, np.inf)), Scaled)
    assert for_bounds("g", value, Scaled(np.float64(3.0))) == Scaled(np.float64(3.0))


@pytest.mark.parametrize("bounds", [(0.1, 0.9), (1e-4, 1.0), (0.1, None), (None, 0.1)])
def test_a_start_on_a_bound_is_nudged_inside(bounds):
    low, high = bounds
    on = np.array([b for b in bounds if b is not None])
    start = on if on.size == 2 else np.repeat(on, 2)
    bijection = for_bounds("g", start, bounds)
    moved = np.asarray(bijection.forward(bijection.inverse(start)))
    assert np.all(np.isfinite(moved))
    assert low is None or np.all(moved > low)
    assert high is None or np.all(moved < high)
    if None not in bounds:
        ratio = np.log(high / low) if isinstance(bijection, LogInterval) else high - low
        step = np.abs(np.log(moved / start)) if isinstance(bijection, LogInterval) else np.abs(moved - start)
        np.testing.assert_allclose(step, NUDGE * ratio, rtol=1e-9)


def test_a_start_near_a_bound_is_kept():
    value = np.array(1e-8)
    bijection = for_bounds("g", value, (0.0, 1.0))
    assert float(bijection.forward(bijection.inverse(value))) == pytest.approx(1e-8, rel=1e-12)


def test_bounds_may_differ_by_element():
    value = np.array([1.0, 20.0, 300.0])
    bijection = for_bounds("tau", value, (np.array([0.5, 10.0, 100.0]), np.array([2.0, 40.0, 400.0])))
    np.testing.assert_allclose(bijection.forward(bijection.inverse(value)), value, rtol=1e-14)


@pytest.mark.parametrize(
    ("value", "bounds", "log", "message"),
    [
        (1.0, (2.0, 1.0), None, "lower bound must be below"),
        (1.0, (1.0, 1.0), None, "lower bound must be below"),
        (3.0, (0.0, 1.0), None, "outside its bounds"),
        (np.nan, (0.0, 1.0), None, "not finite"),
        (0.5, (0.0, 1.0), True, "must both be positive"),
        (0.5, 7.0, None, "bounds must be"),
        (0.5, (0.0, 1.0, 2.0), None, "bounds must be"),
        ([1.0, 2.0], ([0.0, 0.0, 0.0], 9.0), None, "bounds must be"),
        ([1.0, 2.0], ([0.0, -np.inf], 9.0), None, "bounded on the same sides"),
        (1.0, (np.nan, 2.0), None, "lower bound must be below"),
    ],
)
def test_impossible_bounds_are_refused_by_name(value, bounds, log, message):
    with pytest.raises(FitError, match=message) as error:
        for_bounds("gnabar_hh", np.array(value), bounds, log=log)
    assert "gnabar_hh" in str(error.value)
