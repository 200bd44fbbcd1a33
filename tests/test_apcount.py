"""APCount, NEURON's own counter of spikes: a capture and enable() count as NEURON does."""

import numpy as np
import pytest
from neuron_process import run_function


def counted():
    import jax
    import numpy as np
    from neuron import h

    jax.config.update("jax_enable_x64", True)
    import nrn_diff

    h.load_file("stdrun.hoc")
    soma = h.Section("soma")
    soma.insert("hh")
    soma.L = soma.diam = 10
    clamp = h.IClamp(soma(0.5))
    clamp.delay, clamp.dur, clamp.amp = 1, 50, 0.05
    low, high = h.APCount(soma(0.5)), h.APCount(soma(0.5))
    low.thresh, high.thresh = -70, 20
    n, v = h.Vector().record(high._ref_n), h.Vector().record(soma(0.5)._ref_v)
    h.tstop = 30
    recording = nrn_diff.capture().simulate()
    counts = next(np.asarray(recording[k]) for k in recording if k.endswith(".n"))
    seen = []
    for on in (False, True):
        if on:
            nrn_diff.enable()
        h.run()
        live = [low.n, low.time, low.firing, high.n, high.time, high.firing]
        seen.append([np.array(n), np.array(v), np.array(live)])
    spikes, kept, more = h.Vector([7, 7, 7]), [], h.APCount(soma(0.2))
    high.record(spikes)
    for on in (False, True):
        nrn_diff.enable() if on else nrn_diff.disable()
        h.run()
        h.continuerun(45)
        kept.append(np.array(spikes))
    for record in (more.record, more.record):
        record(spikes)
    more.record(spikes)
    try:
        h.run()
        refused = ""
    except RuntimeError as error:
        refused = str(error)
    notes = nrn_diff.capture().capture.notes
    return {
        "neuron": seen[0],
        "here": seen[1],
        "captured": counts,
        "kept": kept,
        "refused": refused,
        "notes": notes,
    }


@pytest.mark.long
def test_spikes_are_counted_as_in_neuron():
    out = run_function(counted)
    n, v, live = out["neuron"]
    assert n[-1] == live[3] >= 2
    np.testing.assert_array_equal(out["captured"], n)
    np.testing.assert_array_equal(out["here"][0], n)
    np.testing.assert_allclose(out["here"][1], v, rtol=0, atol=1e-9)
    np.testing.assert_allclose(out["here"][2], live, rtol=0, atol=1e-12)
    theirs, ours = out["kept"]
    assert len(theirs) > n[-1]
    np.testing.assert_array_equal(ours, theirs)
    assert "several APCounts write into one Vector" in out["refused"]
    assert any("APCount.record(vector)" in note for note in out["notes"])
