"""Allen perisomatic cells from the installed bmtk equal NEURON."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(importlib.util.find_spec("bmtk") is None, reason="bmtk is not installed"),
]


def run(name):
    done = subprocess.run(
        [sys.executable, "-m", "validation.allen.run", name], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", ["Scnn1a", "Rorb", "Nr5a1", "PV1", "PV2"])
def test_cell_equals_neuron(name):
    result = run(name)
    assert len(result["mechanisms"]) == 13
    assert result["max_dv_mV"] <= 1e-6
    assert all(theirs == ours for theirs, ours in result["spikes_neuron_and_here"].values())
    assert result["spikes_neuron_and_here"]["soma[0](0.5).v"][0] >= 5
