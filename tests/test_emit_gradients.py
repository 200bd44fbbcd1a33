"""Gradients of emitted blocks: finite wherever the value is, equal to finite differences."""

import random

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from emit_helpers import assign, binary, branch, call, mechanism, module, num, translated, var

from mod_translator import ir

INPUTS = ("a", "b", "c")


class Programs:
    """Random bodies with nested ifs whose conditions keep singular operations out of their branches."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.locals = []
        self.count = 0

    def atom(self):
        kinds = [var(n) for n in (*INPUTS, *self.locals)]
        return self.random.choice([*kinds, *kinds, num(round(self.random.uniform(-3, 3), 2))])

    def smooth(self, depth=2):
        if depth == 0:
            return self.atom()
        match self.random.randrange(5):
            case 0:
                return binary(self.random.choice("+-*"), self.smooth(depth - 1), self.smooth(depth - 1))
            case 1:
                return call(self.random.choice(["sin", "tanh", "atan"]), self.smooth(depth - 1))
            case 2:
                return binary("/", self.smooth(depth - 1), binary("+", num(1), call("exp", self.atom())))
            case 3:
                return binary("^", call("sin", self.atom()), num(self.random.choice([2, 3])))
        return self.atom()

    def guarded(self, target):
        """if (x != 0 or x > 0) target = an operation that is singular there, else something smooth."""
        x = self.smooth(1)
        positive = binary(">", x, num(0))
        small = binary("<", call("fabs", x), num(1e-6))
        match self.random.randrange(7):
            case 0:
                test, value = positive, call("log", x)
            case 1:
                test, value = positive, call("sqrt", x)
            case 2:
                test, value = positive, call("pow", x, self.smooth(1))
            case 3:
                test, value = binary("!=", x, num(0)), binary("/", self.smooth(1), x)
            case 4:
                denominator = binary("-", call("exp", x), num(1))
                return branch(small, self.body(target), (assign(target, binary("/", x, denominator)),))
            case 5:
                test, value = ir.Unary("!", small), call("trap", x, self.smooth(1))
            case _:
                test, value = binary("&&", positive, binary("<", x, num(2))), binary("^", x, num(-2))
        deeper = self.body(target)
        return branch(test, (*deeper, assign(target, binary("+", var(target), value))), self.body(target))

    def body(self, target, depth=None):
        self.count += 1
        if self.count > 8 or self.random.random() < 0.4:
            return (assign(target, self.smooth()),)
        return (assign(target, self.smooth()), self.guarded(target))

    def mechanism(self):
        statements = []
        for k in range(3):
            statements += self.body(f"x{k}")
            self.count = 0
            self.locals.append(f"x{k}")
        statements.append(assign("y", call("tanh", binary("+", var("x0"), binary("+", var("x1"), var("x2"))))))
        return mechanism(tuple(statements), INPUTS, ("y",), routines={"trap": TRAP})


# a function with singularities of its own: vtrap(x, y) with an extra log that is defined for y > -1 only
TRAP = ir.Routine(
    "trap",
    "FUNCTION",
    (
        branch(
            binary("<", call("fabs", binary("/", var("x"), num(3))), num(1e-6)),
            (assign("trap", binary("*", num(3), binary("-", num(1), binary("/", var("x"), num(6))))),),
            (assign("trap", binary("/", num(1), binary("-", call("exp", binary("/", var("x"), num(3))), num(1)))),),
        ),
        branch(
            binary(">", var("y"), num(-1)),
            (assign("trap", binary("+", var("trap"), call("log", binary("+", var("y"), num(1))))),),
        ),
    ),
    args=("x", "y"),
    results=("trap",),
)


def values(seed):
    """Ordinary points, and the singular ones: zeros and equal numbers."""
    rng = np.random.default_rng(seed)
    ordinary = rng.uniform(-3, 3, (3, 12))
    special = rng.choice([0.0, 0.0, 1.0, -1.0, 2.0], (3, 24))
    return ordinary, special


@pytest.mark.long
@pytest.mark.parametrize("seed", [*range(5), *(pytest.param(k, marks=pytest.mark.slow) for k in range(5, 60))])
def test_random_programs(seed):
    made = module(Programs(seed).mechanism())
    ordinary, special = values(seed)

    @jax.jit
    def f(a, b, c):
        return made.current(a=a, b=b, c=c)["y"] + 0.0 * a

    gradient = jax.jit(jax.grad(lambda *x: jnp.sum(f(*x)), argnums=(0, 1, 2)))
    for point in (special, ordinary):
        finite = np.isfinite(f(*point))
        assert all(np.all(np.isfinite(g[finite])) for g in gradient(*point))
    y, got = f(*ordinary), gradient(*ordinary)
    for i in range(3):
        estimates = []
        for h in (1e-5, 1e-6):
            step = np.zeros((3, 1))
            step[i] = h
            estimates.append((f(*(ordinary + step)) - f(*(ordinary - step))) / (2 * h))
        # where the two differ the step crosses a condition
        smooth = np.isclose(*estimates, rtol=1e-4, atol=1e-6) & np.isfinite(y) & (np.abs(estimates[0]) < 1e4)
        assert smooth.sum() >= 6
        np.testing.assert_allclose(got[i][smooth], estimates[0][smooth], rtol=2e-4, atol=1e-5)


TRAPS = """
NEURON { SUFFIX traps NONSPECIFIC_CURRENT i RANGE g, vh }
PARAMETER { g = 1 vh = -40 }
ASSIGNED { v i }
BREAKPOINT {
    if (v < -90) { i = g / (v + 90) } else { i = g * vtrap(v - vh, 10) + safelog(v + 50) }
}
FUNCTION vtrap(x, y) {
    if (fabs(x / y) < 1e-6) { vtrap = y * (1 - x / y / 2) } else { vtrap = x / (exp(x / y) - 1) }
}
FUNCTION safelog(x) { if (x > 0) { safelog = log(x) } else { safelog = 0 } }
"""


def test_vtrap_has_its_slope_at_the_singularity():
    made = module(translated(TRAPS))
    slope = jax.grad(lambda v, vh: made.current(v=v, g=1.0, vh=vh)["i"], argnums=(0, 1))
    dv, dvh = slope(-40.0, -40.0)
    assert dv == pytest.approx(-0.5 + 1 / 10)
    assert dvh == pytest.approx(0.5)


@pytest.mark.parametrize("v", [-1000.0, -100.0, -90.0, -50.0, -40.0, -40.00001, 1e4])
def test_branches_not_taken_do_not_disturb(v):
    made = module(translated(TRAPS))
    value, slopes = jax.value_and_grad(lambda v, g: made.current(v=v, g=g, vh=-40.0)["i"], argnums=(0, 1))(v, 1.0)
    assert np.isfinite(value)
    assert np.all(np.isfinite(slopes))


def test_functions_that_are_never_conditional_get_no_condition():
    from mod_translator.emit import emit

    text = emit(translated(TRAPS.replace("if (v < -90) { i = g / (v + 90) } else {", "if (v < 90) {")))
    assert "def vtrap(x, y, when=True):" in text
    text = emit(translated(TRAPS.replace("if (v < -90) { i = g / (v + 90) } else {", "{")))
    assert "def vtrap(x, y):" in text
