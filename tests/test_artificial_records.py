"""Vectors that record variables of artificial cells, against NEURON: of cells that given trains drive, and others."""

from __future__ import annotations

import numpy as np
import pytest
from neuron_process import run_function


def against_neuron():
    """Cells driven by noise, by events at the very times of steps and half steps, by a voltage; one drives nothing."""
    import jax
    import numpy as np
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    h.dt, h.tstop = 0.025, 20.0
    soma = h.Section("soma")
    soma.L = soma.diam = 20.0
    soma.insert("hh")
    clamp, synapse = h.IClamp(soma(0.5)), h.ExpSyn(soma(0.5))
    clamp.delay, clamp.dur, clamp.amp = 3.0, 15.0, 0.4
    noisy, regular = h.NetStim(), h.NetStim()
    noisy.start, noisy.interval, noisy.number, noisy.noise = 2.0, 3.3, 20, 1
    noisy.noiseFromRandom123(1, 2, 3)
    regular.start, regular.interval, regular.number, regular.noise = 0.0, 0.0125 * 33, 40, 0
    given, driven, idle, other = h.IntFire1(), h.IntFire1(), h.IntFire2(), h.IntFire4()
    given.tau, driven.tau = 15.0, 30.0
    netcons = [
        h.NetCon(noisy, given, 0, 0.3, 0.4),
        h.NetCon(given, synapse, 0, 1.0, 1e-4),
        h.NetCon(soma(0.5)._ref_v, driven, 0, 0.5, 0.4, sec=soma),
        h.NetCon(driven, synapse, 0, 1.0, 1e-4),
        h.NetCon(regular, idle, 0, 0.0, 0.05),
        h.NetCon(noisy, other, 0, 0.7, 0.3),
        h.NetCon(other, synapse, 0, 1.0, 1e-4),
    ]
    recorded = {
        "IntFire1[0].m": given._ref_m,
        "IntFire1[1].m": driven._ref_m,
        "IntFire2[0].i": idle._ref_i,
        "IntFire4[0].m": other._ref_m,
        "NetStim[1].interval": regular._ref_interval,
        "soma(0.5).v": soma(0.5)._ref_v,
    }
    vectors = {label: h.Vector().record(reference) for label, reference in recorded.items()}
    when = h.Vector([0, 0.0777, 2.9, 5.001, 5.001, 11.3, 12.0001, 19.97])
    vectors["IntFire1[0].m #2"] = h.Vector().record(given._ref_m, 0.17)
    vectors["IntFire4[0].m #2"] = h.Vector().record(other._ref_m, when)
    vectors["IntFire2[0].i #2"] = h.Vector().record(idle._ref_i, 0.2917)
    vectors["IntFire1[1].m #2"] = h.Vector().record(driven._ref_m, 0.0071)
    now = lambda: {label: np.array(vector) for label, vector in vectors.items()}
    model = nrn_diff.capture()
    h.run()
    out = {"neuron": now(), "kept": len(netcons)}
    got = model.simulate(model.parameters())
    out["capture"] = {label: np.asarray(got[label]) for label in vectors}
    again = model.with_records("IntFire2[0].i").simulate()
    out["chosen"] = [list(again), bool(np.array_equal(again["IntFire2[0].i"], got["IntFire2[0].i"]))]
    with nrn_diff.enabled():
        h.run()
    out["enable"] = now()
    h.finitialize(h.v_init)
    h.continuerun(5.0)
    with nrn_diff.enabled():
        h.continuerun(12.0)
    h.continuerun(20.0)
    out["middle"] = now()
    tied = h.Vector([0, 0.0125 * 33])
    timed = h.Vector().record(idle._ref_i, tied)
    try:
        nrn_diff.capture().simulate()
    except nrn_diff.CaptureError as error:
        out["refused"] = [f"{r.what}: {r.why}" for r in error.refusals]
    timed.play_remove()
    return out


@pytest.mark.long
def test_recorded_variables_of_artificial_cells_are_neurons() -> None:
    out = run_function(against_neuron)
    neuron = out["neuron"]
    assert all(len(set(x.tolist())) >= 3 for label, x in neuron.items() if label.startswith("IntFire"))
    assert out["chosen"] == [["IntFire2[0].i"], True]
    for way in ("capture", "enable", "middle"):
        for label, want in neuron.items():
            got = out[way][label]
            if label.endswith(".v"):
                np.testing.assert_allclose(got, want, rtol=0, atol=1e-8, err_msg=way)
            elif label.startswith("IntFire1[1].m"):  # which the equations hold
                np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-14, err_msg=way)
            else:
                np.testing.assert_array_equal(got, want, err_msg=f"{way} {label}")
    (tied,) = out["refused"]
    assert "records IntFire2[0].i #3 at t = 0.4125 ms: an event changes it at the very same time" in tied
