"""Gather and sum over a static map are linear, each the other's transpose, also under vmap and in second order."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nrn_diff.native import library
from nrn_diff.solver.incidence import Incidence, gather_each, sum_all

CASES = [(1, 1), (10, 4), (100, 7), (50, 50), (300, 1), (5, 40)]


def random_map(n, m, seed):
    rng = np.random.default_rng(seed)
    target = rng.integers(-1, m, n)
    matrix = np.zeros((n, m))
    present = target >= 0
    matrix[np.flatnonzero(present), target[present]] = 1
    return Incidence(target, m), matrix, rng


@pytest.mark.parametrize(("n", "m"), CASES)
def test_gather_and_sum_are_the_matrix_and_its_transpose(n, m):
    incidence, matrix, rng = random_map(n, m, n + m)
    x, y = rng.normal(size=m), rng.normal(size=n)
    np.testing.assert_allclose(incidence.gather(jnp.asarray(x)), matrix @ x, rtol=1e-14)
    np.testing.assert_allclose(incidence.sum(jnp.asarray(y)), matrix.T @ y, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("n", "m"), CASES)
def test_gradients_are_the_transpose(n, m):
    incidence, matrix, rng = random_map(n, m, n * m)
    x, y = jnp.asarray(rng.normal(size=m)), jnp.asarray(rng.normal(size=n))
    gradient = jax.jit(jax.grad(lambda x: (incidence.gather(x) * y).sum()))(x)
    np.testing.assert_allclose(gradient, matrix.T @ y, rtol=1e-12, atol=1e-14)
    gradient = jax.grad(lambda y: (incidence.sum(y) ** 2).sum())(y)
    np.testing.assert_allclose(gradient, 2 * matrix @ (matrix.T @ y), rtol=1e-12, atol=1e-13)


def test_batches_and_second_derivatives():
    incidence, matrix, rng = random_map(30, 9, 3)
    xs = jnp.asarray(rng.normal(size=(4, 9)))
    np.testing.assert_allclose(jax.vmap(incidence.gather)(xs), xs @ matrix.T, rtol=1e-14)
    np.testing.assert_allclose(jax.vmap(incidence.gather, in_axes=1, out_axes=1)(xs.T), matrix @ xs.T, rtol=1e-14)
    hessian = jax.hessian(lambda x: (incidence.gather(x) ** 3).sum())(xs[0])
    np.testing.assert_allclose(hessian, matrix.T @ np.diag(6 * (matrix @ xs[0])) @ matrix, rtol=1e-12)


@pytest.mark.parametrize("native", ["1", "0"])
def test_several_at_once_are_one_linear_map_in_both_modes_and_batched(native, monkeypatch):
    monkeypatch.setattr(library, "available", lambda: native == "1")
    parts = [random_map(n, 9, n) for n in (4, 20, 1)]
    incidences = (*(incidence for incidence, _, _ in parts), Incidence(np.arange(9), 9))
    matrix = np.concatenate([*(matrix for _, matrix, _ in parts), np.eye(9)])
    x, rng = jnp.asarray(parts[0][2].normal(size=(3, 9))), parts[1][2]

    def gathered(x):
        return jnp.concatenate(gather_each(x, incidences))

    np.testing.assert_allclose(jax.jit(jax.vmap(gathered))(x), x @ matrix.T, rtol=1e-14)
    np.testing.assert_allclose(jax.jit(jax.jacrev(gathered))(x[0]), matrix, rtol=1e-14)
    np.testing.assert_allclose(jax.jit(jax.jacfwd(gathered))(x[0]), matrix, rtol=1e-14)
    pieces = [jnp.asarray(rng.normal(size=i.n_sources)) for i in incidences]
    ones = [jnp.ones(i.n_sources) for i in incidences]

    def summed(scale):
        return jnp.stack(sum_all([[scale * pieces[0], *pieces[1:]], ones], incidences))

    first = matrix[:4].T @ pieces[0]
    expected = np.stack([matrix.T @ np.concatenate(pieces), matrix.sum(0)])
    found = jax.jit(jax.vmap(summed))(jnp.array([1.0, 3.0]))
    np.testing.assert_allclose(found[0], expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(found[1] - found[0], [2 * first, 0 * first], rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(jax.jacrev(summed)(1.0), [first, 0 * first], rtol=1e-12, atol=1e-14)


def test_last_source_wins():
    incidence = Incidence(np.array([2, 0, 2, -1]), 3)
    assert incidence.last.target.tolist() == [1, -1, 2]


def test_identity_and_ranges_are_not_gathered():
    text = jax.jit(Incidence(np.arange(5), 5).gather).lower(jnp.zeros(5)).as_text()
    assert '"stablehlo.gather"' not in text
    assert "nrn_diff_gather" not in text
    text = jax.jit(Incidence(np.arange(2, 6), 9).gather).lower(jnp.zeros(9)).as_text()
    assert '"stablehlo.gather"' not in text
    assert "nrn_diff_gather" not in text
