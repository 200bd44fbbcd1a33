"""Functions of the runtime: NEURON's values, finite and exact derivatives; guard, arrays, tables, loader."""

import math
import subprocess
import sys
import traceback

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from neuron_process import run_function

from nrn_diff import runtime
from nrn_diff.runtime.loader import Float64Required


def slope(function, *args, which=0):
    return float(jax.grad(function, argnums=which)(*map(float, args)))


def difference(function, *args, which=0, h=1e-6):
    up, down = list(map(float, args)), list(map(float, args))
    up[which] += h
    down[which] -= h
    return float(function(*up) - function(*down)) / (2 * h)


def test_exp_is_cut_like_neurons():
    x = jnp.array([-1000.0, -700.0001, -700.0, 1.0, 700.0, 700.0001, 1e9, -jnp.inf, jnp.inf])
    expected = [0, 0, math.exp(-700), math.e, *[math.exp(700)] * 3, 0, math.exp(700)]
    np.testing.assert_allclose(runtime.exp(x), expected, rtol=1e-13)
    assert jnp.isnan(runtime.exp(jnp.nan))
    derivative = jax.vmap(jax.grad(runtime.exp))(x)
    np.testing.assert_allclose(derivative, [0, 0, math.exp(-700), math.e, math.exp(700), 0, 0, 0, 0], rtol=1e-13)
    assert runtime.exp(1.0).dtype == jnp.float64


@pytest.mark.parametrize("size", [7, 300, 5000])  # by XLA, by a formula of ours, by a kernel
def test_exp_and_log_round_like_a_c_library(size):
    rng = np.random.default_rng(size)
    x = np.concatenate([rng.uniform(-700, 700, size - size // 2), rng.uniform(-2, 2, size // 2)])
    found, exact = np.asarray(jax.jit(runtime.exp)(x)), np.exp(x.astype(np.longdouble))
    assert np.max(np.abs(found - exact) / np.spacing(np.exp(x))) < 1.01
    y = np.exp(x)
    found, exact = np.asarray(jax.jit(runtime.log)(y)), np.log(y.astype(np.longdouble))
    assert np.max(np.abs(found - exact) / np.spacing(np.abs(np.log(y)))) < 1.5
    odd = np.concatenate([y, [0.0, -1.0, np.inf, np.nan]])
    np.testing.assert_array_equal(runtime.log(odd)[-4:], [-np.inf, np.nan, np.inf, np.nan])
    edge = np.resize([-700.1, -700.0, 700.1, np.nan, np.inf, -np.inf], size)
    small = [float(runtime.exp(value)) for value in edge[:6]]
    np.testing.assert_allclose(np.asarray(runtime.exp(edge))[:6], small, rtol=1e-15)


POINTS = {
    "exp": (0.3,),
    "log": (0.7,),
    "log10": (0.7,),
    "sqrt": (2.0,),
    "pow": (1.7, 2.3),
    "sin": (0.4,),
    "cos": (0.4,),
    "tan": (0.4,),
    "asin": (0.4,),
    "acos": (0.4,),
    "atan": (0.4,),
    "atan2": (0.4, -0.3),
    "sinh": (0.4,),
    "cosh": (0.4,),
    "tanh": (0.4,),
    "erf": (0.4,),
    "fabs": (-0.4,),
    "floor": (2.3,),
    "ceil": (2.3,),
    "fmod": (-7.3, 2.0),
    "fmin": (1.0, 2.0),
    "fmax": (1.0, 2.0),
    "nernst": (1e-4, 2.0, 2.0, 20.0),
    "nrn_ghk": (-30.0, 0.1, 2.0, 2.0, 20.0),
}


@pytest.mark.long
@pytest.mark.parametrize("name", POINTS)
def test_derivatives_are_exact(name):
    function, args = getattr(runtime, name), POINTS[name]
    for which in range(len(args)):
        h = 1e-5 * max(abs(args[which]), 1e-4)
        np.testing.assert_allclose(
            slope(function, *args, which=which), difference(function, *args, which=which, h=h), rtol=1e-6, atol=1e-9
        )


@pytest.mark.parametrize(
    ("name", "args", "which", "expected"),
    [
        ("fabs", (0.0,), 0, 0.0),
        ("sqrt", (0.0,), 0, 0.0),
        ("pow", (0.0, 2.0), 0, 0.0),
        ("pow", (0.0, 1.0), 0, 1.0),
        ("pow", (0.0, 0.5), 0, 0.0),
        ("pow", (0.0, 2.0), 1, 0.0),
        ("pow", (-2.0, 3.0), 0, 12.0),
        ("pow", (-2.0, 3.0), 1, 0.0),
        ("pow", (3.0, 0.0), 0, 0.0),
        ("nrn_ghk", (0.0, 1.0, 2.0, 2.0, 20.0), 1, 0.001 * 2 * runtime.functions.FARADAY),
        ("nernst", (0.0, 1.0, 2.0, 20.0), 0, 0.0),
        ("nernst", (1.0, 1.0, 0.0, 20.0), 0, 0.0),
    ],
)
def test_derivatives_are_finite_where_values_are(name, args, which, expected):
    assert slope(getattr(runtime, name), *args, which=which) == pytest.approx(expected)


@pytest.mark.parametrize("size", [1, 7, 100])  # by XLA, and by a kernel
def test_logarithms_of_numbers_below_the_normal_ones(size):
    x = np.resize([5e-324, 1e-310, 2.225e-308, -1e-310, 2.3e-308, 0.0, 1.0], size)
    expected = [math.log(value) if value > 0 else -math.inf if value == 0 else math.nan for value in x]
    np.testing.assert_allclose(jax.jit(runtime.log)(x), expected, rtol=1e-15)


# a quotient of large or small numbers, whose square is no number any more; f(x), f'(x)
QUOTIENTS = {
    "saturated": (lambda x: runtime.divide(3.0 * runtime.exp(x), 1.0 + runtime.exp(x)), 360.0, 3.0, 0.0),
    "large": (lambda x: runtime.divide(1e200 * x, 2e200 * x + 1e200), 1.0, 1 / 3, 1 / 9),
    "small": (lambda x: runtime.divide(x * 1e-200, x * 1e-200 + 2e-200), 1.0, 1 / 3, 2 / 9),
    # through infinity: constant, as seen from NEURON's value
    "Hill": (lambda x: runtime.divide(2.0, 1.0 + runtime.divide(0.3, x) ** 4), 0.0, 0.0, 0.0),
    "Hill, pow": (lambda x: runtime.divide(2.0, 1.0 + runtime.pow(runtime.divide(0.3, x), 4.0)), 0.0, 0.0, 0.0),
    "product": (lambda x: runtime.divide(2.0, 1.0 + runtime.divide(1.0, x) * runtime.divide(1.0, x)), 0.0, 0.0, 0.0),
    "factor": (lambda x: runtime.exp(-runtime.times(runtime.divide(1.0, x - 3.0), x)), 3.0, 0.0, 0.0),
    "Gauss": (lambda x: runtime.exp(-(runtime.divide(1.0, x) ** 2)), 0.0, 0.0, 0.0),
    "exp(log)": (lambda x: runtime.exp(2.0 * runtime.log(x)), 0.0, 0.0, 0.0),
    "cosh": (lambda x: runtime.divide(1.0, runtime.cosh(x)), 800.0, 0.0, 0.0),
    "sinh": (lambda x: runtime.divide(1.0, runtime.sinh(x)), -800.0, 0.0, 0.0),
    "asin": (runtime.asin, 1.0, math.pi / 2, 0.0),
    "acos": (runtime.acos, -1.0, math.pi, 0.0),
    "atan2": (lambda x: runtime.atan2(x, 2.0 * x), 0.0, 0.0, 0.0),
    "log10": (lambda x: runtime.divide(1.0, runtime.log10(x)), 0.0, 0.0, 0.0),
}


@pytest.mark.long
@pytest.mark.parametrize("name", QUOTIENTS)
def test_derivatives_do_not_overflow_where_values_do_not(name):
    function, x, value, derivative = QUOTIENTS[name]
    (found, forward), backward = jax.jvp(function, (x,), (1.0,)), jax.grad(function)(x)
    np.testing.assert_allclose(float(found), value, rtol=1e-14, atol=1e-200)
    np.testing.assert_allclose([float(forward), float(backward)], derivative, rtol=1e-14, atol=1e-200)
    assert np.isfinite(jax.grad(jax.grad(function))(x))


@pytest.mark.long
def test_a_quotient_is_that_of_the_processor_and_differentiable_in_all_ways():
    rng = np.random.default_rng(3)
    x, y = np.exp(rng.uniform(-300, 300, (2, 500))) * rng.choice([-1, 1], (2, 500))
    np.testing.assert_array_equal(jax.jit(runtime.divide)(x, y), x / y)
    assert runtime.divide(1.0, 4.0) == 0.25
    assert isinstance(runtime.divide(1.0, 4.0), float)  # a bound of a TABLE
    assert not np.isfinite(jax.grad(runtime.divide)(0.0, 0.0))  # nor is the value
    batched = jax.vmap(jax.value_and_grad(runtime.divide, argnums=(0, 1)), in_axes=(0, None))(x[:3], 2.0)
    np.testing.assert_allclose(batched[1][1], -x[:3] / 4.0, rtol=1e-15)
    slopes = jax.grad(lambda a, b: (runtime.divide(a, b) ** 2).sum(), argnums=(0, 1))
    numbers, rows = jnp.array([2.0, -3.0]), jnp.array([[1.0, 2.0, 3.0], [0.5, -1.0, 4.0]])
    for a, b, axes in [
        (numbers, rows, (0, 0)),
        (rows, numbers, (0, 0)),
        (rows, rows + 7.0, (0, 0)),
        (rows, rows[0], (0, None)),
        (rows[0], rows, (None, 0)),
        (rows[0], numbers, (None, 0)),
    ]:
        each = [slopes(*(x if axis is None else x[i] for x, axis in zip((a, b), axes, strict=True))) for i in range(2)]
        for found, expected in zip(jax.vmap(slopes, axes)(a, b), zip(*each, strict=True), strict=True):
            np.testing.assert_allclose(found, jnp.stack(expected), rtol=1e-14)
    hessian = jax.hessian(runtime.divide, argnums=(0, 1))(3.0, 2.0)
    np.testing.assert_allclose(np.array(hessian), [[0.0, -0.25], [-0.25, 0.75]], rtol=1e-15)


def neuron_ions(cases):
    from neuron import h

    out = []
    for v, inside, outside, charge, celsius in cases:
        h.celsius = celsius
        out.append([h.nernst(inside, outside, charge), h.ghk(v, inside, outside, charge)])
    return np.array(out)


def test_nernst_and_ghk_have_neurons_values():
    cases = [
        (v, i, o, z, c)
        for v in (-70.0, 0.0, 1e-5, 40.0)
        for i, o in ((5e-5, 2.0), (140.0, 5.0), (0.0, 1.0), (1.0, -1.0))
        for z in (1.0, 2.0, -1.0)
        for c in (6.3, 37.0)
    ]
    truth = run_function(neuron_ions, cases=cases)
    v, i, o, z, c = jnp.array(cases).T
    np.testing.assert_allclose(runtime.nernst(i, o, z, c), truth[:, 0], rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(runtime.nrn_ghk(v, i, o, z, c), truth[:, 1], rtol=1e-13, atol=1e-13)
    assert runtime.nernst(1.0, 2.0, 0.0, 6.3) == 0.0
    assert jnp.isnan(runtime.nernst(jnp.nan, 2.0, 2.0, 6.3))
    assert jnp.isnan(runtime.nernst(1.0, jnp.nan, 2.0, 6.3))


def test_guard_keeps_the_derivative_of_the_other_branch():
    def f(x):
        zero = x == 0.0
        return runtime.where(zero, 2.0 * x, jnp.sin(x) / runtime.guard(runtime.logical_not(zero), x))

    assert slope(f, 0.0) == 2.0
    assert slope(f, 1.0) == pytest.approx(math.cos(1) - math.sin(1))
    assert runtime.guard(True, 0.0) == 0.0
    assert runtime.guard(False, 0.0) == 1.0


def test_conditions_of_python_are_known_while_tracing():
    traced = jnp.array(True)
    assert runtime.logical_and(True, traced) is traced
    assert runtime.logical_and(traced, False) is False
    assert runtime.logical_or(traced, True) is True
    assert runtime.logical_or(False, traced) is traced
    assert runtime.logical_not(False) is True
    assert runtime.where(True, "then", "else") == "then"
    assert runtime.as_number(True) == 1.0


def test_computed_indices():
    x = jnp.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    np.testing.assert_array_equal(runtime.element(x, jnp.array([2.9, 0.0])), [5.0, 2.0])
    assert jnp.isnan(runtime.element(x, jnp.array([3.0, 0.0]))[0])
    changed = runtime.stack(runtime.put_at(tuple(x), jnp.array([1.0, 2.0]), 9.0))
    np.testing.assert_array_equal(changed, [[1, 2], [9, 4], [5, 9]])
    np.testing.assert_array_equal(runtime.stack(runtime.put(x, 0, 7.0)), [[7, 7], [3, 4], [5, 6]])


@pytest.mark.long
def test_long_arrays_are_as_short_ones(monkeypatch):
    def moved(x, at, by):
        def turn(on, x, k):
            y = runtime.put_at(x, k, by * runtime.element(x, k - 1.0) + runtime.element(x, at))
            return runtime.where(k > 2.5, runtime.put(y, 0, by), x), k - 1.0

        x, _ = runtime.loop(lambda x, k: k > 0.0, turn, (runtime.whole(runtime.put(x, 1, by)), 4.0 + at))
        return runtime.stack(x)

    start, at, by = jnp.arange(24.0).reshape(8, 3), jnp.array([0.0, 1.9, 2.0]), jnp.array([0.9, 1.1, -0.7])
    of = lambda x, by: (moved(x, at, by), runtime.element(x, jnp.array([-1.0, 8.0, 7.0])), moved((0.0,) * 8, 1.0, by))
    short = of(start, by), jax.vjp(lambda x, by: of(x, by)[::2], start, by)[1]((jnp.cos(start), jnp.sin(start)))
    monkeypatch.setattr("nrn_diff.runtime.arrays.LONG", 2)
    long = of(start, by), jax.vjp(lambda x, by: of(x, by)[::2], start, by)[1]((jnp.cos(start), jnp.sin(start)))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-15, atol=0), short, long)
    outside = [jnp.isnan(runtime.stack(runtime.put_at(start, jnp.array([-1.0, 8.0, 0.5]), 1.0))).all(0).tolist()]
    assert outside == [[True, True, False]]


# ---------------------------------------------------------------------------------------------------------- tables


def gaussian_table(width, low=-2.0, high=3.0, n=50):
    return runtime.make_table(lambda x: (runtime.exp(-x * x / width), x * width), low, high, n)


def nocmodl_lookup(table, x):
    """The C++ of nocmodl, one number at a time."""
    position = float(table.scale) * (x - float(table.low))
    rows = np.asarray(table.rows).T
    if math.isnan(position):
        return np.full(rows.shape[1], position)
    if position <= 0:
        return rows[0]
    if position >= len(rows) - 1:
        return rows[-1]
    i = int(position)
    return rows[i] + (position - i) * (rows[i + 1] - rows[i])


def test_lookup_is_nocmodls():
    table = gaussian_table(1.3)
    x = np.concatenate([np.linspace(-3, 4, 141), [-2.0, 3.0, math.nan, 1e300, -1e300, math.inf, -math.inf]])
    got = np.stack(runtime.lookup(table, jnp.asarray(x)), -1)
    np.testing.assert_allclose(got, [nocmodl_lookup(table, v) for v in x], rtol=4e-16)


def test_rows_are_accumulated_not_multiplied():
    table = runtime.make_table(lambda x: (x,), -100.0, 100.0, 300)
    step, x, expected = 200.0 / 300, -100.0, []
    for _ in range(301):
        expected.append(x)
        x += step
    assert table.rows[0].tolist() == expected
    traced = jax.jit(lambda low: runtime.make_table(lambda x: (x,), low, 100.0, 300).rows)(-100.0)
    np.testing.assert_allclose(traced[0], expected, atol=1e-13)  # XLA divides by a constant with one rounding more


@pytest.mark.long
def test_lookup_derivatives():
    x = jnp.array([-2.5, -1.03, 0.51, 2.99, 3.5])

    def f(x, width, low):
        a, b = runtime.lookup(gaussian_table(width, low), x)
        return jnp.sum(jnp.sin(a) + b * b)

    args = (x, 1.3, -2.0)
    got = jax.grad(f, argnums=(0, 1, 2))(*args)
    for i, direction in ((0, jnp.array([1.0, 2, 3, 4, 5])), (1, 1.0), (2, 1.0)):
        up, down = (tuple(a + s * 1e-6 * direction if k == i else a for k, a in enumerate(args)) for s in (1, -1))
        np.testing.assert_allclose(jnp.sum(got[i] * direction), (f(*up) - f(*down)) / 2e-6, rtol=1e-7)
    slopes = jax.vmap(jax.grad(lambda v: runtime.lookup(gaussian_table(1.3), v)[0]))(x)
    assert slopes[0] == slopes[-1] == 0.0


@pytest.mark.long
def test_entries_that_are_not_finite_have_no_derivative_and_leave_that_of_others():
    def table(p, q, n=8):  # the first variable is 0/0, the third infinite, in a row where the second is finite
        return runtime.make_table(
            lambda x: (p * runtime.divide(x, runtime.sin(q * x)), q * q * x + p, runtime.divide(q, (x - 1) * p)),
            -1.0,
            1.0,
            n,
        )

    def total(p, q, at):
        first, second, third = runtime.lookup(table(p, q), at)
        return jnp.sum(first) + jnp.sum(second**2) + jnp.sum(third)

    def middle(p, q):
        return runtime.lookup(table(p, q), jnp.asarray([0.0, 0.1, 1.5]))[1].sum()

    assert jnp.isnan(table(0.7, 1.3).rows[0, 4])
    assert jnp.isinf(table(0.7, 1.3).rows[2, 8])
    away = jnp.asarray([-0.9, -0.3, 0.31, 0.6])
    for of in (lambda p, q: total(p, q, away), middle):
        got, (dp, dq) = jax.value_and_grad(of, (0, 1))(0.7, 1.3)
        assert math.isfinite(got)
        np.testing.assert_allclose(jax.jvp(of, (0.7, 1.3), (1.0, 0.5))[1], dp + 0.5 * dq, rtol=1e-12)
        up, down = of(0.7 + 1e-6, 1.3 + 5e-7), of(0.7 - 1e-6, 1.3 - 5e-7)
        np.testing.assert_allclose(dp + 0.5 * dq, (up - down) / 2e-6, rtol=1e-7)
    curved = jax.hessian(lambda p, q: total(p, q, away), (0, 1))(0.7, 1.3)
    assert all(math.isfinite(x) for pair in curved for x in pair)


def test_table_of_array_variables():
    table = runtime.make_table(lambda x: ((x, 2 * x), 3.0), 0.0, 1.0, 4)
    (first, second), third = runtime.lookup(table, jnp.array([0.3, 0.6]), (2, 0))
    np.testing.assert_allclose(second, 2 * first)
    np.testing.assert_allclose(third, [3, 3])


# ---------------------------------------------------------------------------------------------------------- loader


def test_same_text_gives_the_same_module():
    assert runtime.load_module("x = 1\n", "a") is runtime.load_module("x = 1\n", "a")
    assert runtime.load_module("x = 1\n", "a") is not runtime.load_module("x = 2\n", "a")


def test_tracebacks_show_the_lines():
    made = runtime.load_module("def f():\n    return 1 / 0  # the line\n", "broken")
    with pytest.raises(ZeroDivisionError) as caught:
        made.f()
    assert "# the line" in "".join(traceback.format_exception(caught.value))


def test_single_precision_is_refused():
    code = (
        "import jax; jax.config.update('jax_enable_x64', False)\n"
        "from nrn_diff.runtime import load_module\n"
        "load_module('x = 1', 'a')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert Float64Required.__name__ in done.stderr
    assert "jax_enable_x64" in done.stderr


@pytest.mark.long
@pytest.mark.parametrize("axes", [(0, None), (None, 0), (0, 0), (1, None), (None, 1), (1, 0)])
@pytest.mark.parametrize("name", ["divide", "times", "pow", "atan2", "fmod"])
def test_one_of_the_two_in_a_batch(name, axes):
    function, rng = getattr(runtime, name), np.random.default_rng(0)
    x, y = (1.0 + rng.random((4, 3) if axis == 0 else (3, 4) if axis == 1 else 3) for axis in axes)
    slopes = jax.value_and_grad(lambda x, y: function(x, y).sum(), argnums=(0, 1))
    batched = jax.jit(jax.vmap(lambda x, y: (function(x, y), slopes(x, y)), in_axes=axes))(x, y)
    rows = [z.T if axis == 1 else np.broadcast_to(z, (4, 3)) for z, axis in zip((x, y), axes, strict=True)]
    alone = [(function(a, b), slopes(a, b)) for a, b in zip(*rows, strict=True)]
    for found, expected in zip(jax.tree.leaves(batched), zip(*map(jax.tree.leaves, alone), strict=True), strict=True):
        # XLA may multiply by the inverse.
        np.testing.assert_allclose(found, np.stack(expected), rtol=1e-14)
