"""Whole runs equal NEURON's to rounding: the voltage to 1e-6 mV, everything recorded with it, t to the bit."""

import os
from pathlib import Path

import pytest
from neuron_process import run_function

DEMO = Path(__file__).resolve().parent.parent / "nrn_diff" / "demo" / "model"


def capture_and_compare(build, **kwargs):
    import jax
    import neuron_models
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    keep = getattr(neuron_models, build)(h, **kwargs)
    result = neuron_models.compare_with_neuron(nrn_diff.capture(), h)
    del keep
    return result


def demo_model(folder):
    import jax
    import neuron_models
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    os.chdir(folder)
    h.load_file("run.hoc")
    return neuron_models.compare_with_neuron(nrn_diff.capture(), h)


def check(result, spikes):
    assert result["worst"]["t"] == 0.0
    assert result["dv"] <= 1e-6
    assert result["spikes"] >= spikes
    assert all(worst < 1e-6 for worst in result["worst"].values())


def test_passive_cable():
    result = run_function(capture_and_compare, build="passive_cable")
    check(result, spikes=0)
    assert result["range"] > 10


@pytest.mark.long
@pytest.mark.parametrize("usetable", [0, 1])
@pytest.mark.parametrize("native", ["0", "1"])
def test_hh_tree(usetable, native):
    result = run_function(capture_and_compare, build="hh_tree", usetable=usetable, env={"NRN_DIFF_NATIVE": native})
    check(result, spikes=5)


@pytest.mark.long
@pytest.mark.parametrize("secondorder", [1, 2])
def test_second_order(secondorder):
    check(run_function(capture_and_compare, build="hh_tree", depth=2, tstop=50, secondorder=secondorder), spikes=2)


@pytest.mark.long
def test_shipped_model():
    check(run_function(demo_model, mods=DEMO / "mods", folder=str(DEMO)), spikes=3)
