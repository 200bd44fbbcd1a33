"""Derivatives through spikes: the judge is NEURON's variable step, where the time of a spike is a smooth function."""

import numpy as np
import pytest
from neuron_process import run_function
from test_spikes_against_neuron import DEPRESSING

START = {"IClamp.amp": 0.15, "gnabar_hh": 0.12, "NetCon.threshold": -5.0, "NetCon.weight": 0.002, "NetCon.delay": 1.1}
TSTOP = 13.0


def build(h, synapse):
    """A spiking cell that drives a passive one; a setter for each parameter."""
    h.load_file("stdrun.hoc")
    a, b = h.Section("a"), h.Section("b")
    for section in (a, b):
        section.L = section.diam = 15
    a.insert("hh")
    b.insert("pas")
    h.usetable_hh = 0
    s = getattr(h, synapse)(b(0.5))
    s.e = 0
    wire = h.NetCon(a(0.5)._ref_v, s, sec=a)
    wire.threshold, wire.delay, wire.weight[0] = (START[f"NetCon.{x}"] for x in ("threshold", "delay", "weight"))
    clamp = h.IClamp(a(0.5))
    clamp.delay, clamp.dur, clamp.amp = 0, 30, START["IClamp.amp"]
    h.v_init, h.tstop = -65, TSTOP
    setters = {
        "IClamp.amp": lambda x: setattr(clamp, "amp", x),
        "gnabar_hh": lambda x: setattr(a(0.5).hh, "gnabar", x),
        "NetCon.threshold": lambda x: setattr(wire, "threshold", x),
        "NetCon.weight": lambda x: wire.weight.__setitem__(0, x),
        "NetCon.delay": lambda x: setattr(wire, "delay", x),
    }
    return [a, b, s, wire, clamp], setters


def window(t):
    return np.exp(-(((t - 8) / 2.0) ** 2))


def by_variable_step(synapse):
    """Central differences of the weighted mean of the second cell's voltage, by CVODE at tight tolerances."""
    from neuron import h

    keep, setters = build(h, synapse)
    h.cvode.active(1)
    h.cvode.condition_order(2)
    h.cvode.atol(1e-10)
    h.cvode.rtol(1e-10)
    times = np.arange(0.0, TSTOP, 0.02)

    def loss(name, x):
        setters[name](x)
        h.finitialize(-65)
        v = [(h.cvode.solve(t), keep[1](0.5).v)[1] for t in times]
        setters[name](START[name])
        return float(np.sum(window(times) * v) * 0.02)

    return {n: (loss(n, x * 1.001) - loss(n, x * 0.999)) / (0.002 * x) for n, x in START.items()}


def ours(synapse, steps_per_ms):
    import jax
    import jax.numpy as jnp
    from neuron import h

    import nrn_diff
    from nrn_diff.spike_derivative import CrossingTime, NoDerivative, Surrogate

    jax.config.update("jax_enable_x64", True)
    keep, _ = build(h, synapse)
    out = {}
    recorded = h.Vector().record(keep[1](0.5)._ref_v)
    for n in steps_per_ms:
        h.dt, h.steps_per_ms = 1 / n, n
        model = nrn_diff.capture()
        theta = model.parameters(*START)
        weight = jnp.asarray(window(model.t)) / n
        kinds = (NoDerivative(), CrossingTime(), Surrogate()) if n == steps_per_ms[0] else (CrossingTime(),)
        for kind in kinds:
            loss = lambda th, m=model, w=weight, kind=kind: jnp.sum(w * m.simulate(th, spikes=kind)["b(0.5).v"])
            value, slope = jax.value_and_grad(loss)(theta)
            out[f"{type(kind).__name__} {n}"] = {"": float(value), **{k: float(slope[k][0]) for k in START}}
    with pytest.raises(nrn_diff.errors.ParameterError, match="capture again"):
        model.simulate(theta.replace(**{"NetCon.delay": np.array([1.2])}))
    lost = jax.jit(lambda th: model.simulate(th)["b(0.5).v"])(theta.replace(**{"NetCon.delay": np.array([1.2])}))
    assert np.isnan(lost).all()
    model.write_back(theta)
    assert keep[3].delay == START["NetCon.delay"]
    del recorded
    return out


@pytest.mark.long
@pytest.mark.parametrize("synapse", [pytest.param("ExpSyn", marks=pytest.mark.slow), "Depress"])
def test_crossing_time_is_the_derivative_of_the_continuous_model(synapse):
    mods = {"depress.mod": DEPRESSING} if synapse == "Depress" else None
    theirs = run_function(by_variable_step, mods=mods, synapse=synapse)
    out = run_function(ours, mods=mods, synapse=synapse, steps_per_ms=[40, 160])
    coarse, fine = out["CrossingTime 40"], out["CrossingTime 160"]
    for name, slope in theirs.items():
        # First order in dt, as the fixed step is: four times smaller steps, an error about four times smaller.
        far, near = abs(coarse[name] - slope), abs(fine[name] - slope)
        assert near <= 0.08 * abs(slope), (name, fine[name], slope)
        assert near <= 0.4 * far + 0.004 * abs(slope), (name, far, near, slope)
    # Values do not depend on the object; without one, what moves the spike only has no derivative.
    none, surrogate = out["NoDerivative 40"], out["Surrogate 40"]
    assert none[""] == coarse[""] == surrogate[""]
    assert none["IClamp.amp"] == none["gnabar_hh"] == none["NetCon.threshold"] == none["NetCon.delay"] == 0.0
    assert none["NetCon.weight"] == pytest.approx(coarse["NetCon.weight"], rel=1e-9)
    # A surrogate says that a lower threshold means more spikes, hence a depolarised target.
    assert surrogate["NetCon.threshold"] < 0.0
