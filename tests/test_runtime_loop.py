"""Loops of unknown length: values, both modes of differentiation, and what does not end."""

import jax
import jax.numpy as jnp
import numpy as np

from nrn_diff.runtime import loop
from nrn_diff.runtime.loop import MAX_TURNS


def newton(x, start):
    """The square root of x by as many steps as it takes."""

    def turn(on, root, steps):
        return (root - (root * root - x) / (2.0 * jnp.where(on, root, 1.0)), steps + 1.0)

    return loop(lambda root, _: jnp.abs(root * root - x) > 1e-13 * x, turn, (start, 0.0))


def test_each_instance_takes_its_own_number_of_turns():
    x = jnp.array([4.0, 2.0, 1e6, 0.25])
    root, steps = newton(x, jnp.array([2.0, 1.0, 1.0, 3.0]))
    np.testing.assert_allclose(root, np.sqrt(x), rtol=1e-13)
    assert steps[0] == 0
    assert len(set(steps.tolist())) > 2


def test_both_modes_of_differentiation():
    x = jnp.array([4.0, 2.0, 9e4])
    expected = np.diag(0.5 / np.sqrt(x))

    def function(x):
        return newton(x, jnp.ones(3) + 0.0 * x)[0]

    np.testing.assert_allclose(jax.jacfwd(function)(x), expected, rtol=1e-10)
    np.testing.assert_allclose(jax.jacrev(function)(x), expected, rtol=1e-10)


def test_a_batch_ends_with_its_last_instance():
    def function(x, start):
        return newton(x, start)[0]

    x = jnp.array([[4.0, 2.0], [9e4, 5.0], [3.0, 3.0]])
    slopes = jax.vmap(jax.grad(lambda x: jnp.sum(function(x, jnp.ones(2)))))
    np.testing.assert_allclose(slopes(x), 0.5 / np.sqrt(x), rtol=1e-10)
    _, change = jax.jvp(jax.vmap(function, in_axes=(0, None)), (x, jnp.ones(2)), (x, jnp.zeros(2)))
    np.testing.assert_allclose(change, 0.5 * np.sqrt(x), rtol=1e-10)
    twice = jax.vmap(jax.vmap(function))  # would take minutes if it ran through MAX_TURNS
    np.testing.assert_allclose(jax.jit(twice)(x, jnp.ones((3, 2))), np.sqrt(x), rtol=1e-13)
    assert " cond[" in str(jax.make_jaxpr(twice)(x, jnp.ones((3, 2))))


def test_what_does_not_end_is_not_a_number():
    turns = jnp.array([3.0, MAX_TURNS, MAX_TURNS + 1.0])
    (count,) = loop(lambda k: k < turns, lambda on, k: (k + 1.0,), (0.0,))
    assert count[:2].tolist() == [3.0, MAX_TURNS]
    assert np.isnan(count[2])
