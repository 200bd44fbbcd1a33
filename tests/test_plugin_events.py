"""enable() with point processes that send events, to themselves and to others, and watch conditions."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from neuron_process import run_function

MODS = Path(__file__).parent / "event_mods"


def network(on):
    """Runs from the start, from the middle, after changes, by NEURON after ours, and in pieces."""
    import numpy as np
    from neuron import h

    import nrn_diff
    from nrn_diff.plugin import runs_made

    h.load_file("stdrun.hoc")
    soma, dend = h.Section("soma"), h.Section("dend")
    dend.connect(soma(1))
    soma.L = soma.diam = 18
    dend.L, dend.diam, dend.nseg = 100, 1, 3
    soma.insert("hh")
    dend.insert("pas")
    pulses, gates = [h.Pulse(soma(0.5)) for _ in range(3)], [h.Gate(soma(0.5)), h.Gate(dend(0.5))]
    detectors, cells = [h.Detector(soma(0.5)), h.Detector(dend(0.5))], [h.Leaky() for _ in range(2)]
    sink = h.ExpSyn(dend(0.9))
    detectors[1].thr = -50
    alone = h.Tie(soma(0.5))  # no NetCon leads to it
    alone.alike = 1
    wires, stims = [], []

    def connect(source, target, weight, delay):
        wires.append(h.NetCon(source, target))
        wires[-1].weight[0], wires[-1].delay = weight, delay
        return wires[-1]

    for k, pulse in enumerate(pulses):
        pulse.e = -20
        for j in range(2):
            stim = h.NetStim()
            stim.start, stim.interval, stim.number = 1 + 0.3 * k, 1.7 + j, 8
            connect(stim, pulse, 0.002 * (1 + 0.3 * j + 0.1 * k), 0.5 * j + 0.013)
            stims.append(stim)
    back = h.NetCon(soma(0.5)._ref_v, pulses[0], sec=soma)
    back.weight[0], back.delay, back.threshold = 0.0013, 0.6, -10
    for k, target in enumerate((sink, pulses[1], detectors[1])):
        connect(detectors[0], target, 0.001, 0.3071 + 0.4 * k)
    times = [h.Vector(), h.Vector()]
    connect(detectors[0], None, 0, 1).record(times[0])
    connect(detectors[0], cells[0], 0.7, 0.9)
    connect(detectors[1], cells[1], 1.2, 0.31)
    connect(cells[0], pulses[2], 0.0042, 0.2)
    connect(cells[1], gates[0], 0.05, 1).record(times[1])
    clamp = h.IClamp(soma(0.5))
    clamp.delay, clamp.dur, clamp.amp = 1, 30, 0.8
    v = h.Vector().record(soma(0.5)._ref_v)
    if on:
        nrn_diff.enable()
    seen = []

    def look():
        live = [h.t, soma(0.5).v, dend(0.5).v, sink.g, alone.code]
        live += [x for p in pulses for x in (p.g, p.on, p.ends, p.last, p.i)]
        live += [x for g in gates for x in (g.up, g.n, g.x, g.seen, g.i)]
        live += [x for d in detectors for x in (d.n, d.last)] + [x for c in cells for x in (c.m, c.fired, c.t0)]
        live += [w.weight[k] for w in (*wires, back) for k in range(int(w.wcnt()))]
        seen.extend([np.array(live), *(np.array(x) for x in (v, *times))])

    def by_neuron():
        for _ in range(60):
            h.fadvance()
        look()

    h.tstop = 5
    h.run()
    look()
    h.continuerun(6.2)
    look()
    by_neuron()
    h.continuerun(9)
    look()
    pulses[1].dur, back.weight[0] = 1.3, 0.004
    h.continuerun(14)
    look()
    by_neuron()
    h.stdinit()
    h.continuerun(20)
    look()
    ours = runs_made()
    if on:
        nrn_diff.disable()
    h.continuerun(25)
    look()
    return {"seen": seen, "runs": ours, "events": [gates[0].n, detectors[0].n, cells[1].fired]}


@pytest.mark.long
def test_events_of_point_processes_go_on_as_in_neuron():
    theirs, ours = run_function(network, mods=MODS, on=False), run_function(network, mods=MODS, on=True)
    assert (theirs["runs"], ours["runs"]) == (0, 5)
    assert all(n > 0 for n in theirs["events"])
    for mine, neurons in zip(ours["seen"], theirs["seen"], strict=True):
        assert mine.shape == neurons.shape
        np.testing.assert_allclose(mine, neurons, rtol=1e-9, atol=1e-9)


def in_flight(on):
    """NEURON sends to all NetCons of a source at once; the source's first NetCon is gone when it does."""
    import numpy as np
    from neuron import h

    import nrn_diff
    from nrn_diff.plugin import runs_made

    h.load_file("stdrun.hoc")
    soma = h.Section("soma")
    soma.L = soma.diam = 18
    soma.insert("hh")
    synapses = [h.ExpSyn(soma(0.5)) for _ in range(4)]
    stims, detector = [h.NetStim() for _ in range(2)], h.Detector(soma(0.5))
    stims[0].start, stims[1].start = 0.5, 0.7
    sources = [stims[0], *[stims[1]] * 3, *[detector] * 3, *[stims[0]] * 3]
    wires = [h.NetCon(source, synapses[k % 4], 0, 3, 0.001 * (k + 1)) for k, source in enumerate(sources)]
    wires.append(h.NetCon(stims[0], detector, 0, 0.1, 0))
    wires.append(h.NetCon(stims[0], detector, 0, 0.1, 0))
    del wires[0]
    for wire in wires[-2:]:
        wire.delay = 3
    vectors = [h.Vector().record(s._ref_g) for s in synapses]
    h.tstop = 2
    h.run()
    if on:
        nrn_diff.enable()
    h.continuerun(8)
    return {"g": [np.array(v) for v in vectors], "runs": runs_made()}


@pytest.mark.long
def test_events_on_their_way_from_each_source_arrive():
    theirs, ours = (run_function(in_flight, mods=MODS, on=on) for on in (False, True))
    assert ours["runs"] == 1
    for mine, neurons in zip(ours["g"], theirs["g"], strict=True):
        assert np.ptp(neurons) > 0
        np.testing.assert_allclose(mine, neurons, rtol=1e-9, atol=1e-12)


def moved(on):
    """Of two events of one time the first is displaced from the head of the queue; a third moves one of them."""
    from neuron import h

    import nrn_diff

    h.load_file("stdrun.hoc")
    soma, out = h.Section("soma"), {}
    soma.insert("pas")
    for target in (h.Two(soma(0.5)), h.Twice()):
        stims = [h.NetStim() for _ in range(2)]
        wires = [h.NetCon(s, target, 0, 0, k + 1) for k, s in enumerate(stims)]
        for k, stim in enumerate(stims):
            stim.start, stim.number = k + 1, 1
        wires.append(h.NetCon(None, target, 0, 0, 3))
        h.finitialize(-65)
        while h.t < 3:
            h.fadvance()
            if abs(h.t - 2.5) < 1e-6:
                wires[2].event(4)
        name = target.hname()
        try:
            with nrn_diff.enabled() if on else contextlib.nullcontext():
                h.continuerun(8)
            out[name] = target.code
        except nrn_diff.CaptureError as error:
            out[name] = str(error)
        h.finitialize(-65)
    return out


def test_of_two_events_of_one_time_the_one_is_moved_that_neuron_moves():
    theirs, ours = run_function(moved, mods=MODS, on=False), run_function(moved, mods=MODS, on=True)
    assert ours["Two[0]"] == theirs["Two[0]"] == 21
    assert "which of them net_move would move is not handed over" in ours["Twice[0]"]
