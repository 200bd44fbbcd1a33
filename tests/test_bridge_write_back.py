"""Values of a captured model into live NEURON, all or nothing."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from neuron_process import run_function

ARRAY_MOD = """
NEURON { SUFFIX arr RANGE a, g GLOBAL shift, many NONSPECIFIC_CURRENT i }
PARAMETER { g = 1e-4 a[3] shift = 2 many[2] }
ASSIGNED { v i }
BREAKPOINT { i = g*(v + shift + a[1] + many[0]) }
"""


def build() -> dict:
    from neuron import h

    soma, dend = h.Section(name="soma"), h.Section(name="dend")
    dend.connect(soma(1))
    dend.nseg = 3
    for section in (soma, dend):
        section.insert("hh")
        section.insert("arr")
    syn = [h.Exp2Syn(dend(0.2)), h.Exp2Syn(soma(0.5))]
    stim = h.NetStim()
    netcons = [h.NetCon(stim, s, 10, 1, 0.01) for s in syn]
    return {"h": h, "soma": soma, "dend": dend, "syn": syn, "stim": stim, "netcons": netcons}


def set_everything() -> dict:
    from nrn_diff.bridge import capture_snapshot
    from nrn_diff.bridge.write_back import write_back

    model = build()
    h, dend, soma = model["h"], model["dend"], model["soma"]
    capture = capture_snapshot(tstop=5)
    write_back(
        capture,
        {
            "gnabar_hh": [0.1, 0.2, 0.3, 0.4],
            "Ra": [110, 120],
            "cm": [1.1, 1.2, 1.3, 1.4],
            "ena": [51, 52, 53, 54],
            "nai0_na_ion": 11,
            "celsius": 20,
            "Exp2Syn.tau1": [0.3, 0.4],
            "NetCon.weight": [0.5, 0.6],
            "a_arr": np.arange(12).reshape(4, 3),
            "shift_arr": 7,
            "many_arr": [8, 9],
        },
    )
    again = capture_snapshot(tstop=5)
    mechanisms = {m.name: m for m in again.mechanisms}
    return {
        "gnabar": [seg.hh.gnabar for sec in h.allsec() for seg in sec],
        "Ra": [soma.Ra, dend.Ra],
        "cm": again.cable.cm,
        "ena": [seg.ena for sec in h.allsec() for seg in sec],
        "nai0": h.nai0_na_ion,
        "celsius": h.celsius,
        "tau1": [s.tau1 for s in model["syn"]],
        "weight": [nc.weight[0] for nc in model["netcons"]],
        "a": mechanisms["arr"].values["a"],
        "globals": [h.shift_arr, h.many_arr[0], h.many_arr[1]],
        "ri_ratio": again.cable.ri[1:] / capture.cable.ri[1:],
        "unchanged": [seg.hh.gkbar for sec in h.allsec() for seg in sec],
    }


def test_every_kind_of_quantity_arrives() -> None:
    out = run_function(set_everything, mods={"arr.mod": ARRAY_MOD})
    assert out["gnabar"] == [0.1, 0.2, 0.3, 0.4]
    assert out["Ra"] == [110, 120]
    np.testing.assert_array_equal(out["cm"], [1.1, 1.2, 1.3, 1.4])
    assert out["ena"] == [51, 52, 53, 54]
    assert (out["nai0"], out["celsius"]) == (11, 20)
    assert out["tau1"] == [0.3, 0.4]
    assert out["weight"] == [0.5, 0.6]
    np.testing.assert_array_equal(out["a"], np.arange(12).reshape(4, 3))
    assert out["globals"] == [7, 8, 9]
    np.testing.assert_allclose(out["ri_ratio"], [110 / 35.4] * 2 + [120 / 35.4] * 4)
    assert out["unchanged"] == [0.036] * 4


REFUSED = {
    "unknown name": ({"gnabar_h": [1, 1, 1, 1]}, "nothing named 'gnabar_h'; did you mean gnabar_hh"),
    "wrong shape": ({"Ra": [100, 100], "gnabar_hh": [1, 1]}, "gnabar_hh has shape (4,)"),
    "not finite": ({"Ra": [100, 100], "cm": [1, 1, float("nan"), 1]}, "cm: entry 2 is nan"),
    "NEURON objects": ({"cm": [2, 2, 2, 2], "Ra": [100, -1]}, "NEURON does not take a value"),
    "weights": ({"NetCon.weight": [1]}, "2 connections, but 1 values"),
}
CHANGED = {
    "nseg": ("dend.nseg = 5", "nseg of the live model changed"),
    "connection": ("dend.disconnect(); dend.connect(soma(0))", "connections between sections"),
    "section": ("extra = h.Section(name='extra')", "sections of the live model are not those"),
    "mechanism": ("soma.uninsert('hh')", "hh is not where it was"),
    "synapse": ("syn[0].loc(dend(0.9))", "Exp2Syn is not where it was"),
    "target": ("netcons[0].setpost(syn[1])", "NetCon number 0 does not lead to Exp2Syn[0]"),
}


def failures(cases: dict, changed: bool) -> dict:
    from nrn_diff.bridge import capture_snapshot
    from nrn_diff.bridge.write_back import write_back
    from nrn_diff.errors import WriteBackError

    out = {}
    for name, (change, _) in cases.items():
        model = build()
        h, sections = model["h"], (model["soma"], model["dend"])
        capture = capture_snapshot(tstop=5)
        if changed:
            exec(change, model)
        before = [[s.Ra, s.cm, [seg.cm for seg in s]] for s in sections]
        try:
            write_back(capture, {"celsius": 30} if changed else change)
            out[name] = "nothing raised"
        except WriteBackError as error:
            out[name] = str(error)
        assert before == [[s.Ra, s.cm, [seg.cm for seg in s]] for s in sections], name
        assert h.celsius == 6.3
        model.clear()
        del sections
        gc.collect()  # sections of the last case must be gone from NEURON
    return out


@pytest.mark.long
@pytest.mark.parametrize(("cases", "changed"), [(REFUSED, False), (CHANGED, True)])
def test_nothing_is_written_if_anything_does_not_fit(cases: dict, changed: bool) -> None:
    out = run_function(failures, mods={"arr.mod": ARRAY_MOD}, cases=cases, changed=changed)
    for name, (_, message) in cases.items():
        assert message in out[name]
