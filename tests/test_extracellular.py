"""Extracellular layers and currents through the membrane are NEURON's, with their parameters and derivatives."""

import numpy as np
import pytest
from neuron_process import run_function

LAYERED = ("trunk", "branch")


def build(h, layered=LAYERED):
    """A cell with layers in some of its sections, attached by both ends, clamps that see the inside, a synapse at 1."""
    names = ("trunk", "branch", "side", "back")
    trunk, branch, side, back = cell = [h.Section(name) for name in names]
    branch.connect(trunk(1))
    side.connect(trunk(0.3))
    back.connect(trunk(0), 1)
    for section in cell:
        section.L, section.diam, section.nseg = 200, 3, 3
        section.insert("hh")
    branch.rallbranch, back.rallbranch = 2, 3
    for name, section in zip(names, cell, strict=True):
        if name not in layered:
            continue
        section.insert("extracellular")
        for seg in section:
            seg.xraxial[0], seg.xraxial[1] = 300 + 100 * seg.x, 800
            seg.xg[0], seg.xg[1] = 2e-3, 1e-3 + 2e-3 * seg.x
            seg.xc[0], seg.xc[1] = 0.1, 0.2
            seg.e_extracellular = 4 - 3 * seg.x
    clamp = h.IClamp(trunk(0.5))
    clamp.delay, clamp.dur, clamp.amp = 0.5, 5, 1.5
    voltage = h.SEClamp(branch(0.5))
    voltage.dur1, voltage.amp1, voltage.rs = 1, -60, 5
    synapse = h.AlphaSynapse(branch(1))
    synapse.onset, synapse.gmax = 0.5, 0.01
    return cell, [clamp, voltage, synapse]


def record(h, cell, layered=LAYERED):
    vectors = []
    for section in cell:
        for x in (0, 0.5, 1):
            vectors.append(h.Vector().record(section(x)._ref_v))
            if h.CVode().use_fast_imem():
                vectors.append(h.Vector().record(section(x)._ref_i_membrane_))
        vectors.append(h.Vector().record(section(0.5)._ref_i_cap))
        if section.name() not in layered:
            continue
        for layer in (0, 1):
            for x in (0, 0.5, 1):
                # Only HOC reaches the outer layer: in Python vext[1] is vext[0].
                h("objref made")
                section.push()
                h(f"made = new Vector()\nmade.record(&vext[{layer}]({x}))")
                h.pop_section()
                vectors.append(h.made)
        vectors.append(h.Vector().record(section(0.5)._ref_i_membrane))
        vectors.append(h.Vector().record(section(0.5)._ref_e_extracellular))
    return vectors


def traces(secondorder, layered):
    import jax
    from neuron import h

    import nrn_diff
    from nrn_diff.bridge.judge import differences, neuron_traces

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    h.CVode().use_fast_imem(1)
    keep = build(h, layered)
    vectors = record(h, keep[0], layered)
    h.tstop, h.secondorder = 4, secondorder
    model = nrn_diff.capture()
    recording = model.simulate()
    found = differences(model.capture, neuron_traces(model.capture), recording, model.t)
    del vectors
    return {
        "labels": list(recording),
        "worst": max(d.worst for d in found),
        "off": [d.label for d in found if not d.within(1e-9)],
        "spans": {d.label: d.span for d in found},
    }


@pytest.mark.long
@pytest.mark.parametrize(("secondorder", "native"), [(0, "1"), (1, "1"), (2, "1"), (0, "0")])
def test_layers_in_some_sections_are_neurons(secondorder, native):
    out = run_function(traces, secondorder=secondorder, layered=LAYERED, env={"NRN_DIFF_NATIVE": native})
    assert out["off"] == []
    assert out["worst"] < 1e-8
    assert out["spans"]["trunk(0.5).v"] > 80
    for label in ("trunk(0.5).vext[0]", "trunk(0).vext[1]", "branch(1).vext[1]"):
        assert out["spans"][label] > 0.3, label
    assert out["spans"]["branch(0.5).i_membrane"] > 0.01
    assert out["spans"]["side(0.5).i_membrane_"] > 0.1


@pytest.mark.long
def test_layers_everywhere_and_nowhere_are_neurons():
    everywhere = run_function(traces, secondorder=0, layered=["trunk", "branch", "side", "back"])
    nowhere = run_function(traces, secondorder=2, layered=[])
    assert everywhere["off"] == nowhere["off"] == []
    assert everywhere["spans"]["back(0).vext[0]"] > 0.3
    assert nowhere["spans"]["branch(1).i_membrane_"] > 1e-3  # the synapse at the end
    assert nowhere["spans"]["trunk(0.5).i_cap"] > 0.01


PARAMETERS = ("e_extracellular", "xg[0]", "xg[1]", "xraxial[1]", "xc[0]", "gnabar_hh", "Ra")


def gradients():
    """name -> (ours, NEURON's, its error), a saved model, values written back, membrane currents without fast_imem."""
    import jax
    from neuron import h

    import nrn_diff
    from nrn_diff.richardson import derivative

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    h.tstop, h.usetable_hh = 2, 0
    cell, keep = build(h)
    v, x = h.Vector().record(cell[1](0.5)._ref_v), h.Vector().record(cell[0](0.5)._ref_vext[0])
    plain = nrn_diff.capture()
    model = plain.with_records(
        "branch(0.5).v", "trunk(0.5).vext", "side(0.5).i_membrane_", "trunk(0.5).i_cap", "trunk(0.5).vext[1]"
    )
    theta = model.parameters(*(nrn_diff.Param(name, relative=True, share="all") for name in PARAMETERS))

    def loss(th):
        recording = model.simulate(th)
        return ((recording["branch(0.5).v"] + 60) ** 2).mean() + (recording["trunk(0.5).vext"] ** 2).mean()

    ours = jax.grad(loss)(theta)
    start = {name: model.parameters(name) for name in PARAMETERS}
    checked = {}
    for name, label in zip(PARAMETERS, theta, strict=True):

        def by_neuron(factor, name=name):
            model.write_back({name: np.asarray(start[name][name]) * factor})
            h.run()
            return float(np.mean((np.array(v) + 60) ** 2) + np.mean(np.array(x) ** 2))

        slope, error = derivative(by_neuron, 1.0, 1e-3)
        model.write_back(start[name])
        checked[name] = (float(ours[label]), slope, error)
    before = model.simulate()
    model.save("saved.nrndiff")
    again = nrn_diff.load("saved.nrndiff").simulate()
    model.write_back({"xg[1]": np.full(6, 0.25)})
    h.CVode().use_fast_imem(1)
    vectors = [h.Vector().record(cell[2](0.5)._ref_i_membrane_), h.Vector().record(cell[0](0.5)._ref_i_cap)]
    model.write_back(start["xg[1]"])
    h.run()
    asked = [before[label] for label in ("side(0.5).i_membrane_", "trunk(0.5).i_cap")]
    return {
        "checked": checked,
        "saved": max(float(abs(before[k] - again[k]).max()) for k in before),
        "written": cell[0](0.5).xg[1],
        "asked": max(float(abs(a - np.array(n)).max()) for a, n in zip(asked, vectors, strict=True)),
        "names": [n for n in model.parameter_names if n.startswith(("x", "e_ex"))],
        "labels": list(plain.recorded),
        "kept": len(keep),
    }


@pytest.mark.long
def test_gradients_saving_and_write_back():
    out = run_function(gradients)
    for name, (ours, theirs, error) in out["checked"].items():
        assert abs(theirs) > 1e-6, name
        assert abs(ours - theirs) < 1e-5 * abs(theirs) + 10 * error, name
    assert out["saved"] == 0.0
    assert out["asked"] < 1e-10
    assert out["written"] == pytest.approx(1e-3 + 2e-3 * 0.5)
    assert out["names"] == ["e_extracellular", *(f"{n}[{k}]" for n in ("xraxial", "xg", "xc") for k in (0, 1))]
    assert out["labels"] == ["branch(0.5).v", "trunk(0.5).vext[0]"]


def refused():
    from neuron import h

    from nrn_diff.bridge import capture_snapshot
    from nrn_diff.errors import CaptureError

    cell, keep = build(h, ("trunk", "branch", "side", "back"))
    for section in cell:
        for seg in section:
            seg.xg[1] = seg.xc[1] = 0
    cell[1](0.5).xraxial[0], cell[2](0.5).e_extracellular = float("nan"), float("inf")
    vector = h.Vector().record(cell[0](0.5)._ref_sav_g)
    try:
        capture_snapshot(tstop=1, dt=0.025)
    except CaptureError as error:
        return {"kept": (len(keep), len(vector)), "found": [[r.what, r.where] for r in error.refusals]}
    return {"found": []}


def test_what_cannot_be_simulated_is_refused_with_its_place():
    found = dict(run_function(refused)["found"])
    assert "trunk(0)" in found.pop("extracellular layers without a connection to ground")
    assert found.pop("xraxial = nan") == "branch(0.5)"
    assert found.pop("e_extracellular = inf") == "side(0.5)"
    assert any("records trunk(0.5).sav_g" in what for what in found)


def in_pieces(on):
    """Potentials and membrane currents after h.run() and h.continuerun() by either, and what NEURON makes of them."""
    from neuron import h

    import nrn_diff
    from nrn_diff.bridge.extracellular import layer_potential

    h.load_file("stdrun.hoc")
    cell, keep = build(h)
    h.CVode().use_fast_imem(True)
    if on:
        nrn_diff.enable()
    h.tstop = 1
    seen = []

    def look():
        for section in cell[:2]:
            for x in (0, 0.5, 1):
                seen.extend([section(x).v, layer_potential(section, x, 0), layer_potential(section, x, 1)])
                seen.append(section(x).i_membrane_)
        for section in cell:
            seen.extend(getattr(section(0.5), name) for name in ("i_cap", "i_membrane") if hasattr(section(0.5), name))

    h.run()
    look()
    h.continuerun(1.5)
    look()
    if on:
        nrn_diff.disable()
    h.continuerun(2)
    look()
    return {"seen": np.array(seen), "kept": len(keep)}


@pytest.mark.long
def test_runs_in_pieces_leave_both_layers_as_neuron_does():
    ours, theirs = run_function(in_pieces, on=True)["seen"], run_function(in_pieces, on=False)["seen"]
    assert np.ptp(theirs) > 0.1
    np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-10)


def several_layers(count):
    import jax
    from neuron import h

    import nrn_diff
    from nrn_diff.bridge.judge import differences, neuron_traces

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    h.nlayer_extracellular(count)
    h.tstop = 2
    section = h.Section("axon")
    section.L, section.diam, section.nseg = 100, 3, 3
    section.insert("hh")
    section.insert("extracellular")
    for seg in section:
        for k in range(count):
            seg.xraxial[k], seg.xg[k], seg.xc[k] = 100 * (k + 1), 2e-3 * (k + 1), 0.1 / (k + 1)
    clamp = h.IClamp(section(0.5))
    clamp.dur, clamp.amp = 3, 1
    vectors = [h.Vector().record(section(0.5)._ref_v)]
    for k in range(count):
        h("objref made")
        section.push()
        h(f"made = new Vector()\nmade.record(&vext[{k}](0.5))")
        h.pop_section()
        vectors.append(h.made)
    model = nrn_diff.capture()
    found = differences(model.capture, neuron_traces(model.capture), model.simulate(), model.t)
    return {"worst": max(d.worst for d in found), "spans": [d.span for d in found], "kept": len(vectors)}


@pytest.mark.long
@pytest.mark.parametrize("count", [1, 4])  # 4: more than the kernel is compiled for
def test_other_numbers_of_layers_are_neurons(count):
    out = run_function(several_layers, count=count)
    assert out["worst"] < 1e-9
    assert len(out["spans"]) == count + 1
    assert min(out["spans"]) > 1
