"""DISCRETE blocks of several mechanisms in one model, each of which moves the time on; what is refused beside them."""

from pathlib import Path

import pytest
from neuron_process import run_function

FOLDER = Path(__file__).parent / "driven_mods"
MODS = {f"{name}.mod": (FOLDER / f"{name}.mod").read_text() for name in ("ddiscrete", "dmoves")}


def two_kinds():
    import jax
    import neuron_models
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    cell, other = h.Section("cell"), h.Section("other")
    cell.nseg = 3
    cell.insert("pas")
    cell.insert("ddiscrete")
    other.insert("hh")
    clamp = h.IClamp(other(0.5))
    clamp.delay, clamp.dur, clamp.amp = 1.5, 4, 0.3
    moving = [h.dmoves(cell(0.1)), h.dmoves(other(0.5))]
    places = (
        *(h._ref_t, other(0.5)._ref_v, cell(0.9)._ref_v, cell(0.9).ddiscrete._ref_seen, cell(0.1).ddiscrete._ref_x),
        *(m._ref_when for m in moving),
        *(m._ref_late for m in moving),
        moving[1]._ref_n,
    )
    keep = [h.Vector().record(x) for x in places]
    h.tstop = 9
    model = nrn_diff.capture()
    worst = neuron_models.compare_with_neuron(model, h)["worst"]
    step = float(model.t[1] - model.t[0]), len(model.t), len(keep[0]), moving[1].n
    refused = []
    stim = h.NetStim()
    for make in (
        lambda: (synapse := h.ExpSyn(cell(0.5)), h.NetCon(stim, synapse)),
        lambda: h.Vector().record(cell(0.5)._ref_v, 0.5),
        lambda: h.Vector([0.0, 0.1]).play(clamp._ref_amp, 1.0),
    ):
        keep.append(make())
        try:
            nrn_diff.capture()
        except nrn_diff.CaptureError as error:
            refused.append(str(error))
        keep.pop()
    nrn_diff.enable()
    try:
        h.run()
    except Exception as error:
        refused.append(str(error))
    return worst, step, refused


@pytest.mark.long
def test_several_mechanisms_move_the_time_on_as_in_neuron():
    worst, (step, ours, theirs, count), refused = run_function(two_kinds, mods=MODS)
    assert len(worst) == 10
    assert max(worst.values()) <= 1e-10, worst
    assert abs(step - 6 * 0.025) < 1e-12  # 3 segments and 2 point processes
    assert ours == theirs == 61
    assert count > 10
    assert len(refused) == 4
    for reason, text in zip(("NetCons", "times of its own", "is played", "enable()"), refused, strict=True):
        assert f"{reason} beside a DISCRETE block" in text
        assert "ddiscrete.mod" in text
