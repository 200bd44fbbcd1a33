"""Vector.play in all its forms, and Vector.record other than at every step: NEURON's traces, and their derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from neuron_process import run_function

# `scale` is driven, `seen` is a GLOBAL that every instance assigns, `level` is a STATE that is driven and evolves.
DRIVEN = """
NEURON { SUFFIX driven NONSPECIFIC_CURRENT i RANGE gl, level GLOBAL scale, seen }
PARAMETER { gl = 1e-4 scale = 1 }
ASSIGNED { v i seen }
STATE { level }
INITIAL { level = 0.5 seen = 0 }
BREAKPOINT { SOLVE s METHOD cnexp seen = v + gl i = gl*scale*level*(v + 60) }
DERIVATIVE s { level' = -0.2*level }
"""
ADDS = """
NEURON { POINT_PROCESS Adds RANGE g, gain, i NONSPECIFIC_CURRENT i }
PARAMETER { gain = 1 }
ASSIGNED { v i g }
INITIAL { g = 0 }
BREAKPOINT { i = g*v }
NET_RECEIVE(w) { g = g + gain*w }
"""
# Two events for each that comes, the second of which finds other weights.
ECHOES = """
NEURON { POINT_PROCESS Echoes RANGE g, i NONSPECIFIC_CURRENT i }
ASSIGNED { v i g }
INITIAL { g = 0 }
BREAKPOINT { i = g*v }
NET_RECEIVE(w) { if (flag == 0) { net_send(0.2171, 3) } g = g + w }
"""
# Filled anew where it is looked up, if scale has another value then; the temperature is not in DEPEND.
TABLED = """
NEURON { SUFFIX tabled NONSPECIFIC_CURRENT i GLOBAL scale, tau }
PARAMETER { scale = 1 other = 1 }
ASSIGNED { v i inf tau celsius }
STATE { s }
INITIAL { rates(v) s = inf }
BREAKPOINT { SOLVE states METHOD cnexp rates(v) i = 1e-5*(1 + s + inf)*(v + 60) }
DERIVATIVE states { rates(v) s' = (inf - s)/tau }
PROCEDURE rates(v) {
    TABLE inf, tau DEPEND scale FROM -100 TO 100 WITH 200
    inf = scale/(1 + exp(-(v + 40)/9)) tau = 1 + scale*scale + other
}
"""
MODS = {"tabled.mod": TABLED, "driven.mod": DRIVEN, "adds.mod": ADDS, "echoes.mod": ECHOES}


def build() -> dict[str, Any]:
    """Every form into every kind of variable, at times that fall on, between and before the steps."""
    from neuron import h

    h.load_file("stdrun.hoc")
    h.usetable_hh = 0
    soma = h.Section("soma")
    soma.L = soma.diam = 30
    soma.nseg = 3
    for name in ("hh", "pas", "driven"):
        soma.insert(name)
    clamp = h.IClamp(soma(0.5))
    clamp.dur = 1e9
    rng = np.random.default_rng(0)
    times = np.sort(rng.uniform(0.3, 8, 40))
    times[7] = times[6]
    adds, stim = h.Adds(soma(0.8)), h.NetStim()
    stim.start, stim.interval, stim.number = 0.21, 0.3137, 20
    synapse, echo = h.ExpSyn(soma(0.8)), h.Echoes(soma(0.2))
    wires = [h.NetCon(stim, x, 0, 0.1234, 1e-3) for x in (adds, synapse, echo)]
    wires += [h.NetCon(soma(0.5)._ref_v, x, -30, 0.437, 1e-3, sec=soma) for x in (adds, synapse, echo)]
    plays = [
        (clamp._ref_amp, rng.uniform(0, 0.5, 40), times, 1),
        (soma(0.5)._ref_ek, rng.uniform(-80, -70, 12), np.linspace(0, 6, 12), h.Vector([3, 7])),
        (h._ref_celsius, [6.3, 7, 9], [0, 5, 6], 1),
        (soma(0.2).hh._ref_gnabar, [0.1, 0.12, 0.13, 0.1], 1.125),
        (soma(0.9)._ref_v, [-60, -50, -65], [0, 2.01, 4.99]),
        (soma(0.5).hh._ref_m, [0.3, 0.9], 1.7),
        (soma(0.5).pas._ref_e, [-70, -60, -65], [-1, 2.0, 3.5]),
        (soma(0.9).driven._ref_level, [0.9, 0.2, 0.4], [0, 3, 12], 1),
        (h._ref_scale_driven, [1, 5, 2], [1.0, 4.0, 4.0]),
        (soma(0.1)._ref_nai, [10, 9], [0, 6]),
        (soma(0.5)._ref_cm, [1, 1.4, 0.9, 1.2], [0.01, 2.3, 5, 7.01], 1),
        (h._ref_nao0_na_ion, [150, 140], [0, 3]),
        (wires[0]._ref_weight[0], rng.uniform(0, 2e-3, 30), rng.uniform(0.2, 0.3)),
        (wires[1]._ref_weight[0], rng.uniform(0, 2e-3, 30), np.sort(rng.uniform(0, 8, 30)), h.Vector([4, 5, 17])),
        (wires[3]._ref_weight[0], rng.uniform(0, 1e-3, 90), np.sort(rng.uniform(0, 8, 90)), 1),
        (wires[5]._ref_weight[0], rng.uniform(0, 1e-3, 90), np.sort(rng.uniform(0, 8, 90))),
        (adds._ref_gain, rng.uniform(0.5, 2, 60), np.sort(rng.uniform(0, 8, 60))),
        (wires[4]._ref_threshold, rng.uniform(-66, -20, 40), np.sort(rng.uniform(0, 8, 40)), 1),
    ]
    h.ion_style("na_ion", 1, 2, 1, 0, 1, sec=soma)  # starts from nai0_na_ion and nao0_na_ion
    kept = [soma, clamp]
    for target, values, moments, *how in plays:
        wave = h.Vector(values)
        when = moments if np.isscalar(moments) else h.Vector(moments)
        wave.play(target, when, *how)
        kept += [wave, when, *how]
    kept[5].play(soma(0.5)._ref_ek, kept[6], kept[7])  # once more, as a cell of a notebook does
    kept += [synapse, echo, adds, stim, *wires]
    h.tstop = 10
    return {"soma": soma, "clamp": clamp, "kept": kept, "wires": wires, "adds": adds, "echo": echo, "synapse": synapse}


def records(model: dict[str, Any]) -> list[Any]:
    from neuron import h

    soma, clamp = model["soma"], model["clamp"]
    synapse = h.ExpSyn(soma(0.2))
    # A NetCon that never sends, but to a synapse which has had an event in finitialize.
    stim = h.NetStim()
    stim.start, stim.number = 0, 1
    far = h.NetCon(soma(0.5)._ref_v, synapse, 1e6, 0, 0, sec=soma)
    gone = h.Section("gone")
    lost = h.NetCon(gone(0.5)._ref_v, synapse, sec=gone)
    h.delete_section(sec=gone)
    model["kept"] += [synapse, stim, far, lost, h.NetCon(stim, synapse, 0, 0, 0), h.NetCon(None, synapse)]
    every = [soma(x)._ref_v for x in (0, 0.5, 0.9)]
    every += [clamp._ref_amp, soma(0.5)._ref_ek, soma(0.2).hh._ref_gnabar, soma(0.5).hh._ref_m, soma(0.5)._ref_ik]
    every += [soma(0.5).pas._ref_e, h._ref_t, soma(0.9).driven._ref_level, h._ref_seen_driven, h._ref_scale_driven]
    every += [soma(0.5)._ref_cm, h._ref_celsius, model["kept"][-1]._ref_weight[0], soma(0.1)._ref_ena]
    every += [h._ref_nao0_na_ion, soma(0.5)._ref_nao, model["wires"][0]._ref_weight[0], model["adds"]._ref_g]
    every += [model["wires"][5]._ref_weight[0], model["echo"]._ref_g, model["synapse"]._ref_g]
    vectors = [h.Vector().record(reference) for reference in every]
    times = h.Vector([0, 0.0125, 1.3, 1.3, 2.777, 30])
    vectors += [h.Vector().record(soma(0.5)._ref_v, 0.1), h.Vector().record(soma(0.5)._ref_v, times)]
    vectors += [h.Vector().record(clamp._ref_i, 0.27), h.Vector().record(h._ref_t, 0.3)]
    return [*vectors, times]


def compared() -> dict[str, Any]:
    import tempfile
    from pathlib import Path

    import jax
    import neuron_models
    from neuron import h
    from neuron_state import fingerprint

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    model = build()
    model["kept"] += records(model)
    before = fingerprint()
    captured = nrn_diff.capture()
    after = fingerprint()
    out = {"changed": [key for key in before if repr(before[key]) != repr(after[key])]}
    with tempfile.TemporaryDirectory() as folder:
        captured.save(Path(folder) / "model")
        again = nrn_diff.load(Path(folder) / "model")
        ours, loaded = captured.simulate(), again.simulate()
        out["saved"] = max(float(np.abs(ours[label] - loaded[label]).max()) for label in ours)
    out["first"] = neuron_models.compare_with_neuron(captured, h)
    out["again"] = neuron_models.compare_with_neuron(nrn_diff.capture(), h)
    recording = captured.simulate()
    out["times"] = {label: np.asarray(recording.times(label)) for label in recording}
    out["plays"] = [name for name in captured.parameter_names if name.startswith("play")]
    return out


@pytest.mark.long
def test_played_and_recorded_as_in_neuron() -> None:
    out = run_function(compared, mods=MODS)
    assert out["changed"] == []
    assert out["saved"] == 0.0
    for run in (out["first"], out["again"]):
        assert len(run["worst"]) == 28
        assert max(run["worst"].values()) <= 1e-9, run["worst"]
        assert run["range"] > 50
    assert out["plays"] == [f"play[{k}]" for k in range(18)]
    times = out["times"]
    assert len(times["soma(0.5).v"]) == 401
    assert len(times["soma(0.5).v #2"]) == 100  # NEURON's hundredth sum of 0.1 is beyond its last t
    assert times["soma(0.5).v #3"].tolist() == [0, 0.0125, 1.3, 1.3, 2.777]
    assert times["t #2"][1] == 0.3


def derivative() -> dict[str, Any]:
    """d v(10 ms) / d samples of some waveforms, here and by differences of NEURON."""
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    model = build()
    v = h.Vector().record(model["soma"](0.5)._ref_v)
    h.run()  # what a wave leaves in its variable is there before its first time in the next run
    model["clamp"].amp = 0.1
    captured = nrn_diff.capture()
    names = ["play[0]", "play[3]", "play[6]", "play[7]", "play[10]", "play[12]", "play[16]"]
    theta = captured.parameters(*names)
    gradient = jax.grad(lambda th: captured.simulate(th)["soma(0.5).v"][-1])(theta)
    waves = {
        name: next(w for w in h.List("Vector") if w.hname() == captured.capture.plays[k].vector)
        for name, k in zip(names, (0, 3, 6, 7, 10, 12, 16), strict=True)
    }
    out: dict[str, Any] = {"ours": {}, "neuron": {}}
    samples = [("play[0]", 30), ("play[0]", 39), ("play[3]", 2), ("play[6]", 2), ("play[7]", 1)]
    for name, k in (*samples, ("play[10]", 2), ("play[12]", 12), ("play[16]", 40)):
        wave, ends = waves[name], []
        value = wave.x[k]
        for step in (1e-4, -1e-4):
            wave.x[k] = value * (1 + step)
            model["clamp"].amp = 0.1
            h.run()
            ends.append(v.x[int(v.size()) - 1])
        wave.x[k] = value
        out["ours"][f"{name}[{k}]"] = float(gradient[name][k])
        out["neuron"][f"{name}[{k}]"] = (ends[0] - ends[1]) / (2e-4 * value)
    captured.write_back(theta.replace(**{"play[0]": theta["play[0]"] * 2}))
    out["written"] = [float(waves["play[0]"].x[3]), float(theta["play[0]"][3])]
    return out


@pytest.mark.slow
def test_the_gradient_with_respect_to_a_waveform_is_neurons() -> None:
    out = run_function(derivative, mods=MODS)
    for name, ours in out["ours"].items():
        assert np.isclose(ours, out["neuron"][name], rtol=1e-5, atol=1e-9), (name, ours, out["neuron"][name])
    assert sum(abs(x) > 1e-3 for x in out["ours"].values()) >= 4
    assert out["written"][0] == 2 * out["written"][1]


def stimulated_from_outside() -> dict[str, Any]:
    import jax
    import neuron_models
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    axon = h.Section("axon")
    axon.L, axon.diam, axon.nseg = 600, 2, 5
    axon.insert("hh")
    axon.insert("extracellular")
    h.usetable_hh = 0
    t = h.Vector([0, 1, 1, 1.2, 1.2, 1.4, 1.4])
    kept = []
    for segment in axon:
        peak = -120 / (1 + 3 * segment.x)
        wave = h.Vector([0, 0, peak, peak, -peak, -peak, 0])
        wave.play(segment._ref_e_extracellular, t, 1)
        kept += [wave, h.Vector().record(segment._ref_v), h.Vector().record(segment._ref_e_extracellular)]
    for values, target in (([1e-2, 1e-3], axon(0.5)._ref_xg[0]), ([0.1, 0.5], axon(0.9)._ref_xc[1])):
        wave, when = h.Vector(values), h.Vector([0.5, 5])
        wave.play(target, when, 1)
        kept += [wave, when, h.Vector().record(target)]
    for segment in axon:
        segment.xg[0] = segment.xg[1] = 1e-2
        kept.append(h.Vector().record(segment._ref_vext[0]))
    h.tstop = 6
    return neuron_models.compare_with_neuron(nrn_diff.capture(), h)


@pytest.mark.long
def test_potentials_outside_are_played_as_in_neuron() -> None:
    out = run_function(stimulated_from_outside)
    assert out["range"] > 80
    assert max(out["worst"].values()) <= 1e-8, out["worst"]


def tabled() -> dict[str, Any]:
    """TABLEs in a thread-safe file (hh) and in another one that depend on what is played."""
    import jax
    import neuron_models
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    soma = h.Section("soma")
    soma.L = soma.diam = 20
    soma.nseg = 3
    soma.insert("hh")
    soma.insert("tabled")
    clamp = h.IClamp(soma(0.5))
    clamp.dur, clamp.amp = 1e9, 0.2
    kept = [h.Vector().record(x) for x in (soma(0.5)._ref_v, soma(0.1).hh._ref_m, soma(0.9).tabled._ref_s)]
    kept += [h.Vector().record(x) for x in (soma(0.5).tabled._ref_i, h._ref_celsius, h._ref_tau_tabled)]
    worst = []
    for temperatures, times, scales, at in (
        ([9, 14, 7, 11], [0, 2.013, 4.5, 6], [1.5, 0.7, 2, 1.1], [0.2, 1.113, 3.3, 5]),
        ([14, 7, 11], [0.51, 2.6, 5.5], [0.7, 2, 1.1], [0, 2.506, 3.3]),
    ):
        waves = [h.Vector(x) for x in (temperatures, times, scales, at)]
        waves[0].play(h._ref_celsius, waves[1], *([1] if not worst else []))
        waves[2].play(h._ref_scale_tabled, waves[3], *([1] if worst else []))
        h.tstop = 7
        out = neuron_models.compare_with_neuron(nrn_diff.capture(), h)
        worst.append(out["worst"])
        try:
            with nrn_diff.enabled():
                h.run()
        except (RuntimeError, nrn_diff.CaptureError) as error:
            said = str(error)
        for wave in waves[::2]:
            wave.play_remove()
    return {"worst": worst, "range": out["range"], "said": said, "kept": len(kept)}


@pytest.mark.long
def test_tables_are_filled_anew_as_in_neuron() -> None:
    out = run_function(tabled, mods=MODS)
    for worst in out["worst"]:
        assert max(worst.values()) <= 1e-9, worst
    assert out["range"] > 50
    assert "continuerun() and psolve() fill it anew at different times" in out["said"]


def refused() -> dict[str, Any]:
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    soma = h.Section("soma")
    soma.insert("hh")
    adds, stim = h.Adds(soma(0.5)), h.NetStim()
    wire = h.NetCon(stim, adds)
    kept, out = [wire], {}

    def look(name: str, *plays: Any) -> None:
        for wave, *how in plays:
            wave.play(*how)
        try:
            nrn_diff.capture(tstop=1).structure  # noqa: B018
            out[name] = []
        except nrn_diff.CaptureError as error:
            out[name] = [r.what.replace(plays[0][0].hname(), "it") + ": " + r.why for r in error.refusals]
        for wave, *_ in plays:
            wave.play_remove()

    t = h.Vector([0, 1])
    wave, other = h.Vector([1, 2]), h.Vector([1, 2])
    stim.start = 0.5
    cell = h.IntFire1()
    kept += [cell, h.NetCon(stim, cell), h.NetCon(stim, adds, 0, 0.5, 1)]
    look("nothing", (wave, soma(0.5).hh._ref_gl, t))
    look("statement", (wave, "x = $1", t))
    look("cell", (wave, kept[2]._ref_weight[0], t))
    look("tie", (wave, kept[3]._ref_weight[0], t))
    look("event", (wave, adds._ref_g, t))
    look("geometry", (wave, soma(0.5)._ref_diam, t))
    look("delay", (wave, wire._ref_delay, t))
    look("threshold", (wave, wire._ref_threshold, t))  # of a NetCon from a NetStim
    look("twice", (wave, soma(0.5).hh._ref_gl, t), (other, soma(0.5).hh._ref_gl, t))
    soma.insert("tabled")
    look("table", (wave, h._ref_other_tabled, t))
    look("order", (wave, soma(0.5).hh._ref_gl, h.Vector([1, 0])))
    look("short", (h.Vector([1]), soma(0.5).hh._ref_gl, t, 1))
    kept.append(h.Vector().record(soma(0.5).hh._ref_gl, 0.1))
    look("sampled", (wave, soma(0.5).hh._ref_gl, t))
    return out


@pytest.mark.long
def test_what_cannot_be_played_is_refused() -> None:
    out = run_function(refused, mods=MODS)
    assert out.pop("nothing") == []
    found = {name: "; ".join(reasons) for name, reasons in out.items()}
    for name, words in {
        "statement": "executes a statement",
        "cell": "its target is an artificial cell",
        "tie": "an event that reads it arrives at the same time",
        "event": "its NET_RECEIVE changes it",
        "geometry": "it is played into soma(0.5).diam: mechanisms that read diam see it",
        "delay": "it is played into NetCon[0].delay: NEURON takes",
        "threshold": "it is played into NetCon[0].threshold: followed is that of a voltage only",
        "twice": "two Vectors are played into soma(0.5).hh.gl",
        "table": "the TABLE of rates depends on it, and DEPEND does not name it",
        "order": "its times are not in order",
        "short": "1 samples and 2 times",
        "sampled": "a Vector is played into it",
    }.items():
        assert words in found[name], (name, found[name])
