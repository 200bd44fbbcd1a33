"""Gauss-Newton fits: to the bottom of a narrow valley, within bounds, never uphill."""

import fit_problem
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from nrn_diff.fitting import FitError, fit, gauss_newton, trace_mse

SLOPE = np.linspace(0.0, 1.0, 50)


class Compensating:
    """A trace in which two parameters nearly replace each other, and a third does nothing."""

    def simulate(self, theta):
        return {"v": jnp.exp(theta["a"] + 0.999 * theta["b"] * SLOPE) + theta["b"] * SLOPE**2 * 1e-3 + 0.0 * theta["c"]}


START = {"a": np.array(0.9), "b": np.array(-0.6), "c": np.array(0.3)}
TRUE = {"a": 0.2, "b": 0.7, "c": 0.3}


def narrow(**kwargs):
    target = Compensating().simulate(TRUE)
    return fit(Compensating(), START, trace_mse("v", target), progress=False, **kwargs)


def test_it_reaches_the_bottom_where_first_order_methods_creep():
    result = narrow(optimizer=gauss_newton(), steps=25)
    assert result.loss < 1e-24
    np.testing.assert_allclose([result.theta["a"], result.theta["b"]], [0.2, 0.7], rtol=1e-9)
    assert narrow(steps=25).loss > 1e-8


def test_a_number_without_influence_stays():
    assert float(narrow(optimizer=gauss_newton(), steps=25).theta["c"]) == pytest.approx(0.3, abs=1e-12)


def test_it_never_goes_uphill():
    losses = narrow(optimizer=gauss_newton(), steps=25).losses
    assert np.all(np.diff(losses) <= 0)


def test_it_respects_bounds():
    seen = []
    result = fit(
        fit_problem.Membrane(),
        fit_problem.START,
        fit_problem.target_loss(),
        bounds=fit_problem.BOUNDS,
        optimizer=gauss_newton(),
        steps=30,
        progress=False,
        callbacks=[lambda info: seen.append(info.theta) and False],
    )
    for name, true in fit_problem.TRUE.items():
        np.testing.assert_allclose(result.theta[name], true, rtol=1e-7)
        low, high = fit_problem.BOUNDS[name]
        assert all(np.all((low < theta[name]) & (theta[name] < high)) for theta in seen)


def test_a_step_that_gives_no_number_is_not_taken():
    class Fragile:
        def simulate(self, theta):
            return {"v": jnp.sqrt(jnp.where(theta["a"] < 1.2, 1.0, jnp.nan)) * theta["a"] ** 3 * jnp.ones(5)}

    target = {"v": np.full(5, 1.15**3)}
    result = fit(
        Fragile(), {"a": np.array(0.3)}, trace_mse("v", target), optimizer=gauss_newton(), steps=30, progress=False
    )
    assert float(result.theta["a"]) == pytest.approx(1.15, rel=1e-9)


def test_it_chains_with_other_transformations():
    result = narrow(optimizer=optax.chain(gauss_newton(), optax.scale(0.5)), steps=40)
    assert result.loss < 1e-6


def test_residuals_add_up_to_the_loss():
    rng = np.random.default_rng(0)
    target = {"a": rng.normal(size=7), "b": rng.normal(size=9)}
    target["b"][2] = np.nan
    loss = trace_mse(
        ["a", "b"], target, mask={"a": rng.uniform(size=7), "b": ~np.isnan(target["b"])}, scale={"a": 2, "b": 3}
    )
    recording = {"a": rng.normal(size=7), "b": rng.normal(size=9)}
    assert float(jnp.sum(loss.residuals(recording) ** 2)) == pytest.approx(float(loss(recording)), rel=1e-14)
    gradient = jax.grad(lambda b: jnp.sum(loss.residuals({"a": recording["a"], "b": b}) ** 2))(recording["b"])
    assert np.all(np.isfinite(gradient))


def test_a_loss_without_residuals_is_refused():
    with pytest.raises(FitError, match="residuals"):
        fit(Compensating(), START, lambda r: jnp.mean(r["v"] ** 2), optimizer=gauss_newton(), steps=3, progress=False)
