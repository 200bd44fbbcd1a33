"""nrn_diff.enable(): what a script sees after its runs is what it sees after NEURON's own."""

import numpy as np
import pytest
from neuron_process import run_function

KEEPS = """NEURON { SUFFIX keeps NONSPECIFIC_CURRENT i RANGE g, n }
PARAMETER { g = 0.0005 }
ASSIGNED { v i factor }
STATE { n }
INITIAL { factor = 1 + celsius/100  n = 0 }
BREAKPOINT { SOLVE d METHOD cnexp  i = g*factor*(v + 60)*(1 + n) }
DERIVATIVE d { n' = (factor - n)/5 }
"""

COUNTS = """NEURON { POINT_PROCESS Counts NONSPECIFIC_CURRENT i RANGE rate }
PARAMETER { rate = 1 }
ASSIGNED { v i steps last[2] }
INITIAL { steps = 0  last[0] = 0  last[1] = v }
BREAKPOINT { SOLVE count  i = 1e-4*(v - last[0] + steps) + 1e-5*last[1] }
PROCEDURE count() { steps = steps + rate*dt  last[1] = last[0]  last[0] = v }
"""


def network(on):
    """A cell with every kind of event, run in pieces, from the middle, with other numbers, and by NEURON at last."""
    import numpy as np
    from neuron import h

    import nrn_diff

    h.load_file("stdrun.hoc")
    soma, dend = h.Section("soma"), h.Section("dend")
    dend.connect(soma(1))
    soma.insert("hh")
    dend.insert("pas")
    dend.insert("keeps")
    soma.L = soma.diam = 20
    dend.L, dend.diam, dend.nseg = 200, 2, 3
    clamp = h.IClamp(soma(0.5))
    clamp.delay, clamp.dur, clamp.amp = 1, 50, 0.3
    syn, syn2 = h.Exp2Syn(dend(0.5)), h.ExpSyn(soma(0.5))
    stim, cell = h.NetStim(), h.IntFire2()
    stim.start, stim.interval, stim.noise, stim.number = 0.5, 3, 1, 100
    cell.taum, cell.taus = 5, 2
    wires = [h.NetCon(stim, syn), h.NetCon(stim, cell), h.NetCon(cell, syn2)]
    wires += [h.NetCon(soma(0.5)._ref_v, target, sec=soma) for target in (cell, syn)]
    for wire, weight, delay in zip(wires, (0.01, 2, 0.002, 1.5, 0.005), (2, 1, 1, 0.5, 0.5), strict=True):
        wire.weight[0], wire.delay, wire.threshold = weight, delay, -20
    vectors = [h.Vector().record(r) for r in (soma(0.5)._ref_v, dend(0.5)._ref_v, soma(0.5).hh._ref_m, h._ref_t)]
    spikes, numbers, trains = h.Vector(), h.Vector(), h.Vector()
    wires[3].record(spikes, numbers, 7)
    wires[0].record(trains)
    at_start = h.FInitializeHandler(1, lambda: setattr(dend(0.5), "v", -70))
    if on:
        nrn_diff.enable()
    seen = []

    def look():
        for vector in (*vectors, spikes, numbers, trains):
            seen.append(np.array(vector))
        segments = [seg for sec in h.allsec() for seg in sec.allseg()]
        live = [soma(0.5).ina, soma(0.5).hh.n, syn.A, syn.g, syn2.g, soma(0.5).ena, cell.i, stim.ranvar.get_seq()]
        seen.append(np.array([h.t, *(seg.v for seg in segments), *live, dend(0.5).keeps.n, clamp.i]))

    h.tstop = 12
    h.run()
    look()
    h("proc twice() { continuerun(14) continuerun(17.01) }")
    h.twice()
    look()
    context = h.ParallelContext()
    context.set_maxstep(10)
    context.psolve(17.05)
    wires[0].weight[0] = 0.02
    context.psolve(20)
    dend.g_pas, stim.interval = 0.0005, 1
    h.run()
    look()
    extra = h.Section("extra")  # another topology
    extra.connect(dend(1))
    extra.insert("pas")
    h.tstop = 4
    h.run()
    look()
    if on:
        from nrn_diff.plugin import switch

        assert (switch._plugin.runs, switch._plugin.in_neuron) == (7, 0)
        nrn_diff.disable()
    h.continuerun(8)  # NEURON goes on where the run before ended, its queue included
    look()
    del at_start
    return seen


@pytest.mark.long
def test_runs_leave_what_neuron_leaves():
    theirs = run_function(network, mods={"keeps.mod": KEEPS}, on=False)
    ours = run_function(network, mods={"keeps.mod": KEEPS}, on=True)
    assert max(np.ptp(x) for x in theirs[::8] if len(x)) > 50  # it spikes
    assert min(len(theirs[k]) for k in (4, 5, 6)) > 0
    for one, other in zip(theirs, ours, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-8)


def refusals():
    """What is refused, what NEURON runs instead, and what is said."""
    import contextlib
    import io

    from neuron import h

    import nrn_diff

    h.load_file("stdrun.hoc")
    soma = h.Section("soma")
    soma.insert("hh")
    v = h.Vector().record(soma(0.5)._ref_v)
    h.tstop = 1
    out = {}
    synapse = h.ExpSyn(soma(0.5))
    init = h.FInitializeHandler(lambda: h.CVode().event(0.5, lambda: None, synapse, 0))
    try:
        with nrn_diff.enabled():
            h.run()
    except nrn_diff.CaptureError as error:
        out["event"] = str(error)
    nrn_diff.enable()
    try:
        h.run()
    except RuntimeError as error:
        out["through hoc"] = str(error)
    try:
        h.ParallelContext().set_maxstep(10)
        h.ParallelContext().psolve(1)
    except nrn_diff.CaptureError as error:
        out["psolve"] = str(error)
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        nrn_diff.enable(fallback="neuron")
        h.run()
        h.run()
    out["said"], out["n"], out["t"] = said.getvalue(), len(v), h.t
    del init
    nrn_diff.enable()
    h("proc advance() { fadvance() }")
    h.run()
    h.CVode().event(1.3)  # NEURON's psolve stops there
    h.ParallelContext().psolve(3)
    out["stopped"] = h.t
    h.secondorder = 2
    try:
        h.continuerun(3)
    except RuntimeError as error:
        out["secondorder"] = str(error)
    h.secondorder = 0
    h("proc advance() { fadvance() steps += 1 }")
    h("steps = 0")
    with contextlib.redirect_stderr(said := io.StringIO()):
        h.run()
        h.run()
    out["advance"], out["steps"], out["in advance"] = said.getvalue(), h.steps, len(v)
    try:
        nrn_diff.enable(fallback="somewhere")
    except nrn_diff.NrnDiffError as error:
        out["fallback"] = str(error)
    return out


@pytest.mark.long
def test_what_cannot_be_reproduced_is_refused_or_run_by_neuron():
    out = run_function(refusals)
    for key in ("event", "through hoc", "psolve"):
        assert "cvode.event" in out[key]
    assert out["said"].count("cvode.event") == 1
    assert "NEURON's own" in out["said"]
    assert (out["n"], round(out["t"], 9)) == (41, 1.0)
    assert out["advance"].count("NEURON's own, because advance() of your own code") == 1
    assert (out["steps"], out["in advance"]) == (80, 41)
    assert round(out["stopped"], 9) == 1.3
    assert "secondorder = 2: it was changed since finitialize" in out["secondorder"]
    assert "somewhere" in out["fallback"]


def hidden(on):
    """A variable that HOC cannot read and only INITIAL sets, through runs of both; a GLOBAL that a TABLE leaves."""
    import numpy as np
    from neuron import h

    import nrn_diff
    from nrn_diff.plugin import runs_made

    h.load_file("stdrun.hoc")
    soma = h.Section("soma")
    soma.nseg = 3
    soma.insert("keeps")
    points = [h.Counts(soma(x)) for x in (0.5, 0.1, 0.5)]
    for k, point in enumerate(points):
        point.rate = 1 + k
    soma.insert("hands")
    v, i = h.Vector().record(soma(0.5)._ref_v), h.Vector().record(points[0]._ref_i)
    e = h.Vector().record(soma(0.5)._ref_ekx)
    h.tstop = 1
    if on:
        nrn_diff.enable()
    h('objref at_start  at_start = new FInitializeHandler(2, "cvode.event(0.5) cvode.event(9)")')  # without a statement
    h.run()
    h.celsius = 30  # of the factor it is that of INITIAL
    h.continuerun(2)
    h.fadvance()  # by NEURON, from what the run has left
    h.continuerun(4)
    first = np.array(e)
    h.run()
    return {"v": np.array(v), "i": np.array(i), "first": first, "e": np.array(e), "runs": runs_made()}


# A reversal potential of which each instance has a copy that no INITIAL sets: a run finds what the one before has left.
HANDS = """
NEURON { SUFFIX hands USEION kx READ ikx WRITE ekx VALENCE 1 }
ASSIGNED { v ekx ikx }
BREAKPOINT { if (v > -64.9) { ekx = v } }
"""
# What a step leaves for the next in a LOCAL of the file, which NEURON shows nowhere.
LEAVES = """
NEURON { SUFFIX leaves RANGE factor NONSPECIFIC_CURRENT i }
ASSIGNED { v i factor }
LOCAL left
INITIAL { left = -65 factor = 1 }
BREAKPOINT { SOLVE keep i = 1e-4*factor*(v - left) }
PROCEDURE keep() { left = 0.5*v - 30 }
"""


def lost(on):
    """Runs with such a variable; then a step of NEURON itself, which cannot know it."""
    import numpy as np
    from neuron import h

    import nrn_diff

    h.load_file("stdrun.hoc")
    soma = h.Section("soma")
    soma.insert("leaves")
    v = h.Vector().record(soma(0.5)._ref_v)
    h.tstop = 1
    if on:
        nrn_diff.enable()
    h.stdinit()
    soma(0.5).leaves.factor = 1.5  # INITIAL made the LOCAL of nothing, so that it does not matter
    h.continuerun(2)
    other = h.Vector().record(soma(0.5)._ref_i_cap)  # NEURON is looked at anew
    h.continuerun(3)
    said = ""
    try:
        h.fadvance()
    except RuntimeError as error:
        said = str(error)
    again = np.array(v)
    h.finitialize(-60)
    h.fadvance()
    return {"v": again, "again": np.array(v), "said": said, "n": other.size()}


@pytest.mark.long
def test_neuron_does_not_go_on_without_what_it_cannot_know():
    mods = {"keeps.mod": KEEPS, "counts.mod": COUNTS, "leaves.mod": LEAVES, "hands.mod": HANDS}
    here, there = (run_function(lost, on=on, mods=mods) for on in (True, False))
    assert "left of leaves" in here["said"]
    assert there["said"] == ""
    np.testing.assert_allclose(here["v"][:121], there["v"][:121], rtol=0, atol=1e-10)
    np.testing.assert_allclose(here["again"], there["again"], rtol=0, atol=1e-10)


@pytest.mark.long
def test_variables_that_hoc_cannot_read_go_on():
    mods = {"keeps.mod": KEEPS, "counts.mod": COUNTS, "leaves.mod": LEAVES, "hands.mod": HANDS}
    here, there = (run_function(hidden, on=on, mods=mods) for on in (True, False))
    assert here["runs"] == 4
    assert there["runs"] == 0
    for name in ("first", "e"):
        np.testing.assert_allclose(here[name], there[name], rtol=0, atol=1e-10)
    assert there["first"][1] != there["e"][1]
    np.testing.assert_allclose(here["v"], there["v"], rtol=0, atol=1e-10)
    np.testing.assert_allclose(here["i"], there["i"], rtol=1e-12, atol=1e-14)
    assert np.ptp(there["v"]) > 0.1


@pytest.mark.parametrize("name", ["enable", "disable", "enabled"])
def test_public_names(name):
    import nrn_diff

    assert callable(getattr(nrn_diff, name))


def output_cells(on):
    """Cells with gids; the last one has no connection, and nobody keeps the NetCon that pc.cell was given."""
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    pc = h.ParallelContext()
    cells, keep = [h.Section(f"cell{k}") for k in range(3)], []
    for k, cell in enumerate(cells):
        cell.L = cell.diam = 20
        cell.insert("hh")
        clamp = h.IClamp(cell(0.5))
        clamp.delay, clamp.dur, clamp.amp = 1 + 0.7 * k, 20, 0.6
        pc.set_gid2node(100 + k, pc.id())
        first = h.NetCon(cell(0.5)._ref_v, None, sec=cell)
        first.threshold = -10 + k
        pc.cell(100 + k, first)
        del first
        synapse = h.ExpSyn(cell(0.5))
        keep += [clamp, synapse]
        if k:
            wire = pc.gid_connect(99 + k, synapse)
            wire.delay, wire.weight[0] = 2, 0.003
            keep.append(wire)
    times, gids = h.Vector(), h.Vector()
    pc.spike_record(-1, times, gids)
    h.tstop = 12
    out = {"kept": len(keep)}
    if on:
        model = nrn_diff.capture()
        recording = model.simulate()
        out["labels"] = sorted(s.label for s in model.capture.spikes)
        out["captured"] = sorted(float(t) for s in model.capture.spikes for t in recording.spike_times(s.label))
        nrn_diff.enable()
    for _ in range(2):
        h.run()
    out["spikes"] = [[gid, t] for t, gid in zip(times, gids, strict=True)]
    return out


@pytest.mark.long
def test_spikes_of_gids_that_no_netcon_shows():
    ours, theirs = run_function(output_cells, on=True), run_function(output_cells, on=False)
    assert {gid for gid, _ in theirs["spikes"]} == {100, 101, 102}
    assert ours["spikes"] == theirs["spikes"]
    assert ours["captured"] == sorted(t for _, t in theirs["spikes"])
    assert ours["labels"] == ["cell0(0.5).v > -10", "cell1(0.5).v > -9", "cell2(0.5).v > -8"]


def threads():
    import numpy as np
    from neuron import h

    import nrn_diff

    h.load_file("stdrun.hoc")
    cells = [h.Section(name=f"cell{k}") for k in range(4)]
    for cell in cells:
        cell.insert("hh")
        cell.L = cell.diam = 20
    clamp = h.IClamp(cells[2](0.5))
    clamp.delay, clamp.dur, clamp.amp = 1, 50, 0.3
    synapse = h.ExpSyn(cells[1](0.5))
    netcon = h.NetCon(cells[2](0.5)._ref_v, synapse, sec=cells[2])
    netcon.weight[0], netcon.delay = 0.05, 1.3
    context = h.ParallelContext()
    context.nthread(4)
    context.set_maxstep(10)
    vectors = [h.Vector().record(cell(0.5)._ref_v) for cell in cells[1:3]]
    same = h.IClamp(cells[0](0.5))
    same.delay, same.dur, same.amp = 1, 50, 0.3
    for k in (0, 2):
        context.set_gid2node(k, 0)
        context.cell(k, h.NetCon(cells[k](0.5)._ref_v, None, sec=cells[k]))
    when, which = h.Vector(), h.Vector()
    context.spike_record(-1, when, which)
    h.tstop, out, sent = 6, [], []
    for first, second, at_once in ((False, False, True), (True, True, True), (True, False, True), (True, False, False)):
        context.nthread(4, at_once)
        # In psolve NEURON's threads wait for one another only where an event says so.
        for on, run in ((first, h.run), (second, lambda: context.psolve(25))):
            nrn_diff.enable() if on else nrn_diff.disable()
            run()
        out.append([np.array(v) for v in vectors])
    for on in (False, True):  # one thread after the other: only then is there an order of spikes of one time
        nrn_diff.enable() if on else nrn_diff.disable()
        h.run()
        sent.append([np.array(when), np.array(which)])
    return {"traces": out, "threads": context.nthread(), "sent": sent}


@pytest.mark.long
def test_neurons_threads_are_left_to_work():
    out = run_function(threads)
    theirs, ours, mixed, in_turn = map(np.array, out["traces"])
    assert out["threads"] == 4
    assert theirs[0, 400:].max() > 0
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)
    np.testing.assert_allclose(mixed, theirs, rtol=0, atol=1e-9)
    np.testing.assert_allclose(in_turn, theirs, rtol=0, atol=1e-9)
    sent, sent_here = ([x.tolist() for x in s] for s in out["sent"])
    assert sent == sent_here
    assert sent[1] == [2.0, 0.0]  # thread 0 is the process itself


LONG = """create soma
access soma
soma {insert hh  L = diam = 20}
tstop = 2
run()
first = v(0.5)
// %s
run()
second = t
"""


def a_long_file(folder):
    from pathlib import Path

    from neuron import h

    import nrn_diff

    h.load_file("stdrun.hoc")
    path = Path(folder) / "long.hoc"
    # NEURON reads a file piece by piece; what follows the first run is in none that it has read by then.
    path.write_text(LONG % "\n// ".join(["as long as the files of models are"] * 2000))
    nrn_diff.enable()
    h.load_file(str(path))
    return nrn_diff.plugin.runs_made(), h.first, h.second


def test_a_hoc_file_is_read_to_its_end_after_a_run(tmp_path):
    runs, first, second = run_function(a_long_file, folder=str(tmp_path))
    assert runs == 2
    assert first < -60
    assert second == pytest.approx(2)
