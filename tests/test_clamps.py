"""VClamp and OClamp are NEURON's, and loops that C code leaves by break, as that over the levels of VClamp."""

import numpy as np
import pytest
from neuron_process import run_function

LEVELS = """
NEURON { SUFFIX levels NONSPECIFIC_CURRENT i RANGE a, n, last }
PARAMETER { a[4] }
ASSIGNED { v (mV) i (mA/cm2) n last }
BREAKPOINT {
    n = 0
    last = -1
    FROM j = 0 TO 3 {
        n = n + 1
        if (v > 10*j - 60) {
            n = n + 100
            if (a[j] > 0.5) {
                n = n + 1000
                VERBATIM
                break;
                ENDVERBATIM
            }
            n = n + 10000
        } else {
            n = n + 100000
        }
        last = j
    }
    i = 1e-9*n
}
"""


def compared(layered):
    import jax
    from neuron import h

    import nrn_diff
    from nrn_diff.bridge.judge import differences, neuron_traces

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    h.tstop = 8
    cell = [h.Section(name) for name in ("one", "two", "three")]
    for section in cell:
        section.L = section.diam = 20
        section.insert("hh")
        section.insert("levels")
        if layered:
            section.insert("extracellular")
            section(0.5).xg[0] = section(0.5).xg[1] = 1e-2
    for k, value in enumerate((0, 1, 0, 1)):
        cell[0](0.5).levels.a[k] = value
        cell[1](0.5).levels.a[k] = 1 - value
    voltage, oscillating = h.VClamp(cell[0](0.5)), h.OClamp(cell[1](0.5))
    for k, (duration, amplitude) in enumerate(((1, -70), (3, 10), (2, -50))):
        voltage.dur[k], voltage.amp[k] = duration, amplitude
    oscillating.on = 1
    current = h.IClamp(cell[2](0.5))
    current.delay, current.dur, current.amp = 1, 5, 0.4
    references = [section(0.5)._ref_v for section in cell] + [voltage._ref_i, voltage._ref_e]
    references += [r for s in cell for r in (s(0.5).levels._ref_n, s(0.5).levels._ref_last)]
    vectors = [h.Vector().record(reference) for reference in references]
    model = nrn_diff.capture()
    found = differences(model.capture, neuron_traces(model.capture), model.simulate(), model.t)
    gradient = jax.grad(lambda th: (model.simulate(th)["one(0.5).v"] ** 2).sum())(model.parameters("VClamp.rstim"))
    return {
        "off": [(d.label, d.worst, d.span) for d in found if not d.within(1e-7)],
        "spans": {d.label: d.span for d in found},
        "values": sorted({float(x) for v in vectors[5::2] for x in v}),
        "gradient": np.asarray(gradient["VClamp.rstim"]),
    }


@pytest.mark.long
@pytest.mark.parametrize("layered", [pytest.param(False, marks=pytest.mark.slow), True])
def test_clamps_and_loops_left_by_break_are_neurons(layered):
    out = run_function(compared, mods={"levels.mod": LEVELS}, layered=layered)
    assert out["off"] == []
    assert out["spans"]["one(0.5).v"] > 60
    assert out["spans"]["VClamp[0].i"] > 1
    assert len(out["values"]) >= 4
    assert np.all(np.isfinite(out["gradient"]))
    assert np.all(out["gradient"] != 0)


def stimuli_of_old():
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    soma = h.Section(name="soma")
    soma.insert("hh")
    out = []
    for count in (1, 0):
        h.fstim(count)
        h.fsyn(count)
        try:
            out.append(len(nrn_diff.capture(tstop=1).capture.mechanisms))
        except nrn_diff.CaptureError as error:
            out.append([r.what for r in error.refusals])
    return out


def test_stimuli_of_old_are_refused():
    refused, after = run_function(stimuli_of_old)
    assert refused == ["fstim()", "fsyn()"]
    assert after == 1
