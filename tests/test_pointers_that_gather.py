"""Instances that add to one variable through a POINTER (of another mechanism, of a Vector), against NEURON."""

from __future__ import annotations

import numpy as np
import pytest
from neuron_process import run_function

PART = """
NEURON { SUFFIX part POINTER other, sum, total RANGE q, z }
PARAMETER { z = 2 }
ASSIGNED { v other sum total q }
AFTER SOLVE { q = z*(other - v) sum = sum + q total = total - q/2 }
AFTER INITIAL { q = z*(other - v) sum = sum + q total = total - q/2 }
"""
WHOLE = """
NEURON { POINT_PROCESS Whole POINTER total RANGE sum }
ASSIGNED { v sum total }
BEFORE INITIAL { sum = 0 total = 0 }
BEFORE BREAKPOINT { sum = 0 total = 0 }
AFTER SOLVE { total = total + 3*v }
"""
READS = PART.replace("sum = sum + q", "sum = 2*sum + q")


def build(h):
    """Two cells; their parts add to a Whole each and to one Vector element for both."""
    h.load_file("stdrun.hoc")
    h.tstop, h.dt = 5.0, 0.05
    made, recorded = [], {}
    total = h.Vector([0.0, 7.0])
    for k in range(2):
        cell = h.Section(f"cell{k}")
        cell.L, cell.diam, cell.nseg = 300.0, 3.0, 5
        cell.insert("hh")
        cell.insert("part")
        whole = h.Whole(cell(1))
        whole._ref_total = total._ref_x[1]
        for segment in cell:
            segment.part._ref_other = cell(0.5)._ref_v
            segment.part._ref_sum = whole._ref_sum
            segment.part._ref_total = total._ref_x[1]
        clamp = h.IClamp(cell(0))
        clamp.delay, clamp.dur, clamp.amp = 0.5 + k, 2.0, 0.5
        recorded[f"Whole[{k}].sum"] = h.Vector().record(whole._ref_sum)
        made += [cell, whole, clamp]
    recorded[f"{total.hname()}.x[1]"] = h.Vector().record(total._ref_x[1])
    return made, total, recorded


def gather():
    """Worst difference for each quantity, before and after saving, and a derivative with its difference quotient."""
    import jax
    import numpy as np
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    made, total, recorded = build(h)
    model = nrn_diff.capture()
    label = f"{total.hname()}.x[1]"
    untouched = [float(x) for x in total]
    model.save("gather.nrndiff")
    h.run()
    found = {}
    for name, each in (("now", model), ("saved", nrn_diff.load("gather.nrndiff"))):
        got = each.simulate(each.parameters())
        found[name] = {k: (float(np.abs(np.array(v) - got[k]).max()), float(np.ptp(v))) for k, v in recorded.items()}
    theta = model.parameters(nrn_diff.Param("z_part", share="all"))
    mean = lambda th: model.simulate(th)[label].mean()
    slope = float(np.squeeze(jax.grad(mean)(theta)["z_part"]))

    def of_neuron(z):
        for cell in (made[0], made[3]):
            for segment in cell:
                segment.part.z = z
        h.run()
        return np.array(recorded[label]).mean()

    quotient = (of_neuron(2.5) - of_neuron(1.5)) / 1.0  # linear in z
    model.write_back(theta.replace(z_part=1.25))
    written = [segment.part.z for cell in (made[0], made[3]) for segment in cell]
    total.resize(0)
    try:
        model.write_back(theta)
        message = ""
    except nrn_diff.WriteBackError as error:
        message = str(error)
    return found, slope, quotient, untouched, written, message, [n for n in model.parameter_names if "Vector" in n]


def gone_on(on):
    """Runs under enable(), from the middle as well, and steps of NEURON after them."""
    import numpy as np
    from neuron import h

    import nrn_diff
    from nrn_diff.plugin import runs_made

    made, total, recorded = build(h)
    if on:
        nrn_diff.enable()
    seen = []
    for _ in range(2):
        h.run()
        seen.append([*total, made[1].sum])
        h.continuerun(6)
        h.fadvance()
        seen.append([*total, made[1].sum])
    return {"seen": np.array(seen), "recorded": [np.array(v) for v in recorded.values()], "runs": runs_made()}


def refused():
    """What is said where a block does more than to add."""
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    made = build(h)
    said = []
    try:
        nrn_diff.capture()
    except nrn_diff.CaptureError as error:
        said.append(str(error))
    return said, len(made)


def test_sums_through_pointers_agree_with_neuron():
    found, slope, quotient, untouched, written, message, names = run_function(
        gather, mods={"part.mod": PART, "whole.mod": WHOLE}
    )
    for each in found.values():
        assert len(each) == 3
        for error, extent in each.values():
            assert error < 1e-8
            assert extent > 1
    assert abs(slope - quotient) < 1e-6 * abs(quotient)
    assert abs(quotient) > 0.1
    assert untouched == [0.0, 7.0]
    assert set(written) == {1.25}
    assert "POINTER led" in message
    assert names == []


@pytest.mark.long
def test_sums_are_in_neurons_vectors_after_a_run():
    mods = {"part.mod": PART, "whole.mod": WHOLE}
    theirs, ours = (run_function(gone_on, on=on, mods=mods) for on in (False, True))
    assert (theirs["runs"], ours["runs"]) == (0, 4)
    assert np.ptp(theirs["seen"][:, 1]) > 1
    np.testing.assert_allclose(ours["seen"], theirs["seen"], rtol=0, atol=1e-8)
    for mine, neurons in zip(ours["recorded"], theirs["recorded"], strict=True):
        np.testing.assert_allclose(mine, neurons, rtol=0, atol=1e-8)


def test_a_sum_that_is_read_by_what_adds_to_it_is_refused():
    said, _ = run_function(refused, mods={"part.mod": READS, "whole.mod": WHOLE})
    assert "writes sum of Whole through a POINTER" in said[0]
