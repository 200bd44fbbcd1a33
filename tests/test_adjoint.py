"""Adjoint strategies differ in memory, never in the result."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nrn_diff.adjoint import Budget, Checkpointed, Direct, Forward, Rematerialised, choose

STRATEGIES = [
    Rematerialised(),
    Checkpointed(),
    Checkpointed(5),
    Checkpointed(1000),
    Budget(),
    Budget(100),
    Forward(),
]


def run(adjoint, theta, n):
    def step(x, u):
        new = jnp.sin(theta * x) + u
        return new, new**2

    return adjoint.scan(step, jnp.array([0.1, 0.2]), jnp.linspace(0, 1, n), n)


@pytest.mark.long
@pytest.mark.parametrize("n", [1, 7, 16, 17, 50])
@pytest.mark.parametrize("adjoint", STRATEGIES)
def test_same_samples_and_gradient_as_direct(adjoint, n):
    loss = lambda theta, how: run(how, theta, n)[1].sum()
    np.testing.assert_array_equal(run(adjoint, 1.3, n)[1], run(Direct(), 1.3, n)[1])
    np.testing.assert_allclose(jax.grad(loss)(1.3, adjoint), jax.grad(loss)(1.3, Direct()), rtol=1e-13)


def test_checkpointed_memory_grows_like_the_square_root():
    def residual_bytes(adjoint, n):
        loss = lambda theta: run(adjoint, theta, n)[1].sum()
        analysis = jax.jit(jax.grad(loss)).lower(1.3).compile().memory_analysis()
        return analysis.temp_size_in_bytes

    many = 40_000
    assert residual_bytes(Checkpointed(), many) < residual_bytes(Direct(), many) / 2


def test_choice_follows_the_budget():
    assert isinstance(choose(1000, 1000), Rematerialised)
    assert isinstance(choose(10**6, 10**6), Checkpointed)


@pytest.mark.long
def test_forward_mode_gives_reverse_mode_its_derivative():
    theta = {"a": jnp.array([1.0, 2.0]), "b": jnp.asarray(0.5)}
    f = lambda th: (jnp.outer(th["a"], jnp.sin(th["b"] * jnp.arange(3.0))), jnp.asarray(7))
    loss = lambda th, g: (g(th)[0] ** 3).sum()
    forward = jax.grad(loss)(theta, lambda th: Forward().differentiate(f, th))
    for name, slope in jax.grad(loss)(theta, f).items():
        np.testing.assert_allclose(forward[name], slope, rtol=1e-13)
    assert int(Forward().differentiate(f, theta)[1]) == 7
