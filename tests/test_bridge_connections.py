"""NetCons and the trains that drive them, against what NEURON delivers."""

from __future__ import annotations

from typing import Any

import numpy as np
from neuron_process import run_function


def network() -> dict[str, Any]:
    from neuron import h

    from nrn_diff.bridge import capture_snapshot

    h.load_file("stdrun.hoc")
    soma, dend = h.Section(name="soma"), h.Section(name="dend")
    dend.connect(soma(1), 1)
    dend.nseg = 3
    syns = [h.Exp2Syn(soma(0.5)), h.ExpSyn(dend(0.9)), h.ExpSyn(dend(1)), h.Exp2Syn(dend(0.1))]
    regular, noisy, unused, cell = h.NetStim(), h.NetStim(), h.NetStim(), h.IntFire1()
    regular.start, regular.interval, regular.number = 1.5, 3.3, 5
    noisy.start, noisy.interval, noisy.number, noisy.noise = 0, 2, 1e9, 1
    noisy.noiseFromRandom123(1, 2, 3)
    cell.tau, cell.refrac = 20, 0.5
    netcons = [
        h.NetCon(regular, syns[0], 0, 1.25, 0.5),
        h.NetCon(noisy, syns[1], 0, 0.0, -0.25),
        h.NetCon(regular, cell, 0, 2, 1.5),
        h.NetCon(cell, syns[2], 0, 0.5, 0.125),
        h.NetCon(unused, None),
        h.NetCon(soma(0.5)._ref_v, syns[3], -20, 3, 0.75, sec=soma),
        h.NetCon(None, syns[0]),
        h.NetCon(regular, syns[3], 0, 1, 2),
    ]
    netcons[7].active(0)
    h.tstop = 40
    capture = capture_snapshot()
    monitors = {c.hname(): (h.NetCon(c, None), h.Vector()) for c in (regular, noisy, cell)}
    for netcon, vector in monitors.values():
        netcon.record(vector)
    h.run()
    return {
        "trains": {t.label: t.times for t in capture.trains},
        "labels": [t.label for t in capture.trains],
        "expected": {name: np.asarray(vector) for name, (_, vector) in monitors.items()},
        "connections": [
            [c.index, c.target, c.instance, c.delay, list(c.weight), c.train, c.source_node, c.threshold]
            for c in capture.connections
        ],
        "soma": int(capture.cable.segment_node[0]),
        "nodes": {m.name: m.nodes for m in capture.mechanisms},
        "points": {m.name: list(m.labels) for m in capture.mechanisms},
        "far": [int(n) for n in np.flatnonzero(~capture.cable.has_area)],
        "notes": list(capture.notes),
        "names": [n.hname() for n in netcons],
    }


def test_netcons_and_trains_are_neurons() -> None:
    out = run_function(network)
    for name, times in out["expected"].items():
        assert len(times) > 2, name
        np.testing.assert_array_equal(out["trains"][name], times)
    label = out["labels"].index
    assert out["connections"] == [
        [0, "Exp2Syn", 0, 1.25, [0.5], label("NetStim[0]"), -1, 0],
        [1, "ExpSyn", 0, 0, [-0.25], label("NetStim[1]"), -1, 0],
        [3, "ExpSyn", 1, 0.5, [0.125], label("IntFire1[0]"), -1, 0],
        [5, "Exp2Syn", 1, 3, [0.75], -1, out["soma"], -20],
        [6, "Exp2Syn", 0, 0, [0], label(""), -1, 0],
    ]
    assert len(out["trains"][""]) == 0
    assert "NetStim[2]" not in out["labels"]
    assert out["points"]["ExpSyn"] == ["ExpSyn[0]", "ExpSyn[1]"]
    # dend is attached by its 1 end, so dend(1) is soma's zero-area node.
    assert out["nodes"]["ExpSyn"][1] in out["far"]
    assert any(f"{out['names'][7]} is switched off" in note for note in out["notes"])


def refused_sources() -> list[list[str]]:
    from neuron import h

    from nrn_diff.bridge import capture_snapshot
    from nrn_diff.errors import CaptureError

    soma = h.Section(name="soma")
    soma.insert("hh")
    syn, stim, cell = h.ExpSyn(soma(0.5)), h.NetStim(), h.IntFire1()
    context = h.ParallelContext()
    keep = [
        h.NetCon(soma(0.5)._ref_cm, syn, sec=soma),
        context.gid_connect(77, syn),
        h.NetCon(soma(0.5)._ref_v, stim, sec=soma),
        h.NetCon(cell, syn),
        h.NetCon(stim, syn, 0, 1, float("nan")),
    ]
    try:
        capture_snapshot(tstop=5)
    except CaptureError as error:
        return [[r.what for r in error.refusals], [n.hname() for n in keep], error.refusals[0].remedy]
    raise AssertionError("captured")


def test_sources_that_cannot_be_followed_are_refused() -> None:
    whats, names, remedy = run_function(refused_sources)
    assert "PatternStim" in remedy  # which would send for the gid
    assert whats == [
        f"{names[1]} with source gid 77",
        "weight = nan",
        f"{names[0]} watches soma(0.5).cm",
        "NetStim[0], which a voltage or a point process drives",
    ]
