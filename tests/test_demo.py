"""`nrn-diff demo`: its numbers are good, and it says so when they are not."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# The whole path with fewer conductances, a shorter window and fewer updates.
SMALL = """
import os, sys
from nrn_diff.demo import cell
keep = ("sodium, soma", "leak, everywhere")
cell.CONDUCTANCES = tuple(c for c in cell.CONDUCTANCES if c.label in keep)
from nrn_diff.demo import run
run.FIT_TSTOP = 26.0
{change}
sys.exit(run.run_demo("out/report.html", tstop=30.0, fit_steps=(2, 8)))
"""


def demo(folder, code, **env):
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "JAX_ENABLE_X64": "1",
            "NEURON_MODULE_OPTIONS": "-nogui",
            **env,
        },
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    return ran.returncode, ran.stdout, ran.stderr


def value_of(out, row):
    line = next(line for line in out.splitlines() if line.startswith(row))
    return float(re.findall(r"  ([0-9.]+e[-+][0-9]+)", line)[0])


def check(status, out, err, folder, report):
    assert status == 0, out + err
    assert value_of(out, "max |dV| against NEURON") <= 1e-6
    assert value_of(out, "worst relative gradient error") <= 1e-5
    assert value_of(out, "loss after the fit") <= 1e-4 * value_of(out, "loss before the fit")
    assert value_of(out, "conductances recovered") <= 1e-2
    assert value_of(out, "max |dV| of NEURON re-run") <= 1.0
    assert f"report: {folder / report}" in out
    assert "NOT OK" not in out
    page = (folder / report).read_text()
    assert page.count("<svg viewBox=") >= 8
    for heading in ("In short", "The same numbers", "The exact gradient", "The fit", "Time"):
        assert f"<h2>{heading}</h2>" in page
    assert [p.name for p in folder.iterdir()] == ["out"], "nothing else is written"


@pytest.mark.long
def test_the_whole_path_in_small(tmp_path):
    check(*demo(tmp_path, SMALL.format(change="")), tmp_path, "out/report.html")


@pytest.mark.long
def test_a_number_that_is_not_good_is_said_and_fails(tmp_path):
    change = (
        "from nrn_diff.demo import stages\n"
        "compare, differences = stages.compare, stages.differences\n"
        "def off(capture, theirs, ours, t):\n"
        "    return differences(capture, theirs, {k: x + 2e-6 for k, x in ours.items()}, t)\n"
        "stages.differences = off\n"
        "stages.check_gradient = lambda *a: stages.Gradient([stages.Slope('x', 1.0, 1.1, 0.0)], 1.0, 1.0, 1.0)\n"
    )
    status, out, _ = demo(tmp_path, SMALL.format(change=change))
    assert status == 1
    bad = [line for line in out.splitlines() if line.endswith("NOT OK")]
    assert [line.split("  ")[0][:20] for line in bad] == ["max |dV| against NEU", "worst relative gradi"]


@pytest.mark.slow
def test_the_whole_path(tmp_path):
    code = (
        f"import sys; from nrn_diff.cli import main; sys.exit(main(['demo', '--report', {json.dumps('out/r.html')}]))"
    )
    check(*demo(tmp_path, code), tmp_path, "out/r.html")
