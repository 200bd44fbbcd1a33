"""The tree solve with layers equals the dense solve, with its derivatives, in batches, with and without the kernel."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_solver_tree_solve import forest

from nrn_diff.native import library
from nrn_diff.solver.contraction import contract
from nrn_diff.solver.dense import layered_matrix
from nrn_diff.solver.incidence import Incidence
from nrn_diff.solver.layered_solve import LayeredTree, solve


def system(shape, n, seed, layers=2, share=0.6):
    """A current balance: conductances between neighbours and to ground, rows scaled by an area."""
    rng = np.random.default_rng(seed)
    schedule = contract(forest(shape, n, seed))
    rows = np.flatnonzero(rng.random(n) < share) if share < 1 else np.arange(n)
    pattern = LayeredTree(schedule, Incidence(rows, n), layers)
    parent, inward, m = pattern.parent.target, pattern.inward.target, pattern.n_unknowns
    area = rng.uniform(0.5, 2, n)
    area = np.concatenate([area, np.repeat(area[rows], layers)])
    axial = rng.random(m) * (parent >= 0)
    a = -axial / area[np.maximum(parent, 0)] * (parent >= 0)
    b, d = -axial / area, rng.random(m) + axial / area
    np.add.at(d, parent[parent >= 0], -a[parent >= 0])
    c = -(10.0 ** rng.uniform(-3, 4, m - n))
    np.add.at(d, np.arange(n, m), -c)
    np.add.at(d, inward, -c)
    dense = lambda a, b, d, c: layered_matrix(parent, inward, a, b, d, c)
    return pattern, (a, b, d, c), rng.normal(size=m), dense


@pytest.fixture(params=[True, False], ids=["kernel", "contraction"])
def native(request, monkeypatch):
    if not request.param:
        monkeypatch.setattr(library, "available", lambda: False)
    elif not library.available():
        pytest.skip("no compiler")
    return request.param


@pytest.mark.long
@pytest.mark.parametrize(
    ("shape", "n", "layers", "share"),
    [("chain", 1, 2, 1), ("star", 9, 2, 1), ("random", 40, 2, 0.6), ("forest", 80, 1, 0.3), ("branches", 30, 3, 1)],
)
def test_equals_the_dense_solve(shape, n, layers, share, native):
    pattern, coefficients, rhs, dense = system(shape, n, n, layers, share)
    matrix = dense(*coefficients)
    x = jax.jit(lambda *args: solve(pattern, *args))(*coefficients, rhs)
    np.testing.assert_allclose(x, np.linalg.solve(matrix, rhs), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(pattern.multiply(tuple(map(jnp.asarray, coefficients)), rhs), matrix @ rhs, rtol=1e-9)


@pytest.mark.long
def test_derivatives_in_both_modes_and_batches(native):
    pattern, coefficients, rhs, _ = system("branches", 12, 3)
    outer = np.arange(pattern.n_rows, pattern.n_unknowns)
    parent, inward, linked = pattern.parent.target, pattern.inward.target, pattern.parent.target >= 0

    def dense(a, b, d, c, rhs):
        index = np.flatnonzero(linked)
        matrix = jnp.diag(d).at[index, parent[index]].add(b[index]).at[parent[index], index].add(a[index])
        return jnp.linalg.solve(matrix.at[outer, inward].add(c).at[inward, outer].add(c), rhs)

    loss = lambda solver: lambda *args: jnp.sin(solver(*args) * jnp.arange(1, len(rhs) + 1)).sum()
    ours = loss(lambda *args: solve(pattern, *args))
    every = (0, 1, 2, 3, 4)
    expected = jax.grad(loss(dense), every)(*coefficients, rhs)
    masks = (linked, linked, True, True, True)
    for found in (jax.grad(ours, every)(*coefficients, rhs), jax.jacfwd(ours, every)(*coefficients, rhs)):
        for x, y, mask in zip(found, expected, masks, strict=True):
            np.testing.assert_allclose(np.where(mask, x, 0), np.where(mask, y, 0), rtol=1e-8, atol=1e-10)
    many = coefficients[2] + np.random.default_rng(0).random((4, len(rhs)))
    a, b, _, c = coefficients
    batched = jax.vmap(lambda d: solve(pattern, a, b, d, c, rhs))(many)
    single = np.stack([dense(a, b, d, c, rhs) for d in many])
    np.testing.assert_allclose(batched, single, rtol=1e-9, atol=1e-12)
    gradient = jax.vmap(jax.grad(ours, 2), (None, None, 0, None, None))(a, b, many, c, rhs)
    np.testing.assert_allclose(gradient[2], jax.grad(ours, 2)(a, b, many[2], c, rhs), rtol=1e-8, atol=1e-10)
