"""derivimplicit and sparse: NEURON's numbers, and the derivative of the root."""

import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from emit_helpers import module, translated
from neuron_process import run_function

from mod_translator import emit
from nrn_diff.runtime import derivimplicit, divide, implicit, sparse, times
from nrn_diff.runtime.implicit import solve

PUMP = """
NEURON { SUFFIX pump RANGE a, b, k, rate }
PARAMETER { k = 1.3 }
ASSIGNED { rate }
STATE { a b }
INITIAL { a = 1 b = 2 }
BREAKPOINT { SOLVE st METHOD derivimplicit }
DERIVATIVE st { LOCAL q
    q = exp(-a)
    rate = k * a * a
    a' = -rate + b
    b' = 10 * q - b * b * b / (1 + a)
}
"""

CHAIN = """
NEURON { SUFFIX chain RANGE c1, c2, c3, c4, c5, k }
PARAMETER { k = 0.7 }
STATE { c1 c2 c3 c4 c5 }
INITIAL { c1 = 1 c2 = 0.5 c3 = 0 c4 = 2 c5 = 1 }
BREAKPOINT { SOLVE st METHOD derivimplicit }
DERIVATIVE st {
    c1' = -k * c1 + c2 * c2
    c2' = k * c1 - c2 * c3 - c2
    c3' = c2 - c3 * c4
    c4' = sin(c5) - c4
    c5' = c1 * c3 - c5 * c5
}
"""


def neuron_steps(suffix, states, dt, steps, ks):
    from neuron import h

    soma = h.Section("soma")
    soma.nseg = len(ks)
    soma.insert(suffix)
    h.dt = dt
    for seg, k in zip(soma, ks, strict=True):
        getattr(seg, suffix).k = k
    h.finitialize(-65)
    out = []
    for _ in range(steps):
        h.fadvance()
        out.append([[getattr(getattr(seg, suffix), s) for seg in soma] for s in states])
    return np.array(out)


@pytest.mark.long
@pytest.mark.parametrize("dt", [0.025, 1.0])
@pytest.mark.parametrize(
    ("text", "states", "more"), [(PUMP, ["a", "b"], ["rate"]), (CHAIN, ["c1", "c2", "c3", "c4", "c5"], [])]
)
def test_derivimplicit_takes_neurons_steps(text, states, more, dt):
    ks, suffix = [0.2, 1.3, 4.0], "pump" if more else "chain"
    names = [*states, *more]
    truth = run_function(
        neuron_steps,
        mods={"pump.mod": PUMP, "chain.mod": CHAIN},
        suffix=suffix,
        states=names,
        dt=dt,
        steps=6,
        ks=ks,
    )
    mech = translated(text)
    made = module(mech)
    now = {"k": jnp.array(ks), "dt": dt, "v": -65.0}
    now |= {n: jnp.broadcast_to(x, (3,)) for n, x in made.initial().items()}
    inputs = emit.signature(mech, mech.advance)
    for row in truth:
        now |= jax.jit(made.advance)(**{n: now[n] for n in inputs})
        np.testing.assert_allclose(np.array([now[n] for n in names]), row, rtol=2e-12, atol=1e-15)


def stiff(k):
    return lambda x, y: (-k * x * x * x + y, jnp.exp(-x) - k * y * x)


METHODS = [derivimplicit, sparse]


@pytest.mark.parametrize("method", METHODS)
def test_result_solves_the_backward_euler_equation(method):
    x0, y0, k, dt = jnp.array([0.5, 2.0]), jnp.array([1.0, 0.1]), jnp.array([1.0, 3.0]), 0.3
    x, y = method(stiff(k), (x0, y0), dt)
    fx, fy = stiff(k)(x, y)
    np.testing.assert_allclose(x, x0 + dt * fx, atol=1e-9)
    np.testing.assert_allclose(y, y0 + dt * fy, atol=1e-9)


@pytest.mark.long
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("count", [2, 5])
def test_derivative_is_that_of_the_root(method, count):
    rng = np.random.default_rng(count)
    coupling = jnp.asarray(rng.uniform(0.1, 1.0, (count, count)))
    start = jnp.asarray(rng.uniform(0.5, 2.0, (count, 3)))

    def rates(k):
        def f(*x):
            total = [sum(coupling[i, j] * x[j] for j in range(count)) for i in range(count)]
            return tuple(k - x[i] * total[i] for i in range(count))

        return f

    def step(theta):
        new = method(rates(theta["k"]), tuple(theta["x"]), theta["dt"])
        return sum(jnp.sum((i + 1.0) * jnp.sin(x)) for i, x in enumerate(new))

    theta = {"k": jnp.array([1.0, 2.0, 3.0]), "x": start, "dt": jnp.asarray(0.2)}
    gradient = jax.jit(jax.grad(step))(theta)
    tangent = jax.jit(lambda th, d: jax.jvp(step, (th,), (d,))[1])
    exact = jax.jit(lambda th, d: jax.jvp(lambda x: _exact(rates, x, count), (th,), (d,))[1])
    rng = np.random.default_rng(0)
    for _ in range(3):
        direction = jax.tree.map(lambda a: jnp.asarray(rng.standard_normal(a.shape)), theta)
        # the root by many exact Newton steps, differentiated as it stands
        expected = exact(theta, direction)
        forward = tangent(theta, direction)
        backward = sum(
            jnp.sum(g * d) for g, d in zip(jax.tree.leaves(gradient), jax.tree.leaves(direction), strict=True)
        )
        np.testing.assert_allclose(forward, expected, rtol=1e-7)
        np.testing.assert_allclose(backward, forward, rtol=1e-11)


def _exact(rates, theta, count):
    x = jnp.stack(tuple(theta["x"]))

    def residual(new, k, old):
        return jnp.stack(rates(k)(*new)) - (new - old) / theta["dt"]

    def newton(_, x):
        jacobian = jax.vmap(jax.jacobian(residual), in_axes=(1, 0, 1))(x, theta["k"], theta["x"])
        value = residual(x, theta["k"], theta["x"])
        return x - jnp.linalg.solve(jacobian, value.T[..., None])[..., 0].T

    x = jax.lax.fori_loop(0, 12, newton, x)
    return sum(jnp.sum((i + 1.0) * jnp.sin(x[i])) for i in range(count))


@pytest.mark.parametrize("method", METHODS)
def test_instances_are_independent(method):
    k, x, y = jnp.array([1.0, 30.0, 0.01]), jnp.array([0.5, 2.0, 50.0]), jnp.array([1.0, 0.1, 9.0])
    step = jax.jit(lambda k, x, y: method(stiff(k), (x, y), 1.0))
    together = step(k, x, y)
    for i in range(3):
        alone = step(k[i], x[i], y[i])
        np.testing.assert_allclose([t[i] for t in together], alone, rtol=1e-14)


@pytest.mark.parametrize("method", METHODS)
def test_vmap_changes_nothing(method):
    ks = jnp.array([[1.0, 2.0], [3.0, 0.5]])

    def step(k):
        return method(stiff(k), (jnp.ones(2), jnp.array([0.5, 1.0])), 0.5)[0]

    np.testing.assert_allclose(jax.jit(jax.vmap(step))(ks), jnp.stack([jax.jit(step)(k) for k in ks]), rtol=1e-13)


@pytest.mark.parametrize("method", METHODS)
def test_nan_stays_nan(method):
    (x,) = method(lambda x: (x * jnp.array([jnp.nan, -1.0]),), (jnp.ones(2),), 1.0)
    assert jnp.isnan(x[0])
    np.testing.assert_allclose(x[1], 0.5, rtol=1e-12)


def test_no_convergence_gives_nan():
    """NEURON stops the run; the equation here has no root."""
    (x,) = derivimplicit(lambda x: (x * x + 40.0,), (jnp.asarray(1.0),), 10.0)
    assert jnp.isnan(x)


def test_sparse_keeps_states_from_becoming_negative():
    (x,) = sparse(lambda x: (jnp.full_like(x, -10.0),), (jnp.array([1.0, 0.05]),), 0.025)
    np.testing.assert_allclose(x, [0.75, 0.0])


def test_array_states_keep_their_form():
    c, x = derivimplicit(lambda c, x: ((-c[0], -c[1] * x), -x), ((1.0, jnp.ones(2)), 3.0), 0.1)
    assert isinstance(c, tuple)
    np.testing.assert_allclose(c[0], jnp.ones(2) / 1.1, rtol=1e-12)
    np.testing.assert_allclose(x, 3.0 / 1.1 * jnp.ones(2), rtol=1e-12)


@pytest.mark.parametrize("extra", [(), (1.0,)])
def test_array_state_alone(extra):
    def rates(c):
        derivative = (-c[0], -2.0 * c[1])
        return (derivative, *extra) if extra else derivative

    (c,) = derivimplicit(rates, ((1.0, jnp.ones(2)),), 0.1)
    np.testing.assert_allclose(c[0], jnp.ones(2) / 1.1, rtol=1e-12)
    np.testing.assert_allclose(c[1], jnp.ones(2) / 1.2, rtol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7])
def test_solve_pivots(n):
    rng = np.random.default_rng(n)
    dense = rng.standard_normal((5, n, n))
    dense[:, 0, 0] = 0.0 if n > 1 else 1.0
    rhs = rng.standard_normal((5, n))
    matrix = tuple(jnp.asarray(dense[:, i].T) for i in range(n))
    x = solve(matrix, tuple(jnp.asarray(rhs[:, i]) for i in range(n)))
    np.testing.assert_allclose(np.stack(x, -1), np.linalg.solve(dense, rhs[..., None])[..., 0], rtol=1e-10)


def test_a_scheme_of_many_states_compiles_in_seconds():
    n, k = 64, np.linspace(0.1, 5.0, 63)

    def rates(*x):
        flux = [k[i] * x[i] - 0.05 * x[i + 1] for i in range(n - 1)]
        inward = [0.0, *flux]
        return tuple(inward[i] - (flux[i] if i < n - 1 else 0.0) for i in range(n))

    start = time.process_time()
    step = jax.jit(lambda x: sparse(rates, x, 0.025, linear=True))
    x = step(tuple(jnp.full(3, (i + 1.0) / n) for i in range(n)))
    assert time.process_time() - start < 10.0  # measured: 1 s
    matrix = np.diag(np.r_[k, 0.0] + np.r_[0.0, np.full(63, 0.05)]) - np.diag(k, -1) - np.diag(np.full(63, 0.05), 1)
    expected = np.linalg.solve(np.eye(n) + 0.025 * matrix, (np.arange(n) + 1.0) / n)
    np.testing.assert_allclose(np.stack(x)[:, 0], expected, rtol=1e-12)


@pytest.mark.long
@pytest.mark.parametrize("how", ["terms", "a selection among them", "constants that follow the states"])
def test_many_states_are_stepped_as_few_are(how, monkeypatch):
    n = 20

    def rates(k, *x):
        fixed, x = (x[:n], x[n:]) if how.startswith("constants") else (None, x)
        flux = [k[i] * 1.5 * x[i] - 2 * (0.05 * x[i + 1]) / 4 for i in range(n - 1)]
        if how.startswith("a selection"):
            flux[3] = jnp.where(k[3] > 0.2, flux[3], -flux[3])
        if fixed is not None:
            flux[5] = times(1 + fixed[2], divide(flux[5], k[7]))
        inward = [0.01 - 0.3 * x[0], *flux]
        total = 1.0 - x[n - 1]
        for each in x[: n - 1]:
            total = total - each
        return (*(inward[i] - flux[i] for i in range(n - 1)), total, k[0])

    def loss(k, x, dt):
        twice = how.startswith("constants")
        new = sparse(lambda *y: rates(k, *y), x, dt, algebraic=(n - 1,), linear=True, twice=twice)
        return sum(jnp.sum((i + 1) * y**2) for i, y in enumerate(new)), new

    k = tuple(jnp.linspace(0.1, 3.0, n)[i] * jnp.array([1.0, 1.1]) for i in range(n))
    x = tuple(jnp.array([(i + 1.0) / 300, 0.04]) for i in range(n))
    evaluate = jax.value_and_grad(loss, argnums=(0, 1, 2), has_aux=True)
    real, seen = implicit.linear_step, []
    monkeypatch.setattr(implicit, "linear_step", lambda *given: seen.append(real(*given)) or seen[-1])
    many = evaluate(k, x, 0.025)
    assert (seen[0] is None) == how.startswith("a selection")
    called = []
    monkeypatch.setattr(implicit, "linear_step", lambda *_: called.append(1))
    few = evaluate(k, x, 0.025)
    assert called
    for a, b in zip(jax.tree.leaves(many), jax.tree.leaves(few), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13)
