"""Potentials outside of the cells are those of LFPykit from NEURON's own i_membrane_, with their derivatives."""

import numpy as np
import pytest
from neuron_process import run_function

ELECTRODES = [[30.0, 5.0, 0.0], [0.0, 0.0, 0.0], [-12.0, 150.0, 20.0], [400.0, 0.0, 1.0], [55.0, 0.2, 0.0]]


def build(h):
    """A stylised soma and dendrite, and an axon with 3-D points that bend."""
    soma, dend, axon = cell = [h.Section(name) for name in ("soma", "dend", "axon")]
    soma.L = soma.diam = 20
    dend.L, dend.diam, dend.nseg = 200, 2, 5
    axon.nseg = 4
    for point in ((0, 0, 0, 1.5), (0, 60, 10, 1.2), (30, 90, 10, 1), (30, 200, 40, 0.8)):
        axon.pt3dadd(*point)
    dend.connect(soma(1))
    axon.connect(soma(0))
    for section in cell:
        section.insert("hh")
    clamp = h.IClamp(soma(0.5))
    clamp.delay, clamp.dur, clamp.amp = 0.5, 5, 0.8
    synapse = h.AlphaSynapse(dend(0.7))
    synapse.onset, synapse.gmax = 0.2, 0.002
    return cell, [clamp, synapse]


def potentials():
    import jax
    import jax.numpy as jnp
    from LFPy.run_simulation import _collect_geometry_neuron
    from lfpykit import CellGeometry, LineSourcePotential, PointSourcePotential
    from neuron import h

    import nrn_diff
    from nrn_diff import lfp
    from nrn_diff.richardson import derivative

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    h.tstop, h.usetable_hh = 3, 0
    cell, keep = build(h)
    model = lfp.with_membrane_currents(nrn_diff.capture())
    untouched = [section.n3d() for section in cell]
    recording = model.simulate()
    electrodes = jnp.array(ELECTRODES)
    ours = {
        source.__name__: lfp.potential(model, recording, electrodes, 0.25, source())
        for source in (lfp.PointSource, lfp.LineSource)
    }

    h.CVode().use_fast_imem(1)
    vectors = [h.Vector().record(seg._ref_i_membrane_) for section in cell for seg in section]
    h.run()
    currents = np.array(vectors)

    class Theirs:
        allseclist, totnsegs = cell, len(currents)

    h.define_shape()
    _collect_geometry_neuron(Theirs)
    ends = lfp.segments(model)
    starts = np.stack([axis[:, 0] for axis in (Theirs.x, Theirs.y, Theirs.z)], 1)
    stops = np.stack([axis[:, 1] for axis in (Theirs.x, Theirs.y, Theirs.z)], 1)
    geometry = CellGeometry(*(np.stack([ends.start[:, k], ends.end[:, k]], 1) for k in range(3)), 2 * ends.radius)
    place = [np.array(ELECTRODES)[:, k] for k in range(3)]
    theirs = {
        "PointSource": PointSourcePotential(geometry, *place, sigma=0.25).get_transformation_matrix() @ currents,
        "LineSource": LineSourcePotential(geometry, *place, sigma=0.25).get_transformation_matrix() @ currents,
    }

    theta = model.parameters(nrn_diff.Param("gnabar_hh", share="all", relative=True))

    def loss(th, where, sigma):
        return (lfp.potential(model, model.simulate(th), where, sigma) ** 2).sum()

    gradient = jax.grad(loss, (0, 1, 2))(theta, electrodes, 0.25)
    start = model.parameters("gnabar_hh")
    matrix = np.asarray(lfp.LineSource().response(ends, electrodes, 0.25))

    def by_neuron(factor):
        model.write_back({"gnabar_hh": np.asarray(start["gnabar_hh"]) * factor})
        h.run()
        return float(((matrix @ np.array(vectors)) ** 2).sum())

    slope, error = derivative(by_neuron, 1.0, 1e-3)
    moved = lambda d: float(loss(theta, electrodes.at[0, 1].add(d), 0.25))
    model.save("saved.nrndiff")
    again = nrn_diff.load("saved.nrndiff")
    return {
        "ours": ours,
        "theirs": theirs,
        "layout": max(np.abs(starts - ends.start).max(), np.abs(stops - ends.end).max()),
        "untouched": untouched,
        "gnabar": (float(next(iter(gradient[0].values()))), slope, error),
        "moved": (float(gradient[1][0, 1]), (moved(1e-3) - moved(-1e-3)) / 2e-3),
        "sigma": (float(gradient[2]), -2 * float(loss(theta, electrodes, 0.25)) / 0.25),
        "saved": float(jnp.abs(lfp.potential(again, again.simulate(), electrodes, 0.25) - ours["LineSource"]).max()),
        "kept": len(keep),
    }


@pytest.mark.long
def test_potentials_equal_lfpykits_from_neurons_currents():
    pytest.importorskip("LFPy")
    out = run_function(potentials)
    for source, ours in out["ours"].items():
        theirs = out["theirs"][source]
        assert np.ptp(theirs) > 1e-3
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-11)
    assert np.abs(out["ours"]["PointSource"] - out["ours"]["LineSource"]).max() > 1e-4
    assert out["layout"] < 1e-3  # LFPy rounds positions along a section to six digits
    assert out["untouched"] == [0, 0, 4]
    ours, theirs, error = out["gnabar"]
    assert abs(ours - theirs) < 1e-6 * abs(theirs) + 10 * error
    assert out["moved"][0] == pytest.approx(out["moved"][1], rel=1e-5)
    assert out["sigma"][0] == pytest.approx(out["sigma"][1], rel=1e-9)
    assert out["saved"] == 0.0


def refused():
    import jax
    from neuron import h

    import nrn_diff
    from nrn_diff import lfp

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    h.tstop = 1
    cell, keep = build(h)
    model = nrn_diff.capture()
    messages = []
    for wrong in (
        lambda: lfp.potential(model, model.simulate(), [[0, 0, 0]]),
        lambda: lfp.potential(model, {}, [0, 0, 0]),
    ):
        try:
            wrong()
        except nrn_diff.ParameterError as error:
            messages.append(str(error))
    synapse = h.ExpSyn(cell[1](1))
    try:
        lfp.with_membrane_currents(nrn_diff.capture())
    except nrn_diff.ParameterError as error:
        messages.append(str(error))
    return {"messages": messages, "kept": (len(keep), synapse.hname())}


def test_what_has_no_potential_is_refused():
    unrecorded, shape, end = run_function(refused)["messages"]
    assert "use lfp.with_membrane_currents" in unrecorded
    assert "(number of electrodes, 3)" in shape
    assert "ExpSyn[0] is at an end of a section" in end
