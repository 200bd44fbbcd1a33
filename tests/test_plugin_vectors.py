"""enable() with Vectors of spikes and samples that change between two runs."""

import numpy as np
from neuron_process import run_function


def turned(on):
    """Between two runs a Vector records another variable, and spikes go into another Vector, with other numbers.

    Two artificial cells that fire at the same times write their numbers there as well.
    """
    import numpy as np
    from neuron import h

    import nrn_diff

    h.load_file("stdrun.hoc")
    one, other = h.Section("one"), h.Section("other")
    for section in (one, other):
        section.insert("hh")
        section.L = section.diam = 10
    clamp = h.IClamp(one(0.5))
    clamp.delay, clamp.dur, clamp.amp = 0, 9, 0.1
    v, spikes, late, ids = h.Vector().record(one(0.5)._ref_v), h.Vector(), h.Vector(), h.Vector()
    netcon = h.NetCon(one(0.5)._ref_v, None, sec=one)
    netcon.record(spikes)
    synapse, stims = h.ExpSyn(other(0.5)), [h.NetStim() for _ in range(2)]
    wires = [h.NetCon(stim, synapse) for stim in stims]
    for k, (stim, wire) in enumerate(zip(stims, wires, strict=True)):
        stim.start, stim.interval, stim.number = 0.5, 1.3, 3
        wire.record(late, ids, 9 - k)
    h.tstop = 4
    if on:
        nrn_diff.enable()
    seen = []
    for turn in range(3):
        h.run()
        seen += [np.array(x) for x in (v, spikes, late, ids)]
        if turn == 0:
            v.record(other(0.5)._ref_v)
        netcon.record(late, ids, 5 + turn)
    return {"seen": seen}


def test_what_records_may_change_between_runs():
    here, there = (run_function(turned, on=on) for on in (True, False))
    assert [len(x) for x in there["seen"]] == [161, 1, 6, 6, 161, 1, 7, 7, 161, 1, 7, 7]
    for mine, neuron in zip(here["seen"], there["seen"], strict=True):
        np.testing.assert_allclose(mine, neuron, rtol=0, atol=1e-9)
