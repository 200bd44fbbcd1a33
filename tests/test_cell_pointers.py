"""POINTERs and EXTERNALs of artificial cells, against NEURON: what they read and what they assign."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from neuron_process import run_function

import mod_translator
from nrn_diff.events.artificial import ArtificialCell, ArtificialConnection, run_artificial
from nrn_diff.events.pointees import CellLink

MODS = Path(__file__).parent / "event_mods"


def orchestra():
    """A cell that sets GLOBALs and a variable of others and reads one; under enable() a voltage drives it too."""
    import jax
    import numpy as np
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    h.dt, h.tstop = 0.025, 30.0
    soma = h.Section("soma")
    soma.L = soma.diam = 20.0
    soma.insert("pas")
    players, conductor, synapse = [h.Player() for _ in range(3)], h.Conductor(), h.ExpSyn(soma(0.5))
    h.setpointer(h._ref_tempo_Player, "tempo", conductor)
    h.setpointer(players[1]._ref_strength, "loud", conductor)
    h.setpointer(players[0]._ref_played, "answer", conductor)
    wires = [h.NetCon(p, synapse, 0, 1.03 + 0.2071 * k, 1e-3 * (k + 1)) for k, p in enumerate(players)]
    wires += [h.NetCon(players[1], players[2], 0, 0.3011, 0.07), h.NetCon(players[2], conductor, 0, 0.4017, 1)]
    recorded = {
        "soma(0.5).v": soma(0.5)._ref_v,
        "ExpSyn[0].g": synapse._ref_g,
        "Player[0].played": players[0]._ref_played,
        "Player[1].strength": players[1]._ref_strength,
        "Conductor[0].heard": conductor._ref_heard,
    }
    vectors = {label: h.Vector().record(reference) for label, reference in recorded.items()}
    shown = lambda: [h.tempo_Player, h.level_Player, conductor.beats, players[0].played]
    now = lambda: {label: np.array(vector) for label, vector in vectors.items()}
    model = nrn_diff.capture()
    h.run()
    out = {"neuron": now(), "left": shown(), "kept": len(wires)}
    got = model.simulate(model.parameters())
    out["capture"] = {label: np.asarray(got[label]) for label in vectors}
    wires.append(h.NetCon(soma(0.5)._ref_v, conductor, -66.0, 0.5123, 1, sec=soma))
    h.run()
    out["driven"], out["driven left"] = now(), shown()
    with nrn_diff.enabled():
        h.run()
    out["enable"], out["enable left"] = now(), shown()
    h.finitialize(h.v_init)
    h.continuerun(7.0)
    with nrn_diff.enabled():
        h.continuerun(16.0)
    h.continuerun(30.0)
    out["middle"], out["middle left"] = now(), shown()
    return out


@pytest.mark.long
def test_cells_that_set_variables_of_others_are_neurons() -> None:
    out = run_function(orchestra, mods=MODS)
    assert all(len(set(x.tolist())) > 4 for x in out["neuron"].values())
    assert out["left"][1] > 2.9
    assert out["driven left"] != out["left"]
    assert out["enable left"] == out["middle left"] == out["driven left"]
    for way, neuron in (("capture", "neuron"), ("enable", "driven"), ("middle", "driven")):
        for label, want in out[neuron].items():
            if label in ("soma(0.5).v", "ExpSyn[0].g"):
                np.testing.assert_allclose(out[way][label], want, rtol=0, atol=1e-9, err_msg=f"{way} {label}")
            else:
                np.testing.assert_array_equal(out[way][label], want, err_msg=f"{way} {label}")


def refused():
    """POINTERs of a cell into the equations and to nothing; then of one that a voltage drives."""
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    soma = h.Section("soma")
    soma.insert("pas")
    player, conductor, synapse = h.Player(), h.Conductor(), h.ExpSyn(soma(0.5))
    wires = [h.NetCon(player, synapse, 0, 1, 1e-3)]

    def messages():
        try:
            nrn_diff.capture()
        except nrn_diff.CaptureError as error:
            return [f"{r.what} ({r.where}): {r.why}" for r in error.refusals]
        return []

    h.setpointer(soma(0.5)._ref_v, "tempo", conductor)
    h.setpointer(synapse._ref_tau, "loud", conductor)
    out = [messages()]
    for name in ("tempo", "loud", "answer"):
        h.setpointer(player._ref_played, name, conductor)
    wires.append(h.NetCon(soma(0.5)._ref_v, conductor, sec=soma))
    return [*out, messages(), len(wires)]


def test_what_cannot_be_run_before_the_equations_is_refused() -> None:
    into, driven, _ = run_function(refused, mods=MODS)
    assert [m.partition(" (Conductor[0])")[0] for m in into] == [
        "the POINTER answer to nothing",
        "the POINTER loud to ExpSyn[0].tau",
        "the POINTER tempo to soma(0.5).v",
    ]
    assert all("artificial cells are run before the equations" in m for m in into)
    assert [m.partition(":")[0] for m in driven] == [
        "a POINTER of Conductor[0], or one that leads to it (Conductor[0])"
    ]


def test_events_of_one_time_at_cells_that_share_a_variable_are_a_tie() -> None:
    setter, _ = mod_translator.lower(
        "NEURON { ARTIFICIAL_CELL S POINTER p }\nASSIGNED { p }\nNET_RECEIVE (w) { p = p + w }\n"
    )
    shower, _ = mod_translator.lower(
        "NEURON { ARTIFICIAL_CELL R RANGE a }\nASSIGNED { a }\nNET_RECEIVE (w) { if (a > 0.5) { net_event(t) } }\n"
    )
    assert setter is not None
    assert shower is not None
    cells = [ArtificialCell(shower, {}, {}, "R[0]"), ArtificialCell(shower, {}, {}, "R[1]")]
    cells.append(ArtificialCell(setter, {}, {}, "S[0]", links={"p": CellLink("R[0]", "R", "a")}))
    wires = [ArtificialConnection(3 + k, k, 1.0, (1.0,)) for k in range(3)]
    run = run_artificial(cells, 10.0, wires, given=[np.array([1.0, 3.0]), np.array([1.0]), np.array([1.0, 2.0])])
    np.testing.assert_array_equal(run.trains[0], [4.0])
    assert [(tie.cell, tie.other, tie.time) for tie in run.ties] == [(2, 0, 2.0)]
