"""What docs/sharp-bits.md says about values and derivatives is so."""

import numpy as np
import pytest
from neuron_process import run_function

# A pool that writes cai: the Nernst equation then sets eca.
POOL = """
NEURON { SUFFIX pool USEION ca READ ica WRITE cai }
STATE { cai }
ASSIGNED { ica }
INITIAL { cai = 1e-4 }
BREAKPOINT { SOLVE s METHOD cnexp }
DERIVATIVE s { cai' = -20*ica - (cai - 1e-4)/50 }
"""
CHANNEL = """
NEURON { SUFFIX cach USEION ca READ eca WRITE ica }
ASSIGNED { v eca ica }
BREAKPOINT { ica = 1e-5*(v - eca) }
"""


def model_and_gradients():
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    soma = h.Section("soma")
    soma.L = soma.diam = 20
    for name in ("hh", "pool", "cach"):
        soma.insert(name)
    clamp, synapse, stim = h.IClamp(soma(0.5)), h.Exp2Syn(soma(0.5)), h.NetStim()
    clamp.delay, clamp.dur, clamp.amp = 1, 5, 0.2
    stim.start, stim.number = 3, 1
    wire = h.NetCon(stim, synapse, 0, 1, 0.002)
    trace = h.Vector().record(soma(0.5)._ref_v)
    h.tstop, h.dt, h.steps_per_ms = 8, 0.03, 40
    capture = nrn_diff.capture()
    noted = any("change dt from 0.03 to 0.025" in note for note in capture.capture.notes)
    out = {"dt": capture.structure.dt, "noted": noted, "given": nrn_diff.capture(dt=0.03).structure.dt, "h.dt": h.dt}
    h.dt = 0.025
    model = nrn_diff.capture()
    names = ["IClamp.del", "IClamp.dur", "IClamp.amp", "gnabar_hh", "v_init", "celsius", "ena", "NetCon.weight"]
    theta = model.parameters(*names)

    def loss(th):
        return ((model.simulate(th)["soma(0.5).v"] + 60) ** 2).mean()

    out["gradient"] = {name: float(np.ravel(slope)[0]) for name, slope in jax.grad(loss)(theta).items()}
    out["names"] = model.parameter_names
    for name in ("eca", "cai"):
        try:
            model.parameters(name)
            out[name] = ""
        except nrn_diff.ParameterError as error:
            out[name] = str(error)
    soma(0.5).v = -40
    out["start"] = float(nrn_diff.capture().simulate()["soma(0.5).v"][0])
    out["v"] = soma(0.5).v
    wire.delay = 1.5
    other = nrn_diff.capture()
    out["another delay, another program"] = other.structure != model.structure
    wire.weight[0], clamp.amp = 0.004, 0.1
    out["other values, the same program"] = nrn_diff.capture().structure == other.structure
    del trace
    return out


@pytest.mark.long
def test_what_the_page_says():
    out = run_function(model_and_gradients, mods={"pool.mod": POOL, "cach.mod": CHANNEL})
    assert (out["dt"], out["noted"], out["given"], out["h.dt"]) == (0.025, True, 0.03, 0.03)
    assert out["gradient"].pop("IClamp.del") == 0.0
    assert out["gradient"].pop("IClamp.dur") == 0.0
    assert all(abs(slope) > 1e-3 for slope in out["gradient"].values()), out["gradient"]
    absent = ("NetCon.delay", "NetCon.threshold", "NetStim.interval", "dt")
    assert not set(absent) & set(out["names"])
    assert "cai0_ca_ion" in out["eca"]
    assert "cai0_ca_ion" in out["cai"]
    assert (out["start"], out["v"]) == (-65.0, -40.0)
    assert out["another delay, another program"]
    assert out["other values, the same program"]
