"""nrn_diff.enable() with Vectors that act by events of their own: played, and recording at intervals or times."""

import numpy as np
import pytest
from neuron_process import run_function


def timed(on):
    """Runs from the start, from the middle, with other samples, and by NEURON at last."""
    import numpy as np
    from neuron import h

    import nrn_diff
    from nrn_diff.plugin import runs_made

    h.load_file("stdrun.hoc")
    soma, dend = h.Section("soma"), h.Section("dend")
    dend.connect(soma(1))
    soma.insert("hh")
    dend.insert("pas")
    dend.insert("extracellular")
    soma.L = soma.diam = 20
    dend.L, dend.diam, dend.nseg = 200, 2, 3
    clamp, second = h.IClamp(soma(0.5)), h.IClamp(dend(0.5))
    clamp.delay, clamp.dur, second.delay, second.dur, second.amp = 0, 1e9, 0.3, 5, 0.1
    wave_t = h.Vector([0, 0.51, 1.2, 1.2, 2.013, 3, 4.5, 9])
    wave = h.Vector([0, 0.3, -0.1, 0.5, 0.2, 0.1, 0.4, 0.6])
    breaks = h.Vector([2, 6])
    steps_t, steps = h.Vector([0.2, 1.113, 2, 2.006, 3.3, 6]), h.Vector([-70, -68, -75, -66, -71, -60])
    even = h.Vector(np.linspace(50, 55, 30))
    outside = h.Vector(5 * np.sin(np.arange(40)))
    outside_t = h.Vector(0.25 * np.arange(40))
    stim, synapse = h.NetStim(), h.ExpSyn(dend(0.1))
    stim.start, stim.interval, stim.number = 0.117, 0.2931, 30
    wires = [h.NetCon(stim, synapse, 0, 0.1, 1e-3), h.NetCon(stim, synapse, 0, 0.411, 1e-3)]
    # A step is due in the last half of the run to 2.2 ms, and one just after it.
    weights, weights_t = h.Vector([1e-3, 3e-3, 2e-3, 5e-3]), h.Vector([0.31, 1.493, 2.195, 2.3333])
    weights.play(wires[0]._ref_weight[0], weights_t)
    bent, thick = h.Vector(1e-3 * np.sin(np.arange(40)) ** 2), h.Vector(1 + 0.3 * np.cos(np.arange(40)))
    bent.play(wires[1]._ref_weight[0], outside_t, True)
    thick.play(soma(0.5)._ref_cm, 0.1999)
    sends, spikes, level = h.NetCon(soma(0.5)._ref_v, None, sec=soma), h.Vector(), h.Vector(np.arange(40) % 2)
    sends.record(spikes)
    level.mul(90).sub(75)
    level.play(sends._ref_threshold, outside_t, True)
    wave.play(clamp._ref_amp, wave_t, breaks)
    steps.play(dend(0.5).pas._ref_e, steps_t)
    even.play(soma(0.5)._ref_ena, 0.31)
    outside.play(dend(0.5)._ref_e_extracellular, outside_t, True)
    v, ends, i = (h.Vector().record(r) for r in (soma(0.5)._ref_v, dend(1)._ref_v, clamp._ref_i))
    every, other = h.Vector().record(soma(0.5)._ref_v, 0.17), h.Vector().record(dend(0.5)._ref_v, 0.4)
    when = h.Vector([0, 0.025, 0.9, 1.5, 2.2, 3.123, 3.9, 8])
    at, at_t = h.Vector().record(soma(0.5)._ref_v, when), h.Vector().record(h._ref_t, 0.3)
    h.CVode().use_fast_imem(1)
    across = [h.Vector().record(r, 0.2) for r in (dend(0.5)._ref_i_membrane_, dend(0.5)._ref_i_membrane)]
    across.append(h.Vector().record(soma(0.5)._ref_i_cap, h.Vector([0, 1.5, 2.2, 3])))
    across += [h.Vector().record(w._ref_weight[0]) for w in wires] + [h.Vector().record(synapse._ref_g), spikes]
    if on:
        nrn_diff.enable()
    seen = []

    def look():
        for vector in (v, ends, i, every, other, at, at_t, *across):
            seen.append(np.array(vector))
        live = [h.t, clamp.amp, dend(0.5).pas.e, soma(0.5).ena, dend(0.5).e_extracellular, clamp.i, soma(0.5).v]
        live += [soma(0.5).cm, synapse.g, *(w.weight[0] for w in wires), sends.threshold]
        seen.append(np.array(live))

    h.tstop = 1.5
    h.run()
    look()
    h.continuerun(2.2)
    look()
    wave.x[6], steps.x[4] = 0.9, -80  # samples still to come
    # With the interval and the times of others, which go on, while these begin with the next finitialize.
    across += [h.Vector().record(r, how) for r in (soma(0.5)._ref_v, synapse._ref_g) for how in (0.17, when)]
    h.continuerun(3)
    look()
    if on:
        nrn_diff.disable()
    h.continuerun(3.4)
    look()
    if on:
        nrn_diff.enable()
    h.continuerun(4)
    h.stdinit()
    h.t = 1.35  # what is due until then comes in the first step
    h.continuerun(1.7)
    look()
    h.t = 0.9  # and what was due is not repeated
    h.continuerun(2)
    look()
    wave_t.x[5] = 2.9
    wave.x[1] = 0.2
    h.run()
    look()
    error = ""
    wave_t.x[6] = 4.6  # the event of the old time is in NEURON's queue already
    if on:
        try:
            h.continuerun(1.6)
        except RuntimeError as e:
            error = str(e)
    return {"seen": seen, "runs": runs_made(), "error": error}


@pytest.mark.long
def test_what_is_played_and_sampled_goes_on_as_in_neuron():
    here, there = (run_function(timed, on=on) for on in (True, False))
    assert (here["runs"], there["runs"]) == (7, 0)
    assert len(here["seen"]) == len(there["seen"]) == 125
    for k, (mine, neuron) in enumerate(zip(here["seen"], there["seen"], strict=True)):
        assert mine.shape == neuron.shape, k
        np.testing.assert_allclose(mine, neuron, rtol=0, atol=2e-9, err_msg=str(k))
    assert np.ptp(there["seen"][0]) > 1
    assert "after finitialize" in here["error"]
