"""Every adjoint strategy against differences of NEURON; second derivatives in all combinations of the modes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from neuron_process import run_function

from nrn_diff import runtime
from nrn_diff.adjoint import Direct, Rematerialised
from nrn_diff.richardson import derivative
from nrn_diff.spike_derivative import CrossingTime

TABLE = lambda a: runtime.make_table(lambda x: (runtime.exp(-x * x / a),), -3.0, 3.0, 50)


def combinations(loss, along):
    """The second derivative along a direction: H d."""
    slope = jax.grad(loss)
    return {
        "forward over reverse": jax.jit(lambda th: jax.jvp(slope, (th,), (along,))[1]),
        "reverse over reverse": jax.jit(jax.grad(lambda th: jnp.vdot(slope(th), along))),
        "reverse over forward": jax.jit(jax.grad(lambda th: jax.jvp(loss, (th,), (along,))[1])),
    }


# what a step of a mechanism does, state x and parameters a and b: x after it
STEPS = {
    "exp": lambda x, a, b: x * runtime.exp(-a * x) + 0.1 * b,
    "functions": lambda x, a, b: (
        runtime.log(1 + a * x) + runtime.sqrt(x + b) * runtime.pow(x, a) / 9 - runtime.sinh(x) / 9
    ),
    "quotient": lambda x, a, b: runtime.divide(x + b, 1.0 + runtime.exp(a * x)),
    "derivimplicit": lambda x, a, b: runtime.derivimplicit(lambda y: (-a * y * y + b * runtime.exp(-y),), (x,), 0.3)[0],
    "sparse": lambda x, a, b: runtime.sparse(lambda y, z: (-a * y * y * z + b, y - z), (x, 0.4), 0.3)[0],
    "in order": lambda x, a, b: runtime.derivimplicit_in_order(
        lambda y, w: (-a * y * y + b * w, runtime.exp(-y)), (x,), 0.3, (0.5,), at=(1,)
    )[-1][0],
    "TABLE": lambda x, a, b: runtime.lookup(TABLE(a), x + b)[0] + 0.3 * x,
}


@pytest.mark.long
@pytest.mark.parametrize("name", STEPS)
def test_steps_of_mechanisms_in_a_scan(name):
    def loss(theta, how):
        step = lambda x, _: (STEPS[name](x, theta[0], theta[1]), x)
        return (how.scan(step, 0.3 + 0.2 * theta[1], None, 4)[1] ** 2).sum()

    theta, along = jnp.array([0.8, 0.6]), jnp.array([0.7, -0.4])
    gradient = jax.jit(jax.grad(lambda th: loss(th, Direct())))
    judge = [derivative(lambda e, k=k: float(gradient(theta + e * along)[k]), 0.0, 1e-3)[0] for k in range(2)]
    assert np.all(np.abs(judge) > 1e-3)
    for way, curvature in combinations(lambda th: loss(th, Rematerialised()), along).items():
        np.testing.assert_allclose(curvature(theta), judge, rtol=1e-6, err_msg=way)
    each = jnp.stack([theta, theta * 1.1])
    batched = jax.vmap(jax.grad(lambda th: loss(th, Direct())))(each)
    np.testing.assert_allclose(batched, [gradient(th) for th in each], rtol=1e-12)


def test_none_through_the_time_of_a_spike():
    def time(v):
        return CrossingTime().shift(v - 1.0, v + 1.0, jnp.array([0.2]), jnp.array([True]), 0.025)[0]

    v = jnp.array([0.1])
    assert jax.grad(time)(v) == pytest.approx(-0.0125)
    for second in (jax.hessian(time), jax.jacrev(jax.grad(time)), jax.jacfwd(jax.jacfwd(time))):
        with pytest.raises(NotImplementedError, match="second derivative"):
            second(v)


def cell(h, events):
    """Three segments with hh, a current, and a synapse with one event; what must stay alive, the trace last."""
    h.load_file("stdrun.hoc")
    section = h.Section("cell")
    section.L, section.diam, section.nseg = 90, 4, 3
    section.insert("hh")
    h.usetable_hh = 0
    clamp = h.IClamp(section(0.1))
    clamp.delay, clamp.dur, clamp.amp = 0.1, 1, 0.05
    synapse, train = h.ExpSyn(section(0.9)), h.NetStim()
    train.start, train.number = 0.1, events
    connection = h.NetCon(train, synapse)
    connection.delay, connection.weight[0] = 0.1, 2e-2
    h.v_init, h.dt, h.tstop, h.steps_per_ms = -62, 0.025, 0.6, 40
    return section, clamp, synapse, train, connection, h.Vector().record(section(0.5)._ref_v)


def gradients(events):
    """Of each strategy, and of NEURON's runs: with respect to gnabar_hh, Ra, the current and the weight."""
    import jax
    import numpy as np
    from neuron import h

    import nrn_diff
    from nrn_diff import Param, adjoint
    from nrn_diff.richardson import derivative

    jax.config.update("jax_enable_x64", True)
    alive = cell(h, events)
    section, clamp, *_, connection, trace = alive
    model = nrn_diff.capture()
    wanted = [Param("gnabar_hh", share="all"), Param("Ra", share="all"), Param("IClamp.amp"), Param("NetCon.weight")]
    theta = model.parameters(*wanted[: 3 + events])

    def loss(theta, how):
        return ((model.simulate(theta, adjoint=how)["cell(0.5).v"] + 60) ** 2).mean()

    strategies = [adjoint.Direct(), adjoint.Rematerialised(), adjoint.Checkpointed(5), adjoint.Forward()]
    found = {
        repr(how): [float(np.sum(x)) for x in jax.tree.leaves(jax.jit(jax.grad(loss), static_argnums=1)(theta, how))]
        for how in strategies
    }

    def put_sodium(x):
        for segment in section:
            segment.hh.gnabar = x

    setters = [
        (put_sodium, section(0.5).hh.gnabar),
        (lambda x: setattr(section, "Ra", x), section.Ra),
        (lambda x: setattr(clamp, "amp", x), clamp.amp),
        (lambda x: connection.weight.__setitem__(0, x), connection.weight[0]),
    ]
    judged = []
    for put, start in setters[: 3 + events]:

        def theirs(x, put=put):
            put(x)
            h.run()
            return float(np.mean((np.array(trace) + 60) ** 2))

        judged.append(derivative(theirs, start, 0.02 * start))
        put(start)
    return found, judged


@pytest.mark.slow
@pytest.mark.parametrize("events", [1, 0])
def test_every_strategy_gives_neurons_differences(events):
    found, judged = run_function(gradients, events=events)
    expected, errors = np.array(judged).T
    assert len(found) == 4
    assert len(expected) == 3 + events
    assert np.all(np.abs(expected) > 1e-6)
    assert np.all(errors <= 1e-7 * np.abs(expected)), judged
    for how, slopes in found.items():
        np.testing.assert_allclose(slopes, expected, rtol=2e-7, err_msg=how)


def curvature_of_a_cell(kind):
    """Two Hessians of the cell, alone or within extracellular layers, and differences of its gradient."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from neuron import h

    import nrn_diff
    from nrn_diff.richardson import derivative

    jax.config.update("jax_enable_x64", True)
    alive = cell(h, 1)
    section = alive[0]
    h.usetable_hh = 1
    names, scale = ["gnabar_hh", "Ra", "NetCon.weight"], jnp.array([0.12, 35.4, 2e-2])
    if kind == "layers":
        section.insert("extracellular")
        for segment in section:
            for k in range(2):
                segment.xraxial[k], segment.xg[k], segment.xc[k] = 50 + k, 0.05, 0.3
        names[2], scale = "xg[0]", scale.at[2].set(0.05)
    model = nrn_diff.capture()
    theta = model.parameters(*(nrn_diff.Param(n, share="all") for n in names))

    def loss(x):
        changed = dict(zip(theta, x * scale, strict=True))
        return ((model.simulate(theta.replace(**changed))["cell(0.5).v"] + 60) ** 2).mean()

    x = jnp.ones(3)
    gradient = jax.jit(jax.grad(loss))

    def judged(j, k):
        return derivative(lambda e: float(gradient(x.at[j].add(e))[k]), 0.0, 1e-2)[0]

    rows = [[judged(j, k) for k in range(3)] for j in range(3)]
    return np.asarray(jax.jit(jax.hessian(loss))(x)), np.asarray(jax.jit(jax.jacrev(jax.grad(loss)))(x)), rows


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["synapse", "layers"])
def test_hessian_of_a_cell(kind):
    found, other, judge = run_function(curvature_of_a_cell, kind=kind)
    assert np.all(np.abs(judge) > 1e-6), judge
    for hessian in (found, other):
        np.testing.assert_allclose(hessian, judge, rtol=1e-5, atol=1e-8)
