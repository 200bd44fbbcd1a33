"""What each Vector records is found exactly, by HOC or Python, before and after runs, and NEURON does not notice."""

from __future__ import annotations

from typing import Any

import numpy as np
from neuron_process import run_function

ARRAY_MOD = """
NEURON { SUFFIX arr USEION na READ ina RANGE a, g, ina GLOBAL turns NONSPECIFIC_CURRENT i }
PARAMETER { g = 1e-4 }
ASSIGNED { v i ina a[3] turns }
INITIAL { a[0] = 1 a[1] = 2 a[2] = 3 }
BREAKPOINT { i = g*v + 1e-9*ina turns = turns + 1 }
"""


def build() -> dict[str, Any]:
    from neuron import h

    h.load_file("stdrun.hoc")
    h("create soma, dend")
    h("connect dend(1), soma(0.5)")
    h("dend nseg = 3")
    soma, dend = h.soma, h.dend
    for section in (soma, dend):
        section.insert("hh")
        section.insert("arr")
    syn, clamp = h.Exp2Syn(dend(0.7)), h.IClamp(soma(1))
    clamp.delay, clamp.dur, clamp.amp = 1, 2, 0.3
    stim = h.NetStim()
    stim.noise, stim.number, stim.start, stim.interval = 0.5, 100, 0, 1
    netcon = h.NetCon(stim, syn, 0, 1, 0.01)
    h.tstop = 5
    return {"soma": soma, "dend": dend, "syn": syn, "clamp": clamp, "stim": stim, "netcon": netcon}


def targets(model: dict[str, Any]) -> dict[str, Any]:
    from neuron import h

    soma, dend = model["soma"], model["dend"]
    return {
        "t": h._ref_t,
        "soma(0.5).v": soma(0.5)._ref_v,
        "soma(1).v": soma(1)._ref_v,
        "dend(0).v": dend(0)._ref_v,
        "dend(0.833333).v": dend(0.9)._ref_v,
        "dend(0.166667).hh.m": dend(0.1).hh._ref_m,
        "soma(0.5).hh.gnabar": soma(0.5).hh._ref_gnabar,
        "soma(0.5).arr.a[2]": soma(0.5).arr._ref_a[2],
        "soma(0.5).ina": soma(0.5)._ref_ina,
        "dend(0.5).ek": dend(0.5)._ref_ek,
        "dend(0.5).nai": dend(0.5)._ref_nai,
        "Exp2Syn[0].g": model["syn"]._ref_g,
        "IClamp[0].i": model["clamp"]._ref_i,
    }


def every_kind() -> dict[str, Any]:
    from neuron import h
    from neuron_state import fingerprint

    from nrn_diff.bridge import capture_snapshot

    model = build()
    vectors = {label: h.Vector().record(ref) for label, ref in targets(model).items()}
    bystanders = [h.Vector(), h.Vector([3.0e7]), h.Vector([1, float("nan"), float("inf")])]
    h("objref fromhoc")
    h("fromhoc = new Vector()")
    h("fromhoc.record(&soma.v(0.5))")
    out: dict[str, Any] = {}
    for moment in ("new", "run", "half", "t set by hand"):
        if moment == "run":
            h.run()
        if moment == "half":
            h.stdinit()
            h.continuerun(2.5)
        if moment == "t set by hand":
            h.t = 0.123
        before = fingerprint()
        capture = capture_snapshot()
        after = fingerprint()
        out[moment] = {
            "found": [[r.label, r.vector] for r in capture.records],
            "records": [[r.kind, r.index, r.owner, r.variable, r.element] for r in capture.records],
            "changed": [key for key in before if repr(before[key]) != repr(after[key])],
            "n_values": before["n_values"],
            "queued": len(before["queue"]),
            "recorded": [len(content) for _, content in before["vectors"]],
        }
    out["expected"] = [[label, v.hname()] for label, v in vectors.items()] + [["soma(0.5).v", h.fromhoc.hname()]]
    out["bystanders"] = len(bystanders)
    h.continuerun(5)
    out["goes on"] = [int(v.size()) for v in vectors.values()]
    return out


def test_every_recorded_variable_is_found_and_neuron_is_untouched() -> None:
    out = run_function(every_kind, mods={"arr.mod": ARRAY_MOD})
    for moment in ("new", "run", "half", "t set by hand"):
        assert sorted(out[moment]["found"]) == sorted(out["expected"]), moment
        assert out[moment]["changed"] == [], moment
        assert out[moment]["n_values"] > 200
    assert out["half"]["queued"] > 0
    assert max(out["half"]["recorded"]) == 101
    records = dict(zip([label for label, _ in out["new"]["found"]], out["new"]["records"], strict=True))
    assert records["soma(0.5).arr.a[2]"] == ["mechanism", 0, "arr", "a", 2]
    assert records["dend(0.5).ek"] == ["ion", 2, "k", "erev", -1]
    assert records["dend(0.166667).hh.m"] == ["mechanism", 1, "hh", "m", -1]
    assert records["soma(0.5).ina"] == ["ion", 0, "na", "current", -1]
    assert records["IClamp[0].i"] == ["mechanism", 0, "IClamp", "i", -1]


def refused() -> dict[str, Any]:
    from neuron import h
    from neuron_state import fingerprint

    from nrn_diff.bridge import capture_snapshot
    from nrn_diff.errors import CaptureError

    model = build()
    soma = model["soma"]
    times = h.Vector([0, 2, 1])
    keep = [
        h.Vector().record(soma(0.5)._ref_v, 0.1),
        h.Vector().record(soma(0.5)._ref_v, times),
        h.Vector().record(model["stim"]._ref_interval),
        h.Vector().record(h._ref_v_init),
        h.Vector().record(h._ref_turns_arr),
        h.Vector().record(soma(0.5)._ref_ina_arr),
        h.Vector().record(soma(0.5)._ref_v),
        h.Vector().record(soma(0.5)._ref_dina_dv_),
    ]
    names = [v.hname() for v in keep]
    out: dict[str, Any] = {"names": names}
    for moment in ("new", "run"):
        if moment == "run":
            keep[1].play_remove()
            h.run()
            keep[1].record(soma(0.5)._ref_v, times)
        before = fingerprint()
        try:
            capture_snapshot()
            raise AssertionError("captured")
        except CaptureError as error:
            out[moment] = {"whats": [r.what for r in error.refusals], "wheres": [r.where for r in error.refusals]}
        after = fingerprint()
        out[moment]["changed"] = [key for key in before if repr(before[key]) != repr(after[key])]
    return out


def test_recordings_that_cannot_be_reproduced_are_refused_by_the_name_of_the_vector() -> None:
    out = run_function(refused, mods={"arr.mod": ARRAY_MOD})
    unordered, _, other, counter, copied, _, slope = out["names"][1:]
    for moment in ("new", "run"):
        assert out[moment]["changed"] == [], moment
        assert out[moment]["whats"] == [
            f"{unordered} records at times that are not in order",
            f"{other} records a variable that the captured model does not hold",
            f"{slope} records soma(0.5).dina_dv_",
            f"{counter} records turns_arr",
            f"{copied} records soma(0.5).arr.ina",
        ]


def spikes() -> dict[str, Any]:
    from neuron import h

    from nrn_diff.bridge import capture_snapshot

    model = build()
    netcon = h.NetCon(model["soma"](0.5)._ref_v, None, sec=model["soma"])
    netcon.threshold = -10
    times = h.Vector()
    netcon.record(times)
    capture = capture_snapshot()
    return {
        "spikes": [[s.label, s.node, s.threshold, s.vector] for s in capture.spikes],
        "node": capture.cable.segment_node[0],
        "vector": times.hname(),
        "notes": list(capture.notes),
        "connections": len(capture.connections),
    }


def test_spike_vectors_are_described_and_noted() -> None:
    out = run_function(spikes, mods={"arr.mod": ARRAY_MOD})
    assert out["spikes"] == [["soma(0.5).v > -10", out["node"], -10, out["vector"]]]
    assert any(out["vector"] in note for note in out["notes"])
    assert out["connections"] == 1


def same_names() -> dict[str, Any]:
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)

    class Cell:
        def __init__(self) -> None:
            self.soma = h.Section(name="soma", cell=self)

    cell = Cell()
    somas = [*(h.Section(name="soma") for _ in range(3)), h.Section(), h.Section(), cell.soma]
    for k, soma in enumerate(somas):
        soma.cm = 1 + 0.1 * k
    vectors = [h.Vector().record(somas[k](0.5)._ref_v) for k in (0, 1, 1, 2, 3, 4, 5)]
    vectors.append(h.Vector().record(somas[4](0.5)._ref_cm))
    spikes = h.Vector()
    netcon = h.NetCon(somas[4](0.5)._ref_v, None, sec=somas[4])
    netcon.record(spikes)
    model = nrn_diff.capture(tstop=1)
    capture = model.capture
    return {
        "labels": [r.label for r in capture.records],
        "spikes": [s.label for s in capture.spikes],
        "cm": [model.parameters(nrn_diff.Param("cm", where=w))["cm"] for w in (somas[1], somas[4](0.5), "soma")],
        "nodes": [r.index for r in capture.records],
        "somas": capture.cable.segment_node,
        "n": len(vectors),
    }


def test_sections_of_one_name_get_labels_of_their_own() -> None:
    out = run_function(same_names)
    names = [*(f"soma #{k}" for k in (1, 2, 2, 3)), "unnamed #1", "unnamed #2", "<Cell #1>.soma"]
    assert out["labels"] == [*(f"{name}(0.5).v" for name in names), "unnamed #2(0.5).cm"]
    assert out["nodes"] == [*out["somas"][[1, 2, 2, 3, 4, 5, 0]].tolist(), 5]
    assert out["spikes"] == ["unnamed #2(0.5).v > 10"]
    np.testing.assert_allclose(np.concatenate(out["cm"]), [1.1, 1.4, 1.0, 1.1, 1.2])
