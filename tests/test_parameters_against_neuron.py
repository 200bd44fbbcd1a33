"""Shape, start values and functions of path distance as parameters: values and gradients are NEURON's."""

import numpy as np
import pytest
from neuron_process import run_function

PROFILE = (2e-4, 1.5, 300.0)


def profile(d, c):
    """A leak that grows with path distance; for numpy and jax.numpy alike."""
    return c[0] * (1 + c[1] * (d / c[2]) ** 2)


def build(h):
    """Cylinders and 3-D sections, attached at ends, in the middle and by the 1 end."""
    h.load_file("stdrun.hoc")
    soma, straight, tapered, reverse, side = (
        h.Section(name) for name in ("soma", "straight", "tapered", "rev", "side")
    )
    soma.L = soma.diam = 18
    straight.L, straight.nseg = 220, 3
    for k, segment in enumerate(straight):
        segment.diam = 2 - 0.3 * k
    for k, d in enumerate((3.0, 2.0, 2.2, 0.9)):
        tapered.pt3dadd(37.0 * k, 5.0, 0.3 * k, d)
    tapered.nseg = 3
    reverse.L, reverse.diam, reverse.nseg = 130, 1.2, 2
    for k, d in enumerate((1.0, 1.3, 0.8)):
        side.pt3dadd(30.0 * k, 9.0, 0.0, d)
    side.nseg = 2
    straight.connect(soma(1))
    tapered.connect(soma(0))
    reverse.connect(straight(1), 1)
    side.connect(tapered(0.5))
    sections = [soma, straight, tapered, reverse, side]
    for section in sections:
        section.Ra = 140
        section.insert("pas")
        section.g_pas, section.e_pas = 2e-4, -68
    soma.insert("hh")
    h.usetable_hh = 0
    clamp = h.IClamp(straight(0.9))
    clamp.delay, clamp.dur, clamp.amp = 0.5, 20, 0.5
    h.v_init, h.tstop, h.dt, h.steps_per_ms = -66, 8, 0.025, 40
    traces = [h.Vector().record(seg._ref_v) for seg in (soma(0.5), side(0.7), reverse(0.2))]
    return sections, clamp, traces


LABELS = ("soma(0.5).v", "side(0.75).v", "rev(0.25).v")


def shapes():
    import jax
    from neuron import h

    import nrn_diff
    from nrn_diff import Param
    from nrn_diff.richardson import derivative

    jax.config.update("jax_enable_x64", True)
    sections, _clamp, traces = build(h)
    soma, straight, tapered, reverse, side = sections
    model = nrn_diff.capture()
    theta = model.parameters(
        "L",
        Param("diam", where=[soma, straight, reverse]),
        Param("g_pas", share=profile, start=PROFILE, origin=straight(0.4)),
    )
    origin = straight(0.4)
    distances = model._assignment(theta.specs[2]).distance
    their_distances = [h.distance(origin, segment) for section in sections for segment in section]
    changed = theta.replace(L=theta["L"] * np.array([1.1, 0.8, 1.3, 1.2, 0.7]), **{list(theta)[1]: theta["diam"] * 1.2})
    values = model.with_theta(changed)

    def set_leak(c):
        for section in sections:
            for segment in section:
                segment.g_pas = profile(h.distance(origin, segment), c)

    def loss():
        h.run()
        return sum(float(np.mean((np.array(x) + 60) ** 2)) for x in traces)

    set_leak(PROFILE)
    base = {"unchanged": np.max(np.abs(traces_of(model.simulate(theta)) - run(h, traces)))}
    ours = jax.grad(lambda th: sum(((x + 60) ** 2).mean() for x in traces_of(model.simulate(th))))(theta)
    out = {}

    def judge(name, value, setter, start, width=1e-3):
        slope, error = derivative(lambda x: (setter(x), loss())[1], start, width * abs(start))
        setter(start)
        out[name] = [float(value), slope, error]

    for k, section in enumerate(sections):
        if section in (soma, straight, reverse):
            judge(f"L {section}", ours["L"][k], lambda x, s=section: setattr(s, "L", x), section.L)
    judge("diam", ours["diam"][2], lambda x: setattr(straight(0.5), "diam", x), straight(0.5).diam)
    judge("diam rev", ours["diam"][4], lambda x: setattr(reverse(0.2), "diam", x), reverse(0.2).diam)
    for k in range(3):
        setter = lambda x, k=k: set_leak([x if i == k else c for i, c in enumerate(PROFILE)])
        # Narrower differences have fewer digits.
        judge(f"coefficient {k}", ours["g_pas"][k], setter, PROFILE[k], 0.1)
    # 3-D sections last: setting L rewrites their points, which rounds.
    for k, section in ((2, tapered), (4, side)):
        judge(f"L {section}", ours["L"][k], lambda x, s=section: setattr(s, "L", x), section.L)
    model.write_back(changed)
    written = np.max(np.abs(traces_of(model.simulate(changed)) - run(h, traces)))
    area = [segment.area() for section in sections for segment in section]
    rows = model.structure.row_of_node[model.capture.cable.segment_node]
    refused = []
    for spec in (Param("diam"), Param("celsius", share=profile, start=(1.0,)), Param("L", where="side", share="all")):
        try:
            model.parameters(spec)
            refused.append("")
        except nrn_diff.ParameterError as error:
            refused.append(str(error))
    return {
        "gradients": out,
        "distances": [np.asarray(distances), their_distances],
        "area": [np.asarray(values.cable.area)[rows], area],
        "traces": [base["unchanged"], written],
        "refused": refused,
        "saved": save_and_load(model, theta),
    }


def traces_of(recording):
    import jax.numpy as jnp

    return jnp.stack([recording[label] for label in LABELS])


def run(h, traces):
    h.run()
    return np.array([np.array(x) for x in traces])


def save_and_load(model, theta):
    import nrn_diff

    model.save("m.nrndiff")
    again = nrn_diff.load("m.nrndiff").with_theta(theta).cable
    return [np.asarray(again.area), np.asarray(model.with_theta(theta).cable.area)]


@pytest.mark.long
def test_shape_and_functions_of_distance():
    out = run_function(shapes)
    np.testing.assert_allclose(*out["distances"], rtol=1e-12)
    np.testing.assert_allclose(*out["area"], rtol=1e-12)
    np.testing.assert_array_equal(*out["saved"])
    assert max(out["traces"]) < 1e-9, out["traces"]
    assert len(out["gradients"]) == 10
    for name, (ours, theirs, error) in out["gradients"].items():
        tight = 1e-4 if "coefficient" in name else 1.0
        assert error <= tight * 1e-5 * abs(theirs), f"{name}: the difference quotient itself is only good to {error:g}"
        assert abs(ours - theirs) <= tight * 1e-6 * abs(theirs) + error, f"{name}: {ours:.10g}, NEURON {theirs:.10g}"
    assert "3-D points" in out["refused"][0]
    assert "no distance" in out["refused"][1]
    assert out["refused"][2] == ""


def starts():
    import jax
    from neuron import h

    import nrn_diff
    from nrn_diff import Param
    from nrn_diff.richardson import derivative

    jax.config.update("jax_enable_x64", True)
    sections, _clamp, traces = build(h)
    soma, straight = sections[:2]
    model = nrn_diff.capture()
    theta = model.parameters("m_hh", Param("v", where=straight), "v_init")
    h.finitialize(-66)
    found = [float(theta["m_hh"][0]), soma(0.5).m_hh]
    plain = np.max(np.abs(traces_of(model.simulate(theta)) - run(h, traces)))
    start = {"m": 0.3, "v": -50.0}
    # Start voltages come after v_init and before INITIAL, states after INITIAL.
    voltages = h.FInitializeHandler(0, lambda: setattr(straight(0.5), "v", start["v"]))
    states = h.FInitializeHandler(1, lambda: setattr(soma(0.5), "m_hh", start["m"]))
    changed = theta.replace(m_hh=[0.3], **{"v in straight": theta["v"].at[1].set(-50.0)})
    replaced = np.max(np.abs(traces_of(model.simulate(changed)) - run(h, traces)))
    ours = jax.grad(lambda th: sum(((x + 60) ** 2).mean() for x in traces_of(model.simulate(th))))(changed)
    out = {}
    for name, value, at in (("m", ours["m_hh"][0], 0.3), ("v", ours["v"][1], -50.0)):

        def f(x, name=name):
            start[name] = x
            return float(np.mean((run(h, traces) + 60) ** 2, axis=1).sum())

        out[name] = [float(value), *derivative(f, at, 1e-3 * abs(at))]
        start[name] = at
    del voltages, states
    try:
        model.write_back(changed)
        message = ""
    except nrn_diff.WriteBackError as error:
        message = str(error)
    return {"found": found, "traces": [plain, replaced], "gradients": out, "write_back": message}


@pytest.mark.long
def test_start_values():
    out = run_function(starts)
    assert out["found"][0] == pytest.approx(out["found"][1], rel=1e-14)
    assert max(out["traces"]) < 1e-9, out["traces"]
    for name, (ours, theirs, error) in out["gradients"].items():
        assert abs(ours - theirs) <= 1e-6 * abs(theirs) + error, f"{name}: {ours:.10g}, NEURON {theirs:.10g}"
    assert "INITIAL" in out["write_back"]
