"""enable(): what a script does between two runs, while events wait, counts as it counts in NEURON."""

from pathlib import Path

import numpy as np
import pytest
from neuron_process import run_function

MODS = Path(__file__).parent / "event_mods"


def switched(h, threads):
    """NetCons of one delay, of one source of each kind; one is switched off, another on, while an event waits."""
    pc = h.ParallelContext()
    pc.nthread(threads)
    cells = [h.Section(f"s{k}") for k in range(2)]
    for cell in cells:
        cell.insert("pas")
        cell.L = cell.diam = 20
    stim = h.NetStim()
    stim.start, stim.interval, stim.number = 1, 2, 20
    synapses = [h.ExpSyn(cell(0.5)) for cell in cells]
    sources, wires = [stim, cells[0](0.5)._ref_v], []
    if threads == 1:  # with several, events of point processes are refused
        sources.append(h.Detector(cells[0](0.5)))
        wires.append(h.NetCon(stim, sources[-1]))
        wires[0].weight[0], wires[0].delay = 0.002, 0.1
    for source in sources:
        for k in range(4):
            wires.append(h.NetCon(source, synapses[k % 2], sec=cells[0]))
            wires[-1].weight[0], wires[-1].delay = 0.001 * (k + 1), 3
            wires[-1].threshold = -60
    found = [h.Vector().record(s._ref_g) for s in synapses] + [h.Vector().record(c(0.5)._ref_v) for c in cells]
    for wire in wires[1::4]:
        wire.active(0)
    h.finitialize(-65)
    for k, t in enumerate((4, 5, 6.5, 9, 12)):
        h.continuerun(t)
        for wire in (*wires[1::4], *wires[2::4]):
            wire.active(not wire.active())
        if k == 2:
            wires[3].event(h.t + 0.3)
            wires[3].weight[0] = 0.01
    for _ in range(9):
        h.fadvance()
    h.continuerun(16)
    pc.nthread(1)
    return np.concatenate([[h.t], *found])


def clock(h, threads):
    """psolve() where t was set by hand: NEURON counts its steps from where its threads are."""
    del threads
    cell, pc, clamps = h.Section("s"), h.ParallelContext(), []
    cell.insert("pas")
    clamps.append(h.IClamp(cell(0.5)))
    clamps[0].delay, clamps[0].dur, clamps[0].amp = 0.5, 2, 0.5
    found = [h.Vector().record(h._ref_t), h.Vector().record(cell(0.5)._ref_v)]
    pc.set_maxstep(10)
    h.dt = 0.025
    h.finitialize(-65)
    pc.psolve(2.5)
    h.t = 1
    pc.psolve(4)
    h.t, h.dt = 2, 0.05
    pc.psolve(5)
    h.t -= 0.2
    pc.psolve(pc.t(0) + 0.11)
    h.t = 1
    h.continuerun(2)
    h.dt = 0.025
    return np.concatenate([[h.t], *found])


def drawn(h, threads):
    """Numbers that a Random plays, in runs and steps one after the other; the streams go on from where they are."""
    del threads
    cell, pc = h.Section("s"), h.ParallelContext()
    cell.insert("hh")
    clamp, randoms = h.IClamp(cell(0.5)), []
    clamp.dur = 100
    for k, reference in enumerate((clamp._ref_amp, cell(0.5)._ref_ek)):
        randoms.append(h.Random())
        randoms[k].Random123(1, 2, k)
        randoms[k].seq(0)
        randoms[k].play(reference)
    randoms[0].uniform(0, 0.01)
    randoms[1].normal(-77, 0.1)
    found = [h.Vector().record(x) for x in (cell(0.5)._ref_v, clamp._ref_amp, cell(0.5)._ref_ek)]
    pc.set_maxstep(10)
    h.finitialize(-65)
    ends = []
    for k in range(3):
        h.continuerun(h.t + 1)
        ends += [clamp.amp, cell(0.5).ek, *(r.seq() for r in randoms)]
        pc.psolve(h.t + 0.5)
        for _ in range(5):
            h.fadvance()
        randoms[0].uniform(0, 0.01 * (k + 2))
    for random in randoms:
        ends += [random.seq(), random.repick()]
    randoms.clear()
    return np.concatenate([[h.t], ends, *found])


def both(case, threads):
    from neuron import h

    import nrn_diff

    h.load_file("stdrun.hoc")
    theirs = globals()[case](h, threads)
    with nrn_diff.enabled():
        return [theirs, globals()[case](h, threads)]


SLOW = [pytest.param(*case, marks=pytest.mark.slow) for case in (("switched", 1), ("clock", 1))]


@pytest.mark.long
@pytest.mark.parametrize(("case", "threads"), [("switched", 2), ("drawn", 1), *SLOW])
def test_between_runs(case, threads):
    theirs, ours = run_function(both, mods=MODS, case=case, threads=threads)
    assert theirs.shape == ours.shape
    np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-7)


PAST = """
NEURON { SUFFIX past RANGE late, seen, count }
PARAMETER { d = 1 (ms) }
ASSIGNED { v late seen count }
INITIAL { count = 0 }
BEFORE STEP { LAG v BY d  late = lag_v_d  seen = v + t  count = count + 1 }
"""


def past(on):
    from neuron import h

    import nrn_diff

    h.load_file("stdrun.hoc")
    cell = h.Section("cell")
    cell.L = cell.diam = 20
    cell.insert("past")
    cell.insert("pas")
    clamp = h.IClamp(cell(0.5))
    clamp.delay, clamp.dur, clamp.amp = 0.3, 2, 0.5
    vectors = [h.Vector().record(x) for x in (cell(0.5)._ref_v, cell(0.5).past._ref_late, cell(0.5).past._ref_seen)]
    if on:
        nrn_diff.enable()
    h.tstop = 2
    seen = []
    for run in (h.run, lambda: h.continuerun(2.5), lambda: h.continuerun(4), h.run):
        run()
        seen += [np.array(x) for x in vectors]
        seen.append(np.array([cell(0.5).v, cell(0.5).past.late, cell(0.5).past.seen, cell(0.5).past.count]))
    if on:
        nrn_diff.disable()
        with pytest.raises(RuntimeError):
            h.fadvance()  # NEURON has not the past of this run
    return seen


def test_a_past_in_before_step_goes_on_and_what_only_such_a_block_sets_is_put_back():
    theirs, ours = (run_function(past, mods={"past.mod": PAST}, on=on) for on in (False, True))
    assert np.ptp(theirs[1]) > 15
    for one, other in zip(theirs, ours, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-9)
