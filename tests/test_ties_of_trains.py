"""Trains that arrive at one time, while other things wait in NEURON's queue and can change their order."""

from pathlib import Path

import pytest
from neuron_process import run_function

MODS = Path(__file__).parent / "event_mods"


def at_a_synapse(cases, live=False):
    """What NEURON makes of two trains at one time; what is made here, or why it is refused."""
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    soma = h.Section("soma")
    soma.insert("pas")
    found = []
    for case in cases:
        point, clamp, keep = h.Order(soma(0.5)), h.IClamp(soma(0.5)), []
        for k in range(2):
            stim = h.NetStim()
            stim.start, stim.number = 2, 1
            netcon = h.NetCon(stim, point)
            netcon.delay, netcon.weight[0] = 3, 0.001 * (k + 1)
            keep += [stim, netcon]
        if case == "played":
            keep += [h.Vector([0, 3, 4, 6]), h.Vector([0, 0.1, 0.2, 0.1])]
            keep[-1].play(clamp._ref_amp, keep[-2], True)
        if case == "sampled":
            keep.append(h.Vector().record(soma(0.5)._ref_v, 0.7))
        code = h.Vector().record(point._ref_hash)
        h.tstop = 8
        if case == "sent":
            keep.append(h.Pulse(soma(0.5)))
        try:
            if live:
                with nrn_diff.enabled():
                    h.run()
                ours = code[len(code) - 1]
            else:
                ours = float(nrn_diff.capture().simulate()["Order[0].hash"][-1])
        except nrn_diff.CaptureError as error:
            ours = str(error)
        h.run()
        found.append((code[len(code) - 1], ours))
        del point, clamp, keep, code, stim, netcon
    return found


def test_vectors_that_wait_in_the_queue_change_the_order_at_a_synapse():
    alone, played, sampled = run_function(at_a_synapse, mods=MODS, cases=["alone", "played", "sampled"])
    assert alone[0] == alone[1]
    assert played[0] == sampled[0] != alone[0]  # NEURON's order is the other one
    for _, message in (played, sampled):
        assert "reach Order[0] at the same time, t = 5 ms" in message


@pytest.mark.long
def test_what_enable_does_not_know_of_the_queue_is_refused():
    cases = ["alone", "played", "sampled", "sent"]
    alone, *others = run_function(at_a_synapse, mods=MODS, cases=cases, live=True)
    assert alone[0] == alone[1]
    for _, message in others:
        assert "reach one instance of Order at the same time, t = 5 ms" in message


def at_a_cell(cases):
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    soma = h.Section("soma")
    soma.insert("hh")
    found = []
    for case in cases:
        cell, synapse, keep = h.Leaky(), h.ExpSyn(soma(0.5)), []
        out = h.NetCon(cell, synapse, 0, 1, 0.01)
        for weight in (1.2, -0.9):
            stim = h.NetStim()
            stim.start, stim.number = 2, 1
            keep += [stim, h.NetCon(stim, cell, 0, 1, weight)]
        if case == "voltage":
            keep.append(h.NetCon(soma(0.5)._ref_v, synapse, 0, 1, 0.001, sec=soma))
        v = h.Vector().record(soma(0.5)._ref_v)
        h.tstop = 8
        try:
            ours = next(iter(nrn_diff.capture().simulate().values()))
        except nrn_diff.CaptureError as error:
            ours = str(error)
        h.run()
        found.append(ours if isinstance(ours, str) else float(abs(ours - v.as_numpy()).max()))
        del cell, synapse, keep, out, stim, v
    return found


def test_what_a_cell_receives_at_one_time_is_refused_where_the_solution_sends_events():
    alone, voltage = run_function(at_a_cell, mods=MODS, cases=["alone", "voltage"])
    assert alone < 1e-9
    assert "reach Leaky[0] at the same time, t = 3 ms" in voltage
    assert "do not commute" in voltage
