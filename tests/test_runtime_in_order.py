"""Newton's method with evaluations in NEURON's order: derivatives, in both modes, against differences."""

import jax
import jax.numpy as jnp
import pytest

from nrn_diff.runtime import derivimplicit, derivimplicit_in_order, newton, newton_in_order, sparse, sparse_in_order


def counting(parameters, start):
    """A counter that switches a source, as in old synapses; nothing of it follows the states."""
    decay, step, top = parameters

    def rates(x, u, left, on):
        left = left - step
        on = jnp.where(left < -0.35, top, on)
        left = jnp.where(left < -0.35, 0.9, left)
        return on * (1.0 - x) - x / decay, x - 0.3 * u * u, left, on

    x, u, (left, on) = derivimplicit_in_order(rates, start[:2], 0.1, tuple(start[2:]), at=(2, 3))
    return jnp.stack([x, u, left, on])


def settled(parameters, start):
    """A rate that another equation reads before it is assigned."""
    decay, pull, top = parameters

    def rates(x, u, rate):
        return -x / decay + 0.2 * rate, pull * (top - u), pull * (top - u)

    x, u, (rate,) = derivimplicit_in_order(rates, start[:2], 0.1, (start[2],), at=(2,))
    return jnp.stack([x, u, rate])


def equations(parameters, start):
    a, b, c = parameters

    def rates(x, u, count):
        return x * u + u**3 - a, x - b * u - 0.1 * c, count + 1.0

    x, u, (count,) = newton_in_order(rates, start[:2], (start[2],), at=(2,))
    return jnp.stack([x, u, count])


def following(parameters, start):
    """Rates that follow the states of all evaluations before, in a scheme that iterates."""
    decay, pull, top = parameters

    def rates(x, u, x_next, u_next, mean):
        back = pull * (1.0 + mean) * u_next**2
        return -x_next / decay - 2.0 * back, back - top, 0.5 * mean + x

    x, u, (mean,), _ = sparse_in_order(rates, start[:2], 4.0, (start[2],), at=(2,), twice=True)
    return jnp.stack([x, u, mean])


def of_one_step(parameters, start):
    decay, pull, top = parameters

    def rates(x, u, seen):
        return -x / decay + pull * seen * u, 1.0 - x - u, seen * x + top

    x, u, (seen,), _ = sparse_in_order(rates, start[:2], 0.5, (start[2],), at=(2,), algebraic=(1,), linear=True)
    return jnp.stack([x, u, seen])


PARAMETERS = jnp.array([4.0, 0.011, 0.02])
START = jnp.array([0.4, 0.7, 0.05, 0.01])


@pytest.mark.long
@pytest.mark.parametrize("program", [counting, settled, equations, following, of_one_step])
def test_both_modes_agree_with_differences(program):
    def of(both):
        return program(both[:3], both[3:])

    both = jnp.concatenate([PARAMETERS, START])
    step = 1e-5
    differences = jnp.stack([(of(both + d) - of(both - d)) / (2 * step) for d in step * jnp.eye(7)], axis=-1)
    assert jnp.allclose(jax.jacfwd(of)(both), differences, rtol=1e-5, atol=1e-6)
    assert jnp.allclose(jax.jacrev(of)(both), differences, rtol=1e-5, atol=1e-6)


def test_instances_do_not_disturb_each_other():
    starts = jnp.stack([START, 2.0 * START, START.at[2].set(0.2)], axis=-1)
    together = counting(PARAMETERS, starts)
    alone = jnp.stack([counting(PARAMETERS, starts[:, k]) for k in range(3)], axis=-1)
    assert jnp.array_equal(together, alone)


def test_without_a_history_the_solution_is_that_of_the_plain_method():
    def rates(x, u):
        return -x / 4.0 + 0.2 * u, 0.3 - u * u

    plain = derivimplicit(rates, (0.4, 0.7), 0.1)
    counted = derivimplicit_in_order(lambda x, u, n: (*rates(x, u), n + 1.0), (0.4, 0.7), 0.1, (0.0,), at=(2,))
    assert plain == counted[:2]
    assert counted[2][0] == 9.0  # 6 for the Jacobian of two states, one after each of three steps
    assert newton(lambda x: (x * x - 2.0,), (1.0,))[0] == pytest.approx(2.0**0.5, abs=1e-8)


def test_sparse_without_a_history_is_the_plain_method():
    def rates(x, u, x_next, u_next):
        return -x_next * u_next / 4.0, x_next * u_next / 4.0 - 0.3 * u * u_next

    plain = sparse(rates, (0.4, 0.7), 0.5, twice=True)
    counted = sparse_in_order(lambda *of: (*rates(*of[:4]), of[4] + 1.0), (0.4, 0.7), 0.5, (0.0,), at=(2,), twice=True)
    assert plain == counted[:2]
    assert 3.0 <= counted[2][0] <= 22.0


def test_what_has_not_converged_is_taken_without_a_last_evaluation():
    def rates(x, u, n):
        return 0.001 * u * u - x - 1.0, -0.002 * u * u, n + 1.0  # x is held at 0 and pulled below it

    x, u, (count,), where = sparse_in_order(rates, (0.01, 1.0), 0.025, (0.0,), at=(2,))
    plain = sparse(lambda x, u: rates(x, u, 0.0)[:2], (0.01, 1.0), 0.025)
    assert (x, u) == plain
    assert x == 0.0
    assert count == 21.0  # of the 22 evaluations the last one finds what 21 have left
    assert where[1] == pytest.approx(u)
