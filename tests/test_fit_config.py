"""`nrn-diff fit`: a whole fit from a file; BluePyOpt's files; measured traces; what is wrong is named."""

import contextlib
import io
import json

import numpy as np
import pytest
from neuron_process import run_function

from nrn_diff.fitting import FitError, bluepyopt
from nrn_diff.fitting.arithmetic import formula
from nrn_diff.fitting.config import make_feature, read_config
from nrn_diff.fitting.measured import check_measured, on_samples, read_trace

CELL = """
from neuron import h
h.load_file("stdrun.hoc")
soma, dend = h.Section("soma"), h.Section("dend")
dend.connect(soma(1))
soma.L = soma.diam = 20
dend.L, dend.diam, dend.nseg = 200, 2, 3
for section in (soma, dend):
    section.insert("pas")
    section.g_pas = 3e-4
v = h.Vector().record(soma(0.5)._ref_v)
h.v_init, h.tstop = -70, 20
"""
CLAMP = """
clamp = h.IClamp(soma(0.5))
clamp.delay, clamp.dur, clamp.amp = 2, 15, -0.05
"""
TOML = """
script = "cell.py"

[[parameters]]
name = "g_pas"
share = "all"
bounds = [1e-5, 1e-2]
start = 1e-3

[[traces]]
file = "measured.csv"
column = "v (mV)"
label = "soma(0.5).v"

[fit]
method = "gauss_newton"
steps = 12
checkpoint = "fit.npz"

[output]
json = "fitted.json"
hoc = "fitted.hoc"
report = "fit.html"
identifiability = true
"""
# What must be said, with the line -> what is wrong in the file. Seen only with the model at hand.
MISTAKES = {
    "wrong.toml:4: the model has no parameter 'g_pss'; did you mean g_pas": ('"g_pas"', '"g_pss"'),
    "wrong.toml:4: where='axon' of 'g_pas' is no section": ('share = "all"', 'share = "all"\nwhere = "axon"'),
    "wrong.toml:7: g_pas: the start 0.1 is outside its bounds (1e-05, 0.01)": ("start = 1e-3", "start = 0.1"),
    "wrong.toml:8: start has 2 numbers, and 'g_pas' 1": ("start = 1e-3", "start = [1e-3, 1e-3]"),
    "wrong.toml:10: 'soma(0.2).v' is not recorded": ("soma(0.5).v", "soma(0.2).v"),
    "wrong.toml:10: measured.csv: trace 'u' cannot be read": ('"v (mV)"', '"u"'),
    "wrong.toml:10: measured.csv: no sample is from 90 to 20 ms": ("[[traces]]", "[[traces]]\nfrom = 90.0"),
    "wrong.toml:17: every protocol must set the same names": (
        'label = "soma(0.5).v"',
        'label = "soma(0.5).v"\nprotocol = "a"\n[protocols.a]\n"IClamp.amp" = 1.0\n[protocols.b]\n"IClamp.dur" = 1.0',
    ),
    "wrong.toml:15: 'g_pas' is among [[parameters]]": (
        'label = "soma(0.5).v"',
        'label = "soma(0.5).v"\nprotocol = "a"\n[protocols.a]\ng_pas = 1.0',
    ),
}
PARAMETERS = [
    {"param_name": "celsius", "type": "global", "value": 20},
    {"param_name": "e_pas", "type": "section", "sectionlist": "all", "value": -70},
    {"param_name": "g_pas", "type": "section", "sectionlist": "somatic", "bounds": [1e-5, 2e-3]},
    {"param_name": "g_pas", "type": "range", "sectionlist": "basal", "bounds": [1e-5, 2e-3], "dist_type": "exp",
     "dist": "(-0.8696 + 2.087*math.exp(({distance})*0.0031))*{value}"},
]  # fmt: skip
PROTOCOLS = {
    "Step1": {
        "type": "StepProtocol",
        "stimuli": [{"delay": 2, "amp": -0.05, "duration": 15, "totduration": 20}],
        "extra_recordings": [
            {"type": "somadistance", "var": "v", "name": "dend1", "seclist_name": "basal", "somadistance": 150}
        ],
    },
    "Step2": {
        "stimuli": {
            "step": {"delay": 2, "amp": -0.1, "duration": 15},
            "hold": {"delay": 0, "amp": 0.01, "duration": 20},
        }
    },
}
FEATURES = {
    "Step1": {
        "soma": {"ohmic_input_resistance_vb_ssse": [150.0, 5.0]},
        "dend1": {"steady_state_voltage_stimend": [-76.0, 1.0]},
    },
    "Step2": {"soma": {"voltage_base": [-69.0, 0.5], "steady_state_voltage_stimend": [-83.0, 0.5]}},
}


def fit_from_file():
    import os
    from pathlib import Path

    from neuron import h

    from nrn_diff.cli import main

    Path("cell.py").write_text(CELL + CLAMP)
    Path("fit.toml").write_text(TOML)
    names = {}
    exec(CELL + CLAMP, names)
    h.run()
    t = np.arange(len(names["v"])) * 0.025
    np.savetxt(
        "measured.csv", np.stack([t, np.array(names["v"])], 1), delimiter=",", header="t (ms),v (mV)", comments=""
    )
    names.clear()
    here = os.getcwd()
    status = main(["fit", "fit.toml"])
    os.chdir(here)
    wrong = {}
    # The model is there: it need not be built again.
    Path("same.py").write_text("")
    for name, (old, new) in MISTAKES.items():
        assert old in TOML
        Path("wrong.toml").write_text(TOML.replace("cell.py", "same.py").replace(old, new))
        with contextlib.redirect_stderr(io.StringIO()) as said:
            wrong[name] = [main(["fit", "wrong.toml"]), said.getvalue()]
        os.chdir(here)
    at = TOML.index("[[traces]]")
    peak = '[[targets]]\nfeature = "PeakVoltage"\nlabel = "soma(0.5).v"\nmean = 20.0\nstd = 2.0\n'
    silent = TOML[:at] + peak + '[fit]\nmethod = "adam"\nsteps = 2\n'
    Path("silent.toml").write_text(silent.replace("cell.py", "same.py"))
    with contextlib.redirect_stdout(io.StringIO()) as of_silent:
        main(["fit", "silent.toml"])
    os.chdir(here)
    fitted = json.loads(Path("fitted.json").read_text())
    html, hoc = Path("fit.html").read_text(), Path("fitted.hoc").read_text()
    return {
        "status": status,
        "fitted": fitted,
        "html": [w in html for w in ("Parameters", "What the data determine")],
        "hoc": hoc,
        "wrong": wrong,
        "silent": of_silent.getvalue(),
    }


@pytest.mark.long
def test_a_whole_fit_from_a_file():
    out = run_function(fit_from_file)
    assert out["status"] == 0
    np.testing.assert_allclose(out["fitted"]["theta"]["g_pas"], 3e-4, rtol=1e-3)
    assert all(out["html"])
    assert 'strcmp(fitted_, "dend")' in out["hoc"]
    assert "PeakVoltage of soma(0.5).v does not exist" in out["silent"]
    assert "no fitted parameter changes it" in out["silent"]
    for name, (status, said) in out["wrong"].items():
        assert status == 1, name
        assert name in said, said
        assert said.count("\n") == 1, said


def fit_bluepyopt(parameters, protocols, features):
    from pathlib import Path

    from nrn_diff.cli import main

    Path("cell.py").write_text(CELL)
    for name, data in (("p", parameters), ("s", protocols), ("f", features)):
        Path(f"{name}.json").write_text(json.dumps(data))
    config = {
        "script": "cell.py",
        "bluepyopt": {"parameters": "p.json", "protocols": "s.json", "features": "f.json"},
        "fit": {"method": "search", "starts": 3, "steps": 40, "goal": 0.01},
        "output": {"json": "out.json", "python": "fitted.py", "report": "fit.html"},
    }
    Path("fit.json").write_text(json.dumps(config))
    status = main(["fit", "fit.json"])
    return {
        "status": status,
        "out": json.loads(Path("out.json").read_text()),
        "python": Path("fitted.py").read_text(),
        "report": Path("fit.html").read_text(),
    }


@pytest.mark.long
def test_bluepyopt_files_load_as_they_are():
    out = run_function(fit_bluepyopt, parameters=PARAMETERS, protocols=PROTOCOLS, features=FEATURES)
    assert out["status"] == 0
    assert set(out["out"]["theta"]) == {"g_pas.somatic", "g_pas.basal"}
    assert out["out"]["loss"] < 5.0
    assert "dend(0.833333).v" in out["report"]
    assert "by_name['dend']" in out["python"]


def test_what_bluepyopt_files_may_hold_and_what_is_refused(tmp_path):
    paths = []
    adaptive = {"Main": {"type": "RatSSCxMainProtocol"}, **PROTOCOLS}
    more = {**FEATURES, "Main": {}, "Step1": {"soma": {"voltage_base": [-70, 1], "inv_time_to_first_spike": [1, 1]}}}
    emodel = {
        "distributions": {
            "exp": {"fun": "2*{distance}+{value}"},
            "decay": {"fun": "{value}*math.exp({c}*{distance})", "parameters": ["c"]},
        },
        "parameters": {
            "__comment": "",
            "global": [{"name": "celsius", "val": 34}],
            "distribution_decay": [{"name": "c", "val": [-0.1, 0.0]}],
            "apical": [{"name": "g", "val": [0, 1], "dist": "exp"}, {"name": "k", "val": [0, 1], "dist": "decay"}],
            "basal": [{"name": "k", "val": [0, 2], "dist": "decay"}],
        },
    }
    for name, data in (("p", emodel), ("s", adaptive), ("f", more)):
        paths.append(tmp_path / f"{name}.json")
        paths[-1].write_text(json.dumps(data))
    with pytest.raises(FitError, match="those of others as well") as error:
        bluepyopt.read(*paths, lambda place: "v")
    for what in ("RatSSCxMainProtocol", "inv_time_to_first_spike"):
        assert what in str(error.value)
    found = bluepyopt.read(*paths, lambda place: "v", skip=True)
    assert [n.label for n in found.numbers] == ["celsius", "g.apical"]
    assert found.numbers[1].is_in("Cell[0].apic[12]")
    assert not found.numbers[1].is_in("Cell[0].dend[12]")
    np.testing.assert_allclose(found.numbers[1].along(np.array([0.0, 3.0]), 5.0), [5.0, 11.0])
    assert len(found.left_out) == 5
    # Nobody else has these coefficients: they are fitted with the value.
    del emodel["parameters"]["basal"]
    paths[0].write_text(json.dumps(emodel))
    alone = bluepyopt.read(*paths, lambda place: "v", skip=True).numbers[2]
    assert alone.free == ((0.0, 1.0), (-0.1, 0.0))
    np.testing.assert_allclose(alone.along(np.array([0.0, 10.0]), *alone.filled([2.0, -0.1])), [2.0, 2 * np.exp(-1)])
    # A list of features is of the stimulus and counts from -30 mV, a mapping of the whole run and from -20 mV.
    more["Step1"] = {"soma.v": [{"feature": "AP1_amp", "val": [60, 5]}, {"feature": "mean_frequency", "val": [9, 1]}]}
    more["Step2"] = {"soma": {"AP_height": [60, 5], "AP1_amp": [60, 5]}}
    paths[2].write_text(json.dumps(more))
    first, train, loose, strict = (t.feature for t in bluepyopt.read(*paths, lambda place: "v", skip=True).targets)
    assert (first.start, first.stop, first.threshold, first.which, first.spikes_in) == (2.0, 17.0, -30.0, 0, None)
    assert (train.threshold, train.spikes_in) == (-30.0, None)
    assert (loose.threshold, loose.spikes_in) == (-20.0, (0.0, 20.0))
    # As eFEL has it, amplitudes are of the stimulus always.
    assert (strict.threshold, strict.spikes_in) == (-20.0, None)
    for k, text, words in ((0, "[{}]", "'param_name'"), (1, "{", "s.json:1: no JSON"), (2, "[1]", "no such file")):
        kept = paths[k].read_text()
        paths[k].write_text(text)
        with pytest.raises(FitError, match=words):
            bluepyopt.read(*paths, lambda place: "v", skip=True)
        paths[k].write_text(kept)
    exp = formula("(-0.8696 + 2.087*math.exp(({distance})*0.0031))*{value}")
    np.testing.assert_allclose(exp(np.array([100.0]), 2.0), (-0.8696 + 2.087 * np.exp(0.31)) * 2)
    for text in ("__import__('os')", "{value}.real", "open({value})", "math.exp("):
        with pytest.raises(FitError, match="distribution"):
            formula(text)


def test_traces_from_csv_and_hdf5(tmp_path):
    h5py = pytest.importorskip("h5py")
    t, x = np.array([0.0, 1.0, 2.0]), np.array([1.0, 2.0, 4.0])
    (tmp_path / "a.csv").write_text("t;x\n0;1\n1;2\n2;4\n")
    np.savetxt(tmp_path / "b.txt", np.stack([t, x], 1))
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file["v"], file["t"], file["s"], file["group/v"] = x, t, ["x", "y", "z"], x
    for name, column, time in (("a.csv", "x", "t"), ("b.txt", "", ""), ("c.h5", "v", "t"), ("c.h5", "v", "1.0")):
        for found, expected in zip(read_trace(tmp_path / name, column, time=time, unit=2.0), (t, 2 * x), strict=True):
            np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(on_samples(t, x, np.array([0.5, 1.5, 3.0])), [1.5, 3.0, np.nan])
    (tmp_path / "back.csv").write_text("t,x\n0,1\n1,2\n1,3\n2,nan\n")
    (tmp_path / "none.csv").write_text("t,x\n")
    for name, column, why in (
        ("a.csv", "nothing", "no column 'nothing'; there are t, x"),
        ("a.csv", "7", "no column 7; there are 2, counted from 0"),
        ("b.txt", "v", "no column 'v'; they are counted, from 0 to 1"),
        ("back.csv", "x", "number 1 is 1 ms and the next 1 ms"),
        ("none.csv", "", "there are no numbers"),
        ("nowhere.csv", "", "cannot be read"),
        ("a.xls", "", "traces are read from"),
        ("c.h5", "s", "could not convert"),
        ("c.h5", "group", "no data set 'group'; there are"),
    ):
        with pytest.raises(FitError, match=rf"{name}: .*{why}"):
            read_trace(tmp_path / name, column, time="1.0" if name == "c.h5" else "")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda t, v: (t, np.where(t == 5.0, np.nan, v)), "sample 50, at 5 ms, is nan"),
        (lambda t, v: (t * 1e-3, v), "from 0 to 0.02 ms only: are its times in ms"),
        (lambda t, v: (t * 1e3, v), "only 1 samples, 100 ms apart, from 0 to 20 ms"),
        (lambda t, v: (t[::40], v[::40]), "only 6 samples, 4 ms apart"),
        (lambda t, v: (t + 100, v), "no sample is from 0 to 20 ms; the trace has 100 to 120 ms"),
        (lambda t, v: (t, v * 1e-3), "largest value is 0.07, which no voltage in mV is"),
        (lambda t, v: (t, v * 1e3), "largest value is 70000"),
    ],
)
def test_traces_that_must_be_a_mistake(change, why):
    t = np.arange(201) / 10
    v = -65 - 5 * np.cos(t)
    check_measured("m.csv", t, v, 0.0, 20.0, in_mV=True)
    t, v = change(t, v)
    with pytest.raises(FitError, match=f"m.csv: .*{why}"):
        check_measured("m.csv", t, v, 0.0, 20.0, in_mV=True)


MODEL = "script = 'cell.py'\n"
TRACE = "[[traces]]\nfile = 'm.csv'\nlabel = 'v'\n"
TARGET = "[[targets]]\nfeature = 'Mean'\nlabel = 'v'\nmean = 1\nstd = 1\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scrpt = 1", ":1: 'scrpt' is not known; did you mean script"),
        ("tstop = 5", "script is missing"),
        ("script = 'a' b", ":1: cannot be read"),
        ("script = 'none.py'", ":1: there is no file none.py"),
        (MODEL + "tstop = 'long'", ":2: tstop must be a number, not 'long'"),
        (MODEL + "[fit]\nmethod = 'magic'", r":3: \[fit\]: method = 'magic': it is one of adam"),
        (MODEL + "[fit]\n\nsteps = -1", r":4: \[fit\]: steps must be a whole number, not negative"),
        (MODEL + "[fit]\nstarts = 3", r":3: \[fit\]: 'starts' is not known; there may be"),
        (MODEL + "[fit]\nmethod = 'search'\nlocal = 'best'", ":4: .*one of adam"),
        (MODEL + "[fit]\ncheckpoint = 'there/fit.npz'", ":3: there is no folder there"),
        (MODEL + "[[parameters]]\nname = 'g'\n[[parameters]]\nnane = 'g'", r":5: \[\[parameters\]\] number 2: 'nane'"),
        (MODEL + "[[parameters]]\nbounds = [1, 2]", ":2: .*name is missing"),
        (
            MODEL + "[[parameters]]\nname = 'g'\nbounds = [1]",
            r":4: .*bounds must be two numbers \[low, high\], not \[1\]",
        ),
        (MODEL + "[parameters]\nname = 'g'", ":2: parameters must be tables"),
        (MODEL + "[[traces]]\nfile = 'm.csv'", ":2: .*label is missing"),
        (MODEL + TRACE + "protocol = 'weak'", ":5: no protocol 'weak'; there are none"),
        (MODEL + TRACE + "[protocols.weak]\n'IClamp.amp' = 1", ":2: .*must say of which `protocol`"),
        (MODEL + TARGET.replace("Mean", "SpikeWith"), ":2: no feature 'SpikeWith'; did you mean SpikeWidth"),
        (MODEL + TARGET.replace("std = 1", "sd = 1"), ":6: .*'sd' is not known; did you mean std"),
        (MODEL + TARGET + "most = 3", ":7: .*'most' is not known"),
        (MODEL + TARGET.replace("Mean", "SpikeTime") + "most = 2.5", ":7: .*most must be a whole number"),
        (MODEL + TARGET.replace("Mean", "FISlope") + "start = 0\nstop = 9", ":2: .*current is missing"),
        (MODEL + "[bluepyopt]\nparameters = 'cell.py'", ":2: .*protocols is missing"),
        (MODEL + "[output]\nreport = 'there/r.html'", ":3: there is no folder there"),
    ],
)
def test_mistakes_in_a_file_are_named(tmp_path, text, message):
    for name, content in (("fit.toml", text), ("cell.py", ""), ("m.csv", "")):
        (tmp_path / name).write_text(content)
    with pytest.raises(FitError, match=r"fit\.toml.*" + message):
        read_config(tmp_path / "fit.toml")


def test_lines_of_json(tmp_path):
    (tmp_path / "cell.py").write_text("")
    text = '{"script": "cell.py",\n "fit": {},\n "targets": [\n  {"feature": "Mean", "label": "a:,{",'
    text += '"mean": 1,\n   "std": 1},'
    text += '\n  {"feature": "Mean",\n   "label": "v", "mean": "high", "std": 1}]}'
    (tmp_path / "fit.json").write_text(text)
    with pytest.raises(FitError, match=r"fit\.json:7: \[\[targets\]\] number 2: mean must be a number, not 'high'"):
        read_config(tmp_path / "fit.json")
    (tmp_path / "fit.json").write_text("[]")
    with pytest.raises(FitError, match="one object"):
        read_config(tmp_path / "fit.json")


def test_features_by_name():
    feature = make_feature({"feature": "SpikeWidth", "label": "v", "start": 1.0, "stop": 9.0, "mean": 1.0, "std": 1.0})
    assert (feature.label, feature.start, feature.stop, feature.unit) == ("v", 1.0, 9.0, "ms")
    entry = {"feature": "FISlope", "label": "v", "start": 0.0, "stop": 500.0, "current": {"a": 0.1, "b": 0.3}}
    slope = make_feature(entry)
    assert (slope.count.stop, slope.current, slope.unit) == (500.0, (("a", 0.1), ("b", 0.3)), "Hz/nA")
    rate = make_feature({"feature": "InstantaneousRate", "label": "v", "which": -1, "spikes_in": [0.0, 9.0]})
    assert (rate.which, rate.spikes_in) == (-1, (0.0, 9.0))
