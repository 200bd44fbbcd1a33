"""EModelRunner's pair of cells with plastic synapses equals NEURON, voltages, calcium and plasticity."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(importlib.util.find_spec("emodelrunner") is None, reason="EModelRunner is not installed"),
]


@pytest.mark.parametrize("name", ["thalamus", "synplas pair"])
def test_cells_equal_neuron(name):
    done = subprocess.run(
        [sys.executable, "-m", "validation.emodelrunner.run", name],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert max(result["largest_difference"].values()) <= 1e-6
    assert all(theirs == ours for theirs, ours in result["spikes_neuron_and_here"].values())
    assert max(theirs for theirs, _ in result["spikes_neuron_and_here"].values()) >= 4
    assert name != "synplas pair" or "GluSynapse[1].rho_GB" in result["largest_difference"]
