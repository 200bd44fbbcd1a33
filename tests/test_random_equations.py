"""RANDOM variables of mechanisms that are part of the equations: NEURON's own streams."""

from __future__ import annotations

from typing import Any

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
MODS = {"noisy.mod": NOISE, "release.mod": RELEASE}


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
