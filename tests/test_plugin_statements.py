"""enable() with cvode.event: statements and functions are executed where NEURON executes them, and see the same."""

import numpy as np
import pytest
from neuron_process import run_function

HOC = """
n = 0
proc progress() { n = n + t  cvode.event(t + 2, "progress()") }
begintemplate Arms
public arm, n
objref cvode
proc init() { cvode = new CVode() }
proc go() { n = n + t }
proc arm() { cvode.event(2.6, "go()")  cvode.event(4.31, "go()") }
endtemplate Arms
objref arms
arms = new Arms()
"""


def network(on):
    """Runs in which code between two steps looks, changes states and parameters, and queues more."""
    import numpy as np
    from neuron import h

    import nrn_diff
    from nrn_diff.plugin import runs_made

    h.load_file("stdrun.hoc")
    h(HOC)
    soma, dend = h.Section("soma"), h.Section("dend")
    dend.connect(soma(1))
    soma.insert("hh")
    dend.insert("pas")
    soma.L = soma.diam = 20
    clamp = h.IClamp(soma(0.5))
    clamp.delay, clamp.dur, clamp.amp = 1, 20, 0.2
    synapse, stim = h.ExpSyn(dend(0.5)), h.NetStim()
    stim.start, stim.interval, stim.noise, stim.number = 2, 2, 1, 100
    wires = [h.NetCon(stim, synapse), h.NetCon(soma(0.5)._ref_v, synapse, sec=soma)]
    for wire in wires:
        wire.weight[0] = 0.01
    v, cvode, seen = h.Vector().record(soma(0.5)._ref_v), h.CVode(), []

    def look(number):
        live = (
            soma(0.5).v,
            soma(0.5).hh.m,
            clamp.amp,
            synapse.g,
            len(v),
            v[len(v) - 1],
            h.n,
            h.arms.n,
            h.stoprun,
            h.dt,
        )
        seen.append((number, h.t, *live))

    def change():
        look(1)
        clamp.amp = 0.4
        soma(0.5).v -= 5

    def again():
        look(2)
        if h.t < 9:
            cvode.event(h.t + 1.003, again)

    def queue():
        cvode.event(0, lambda: look(3))
        cvode.event(0.01, (look, 4))
        cvode.event(3.3, change)
        cvode.event(1.003, again)
        cvode.event(4)
        cvode.event(6.21, (look, 14))
        cvode.event(6.21, (look, 15))
        cvode.event(9.99, lambda: look(5))
        cvode.event(10, (look, (6,)))
        cvode.event(14, lambda: look(7))
        h('cvode.event(2, "progress()")')
        h.arms.arm()

    handler = h.FInitializeHandler(queue)
    if on:
        nrn_diff.enable()
    h.tstop = 10
    h.run()
    look(8)
    h.continuerun(12)
    look(9)
    context = h.ParallelContext()
    context.set_maxstep(10)
    cvode.event(13)  # without a statement: psolve() stops there
    for end in (15, 15):
        context.psolve(end)
        look(10)
    cvode.event(15.5, "stoprun = 1")
    context.psolve(16)
    look(11)
    h.nstep_steprun = 2
    cvode.event(17, lambda: setattr(h, "dt", 0.05))
    h.continuerun(18.02)
    look(12)
    cvode.event(18.51, "stoprun = 1")  # after the first of two steps of one step()
    h.continuerun(20)
    look(13)
    del handler
    return {"seen": np.array(seen), "v": np.array(v), "runs": runs_made()}


@pytest.mark.long
def test_statements_and_functions_see_and_change_what_they_do_in_neuron():
    theirs, ours = (run_function(network, on=on) for on in (False, True))
    assert (theirs["runs"], ours["runs"]) == (0, 7)
    assert set(theirs["seen"][:, 0]) == set(range(1, 16))
    np.testing.assert_allclose(ours["seen"], theirs["seen"], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(ours["v"], theirs["v"], rtol=0, atol=1e-9)


def refusals():
    from neuron import h

    import nrn_diff

    h.load_file("stdrun.hoc")
    soma = h.Section("soma")
    soma.insert("hh")
    synapse, stim = h.ExpSyn(soma(0.5)), h.NetStim()
    wire = h.NetCon(stim, synapse)
    every = h.Vector().record(soma(0.5)._ref_v, 0.1)  # its events displace others in NEURON's queue
    cvode, out, called = h.CVode(), {}, []
    cases = {
        "process": [(0.5, lambda: called.append(0), synapse, 0)],
        "tie": [(0.5, lambda: called.append(1)), (0.5, lambda: called.append(2))],
        "fails": [(0.5, lambda: 1 / 0)],
        "dt": [(0.5, lambda: setattr(h, "dt", 0.05))],
        "t": [(0.5, lambda: setattr(h, "t", 3))],
        "hoc": [(0.5, "nothing_of_the_kind()")],
    }
    context = h.ParallelContext()
    context.set_maxstep(10)
    for name, events in cases.items():
        h.finitialize(-65)
        for event in events:
            cvode.event(*event)
        try:
            with nrn_diff.enabled():
                context.psolve(1)
        except (nrn_diff.NrnDiffError, RuntimeError) as error:
            out[name] = f"{h.t:g} {error}"
        h.dt = 0.025
    del wire, every
    return {"out": out, "called": called}


@pytest.fixture(scope="module")
def refused():
    return run_function(refusals)


@pytest.mark.parametrize(
    ("case", "when", "text"),
    [
        ("process", "0 ", "cvode.event with a POINT_PROCESS"),
        ("tie", "0 ", "two statements or functions of cvode.event at 0.49375 ms"),
        ("fails", "0.5 ", "ZeroDivisionError"),
        ("dt", "0.5 ", "dt was changed from 0.025 to 0.05 ms in the middle of psolve()"),
        ("t", "3 ", "NEURON is at 0.5 ms"),
        ("hoc", "0.5 ", "nothing_of_the_kind"),
    ],
)
def test_what_cannot_be_followed_is_an_error(refused, case, when, text):
    assert refused["out"][case].startswith(when)
    assert text in refused["out"][case]
    assert refused["called"] == []
