"""RANDOM variables of mechanisms that are part of the equations: NEURON's own streams."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from neuron_process import run_function

NOISE = """
NEURON { SUFFIX noisy RANDOM r, s NONSPECIFIC_CURRENT i RANGE x, y, amp }
PARAMETER { amp = 0.002 }
ASSIGNED { v i x y }
INITIAL { random_setseq(r, 7) x = 0 y = random_ipick(s) }
BREAKPOINT { SOLVE draw i = amp*(x + random_uniform(s, -1, 1)) + 1e-4*(v + 60) }
PROCEDURE draw() { x = normal01() if (x > 0) { y = random_dpick(s) } }
FUNCTION normal01() { normal01 = random_normal(r, 0, 1) }
"""
RELEASE = """
NEURON { POINT_PROCESS Release RANDOM r NONSPECIFIC_CURRENT i RANGE g, p }
PARAMETER { p = 0.5 }
ASSIGNED { v i }
STATE { g }
INITIAL { g = 0 }
BREAKPOINT { SOLVE s METHOD cnexp i = g*v }
DERIVATIVE s { g' = -g/3 }
NET_RECEIVE(w) { if (random_uniform(r) < p) { g = g + w*random_negexp(r, 0.5) } }
"""
DRAWING = """
NEURON { SUFFIX drawing NONSPECIFIC_CURRENT i RANGE x, n, amp }
PARAMETER { amp = 0.002 }
ASSIGNED { v i x n many }
INITIAL { x = normrand(0.1, 2) n = poisrand(3) }
BREAKPOINT { SOLVE draw i = amp*x + 1e-6*scop_random() + 1e-4*(v + 60) }
PROCEDURE draw() {
    if (scop_random() > 0.3 && exprand(2) < 3) { x = normrand(0, 1) }
    n = 0
    many = poisrand(abs(x)*2)
    FROM k = 1 TO many { n = n + scop_random() }
}
"""
BURSTS = """
NEURON { POINT_PROCESS Bursts RANGE mean, count, last NONSPECIFIC_CURRENT i }
PARAMETER { mean = 3 (ms) }
ASSIGNED { v i count last }
STATE { g }
INITIAL { g = 0 count = 0 net_send(exprand(mean), 1) }
BREAKPOINT { SOLVE s METHOD cnexp i = g*v }
DERIVATIVE s { g' = -g/3 }
NET_RECEIVE(w) {
    if (flag == 1) {
        count = count + 1
        last = t
        net_event(t)
        net_send(exprand(mean), 1)
    } else if (scop_random() < 0.7) {
        g = g + w*exprand(0.5)
    }
}
"""
SEEDED = """
NEURON { SUFFIX seeded RANGE first }
PARAMETER { seed = 0 }
ASSIGNED { first }
INITIAL { if (seed > 0) { set_seed(seed) } first = scop_random() }
"""
TICK = """
NEURON { ARTIFICIAL_CELL Tick }
INITIAL { net_send(exprand(5), 1) }
NET_RECEIVE(w) { if (flag == 1) { net_event(t) } }
"""
MODS = {
    "noisy.mod": NOISE,
    "release.mod": RELEASE,
    "drawing.mod": DRAWING,
    "bursts.mod": BURSTS,
    "seeded.mod": SEEDED,
    "tick.mod": TICK,
}


def compared() -> dict[str, Any]:
    import tempfile
    from pathlib import Path

    import jax
    import neuron_models
    import numpy as np
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    h.Random().Random123_globalindex(5)
    soma = h.Section("soma")
    soma.L = soma.diam = 20
    soma.nseg = 3
    soma.insert("noisy")
    for k, segment in enumerate(soma):
        segment.noisy.r.set_ids(k, 2, 3)
        segment.noisy.s.set_ids(k, 20, 4_000_000_000).set_seq(2**33 + 1)
    synapses = [h.Release(soma(x)) for x in (0.1, 0.9)]
    stim = h.NetStim()
    stim.start, stim.interval, stim.number = 1, 0.7, 20
    wires = [h.NetCon(stim, s, 0, 0.3, 0.01) for s in synapses]
    references = [soma(0.5)._ref_v, soma(0.5).noisy._ref_x, soma(0.9).noisy._ref_y, synapses[1]._ref_g]
    vectors = [h.Vector().record(reference) for reference in references]
    h.tstop = 10
    out: dict[str, Any] = {"kept": len(wires)}
    for run in ("first", "second"):
        model = nrn_diff.capture()
        out[run] = neuron_models.compare_with_neuron(model, h)["worst"]
    out["spread"] = [float(np.std(v)) for v in vectors]
    theta = model.parameters(nrn_diff.Param("amp_noisy", share="all"))
    label = "soma(0.5).v"
    out["gradient"] = float(jax.grad(lambda th: model.simulate(th)[label][-1])(theta)["amp_noisy"])
    step = 1e-7
    ends = [float(model.simulate(theta.replace(amp_noisy=0.002 + d))[label][-1]) for d in (step, -step)]
    out["difference"] = (ends[0] - ends[1]) / (2 * step)
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model")
        again = nrn_diff.load(Path(folder) / "model").simulate()
        out["saved"] = float(np.abs(again[label] - model.simulate()[label]).max())
    return out


@pytest.mark.long
def test_the_numbers_of_the_equations_are_neurons() -> None:
    out = run_function(compared, mods=MODS)
    assert out["kept"] == 2
    for run in ("first", "second"):
        assert len(out[run]) == 4
        # The slope of the current is the difference of two random numbers over 0.001 mV: that magnifies the rounding.
        assert out[run].pop("soma(0.5).v") <= 1e-8
        assert max(out[run].values()) <= 1e-13, out[run]
    assert min(out["spread"]) > 1e-4
    assert abs(out["gradient"] - out["difference"]) <= 1e-5 * abs(out["gradient"])
    assert out["gradient"] != 0.0
    assert out["saved"] == 0.0


def of_process() -> dict[str, Any]:
    import jax
    import neuron_models
    import numpy as np
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    soma = h.Section("soma")
    soma.L = soma.diam = 20
    soma.nseg = 3
    for name in ("drawing", "seeded"):
        soma.insert(name)
    cells = [h.Bursts(soma(x)) for x in (0.9, 0.1, 0.5)]
    stim = h.NetStim()
    stim.start, stim.interval, stim.number = 1, 0.7, 20
    # One after the other, and from one to the other without delay.
    wires = [h.NetCon(stim, cell, 0, 0.31 + 0.1 * k, 0.01) for k, cell in enumerate(cells)]
    wires += [h.NetCon(cells[0], cells[2], 0, 0.0, 0.02), h.NetCon(soma(0.5)._ref_v, cells[1], -58, 1.23, 0.01)]
    references = [soma(0.5)._ref_v, soma(0.9).drawing._ref_x, soma(0.1).drawing._ref_n, soma(0.5).seeded._ref_first]
    references += [getattr(cell, f"_ref_{name}") for cell in cells for name in ("count", "last", "g")]
    vectors = [h.Vector().record(reference) for reference in references]
    h.tstop = 10
    out: dict[str, Any] = {"kept": len(wires)}
    for run in ("first", "second"):
        h.seed_seeded = 4_000_000_000.7 if run == "second" else 0
        model = nrn_diff.capture()
        out[run] = neuron_models.compare_with_neuron(model, h)["worst"]
    out["spread"] = [float(np.std(v)) for v in vectors]
    theta = model.parameters(nrn_diff.Param("amp_drawing", share="all"))
    label = "soma(0.5).v"
    out["gradient"] = float(jax.grad(lambda th: model.simulate(th)[label][-1])(theta)["amp_drawing"])
    step = 1e-7
    ends = [float(model.simulate(theta.replace(amp_drawing=0.002 + d))[label][-1]) for d in (step, -step)]
    out["difference"] = (ends[0] - ends[1]) / (2 * step)
    for wire in wires[:3]:
        wire.delay = 0.3
    try:
        nrn_diff.capture().simulate()
    except nrn_diff.errors.EventCapacityError as error:
        out["tie"] = str(error)
    for key in ("tick", "other stream"):
        if key == "tick":
            ticking = h.Tick()
            wires.append(h.NetCon(ticking, cells[0], 0, 1, 0.01))
        else:
            wires.pop()
            h.use_mcell_ran4(1)
        try:
            nrn_diff.capture()
        except nrn_diff.CaptureError as error:
            out[key] = str(error)
    return out


@pytest.mark.long
def test_the_numbers_of_the_one_stream_of_the_process_are_neurons() -> None:
    out = run_function(of_process, mods=MODS)
    for run in ("first", "second"):
        assert out[run].pop("soma(0.5).v") <= 1e-8
        assert max(out[run].values()) <= 1e-13, out[run]
    constant = out["spread"].pop(3)
    assert constant == 0.0
    assert min(out["spread"]) > 1e-3
    assert abs(out["gradient"] - out["difference"]) <= 1e-5 * abs(out["gradient"])
    assert "at the same time" in out["tie"]
    assert "the same stream as artificial cells" in out["tick"]
    assert "use_mcell_ran4" in out["other stream"]


def going_on(on: bool) -> dict[str, Any]:
    """Runs of enable() and steps of NEURON in turn, with the streams of both kinds."""
    import numpy as np
    from neuron import h

    import nrn_diff
    from nrn_diff.plugin import runs_made

    h.load_file("stdrun.hoc")
    soma = h.Section("soma")
    soma.L = soma.diam = 20
    soma.nseg = 3
    for name in ("noisy", "drawing"):
        soma.insert(name)
    for k, segment in enumerate(soma):
        segment.noisy.r.set_ids(k, 2, 3)
        segment.noisy.s.set_ids(k, 20, 4_000_000_000).set_seq(2**33 + 1)
    synapse, bursts, stim = h.Release(soma(0.1)), h.Bursts(soma(0.9)), h.NetStim()
    bursts.mean = 0.4
    stim.start, stim.interval, stim.number = 0.1, 0.3, 20
    wires = [h.NetCon(stim, synapse, 0, 0.3, 0.01), h.NetCon(bursts, synapse, 0, 0.2, 0.02)]
    references = [soma(0.5)._ref_v, soma(0.5).noisy._ref_x, soma(0.9).drawing._ref_n, synapse._ref_g]
    vectors = [h.Vector().record(reference) for reference in references]
    h.tstop = 2
    if on:
        nrn_diff.enable()
    h.run()
    h.continuerun(3)
    for _ in range(20):
        h.fadvance()
    h.continuerun(4)
    h.stdinit()
    h.continuerun(1)
    places = [getattr(segment.noisy, name).get_seq() for segment in soma for name in "rs"]
    out = {"seen": [*map(np.array, vectors), np.array([*places, bursts.count, bursts.last])]}
    return out | {"runs": runs_made(), "wires": len(wires)}


@pytest.mark.long
def test_streams_go_on_in_runs_of_enable_and_in_neuron() -> None:
    theirs, ours = (run_function(going_on, mods=MODS, on=on) for on in (False, True))
    assert (theirs["runs"], ours["runs"]) == (0, 4)
    for mine, neurons in zip(ours["seen"], theirs["seen"], strict=True):
        np.testing.assert_allclose(mine, neurons, rtol=1e-8, atol=1e-8)
