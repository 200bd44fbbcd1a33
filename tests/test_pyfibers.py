"""Fibres of the installed pyfibers equal NEURON: MRG with its extracellular layers, C fibres with ion accumulation."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(importlib.util.find_spec("pyfibers") is None, reason="pyfibers is not installed"),
]


def run(name):
    done = subprocess.run(
        [sys.executable, "-m", "validation.pyfibers.run", name], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "name",
    [
        "MRG 10 um, current into a node",
        "MRG 10 um, field",
        "MRG 10 um, pulse",
        "Tigerholm, field",
        "Schild 1994, current into a section",
    ],
)
def test_fibre_equals_neuron(name):
    result = run(name)
    assert result["max_dv_mV"] <= 1e-6
    assert all(worst < 1e-8 for label, worst in result["largest_difference"].items() if "vext" in label)
    assert all(theirs == ours >= 1 for theirs, ours in result["spikes_neuron_and_here"].values())
