"""The shipped model is what it says: legacy files that NEURON runs, a branched cell that spikes like a cell."""

from pathlib import Path

import numpy as np
import pytest
from neuron_process import run_function

MODEL = Path(__file__).resolve().parent.parent / "nrn_diff" / "demo" / "model"


def run_in_neuron(path):
    from neuron import h

    h.load_file(path)
    out = {"t": np.array(h.tvec), "v": np.array(h.vsoma), "apical": np.array(h.vapic), "cai": np.array(h.casoma)}
    out["sections"] = [s.name() for s in h.allsec()]
    out["segments"] = sum(s.nseg for s in h.allsec())
    out["children"] = max(len(s.children()) for s in h.allsec())
    out["mechanisms"] = sorted({name for s in h.allsec() for name in s.psection()["density_mechs"]})
    out["points"] = [h.List(name).count() for name in ("Exp2Syn", "IClamp", "NetStim", "NetCon")]
    h.run()
    out["again"] = np.array(h.vsoma)
    h.steps_per_ms, h.dt = 160, 1 / 160
    h.run()
    out["fine t"], out["fine v"] = np.array(h.tvec), np.array(h.vsoma)
    return out


@pytest.fixture(scope="module")
def run():
    before = sorted(p for p in MODEL.rglob("*"))
    out = run_function(run_in_neuron, mods=MODEL / "mods", path=str(MODEL / "run.hoc"))
    assert sorted(p for p in MODEL.rglob("*")) == before
    return out


def crossings(t, v, level):
    k = np.flatnonzero((v[1:] > level) & (v[:-1] <= level))
    return t[k] + (level - v[k]) / (v[k + 1] - v[k]) * (t[k + 1] - t[k])


def test_it_is_as_large_and_branched_as_promised(run):
    assert len(run["sections"]) >= 60
    assert run["segments"] >= 150
    assert run["children"] >= 2
    assert {"cadp", "cal", "hd", "kca", "kdr", "nat", "pas"} <= set(run["mechanisms"])
    assert run["points"] == [1, 1, 1, 1]


def test_it_spikes_like_a_cell(run):
    t, v = run["t"], run["v"]
    assert t[-1] == pytest.approx(200)
    spikes = crossings(t, v, 0.0)
    assert 5 <= len(spikes) <= 20
    peaks = [v[(t >= s) & (t < s + 1.5)].max() for s in spikes]
    assert min(peaks) > 10
    assert max(peaks) < 50
    up, down = crossings(t, v, -20.0), crossings(t, -v, 20.0)
    widths = down[: len(up)] - up
    assert np.all((widths > 0.2) & (widths < 2.0)), "width at -20 mV (ms)"
    quiet = v[t < 15]
    assert np.all((quiet > -80) & (quiet < -60))
    assert np.all(np.diff(spikes) > 3.0)


def test_spikes_go_back_into_the_dendrite_and_calcium_follows(run):
    assert run["apical"].max() > -40
    assert run["cai"].max() > 3 * run["cai"][0]


def test_it_repeats_to_the_bit(run):
    np.testing.assert_array_equal(run["v"], run["again"])


def test_it_is_stable_at_this_step(run):
    assert len(crossings(run["fine t"], run["fine v"], 0.0)) == len(crossings(run["t"], run["v"], 0.0))


def test_the_mod_files_hold_what_old_files_hold():
    text = "\n".join(p.read_text() for p in sorted((MODEL / "mods").glob("*.mod")))
    for construct in (
        "TABLE minf",
        "DEPEND celsius",
        "METHOD cnexp",
        "METHOD derivimplicit",
        "INDEPENDENT {t FROM 0 TO 1 WITH 1 (ms)}",
        "FUNCTION ghk(",
        "if (fabs(z) < 1e-4)",
        "if (drive_channel <= 0.)",
        "USEION ca READ ica, cai WRITE cai",
        "NONSPECIFIC_CURRENT",
        "q10^(",
        "UNITSOFF",
        "FARADAY = (faraday) (coulomb)",
    ):
        assert construct in text
    assert all(p.read_text().startswith("TITLE") for p in (MODEL / "mods").glob("*.mod"))
