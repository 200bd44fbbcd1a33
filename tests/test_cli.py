"""The command line: what it prints, and its exit status."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nrn_diff.cli import main
from nrn_diff.cli.main import COMMANDS
from nrn_diff.cli.table import text_table
from nrn_diff.cli.validate import is_idle
from nrn_diff.compare import compare_all

ROOT = Path(__file__).resolve().parent.parent
CABLE = """load_file("stdrun.hoc")
create soma, dend
connect dend(0), soma(1)
soma { L = 20  diam = 20  insert hh }
dend { L = 300  diam = 2  nseg = 5  insert pas }
objref stim, trace
soma stim = new IClamp(0.5)
stim.del = 1
stim.dur = 10
stim.amp = 0.5
trace = new Vector()
trace.record(&soma.v(0.5))
tstop = 5
"""
LOOP = """import nrn_diff
nrn_diff.enable()
from neuron import h
soma = h.Section("soma")
h.finitialize(-65)
h.fadvance()
"""
LEAK = """NEURON { SUFFIX cleak NONSPECIFIC_CURRENT i RANGE g }
PARAMETER { g = 0.001 }
ASSIGNED { v i }
BREAKPOINT { i = g*(v + 70) }
"""


def nrn_diff(folder, *args, **env):
    """Status, stdout, stderr of the command in a process of its own (NEURON keeps what it has loaded)."""
    code = "import sys; from nrn_diff.cli import main; sys.exit(main(sys.argv[1:]))"
    ran = subprocess.run(
        [sys.executable, "-c", code, *args],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return ran.returncode, ran.stdout, ran.stderr


@pytest.mark.parametrize("args", [[], ["nonsense"], ["validate"], ["demo", "--tstop", "many"]])
def test_wrong_usage_is_status_2(args, capsys):
    with pytest.raises(SystemExit) as stop:
        main(args)
    assert stop.value.code == 2
    assert "usage: nrn-diff" in capsys.readouterr().err


@pytest.mark.parametrize("args", [["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help_is_status_0(args, capsys):
    with pytest.raises(SystemExit) as stop:
        main(args)
    assert stop.value.code == 0
    assert "usage: nrn-diff" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["inspect", "validate"])
@pytest.mark.parametrize(
    ("script", "message"), [("gone.hoc", "gone.hoc is not a file"), ("notes.txt", "neither HOC nor Python")]
)
def test_a_script_that_is_none_is_one_message(command, script, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("notes")
    assert main([command, script]) == 1
    out, err = capsys.readouterr()
    assert message in err
    assert len(err.strip().splitlines()) == 1
    assert out == ""


@pytest.mark.long
def test_validate_proves_the_same_numbers_and_writes_a_report(tmp_path):
    (tmp_path / "cable.hoc").write_text(CABLE)
    status, out, err = nrn_diff(tmp_path, "validate", "cable.hoc", "--report", "report.html")
    assert status == 0, out + err
    row = next(line for line in out.splitlines() if line.startswith("soma(0.5).v"))
    assert float(row.split()[1]) <= 1e-6
    assert row.split()[2] == "mV"
    assert "Same." in out
    assert "soma(0.5).v" in (tmp_path / "report.html").read_text()


@pytest.mark.long
def test_validate_of_a_script_that_runs_by_itself_and_records_nothing(tmp_path):
    text = CABLE.replace("objref stim, trace", "objref stim").replace(
        "trace = new Vector()\ntrace.record(&soma.v(0.5))", ""
    )
    (tmp_path / "cable.hoc").write_text(text + "dt = 0.05\ncvode_active(1)\nrun()\n")
    more = ("--sections", "2", "--then", "{soma.L = 21 run()}")
    more += ("--cvode", "1e-6", "--within", "0.01")
    args = ("--dt", "0.025", "--gradients", "1", "--json", "figures.json", *more, "cable.hoc")
    status, out, err = nrn_diff(tmp_path, "validate", *args)
    assert status == 0, out + err
    figures = json.loads((tmp_path / "figures.json").read_text())
    soma, _, dend, _ = figures["recorded"]
    labels = [r["label"] for r in figures["recorded"]]
    assert labels == ["soma(0.5).v", "soma(0.5).v (2)", "dend(0.5).v", "soma(0.5).v > 10"]
    assert 1 < dend["span"] < soma["span"]
    assert figures["runs"] == 2
    assert soma["worst"] < 1e-6 < soma["discretisation"]
    assert soma["spikes"] == [1, 1]
    assert figures["dt_ms"] == 0.025
    against = figures["against_cvode"]
    far, *_, near = against["distances"]
    assert far["what"] == "dt = 0.025"
    assert near["time"] <= 0.01 < far["time"]
    assert far["spikes"] == near["spikes"] == [2, 2]
    # The fixed step is of first order; CVODE is far better at this tolerance.
    assert 1.7 < far["time"] / against["distances"][1]["time"] < 2.3
    assert against["own"]["time"] < 1e-3
    assert against["enough"] == 0.00625
    assert f"dt = {against['enough']:g} ms has the same spikes" in out
    (slope,) = figures["gradients"]
    assert abs(slope["ours"] - slope["neuron"]) < 1e-4 * abs(slope["neuron"])


def test_validate_says_what_is_refused(tmp_path):
    (tmp_path / "variable.hoc").write_text(CABLE + "cvode_active(1)\nrun()\n")
    status, _, err = nrn_diff(tmp_path, "validate", "variable.hoc")
    assert status == 1
    assert "CVODE is active" in err


@pytest.mark.long
def test_run_is_the_script_itself_with_its_simulations_here(tmp_path):
    (tmp_path / "cable.hoc").write_text(CABLE)
    (tmp_path / "cell.py").write_text(
        "import sys\nfrom neuron import h\nh.load_file('cable.hoc')\nh.run()\n"
        "print(sys.argv[1:], h.trace.size(), h.t)\n"
        "import nrn_diff.plugin\nprint(nrn_diff.plugin.runs_made())\n"
        "if 'fail' in sys.argv: 1/0\nsys.exit(3)\n"
    )
    status, out, err = nrn_diff(tmp_path, "run", "cell.py", "a", "-b")
    assert (status, err) == (3, "")
    assert out.splitlines()[-2:] == ["['a', '-b'] 201 5.000000000000037", "1"]
    status, _, err = nrn_diff(tmp_path, "run", "cell.py", "fail")
    assert status == 1
    assert err.splitlines()[0] == "Traceback (most recent call last):"
    assert 'File "cell.py", line 8' in err.splitlines()[1]
    (tmp_path / "loop.hoc").write_text(CABLE + "finitialize(-65)\nwhile (t < 1) fadvance()\n")
    status, _, err = nrn_diff(tmp_path, "run", "loop.hoc")
    assert status == 0
    assert "nothing was run on JAX" in err
    (tmp_path / "loop.py").write_text(LOOP)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "loop.py"], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert done.stderr.count("nrn_diff: nothing was run on JAX") == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cable.hoc", "cell.py", "loop.hoc", "loop.py"]


def test_a_run_in_which_no_voltage_moves_is_noticed():
    still, moves = np.full(9, -65.0), np.linspace(-65.0, -63.0, 9)
    times = np.arange(9.0)
    for trace, idle in ((still, True), (moves, False)):
        traces = {"soma(0.5).v": trace, "t": times}
        found = compare_all(traces, traces, {"soma(0.5).v": "mV", "t": "ms"}, 1e-6, 0.025)
        assert is_idle(found) == idle


@pytest.mark.long
def test_validate_fails_beyond_the_tolerance(tmp_path):
    (tmp_path / "cable.hoc").write_text(CABLE)
    status, out, _ = nrn_diff(tmp_path, "validate", "cable.hoc", "--tolerance", "1e-300", "--tstop", "3")
    assert status == 1
    assert "DIFFERS" in out
    assert "Not the same" in out
    assert "so rounding errors explain the difference" in out


def test_a_python_script_with_mods_is_run_as_it_is(tmp_path):
    (tmp_path / "mods").mkdir()
    (tmp_path / "mods" / "cleak.mod").write_text(LEAK)
    (tmp_path / "helper.py").write_text("LENGTH = 50\n")
    (tmp_path / "cell.py").write_text(
        "import sys, helper\nfrom neuron import h\nassert __name__ == '__main__' and sys.argv == ['cell.py']\n"
        "h.load_file('stdrun.hoc')\nsoma = h.Section('soma')\nsoma.L = helper.LENGTH\nsoma.insert('cleak')\n"
        "v = h.Vector().record(soma(0.5)._ref_v)\nh.tstop = 2\n"
    )
    status, out, err = nrn_diff(tmp_path, "inspect", "cell.py", "--mods", "mods")
    assert status == 0, out + err
    assert "cleak (1)" in out
    assert "Everything is supported." in out
    assert sorted(p.name for p in (tmp_path / "mods").iterdir()) == ["cleak.mod"]


def test_inspect_lists_what_is_refused_and_fails(tmp_path):
    (tmp_path / "variable.hoc").write_text(CABLE + "cvode_active(1)\n")
    status, out, _ = nrn_diff(tmp_path, "inspect", "variable.hoc")
    assert status == 1
    assert re.search("not supported", out)
    assert "CVODE" in out.upper()
    (tmp_path / "panel.hoc").write_text('proc build() { load_file("variable.hoc") }\n')
    status, out, _ = nrn_diff(tmp_path, "inspect", "panel.hoc", "--then", "{build() cvode_active(0)}")
    assert status == 0
    assert "Everything is supported" in out


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("broken.hoc", "create soma\nsoma insert nosuchchannel\n", "--mods FOLDER"),
        ("still.hoc", CABLE + "tstop = 0\n", "tstop"),
        ("empty.hoc", 'load_file("stdrun.hoc")\n', "section"),
    ],
)
def test_what_goes_wrong_in_a_script_is_one_clear_error(name, text, message, tmp_path):
    (tmp_path / name).write_text(text)
    status, out, err = nrn_diff(tmp_path, "validate", name)
    assert status == 1, out + err
    assert "nrn-diff validate: " in err
    assert message in err.split("nrn-diff validate: ")[1]
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1/0\n", "cell.py fails by itself: ZeroDivisionError"),
        ("import sys\nsys.exit(0)\n", "cell.py calls exit()"),
        ("import sys\nsys.exit(3)\n", "cell.py ended with exit status 3"),
        ("def f(:\n", "cell.py fails by itself: SyntaxError"),
    ],
)
def test_a_python_script_that_fails_is_one_message(text, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cell.py").write_text(text)
    assert main(["inspect", "cell.py"]) == 1
    out, err = capsys.readouterr()
    assert err.startswith("nrn-diff inspect: ")
    assert message in err
    assert out == ""


def test_doctor_finds_a_missing_compiler(tmp_path):
    status, out, _ = nrn_diff(tmp_path, "doctor", PATH=str(Path(sys.executable).parent))
    assert status == 1
    assert re.search(r"FAIL +nrnivmodl", out)
    assert re.search(r"ok +NEURON", out)
    assert re.search(r"ok +JAX", out)


@pytest.mark.long
def test_doctor_is_content_here(tmp_path):
    status, out, _ = nrn_diff(tmp_path, "doctor")
    assert status == 0, out
    assert "FAIL" not in out


def test_tables_line_up():
    text = text_table(("what", "n"), [("a", "1"), ("long name", "100")], right=[1])
    assert text.splitlines() == ["what         n", "---------  ---", "a            1", "long name  100"]
