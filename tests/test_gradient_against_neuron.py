"""Gradients equal finite differences of NEURON itself: h.run() with changed values, extrapolated."""

import os
from pathlib import Path

import numpy as np
import pytest
from neuron_process import run_function

DEMO = Path(__file__).resolve().parent.parent / "nrn_diff" / "demo" / "model"


def gradients(folder, tstop, hoc_settings, widths):
    """name -> (ours, NEURON's, its error estimate), of the mean squared distance of two voltages from -60 mV."""
    import jax
    from neuron import h

    import nrn_diff
    from nrn_diff.richardson import derivative

    jax.config.update("jax_enable_x64", True)
    os.chdir(folder)
    h.load_file("run.hoc")
    h.tstop = tstop
    for setting in hoc_settings:
        h(setting)
    cell = h.cell
    everywhere = list(h.allsec())
    params = {
        # key: (parameter, how to set it in NEURON by hand); widths: first half-widths of the differences, relative
        "gbar_nat, soma": (
            nrn_diff.Param("gbar_nat", where=[cell.soma], share="all", label="a"),
            _range(cell.soma, "gbar_nat"),
        ),
        "gbar_kdr, apical": (
            nrn_diff.Param("gbar_kdr", where=list(cell.apical), share="all", label="b"),
            _range(list(cell.apical), "gbar_kdr"),
        ),
        "pbar_cal, tuft": (
            nrn_diff.Param("pbar_cal", where=list(cell.tuft), share="all", label="c"),
            _range(list(cell.tuft), "pbar_cal"),
        ),
        "e_pas": (nrn_diff.Param("e_pas", share="all"), _range(everywhere, "e_pas")),
        "ek": (nrn_diff.Param("ek", share="all"), _range(everywhere, "ek")),
        "Ra": (nrn_diff.Param("Ra", share="all"), _section(everywhere, "Ra")),
        "cm, soma": (nrn_diff.Param("cm", where=[cell.soma], share="all", label="d"), _range(cell.soma, "cm")),
        "vhm_nat": ("vhm_nat", lambda x: setattr(h, "vhm_nat", x)),
        "Am_nat": ("Am_nat", lambda x: setattr(h, "Am_nat", x)),
        "taur_cadp, soma": (
            nrn_diff.Param("taur_cadp", where=[cell.soma], share="all", label="e"),
            _range(cell.soma, "taur_cadp"),
        ),
        "NetCon.weight": (nrn_diff.Param("NetCon.weight", share="all"), lambda x: h.nc.weight.__setitem__(0, x)),
        "Exp2Syn.tau2": (nrn_diff.Param("Exp2Syn.tau2", share="all"), lambda x: setattr(h.cell.syn, "tau2", x)),
    }
    model = nrn_diff.capture()
    soma, apical = "PyrCell[0].soma(0.5).v", "PyrCell[0].apic[2](0.5).v"
    theta = model.parameters(*(p for p, _ in params.values()))

    def loss(th):
        recording = model.simulate(th)
        return sum(((recording[label] + 60) ** 2).mean() for label in (soma, apical))

    ours = jax.grad(loss)(theta)

    def neuron_loss(setter, x):
        setter(x)
        h.run()
        return sum(float(np.mean((np.array(v) + 60) ** 2)) for v in (h.vsoma, h.vapic))

    out = {}
    for (key, (_, setter)), label in zip(params.items(), theta, strict=True):
        start = float(np.ravel(theta[label])[0])
        slope, error = derivative(lambda x, s=setter: neuron_loss(s, x), start, abs(start) * widths.get(key, 2e-4))
        setter(start)
        out[key] = (float(np.ravel(ours[label])[0]), slope, error)
    return out


def _range(sections, name):
    sections = [sections] if hasattr(sections, "nseg") else sections

    def set_everywhere(x):
        for section in sections:
            for segment in section:
                setattr(segment, name, x)

    return set_everywhere


def _section(sections, name):
    return lambda x: [setattr(section, name, x) for section in sections]


@pytest.mark.long
@pytest.mark.parametrize(
    "amplitude", [0.4, pytest.param(0.05, marks=pytest.mark.slow)], ids=["driven by current", "by the synapse"]
)
def test_gradients_of_the_shipped_model(amplitude):
    # Without TABLEs the loss is smooth; with them NEURON's own differences are kinked.
    settings = ["usetable_nat = 0", f"stim.amp = {amplitude}", "stim.del = 2", "ns.start = 5"]
    # These two are so small against the loss there that narrower differences have too few digits.
    widths = {"pbar_cal, tuft": 0.02, "taur_cadp, soma": 0.1} if amplitude < 0.1 else {}
    case = {"folder": str(DEMO), "tstop": 20, "hoc_settings": settings, "widths": widths}
    out = run_function(gradients, mods=DEMO / "mods", **case, timeout=600)
    assert len(out) == 12
    for key, (ours, theirs, error) in out.items():
        assert error <= 1e-4 * abs(theirs), f"{key}: the difference quotient itself is only good to {error:g}"
        assert abs(ours - theirs) <= 1e-5 * abs(theirs) + error, f"{key}: {ours:.10g}, NEURON {theirs:.10g}"
