"""The tree solve equals the dense solve on any forest, with its derivatives, in any batch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nrn_diff.solver.contraction import contract
from nrn_diff.solver.dense import matrix
from nrn_diff.solver.tree_solve import multiply, solve

SHAPES = {
    "random": lambda rng, i: rng.integers(0, i),
    "chain": lambda rng, i: i - 1,
    "branches": lambda rng, i: max(i - rng.integers(1, 4), 0),
    "star": lambda rng, i: 0,
    "forest": lambda rng, i: rng.integers(-1, i),
}


def forest(shape, n, seed):
    rng = np.random.default_rng(seed)
    return np.array([-1] + [int(SHAPES[shape](rng, i)) for i in range(1, n)])


def system(parent, seed):
    """A diagonally dominant system in the schedule's row order."""
    schedule, rng = contract(parent), np.random.default_rng(seed)
    row_parent, n = schedule.parent.target, len(parent)
    a, b = -rng.random(n) * (row_parent >= 0), -rng.random(n) * (row_parent >= 0)
    d = 0.5 + rng.random(n) - b
    np.add.at(d, row_parent[row_parent >= 0], -a[row_parent >= 0])
    return schedule, a, b, d, rng.normal(size=n)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n", [1, 2, 3, 40, 300])
def test_equals_the_dense_solve(shape, n):
    schedule, a, b, d, rhs = system(forest(shape, n, n), n)
    dense = matrix(schedule.parent.target, a, b, d)
    x = jax.jit(lambda *args: solve(schedule, *args))(a, b, d, rhs)
    np.testing.assert_allclose(x, np.linalg.solve(dense, rhs), rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(multiply(schedule, a, b, d, x), rhs, rtol=1e-10, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(sorted(SHAPES)), st.integers(1, 30), st.integers(0, 10**6))
def test_order_covers_every_node_once_and_keeps_parents(shape, n, seed):
    parent = forest(shape, n, seed)
    schedule = contract(parent)
    assert sorted(schedule.order.tolist()) == list(range(n))
    row = np.empty(n, int)
    row[schedule.order] = np.arange(n)
    expected = [row[parent[node]] if parent[node] >= 0 else -1 for node in schedule.order]
    assert schedule.parent.target.tolist() == expected


def test_number_of_rounds_grows_like_the_logarithm():
    assert len(contract(forest("chain", 1000, 0)).rounds) <= 11
    assert len(contract(forest("random", 1000, 0)).rounds) <= 12


def dense_loss(row_parent, a, b, d, rhs):
    n = len(row_parent)
    dense = jnp.diag(d)
    for i, p in enumerate(row_parent):
        if p >= 0:
            dense = dense.at[i, p].add(b[i]).at[p, i].add(a[i])
    return jnp.sin(jnp.linalg.solve(dense, rhs) * jnp.arange(1, n + 1)).sum()


@pytest.mark.long
@pytest.mark.parametrize("shape", SHAPES)
def test_derivatives_in_both_modes_and_second_order(shape):
    n = 9
    schedule, a, b, d, rhs = system(forest(shape, n, 5), 6)
    row_parent = schedule.parent.target
    loss = lambda *args: jnp.sin(solve(schedule, *args) * jnp.arange(1, n + 1)).sum()
    dense = lambda *args: dense_loss(row_parent, *args)
    linked = row_parent >= 0  # a and b of a root are not part of the system
    for ours, theirs, mask in zip(
        jax.grad(loss, (0, 1, 2, 3))(a, b, d, rhs),
        jax.grad(dense, (0, 1, 2, 3))(a, b, d, rhs),
        (linked, linked, True, True),
        strict=True,
    ):
        np.testing.assert_allclose(np.where(mask, ours, 0), np.where(mask, theirs, 0), rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(
        jax.jacfwd(loss, 2)(a, b, d, rhs), jax.grad(dense, 2)(a, b, d, rhs), rtol=1e-9, atol=1e-11
    )
    second = jax.hessian(dense, 2)(a, b, d, rhs)
    np.testing.assert_allclose(jax.hessian(loss, 2)(a, b, d, rhs), second, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(jax.jacrev(jax.grad(loss, 2), 2)(a, b, d, rhs), second, rtol=1e-7, atol=1e-9)


def test_batches():
    schedule, a, b, d, _ = system(forest("branches", 60, 1), 2)
    rng = np.random.default_rng(0)
    ds, many = d + rng.random((4, 60)), rng.normal(size=(4, 60))
    expected = np.stack(
        [np.linalg.solve(matrix(schedule.parent.target, a, b, dk), r) for dk, r in zip(ds, many, strict=True)]
    )
    one = lambda d, rhs: solve(schedule, a, b, d, rhs)
    np.testing.assert_allclose(jax.vmap(one)(ds, many), expected, rtol=1e-10, atol=1e-12)
    gradient = jax.grad(lambda d, rhs: (one(d, rhs) ** 2).sum(), (0, 1))
    batched, single = jax.vmap(gradient)(ds, many), [gradient(dk, r) for dk, r in zip(ds, many, strict=True)]
    for k in range(2):
        np.testing.assert_allclose(batched[k], np.stack([s[k] for s in single]), rtol=1e-10, atol=1e-12)
    nested = jax.vmap(jax.vmap(one, (None, 0)), (0, None))(ds, many)
    np.testing.assert_allclose(nested[2, 3], one(ds[2], many[3]), rtol=1e-10)
