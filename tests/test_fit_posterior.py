"""Identifiability and log-density on a model whose answers are known; export of fitted values to HOC and Python."""

import runpy

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from neuron_process import run_function

from nrn_diff.fitting import FitError, LogDensity, gauss_newton_product, identifiability, trace_mse


class Line:
    """y = (a + b) * t + c: only the sum of a and b can be known."""

    t = jnp.linspace(0.0, 1.0, 30)

    def simulate(self, theta):
        return {"y": (theta["a"] + theta["b"]) * self.t + theta["c"]}


THETA = {"a": jnp.asarray(1.0), "b": jnp.asarray(1.0), "c": jnp.asarray(1.0)}


def test_what_cannot_be_known_is_the_sloppy_direction():
    loss = trace_mse("y", Line().simulate(THETA)["y"])
    found = identifiability(Line(), THETA, loss)
    assert found.names == ("a", "b", "c")
    assert found.eigenvalues[-1] < 1e-12 * found.eigenvalues[0]
    [(value, parts)] = found.sloppy()
    assert value == found.eigenvalues[-1]
    amount = dict(parts)
    assert amount["a"] == pytest.approx(-amount["b"])
    assert abs(amount["a"]) == pytest.approx(np.sqrt(0.5))
    # The spectrum is that of the curvature of the loss, half its Hessian at the minimum.
    hessian = jax.hessian(lambda x: loss(Line().simulate(dict(zip("abc", x, strict=True)))))(jnp.ones(3))
    np.testing.assert_allclose(found.eigenvalues[:2], np.linalg.eigvalsh(hessian / 2)[:0:-1], rtol=1e-9)
    product = gauss_newton_product(Line(), THETA, loss)
    direction = dict(zip("abc", jnp.asarray(found.directions[:, 0]), strict=True))
    out = product(direction)
    for k, name in enumerate("abc"):
        assert float(out[name]) == pytest.approx(found.eigenvalues[0] * found.directions[k, 0], abs=1e-12)
    assert "direction" in found.section().blocks[1].header
    with pytest.raises(FitError, match="sum of squares"):
        identifiability(Line(), THETA, lambda rec: rec["y"].sum())


def test_log_density_can_be_sampled_from():
    """The Metropolis-adjusted Langevin algorithm, ten lines, finds the known posterior of the offset."""
    rng = np.random.default_rng(2)
    sigma, model = 0.5, Line()
    data = np.asarray(model.simulate(THETA)["y"]) + sigma * rng.standard_normal(30)
    theta = {"c": jnp.asarray(1.0)}

    class Offset:
        def simulate(self, th):
            return model.simulate({**THETA, "c": th["c"]})

    # trace_mse is a mean over 30 samples.
    log_prob = LogDensity(Offset(), theta, trace_mse("y", data), noise=sigma / np.sqrt(30), bounds={"c": (-10.0, 10.0)})
    both, step = jax.jit(jax.value_and_grad(log_prob)), 0.02
    z, samples = log_prob.start, []
    value, slope = both(z)
    for _ in range(3000):
        new = z + 0.5 * step**2 * slope + step * rng.standard_normal(1)
        new_value, new_slope = both(new)
        back = -np.sum((z - new - 0.5 * step**2 * new_slope) ** 2) / (2 * step**2)
        forth = -np.sum((new - z - 0.5 * step**2 * slope) ** 2) / (2 * step**2)
        if np.log(rng.random()) < new_value - value + back - forth:
            z, value, slope = new, new_value, new_slope
        samples.append(float(log_prob.theta(z)["c"]))
    kept = np.array(samples[200:])
    expected = np.mean(data - 2 * np.asarray(model.t))
    assert kept.mean() == pytest.approx(expected, abs=0.03)
    assert kept.std() == pytest.approx(sigma / np.sqrt(30), rel=0.25)
    # The prior is uniform in c: in z it is the logistic density.
    flat = LogDensity(Offset(), theta, lambda rec: 0.0 * rec["y"].sum(), bounds={"c": (-10.0, 10.0)})
    assert float(flat(jnp.asarray([0.7]))) == pytest.approx(-0.7 - 2 * np.log1p(np.exp(-0.7)))


def export():
    import neuron_models
    from neuron import h

    import nrn_diff
    from nrn_diff import Param
    from nrn_diff.export import write_hoc, write_python

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    keep = neuron_models.hh_tree(h, depth=2, nseg=3, usetable=1, tstop=5)
    h("create hocsec")
    more = [h.Section(name="twin"), h.Section(name="twin"), h.Section(), h.Section(name='a"b\\n%s')]
    for section in (h.hocsec, *more):
        section.insert("pas")
    synapse = h.ExpSyn(keep[0][1](0.5))
    wire = h.NetCon(keep[0][0](0.5)._ref_v, synapse, sec=keep[0][0])
    samples, times = h.Vector([0.0, 0.2, 0.0]), h.Vector([0.0, 1.0, 4.0])
    more.append(h.IClamp(keep[0][0](0.5)))
    more[-1].dur = 1e9
    samples.play(more[-1]._ref_amp, times, True)
    matrices, vectors = (h.Matrix(1, 1), h.Matrix(1, 1)), (h.Vector(1), h.Vector([0.1]))
    more.append(h.LinearMechanism(*matrices, *vectors, 0.5, sec=keep[0][2]))
    model = nrn_diff.capture()
    names = ("gnabar_hh", "Ra", "celsius", "ExpSyn.tau", "NetCon.weight", "NetCon.threshold", "cm", "IClamp.del")
    along = Param("gl_hh", share=lambda d, c: c[0] * (1 + d / c[1]), start=(3e-4, 500.0))
    theta = model.parameters(*names, "play[0]", "g_pas", along, Param("L", where="root", share="all"))
    theta = theta.replace(**{"IClamp.del": [1.0, 0.0]})
    rng = np.random.default_rng(0)
    wanted = jax.tree.map(lambda x: np.asarray(x) * (1 + 0.1 * rng.random(np.shape(x))) + 1e-3, theta)
    write_hoc(model, wanted, "fitted.hoc")
    write_python(model, wanted, "fitted.py")
    ours, voltages = model.simulate(wanted), [r for r in model.capture.records if r.kind == "v"]
    out, live = {}, {v.hname(): v for v in h.List("Vector")}
    refused = []
    for name in ("LinearMechanism[0].b", "m_hh"):
        with pytest.raises(nrn_diff.ParameterError) as error:
            write_hoc(model, model.parameters(name), "never.hoc")
        refused.append(str(error.value))
    for how in ("hoc", "python"):
        model.write_back(theta)
        if how == "hoc":
            h.load_file("fitted.hoc")
        else:
            runpy.run_path("fitted.py")
        h.run()
        out[f"{how}, mV"] = max(np.abs(np.array(live[r.vector]) - np.asarray(ours[r.label])).max() for r in voltages)
        now = nrn_diff.capture().parameters(*(spec for spec in theta.specs if spec is not along))
        out[how] = [[np.asarray(now[k]), np.asarray(wanted[k]), np.asarray(theta[k])] for k in now]
    del wire, more
    return out | {"refused": refused}


@pytest.mark.long
def test_files_set_the_values_in_neuron():
    out = run_function(export)
    for how in ("hoc", "python"):
        assert out[f"{how}, mV"] < 1e-9
        assert len(out[how]) == 11
        for now, wanted, before in out[how]:
            np.testing.assert_array_equal(now, wanted)
            assert not np.array_equal(now, before)
    assert "LinearMechanism does not say" in out["refused"][0]
    assert "where a run starts from" in out["refused"][1]
