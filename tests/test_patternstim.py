"""PatternStim, which sends given spikes on behalf of gids that have no cell, against NEURON."""

from __future__ import annotations

import numpy as np
import pytest
from neuron_process import run_function


def against_neuron():
    """A raster of 400 spikes for gids with several NetCons, one NetCon, a cell of this process, and none at all."""
    import jax
    import numpy as np
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    h.dt, h.tstop = 0.025, 20.0
    context = h.ParallelContext()
    soma = h.Section("soma")
    soma.L = soma.diam = 20.0
    soma.insert("hh")
    context.set_gid2node(1, 0)
    spikes_of_cell = h.NetCon(soma(0.5)._ref_v, None, sec=soma)
    context.cell(1, spikes_of_cell)
    synapse, other, cell = h.ExpSyn(soma(0.5)), h.Exp2Syn(soma(0.5)), h.IntFire1()
    wires = [(77, synapse, 1.0), (78, synapse, 0.5), (78, synapse, 0.5), (78, other, 0.5), (90, synapse, 0.0)]
    wires += [(1, other, 1.0), (77, cell, 0.1), (31, synapse, 1.0), (78, synapse, 0.5)]
    netcons = [context.gid_connect(gid, target) for gid, target, _ in wires]
    for k, (netcon, (*_, delay)) in enumerate(zip(netcons, wires, strict=True)):
        netcon.weight[0], netcon.delay = 1e-3 * (k + 1), delay
    netcons[6].weight[0] = 0.6
    netcons[8].active(0)
    cell.tau = 10.0
    inner = h.NetCon(cell, other, 0, 1, 0.01)
    draw = np.random.default_rng(1)
    gids = draw.choice([77, 78, 90, 55, 1], 400)
    times = np.sort(draw.uniform(0, 30, 400)).round(1)  # many are equal
    times = np.where(gids == 77, (times + draw.uniform(0, 0.05, 400)).round(4), times)
    order = np.argsort(times, kind="stable")
    pattern, second = h.PatternStim(), h.PatternStim()
    pattern.fake_output = 1  # NEURON 9 sends nothing on behalf of a gid whose cell is here, whatever this says
    pattern.play(h.Vector(times[order]), h.Vector(gids[order]))
    second.play(h.Vector([3.0, 3.0, 1.5]), h.Vector([90, 78, 90]))
    unplayed = h.PatternStim()
    vectors = [h.Vector() for _ in range(4)]
    for netcon, vector in zip((netcons[0], netcons[1], inner, spikes_of_cell), vectors, strict=True):
        netcon.record(vector)
    vectors += [h.Vector().record(soma(0.5)._ref_v), h.Vector().record(synapse._ref_g)]

    model = nrn_diff.capture()
    h.run()
    out = {"neuron": [np.array(v) for v in vectors]}
    got = model.simulate(model.parameters())
    labels = ("gid 77", "gid 78", "IntFire1[0]", "soma(0.5).v > 10")
    out["capture"] = [np.asarray(got.spike_times(label)) for label in labels]
    out["capture"] += [np.asarray(got[label]) for label in ("soma(0.5).v", "ExpSyn[0].g")]
    with nrn_diff.enabled():
        h.run()
    out["enable"] = [np.array(v) for v in vectors]
    h.finitialize(h.v_init)
    h.continuerun(7.0)
    with nrn_diff.enabled():
        h.continuerun(13.0)
    h.continuerun(20.0)
    out["middle"] = [np.array(v) for v in vectors]

    loss = lambda theta: model.simulate(theta)["ExpSyn[0].g"].sum()
    theta = model.parameters("NetCon.weight")
    out["slopes"] = [
        float(x) for x in np.ravel(jax.grad(loss)({"NetCon.weight": theta["NetCon.weight"]})["NetCon.weight"])
    ]
    sums = []
    for sign in (1, -1):
        netcons[0].weight[0] = 1e-3 + sign * 1e-4
        h.run()
        sums.append(np.array(vectors[5]).sum())
    out["difference"] = (sums[0] - sums[1]) / 2e-4
    netcons[0].weight[0] = 1e-3
    assert unplayed is not None

    def refused():
        try:
            nrn_diff.capture()
        except nrn_diff.CaptureError as error:
            return [f"{r.what}: {r.why}" for r in error.refusals]
        return []

    second.play(h.Vector([-2.0, 3.0]), h.Vector([77, 78]))
    out["past"] = refused()
    second.play(h.Vector([1.0, np.nan]), h.Vector([77, 78]))
    out["not finite"] = refused()
    second.play()
    context.nthread(2)
    out["threads"] = refused()
    return out


@pytest.mark.long
def test_given_spikes_of_gids_are_neurons() -> None:
    out = run_function(against_neuron)
    neuron = out["neuron"]
    assert [len(x) > 3 for x in neuron[:3]] == [True] * 3
    assert neuron[0].max() > 20.0  # NEURON notes what it hands on at once, also beyond the end of the run
    assert len(neuron[3]) == 1 or np.ptp(neuron[4]) > 50.0
    for way in ("capture", "enable", "middle"):
        for got, want in zip(out[way][:3], neuron[:3], strict=True):
            np.testing.assert_array_equal(got, want, err_msg=way)
        for got, want in zip(out[way][3:], neuron[3:], strict=True):
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-8, err_msg=way)
    np.testing.assert_allclose(out["slopes"][0], out["difference"], rtol=1e-6)
    assert "would arrive at -1.9 ms, in the past" in out["past"][0]
    assert "one is not finite" in out["not finite"][0]
    assert "PatternStim with several threads" in out["threads"][0]
