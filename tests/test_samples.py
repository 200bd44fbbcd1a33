"""Vector.record at intervals and at times of what events change: the sample is taken among these, as in NEURON."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from neuron_process import run_function

MODS = Path(__file__).parent / "event_mods"
CHANGED = {
    "Exp2Syn": ("A", "B"),
    "Pulse": ("g", "last", "ends"),
    "Order": ("g", "hash"),
    "Share": ("g", "sum", "most"),
    "ExpSyn": ("g",),
    "Gate": ("n", "up", "x"),
    "Kick": ("n",),
}


def build(h: Any, seed: int) -> dict[str, Any]:
    """Point processes, cells and NetCons of every kind; what events change in them is sampled often within a step."""
    rng = np.random.default_rng(seed)
    h.load_file("stdrun.hoc")
    h.dt, h.steps_per_ms, h.tstop = 0.1, 10, 12
    soma = h.Section("soma")
    soma.L = soma.diam = 25
    soma.nseg = 3
    soma.insert("hh")
    clamp = h.IClamp(soma(0.5))
    clamp.delay, clamp.dur, clamp.amp = 1, 9, 0.6
    # The first is small. In others there is one that sets v, or one that watches it.
    kinds = [*([list(CHANGED)[seed % 5], "Kick" if seed % 2 else "Gate"] if seed else ["Order"])]
    points = [getattr(h, kind)(soma(x)) for kind in kinds for x in (0.2, 0.8)]
    cell = h.Leaky() if seed and seed % 2 == 0 else None
    wires, stims = [], []
    for target in (*points, points[0], *([cell] if cell else [])):
        stim = h.NetStim()
        stim.start, stim.interval, stim.number = rng.uniform(0, 2), rng.uniform(0.2, 1), 40
        wires.append(h.NetCon(stim, target, 0, rng.uniform(0, 1), rng.uniform(0, 2e-3)))
        stims.append(stim)
    for target in (points[0], points[1], *([cell] if cell else [])):
        wires.append(h.NetCon(soma(0.5)._ref_v, target, -20, rng.uniform(0.1, 2), 2e-3, sec=soma))
    for wire in wires:
        if wire.syn() in ([cell] if cell else []) + points[2:]:
            wire.weight[0] = rng.uniform(0, 0.5)
    quantities = [
        getattr(p, f"_ref_{name}")
        for kind, p in zip(np.repeat(kinds, 2), points, strict=True)
        for name in CHANGED[kind]
    ]
    quantities += [soma(0.8)._ref_v, soma(0.5)._ref_v, soma(0.2)._ref_ina, points[0]._ref_i]
    quantities += [cell._ref_m] if cell else []
    mine = [w for w in wires if w.syn() != cell]
    quantities += [w._ref_weight[k] for w in mine for k in range(int(w.wcnt())) if rng.random() < 0.4]
    vectors, times = [], []
    for reference in quantities:
        if rng.random() < 0.5:
            vectors.append(h.Vector().record(reference, float(rng.choice([0.0131, 0.11, 0.7, 1.9371]))))
        else:
            times.append(h.Vector(np.sort(rng.uniform(0, 13, rng.integers(1, 300)))))
            vectors.append(h.Vector().record(reference, times[-1]))
    vectors.append(h.Vector().record(points[0]._ref_g))
    return {"kept": [soma, clamp, points, cell, wires, stims, times], "vectors": vectors, "wires": wires}


def sampled(seed: int) -> dict[str, Any]:
    import jax
    import neuron_models
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    model = build(h, seed)
    seen = lambda: [np.array(v) for v in model["vectors"]]
    weights = [w.weight[k] for w in model["wires"] for k in range(int(w.wcnt()))]

    def anew() -> None:
        """NET_RECEIVE of Share changes weights for good."""
        places = [(w, k) for w in model["wires"] for k in range(int(w.wcnt()))]
        for (wire, k), weight in zip(places, weights, strict=True):
            wire.weight[k] = weight

    captured = nrn_diff.capture()
    out = {"capture": neuron_models.compare_with_neuron(captured, h)["worst"], "neuron": seen()}
    anew()
    with nrn_diff.enabled():
        h.run()
    out["enable"] = seen()
    anew()
    h.finitialize(h.v_init)
    with contextlib.ExitStack() as enabled:
        # Of a copy of v that HOC cannot read (Kick), NEURON and a later session of enable() know nothing.
        if seed % 2:
            enabled.enter_context(nrn_diff.enabled())
        h.continuerun(2.3)
        if seed % 2 == 0:
            enabled.enter_context(nrn_diff.enabled())
        for stop in (4.6, 4.7, 8, *([h.tstop] if seed % 2 else [])):
            h.continuerun(stop)
    h.continuerun(h.tstop)
    out["middle"] = seen()
    if not seed:
        out["slopes"] = slopes(h, captured, model)
    return out


def slopes(h: Any, captured: Any, model: dict[str, Any]) -> list[Any]:
    """d of all samples / d of the weights along a direction, here and by differences of NEURON."""
    import jax

    # Steps that are small enough for no spike to move leave differences of v uncertain by 1e-6.
    records = [r for r in captured.capture.records if not r.every_step]
    wires, timed = (
        model["wires"],
        [captured.capture.records.index(r) for r in records if r.kind != "v" and r.owner != "na"],
    )
    labels = [captured.capture.records[k].label for k in timed]
    start = captured.parameters("NetCon.weight")
    along = np.random.default_rng(1).uniform(-1, 1, len(wires)) * np.array(start["NetCon.weight"])

    def samples(weights: Any) -> list[Any]:
        recording = captured.simulate({"NetCon.weight": weights})
        return [recording[label] for label in labels]

    ours = jax.jvp(samples, (start["NetCon.weight"],), (along,))[1]
    ends = []
    for step in (2e-4, -2e-4, 1e-4, -1e-4):
        for wire, weight, direction in zip(wires, np.array(start["NetCon.weight"]), along, strict=True):
            wire.weight[0] = weight + step * direction
        h.run()
        ends.append([np.array(model["vectors"][k]) for k in timed])
    difference = [(4 * (c - d) / 2e-4 - (a - b) / 4e-4) / 3 for a, b, c, d in zip(*ends, strict=True)]
    return list(zip(map(np.asarray, ours), difference, strict=True))


@pytest.mark.long
@pytest.mark.parametrize("seed", [0, *(pytest.param(k, marks=pytest.mark.slow) for k in range(1, 6))])
def test_samples_among_events_are_neurons(seed: int) -> None:
    out = run_function(sampled, mods=MODS, timeout=900, seed=seed)
    assert max(out["capture"].values()) <= 1e-9, out["capture"]
    for way in ("enable", "middle"):
        for k, (got, want) in enumerate(zip(out[way], out["neuron"], strict=True)):
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-9, err_msg=f"{way} {k}")
    for ours, theirs in out.get("slopes", ()):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7 * np.abs(theirs).max())
    assert seed or max(np.abs(ours).max() for ours, _ in out["slopes"]) > 1e-3


def tied(live: bool) -> dict[str, str]:
    """An event at the very time of a sample, which changes it or does not."""
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    h.tstop = 2
    soma = h.Section("soma")
    synapse, stim = h.ExpSyn(soma(0.5)), h.NetStim()
    stim.start, stim.number = 0.5, 1
    wire = h.NetCon(stim, synapse, 0, 0.5, 0)
    times = h.Vector([0.7, 1.0])
    samples = h.Vector().record(synapse._ref_g, times)
    out = {}
    for weight in (0.0, 0.1):
        wire.weight[0] = weight
        try:
            if live:
                with nrn_diff.enabled():
                    h.run()
            else:
                nrn_diff.capture().simulate()
            out[str(weight)] = str(len(samples)) if live else ""
        except (RuntimeError, nrn_diff.NrnDiffError) as error:
            out[str(weight)] = str(error)
    return out


@pytest.mark.long
@pytest.mark.parametrize("live", [False, True])
def test_an_event_at_the_time_of_a_sample_is_an_error(live: bool) -> None:
    out = run_function(tied, live=live)
    assert out["0.0"] == ("2" if live else "")
    assert "one changes a variable at the very time at which a Vector samples it" in out["0.1"]
