"""LinearMechanisms are solved with the cells as NEURON does, with their parameters and derivatives."""

import numpy as np
import pytest
from neuron_process import run_function


def build(h, layered):
    """A cell, a voltage clamp as a circuit with a capacitor, and a circuit that couples two places."""
    soma, dend = h.Section("soma"), h.Section("dend")
    dend.connect(soma(1))
    soma.L = soma.diam = 20
    dend.nseg, dend.L, dend.diam = 5, 200, 2
    soma.insert("hh")
    dend.insert("pas")
    for section in (soma, dend) if layered else ():
        section.insert("extracellular")
        for seg in section:
            seg.xraxial[0], seg.xg[0], seg.xg[1], seg.xc[0] = 100, 1e-2, 1e-2, 0.1
    density = 100 / soma(0.5).area()
    c, g, y, b = h.Matrix(2, 2), h.Matrix(2, 2), h.Vector(2), h.Vector(2)
    g.setval(0, 1, -density)
    g.setval(1, 0, 1)
    g.setval(1, 1, 1)
    c.setval(1, 1, 0.5)
    b.x[1] = -20
    clamp = h.LinearMechanism(c, g, y, b, 0.5, sec=soma)
    places = h.SectionList()
    places.append(sec=dend)
    places.append(sec=soma)
    c2, g2 = h.Matrix(3, 3), h.Matrix(3, 3)
    y2, start, b2 = h.Vector(3), h.Vector([0, 0, -30]), h.Vector([0, 0, 0.001])
    for i, j, value in ((0, 0, 0.001), (0, 2, -0.001), (2, 2, 0.003), (2, 0, -0.001), (2, 1, -0.002)):
        g2.setval(i, j, value)
    g2.setval(1, 1, 0.002 * density)
    g2.setval(1, 2, -0.002 * density)
    c2.setval(2, 2, 0.01)
    at, layers = h.Vector([1, 0.5]), h.Vector([0, int(layered)])
    coupling = h.LinearMechanism(c2, g2, y2, start, b2, places, at, layers)
    keep = [clamp, c, g, y, b, places, coupling, c2, g2, y2, start, b2, at, layers]
    return soma, dend, y, y2, keep


def traces(layered):
    import jax
    from neuron import h

    import nrn_diff
    from nrn_diff.bridge.judge import differences, neuron_traces

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    h.tstop = 3
    h.CVode().use_fast_imem(1)
    soma, dend, y, y2, keep = build(h, layered)
    references = [soma(0.5)._ref_v, dend(0.5)._ref_v, y._ref_x[0], y._ref_x[1], y2._ref_x[1], y2._ref_x[2]]
    references += [soma(0.5)._ref_i_membrane_, dend(1)._ref_i_membrane_, dend(1)._ref_v, dend(0.5).pas._ref_e]
    vectors = [h.Vector().record(reference) for reference in references]
    wave, when = h.Vector([-70, -50, -60]), h.Vector([0, 1, 2])
    wave.play(dend(0.5).pas._ref_e, when, 1)
    vectors += [h.Vector().record(soma(0.5)._ref_v, 0.7), h.Vector().record(soma(0.5)._ref_v, when)]
    keep += [wave, when]
    before = [y.to_python(), y2.to_python()]
    model = nrn_diff.capture()
    untouched = before == [y.to_python(), y2.to_python()]
    found = differences(model.capture, neuron_traces(model.capture), model.simulate(), model.t)
    return {
        "worst": {d.label: d.worst for d in found},
        "spans": {d.label: d.span for d in found},
        "untouched": untouched,
        "kept": len(keep) + len(vectors),
    }


@pytest.mark.long
@pytest.mark.parametrize("layered", [False, True])
def test_circuits_are_neurons(layered):
    out = run_function(traces, layered=layered)
    assert max(out["worst"].values()) < 1e-9
    assert out["spans"]["soma(0.5).v"] > 60
    for element in ("[0].y[0]", "[0].y[1]", "[1].y[1]", "[1].y[2]"):
        assert out["spans"][f"LinearMechanism{element}"] > 1, element
    assert out["untouched"]


NAMES = ("LinearMechanism[0].b", "LinearMechanism[0].g", "LinearMechanism[1].c", "LinearMechanism[1].y0", "gnabar_hh")


def gradients():
    import jax
    from neuron import h

    import nrn_diff
    from nrn_diff.richardson import derivative

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    h.tstop, h.usetable_hh = 1, 0
    soma, dend, _, y2, keep = build(h, True)
    v, own = h.Vector().record(soma(0.5)._ref_v), h.Vector().record(y2._ref_x[2])
    model = nrn_diff.capture().with_records("soma(0.5).v", "LinearMechanism[1].y[2]", "LinearMechanism[0].y[1]")
    theta = model.parameters(*(nrn_diff.Param(name, relative=True, share="all") for name in NAMES))

    def loss(th):
        recording = model.simulate(th)
        return (recording["soma(0.5).v"] ** 2).mean() + (recording["LinearMechanism[1].y[2]"] ** 2).mean()

    ours, checked = jax.grad(loss)(theta), {}
    for name, label in zip(NAMES, theta, strict=True):
        start = model.parameters(name)

        def by_neuron(factor, name=name, start=start):
            model.write_back({name: np.asarray(start[name]) * factor})
            h.run()
            return float(np.mean(np.array(v) ** 2) + np.mean(np.array(own) ** 2))

        slope, error = derivative(by_neuron, 1.0, 1e-3)
        model.write_back(start)
        checked[name] = (float(ours[label]), slope, error)
    model.save("saved.nrndiff")
    before, again = model.simulate(), nrn_diff.load("saved.nrndiff").simulate()
    return {
        "checked": checked,
        "saved": max(float(abs(before[k] - again[k]).max()) for k in before),
        "kept": (len(keep), dend.name()),
    }


@pytest.mark.long
def test_gradients_saving_and_write_back():
    out = run_function(gradients)
    for name, (ours, theirs, error) in out["checked"].items():
        assert abs(theirs) > 1e-6, name
        assert abs(ours - theirs) < 1e-5 * abs(theirs) + 10 * error, name
    assert out["saved"] == 0.0


def malformed(part):
    from neuron import h

    from nrn_diff.bridge import capture_snapshot
    from nrn_diff.errors import CaptureError

    soma = h.Section("soma")
    size = {"c": 2, "g": 2, "y": 2, "y0": 2, "b": 2} | {part: 1}
    c, g = (h.Matrix(2, size[name]) for name in ("c", "g"))
    y, y0, b = (h.Vector(size[name]) for name in ("y", "y0", "b"))
    keep = h.LinearMechanism(c, g, y, y0, b, 0.5, sec=soma)
    try:
        capture_snapshot(tstop=1, dt=0.025)
    except CaptureError as error:
        return {"kept": keep.hname(), "why": [r.why for r in error.refusals]}
    return {"why": []}


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("g", "y has 2 elements, but g is 2 x 1: NEURON ends the process"),
        ("y", "y has 1 elements, but c is 2 x 2, g is 2 x 2, y0 has 2, b has 2: NEURON ends the process"),
        ("b", "y has 2 elements, but b has 1: NEURON ends the process"),
    ],
)
def test_circuits_whose_parts_do_not_fit_are_refused(part, said):
    assert run_function(malformed, part=part)["why"] == [said]


def refused():
    from neuron import h

    from nrn_diff.bridge import capture_snapshot
    from nrn_diff.errors import CaptureError

    soma = h.Section("soma")
    soma.insert("pas")
    c, g, b = h.Matrix(1, 1), h.Matrix(1, 1), h.Vector(1)
    g.setval(0, 0, float("nan"))
    places, at, outside = h.SectionList(), h.Vector([0.5]), h.Vector([1])
    places.append(sec=soma)
    ys = [h.Vector(1) for _ in range(3)]
    keep = [h.LinearMechanism(lambda: None, c, g, ys[0], b, 0.5, sec=soma)]
    keep.append(h.LinearMechanism(c, g, ys[1], b, places, at, outside))
    keep += [h.LinearMechanism(c, g, ys[2], b, 0.5, sec=soma) for _ in range(2)]
    h.secondorder = 2
    try:
        capture_snapshot(tstop=1, dt=0.025)
    except CaptureError as error:
        return {"kept": len(keep), "found": [r.what for r in error.refusals]}
    return {"found": []}


def test_what_changes_or_leads_nowhere_is_refused():
    found = run_function(refused)["found"]
    assert found[:4] == [
        "LinearMechanism with secondorder = 2",
        "LinearMechanism[0] with a callable",
        "LinearMechanism[2] and LinearMechanism[3] with the same y",
        "LinearMechanism[1] connected to a layer that is not there",
    ]
    assert set(found[4:]) == {"g = nan"}


def live(on):
    """Runs in pieces, with other numbers, with another circuit, and by NEURON at last."""
    from neuron import h

    import nrn_diff

    h.load_file("stdrun.hoc")
    soma, dend, y, y2, keep = build(h, True)
    when = h.Vector([0, 1.51, 2, 7])
    references = [soma(0.5)._ref_v, y._ref_x[0], y._ref_x[1], y2._ref_x[0], y2._ref_x[2]]
    vectors = [h.Vector().record(reference) for reference in references]
    vectors += [h.Vector().record(y._ref_x[0], 0.5), h.Vector().record(y2._ref_x[2], when)]
    if on:
        nrn_diff.enable()
    seen = []

    def look():
        seen.extend(np.array(vector) for vector in (*vectors, y, y2))
        seen.append(np.array([h.t, *(seg.v for sec in h.allsec() for seg in sec.allseg())]))

    h.tstop = 2
    h.run()
    look()
    keep[4].x[1] = -90  # b of the clamp
    keep[8].setval(2, 2, 0.004)
    y.x[1] += 3
    soma(0.5).v -= 5
    h.continuerun(3)
    look()
    h.ParallelContext().set_maxstep(10)
    h.ParallelContext().psolve(4)
    further = [h.Matrix(1, 1), h.Matrix(1, 1), h.Vector(1), h.Vector([0.1])]
    keep += [*further, h.LinearMechanism(*further, 0.1, sec=dend)]
    h.continuerun(5)
    look()
    if on:
        from nrn_diff.plugin import runs_made

        assert runs_made() == 4
        nrn_diff.disable()
    h.continuerun(6)
    look()
    return seen


@pytest.mark.long
def test_circuits_go_on_under_enable():
    theirs, ours = (run_function(live, on=on) for on in (False, True))
    assert [len(x) for x in theirs] == [len(x) for x in ours]
    for one, other in zip(theirs, ours, strict=True):
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-9)
    assert np.ptp(theirs[0]) > 50
