"""Artificial cells run from their IR send their events at NEURON's times, to the bit."""

from __future__ import annotations

import numpy as np
import pytest
from neuron_process import run_function

import mod_translator
from nrn_diff.events.artificial import ArtificialCell, ArtificialConnection, artificial_trains, run_artificial
from nrn_diff.events.errors import EventError

# ------------------------------------------------------------------------------------------------ NetStim, IntFire1


def lowered(kind):
    from neuron import h

    import mod_translator

    types = h.MechanismType(1)
    types.select(kind)
    mechanism, report = mod_translator.lower(types.code(), file=kind)
    assert mechanism is not None, str(report)
    return mechanism


def cell_of(live, kind, names, random=()):
    from nrn_diff.bridge.random123 import streams_of
    from nrn_diff.events.artificial import ArtificialCell

    values = {name: getattr(live, name) for name in names}
    return ArtificialCell(lowered(kind), values, {}, live.hname(), streams_of(live, random))


def recorded(cells):
    from neuron import h

    trains, recorders = [], []
    for cell in cells:
        trains.append(h.Vector())
        recorders.append(h.NetCon(cell, None))
        recorders[-1].record(trains[-1])
    return trains, recorders


def netstims_both_ways(settings, ids, tstop, globalindex=0):
    """Trains of NetStims from NEURON and from the IR."""
    from neuron import h

    from nrn_diff.bridge.random123 import NeuronRandom
    from nrn_diff.events.artificial import artificial_trains

    h.load_file("stdrun.hoc")
    h.Random().Random123_globalindex(globalindex)
    soma = h.Section(name="soma")
    stims = []
    for values, id_ in zip(settings, ids, strict=True):
        stim = h.NetStim()
        for name, value in values.items():
            setattr(stim, name, value)
        if id_ is not None:
            stim.noiseFromRandom123(*id_)
        stims.append(stim)
    trains, recorders = recorded(stims)
    cells = [cell_of(s, "NetStim", ("interval", "number", "start", "noise"), ("ranvar",)) for s in stims]
    h.tstop = tstop
    h.run()
    once = [np.array(t) for t in trains]
    h.run()
    again = [np.array(t) for t in trains]
    ours = artificial_trains(cells, h.t, random=NeuronRandom())
    del soma, recorders
    return {"neuron": once, "again": again, "ours": ours}


SETTINGS = [
    {"interval": 7.3, "number": 5, "start": 2.1, "noise": 0},
    {"interval": 0.1, "number": 1e9, "start": 0, "noise": 0},
    {"interval": 3.0, "number": 50, "start": 1.0, "noise": 1},
    {"interval": 3.0, "number": 50, "start": 1.0, "noise": 1},
    {"interval": 1.7, "number": 200, "start": 0.5, "noise": 0.4},
    {"interval": 5.0, "number": 30, "start": 10, "noise": 2.5},
    {"interval": 5.0, "number": 30, "start": 10, "noise": -1},
    {"interval": 5.0, "number": 0, "start": 10, "noise": 1},
    {"interval": 5.0, "number": 30, "start": -1, "noise": 1},
    {"interval": -2.0, "number": 100, "start": 3, "noise": 1},
    {"interval": 2.0, "number": 30, "start": 0, "noise": 1},
]
IDS = [None, None, (1, 2, 3), None, (7, 8), None, None, None, (5, 5, 5), (9, 9, 9), (4294967295, 0, 1)]


@pytest.mark.parametrize("globalindex", [0, 12345])
def test_netstim_times_are_neurons(globalindex):
    out = run_function(netstims_both_ways, settings=SETTINGS, ids=IDS, tstop=97.3, globalindex=globalindex)
    assert [len(t) > 0 for t in out["neuron"]] == [True] * 7 + [False, False, True, True]
    for neuron, again, ours in zip(out["neuron"], out["again"], out["ours"], strict=True):
        np.testing.assert_array_equal(ours, neuron)
        np.testing.assert_array_equal(again, neuron)


def network_both_ways(seed, tstop):
    """NetStims (with noise) that drive each other and IntFire1 cells, with loops, equal delays and ties."""
    from neuron import h

    from nrn_diff.bridge.random123 import NeuronRandom
    from nrn_diff.events.artificial import ArtificialConnection, run_artificial

    rng = np.random.default_rng(seed)
    h.load_file("stdrun.hoc")
    soma = h.Section(name="soma")
    live, kinds = [], []
    for i in range(12):
        kind = ["NetStim", "IntFire1"][i % 2]
        cell = getattr(h, kind)()
        if kind == "NetStim":
            cell.interval, cell.number = rng.choice([0.5, 1.0, 3.3]), rng.integers(3, 40)
            cell.start, cell.noise = rng.choice([0.0, 1.0, -1.0]), rng.choice([0.0, 0.0, 0.3])
        else:
            cell.tau, cell.refrac = rng.choice([5.0, 10.0]), rng.choice([0.5, 2.0, 5.0])
        live.append(cell)
        kinds.append(kind)
    netcons, wires = [], []
    synapse = h.ExpSyn(soma(0.5))
    for source in range(12):
        delay = float(rng.choice([0.0, 0.5, 1.0]))
        for _ in range(int(rng.integers(1, 7))):
            target = int(rng.integers(-1, 12))
            nc = h.NetCon(live[source], live[target] if target >= 0 else synapse)
            if source % 3:
                delay = float(rng.choice([0.25, 0.5, 1.0, 1.7]))
            elif delay == 0.0 and target % 2 == 0:
                delay = 0.5
            nc.delay, nc.weight[0] = delay, float(rng.choice([0.2, 0.4, 0.9, -0.3]))
            netcons.append(nc)
            wires.append((source, target, delay, nc.weight[0]))
    trains, recorders = recorded(live)
    # NEURON runs INITIAL mechanism by mechanism.
    order = sorted(range(12), key=lambda i: (kinds[i] != "IntFire1", i))
    names = {"NetStim": ("interval", "number", "start", "noise"), "IntFire1": ("tau", "refrac", "m")}
    cells = [cell_of(live[i], kinds[i], names[kinds[i]], ("ranvar",) if kinds[i] == "NetStim" else ()) for i in order]
    place = {old: new for new, old in enumerate(order)} | {-1: -1}
    connections = [ArtificialConnection(place[s], place[t], d, (w,)) for s, t, d, w in wires]
    # The recorders have no target, but count among the NetCons of a source.
    connections += [ArtificialConnection(place[i], -1, r.delay, (0.0,), silent=True) for i, r in enumerate(recorders)]
    h.tstop = tstop
    h.run()
    ours = run_artificial(cells, h.t, connections, random=NeuronRandom())
    return {"neuron": [np.array(trains[i]) for i in order], "ours": list(ours.trains)}


@pytest.mark.long
@pytest.mark.parametrize("seed", range(6))
def test_networks_of_artificial_cells_are_neurons(seed):
    out = run_function(network_both_ways, seed=seed, tstop=40.0)
    assert sum(len(t) > 2 for t in out["neuron"]) >= 4
    for neuron, ours in zip(out["neuron"], out["ours"], strict=True):
        np.testing.assert_array_equal(ours, neuron)


# ------------------------------------------------------------------------------------------- the user's own mod files

GENERATOR = """
TITLE Renewal process with memory, for tests
NEURON {
    ARTIFICIAL_CELL Generator
    RANGE mean, jitter, gain, reach, memory, fired, total
    GLOBAL ceiling
    RANDOM stream, other
}
PARAMETER {
    mean = 2 (ms)
    jitter = 0.3 (ms)
    gain = 0.7
    ceiling = 25
    reach = 3 (ms)
}
ASSIGNED {
    memory
    fired
    total
    past[4] (ms)
    slot
    waits
}
INITIAL {
    LOCAL i
    random_setseq(other, 5)
    fired = 0
    memory = 0
    slot = 0
    total = 0
    waits = 1
    FROM i = 0 TO 3 { past[i] = -100 }
    net_send(0.1 + random_uniform(stream, 0, mean), 1)
}
FUNCTION waiting(x) (ms) {
    LOCAL y
    y = x*exp(-memory)^0.5 + fabs(random_normal(stream, 0, jitter)) + random_negexp(other, mean)/10
    if (random_ipick(other) > 2147483648 && !(y > 50)) {
        y = y + floor(10*random_uniform(other))/100
    }
    waiting = y + 1e-3
}
PROCEDURE remember(when (ms)) {
    if (slot == 0) { past[0] = when }
    if (slot == 1) { past[1] = when }
    if (slot == 2) { past[2] = when }
    if (slot == 3) { past[3] = when }
    slot = fmod(slot + 1, 4)
    memory = gain*log10(1 + (when - past[0])^2) + sin(when)/(1 + past[3]*past[3]) - atan2(past[1], past[2])
    if (memory < -3) { memory = -3 }
}
NET_RECEIVE (w, seen, last (ms)) {
    if (flag == 1) {
        fired = fired + 1
        total = total + 1
        remember(t)
        net_event(t)
        if (total < ceiling*10) {
            net_send(waiting(mean) + mean/3 - 0.01, 1)
        } else {
            waits = 0
            net_send(reach - 0.5 - 0.25, 2)
        }
    } else if (flag == 2) {
        waits = 1
        net_event(t + 0.5)
        net_send(1000, 1)
    } else {
        seen = seen + 1
        if (t - last > 0.3 && w*seen > 0.5 && waits) {
            net_move(t + 0.01*seen + w)
        }
        last = t
    }
}
"""


def generators_both_ways(seed, tstop):
    from neuron import h

    import mod_translator
    from nrn_diff.bridge.random123 import NeuronRandom, streams_of
    from nrn_diff.events.artificial import ArtificialCell, ArtificialConnection, run_artificial

    rng = np.random.default_rng(seed)
    h.load_file("stdrun.hoc")
    soma = h.Section(name="soma")
    live = [h.Generator() for _ in range(6)]
    h.ceiling_Generator = 4 + seed
    for cell in live:
        cell.mean, cell.jitter, cell.gain = rng.uniform(0.5, 3), rng.uniform(0, 1), rng.uniform(0, 1)
    live[2].stream.set_ids(11, 12, 13).set_seq(402)
    netcons, wires = [], []
    for source in range(6):
        for target in rng.choice(6, 2, replace=False):
            nc = h.NetCon(live[source], live[target])
            nc.delay, nc.weight[0] = rng.uniform(0, 3), rng.uniform(0, 1)
            netcons.append(nc)
            wires.append(ArtificialConnection(source, int(target), nc.delay, tuple(nc.weight[i] for i in range(3))))
    trains, recorders = recorded(live)
    types = h.MechanismType(1)
    types.select("Generator")
    mechanism, report = mod_translator.lower(types.code(), file="generator.mod")
    assert mechanism is not None, str(report)
    names = ("mean", "jitter", "gain", "reach", "memory", "fired", "total")
    shared = {"ceiling": h.ceiling_Generator}

    def cells():
        return [
            ArtificialCell(
                mechanism, {n: getattr(c, n) for n in names}, shared, c.hname(), streams_of(c, ("stream", "other"))
            )
            for c in live
        ]

    runs = []
    h.tstop = tstop
    for _ in range(2):  # stream is not seeded in INITIAL, so a second run goes on where the first stopped
        captured = cells()
        h.run()
        ours = run_artificial(captured, h.t, wires, random=NeuronRandom())
        runs.append({"neuron": [np.array(t) for t in trains], "ours": list(ours.trains)})
    del soma, recorders
    return runs


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_a_cell_from_a_users_mod_sends_as_in_neuron(seed):
    runs = run_function(generators_both_ways, mods={"generator.mod": GENERATOR}, seed=seed, tstop=60.0)
    for run in runs:
        assert min(len(t) for t in run["neuron"]) > 3
        for neuron, ours in zip(run["neuron"], run["ours"], strict=True):
            np.testing.assert_array_equal(ours, neuron)
    assert runs[0]["neuron"][0][0] != runs[1]["neuron"][0][0]


def captured_with_an_array():
    """Vectors of a model with a cell that has an array, of which NEURON's SaveState crashes."""
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    soma = h.Section(name="soma")
    cell, synapse = h.Generator(), h.ExpSyn(soma(0.5))
    wire = h.NetCon(cell, synapse, 0, 1, 1e-3)
    g = h.Vector().record(synapse._ref_g)
    h.tstop = 30
    model = nrn_diff.capture()
    h.run()
    neuron, ours = np.array(g), np.asarray(model.simulate(model.parameters())["ExpSyn[0].g"])
    try:
        with nrn_diff.enabled():
            h.run()
    except nrn_diff.NrnDiffError as error:
        return neuron, ours, str(error), wire.delay
    return neuron, ours, "", wire.delay


def test_a_cell_with_an_array_is_captured():
    neuron, ours, refusal, _ = run_function(captured_with_an_array, mods={"generator.mod": GENERATOR})
    assert len(set(neuron.tolist())) > 100
    np.testing.assert_allclose(ours, neuron, rtol=0, atol=1e-15)
    assert "an ARTIFICIAL_CELL has an array" in refusal


# ------------------------------------------------------------------------------------------------------- errors

HEADER = "NEURON { ARTIFICIAL_CELL Cell  RANGE a }\nPARAMETER { a = 1 }\nASSIGNED { b }\n"


def cell(body: str, **values) -> ArtificialCell:
    mechanism, report = mod_translator.lower(HEADER + body, file="cell.mod")
    assert mechanism is not None, str(report)
    return ArtificialCell(mechanism, values, {}, "Cell[0]")


TICK = "INITIAL { net_send(a, 1) }\nNET_RECEIVE (w) { if (flag == 1) { net_event(t)  net_send(a, 1) } }"


def test_values_come_from_the_live_cell_and_else_from_the_file():
    np.testing.assert_array_equal(artificial_trains([cell(TICK)], 3.5)[0], [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(artificial_trains([cell(TICK, a=1.75)], 3.5)[0], [1.75, 3.5])


def test_a_given_train_drives_a_cell():
    relay = cell("NET_RECEIVE (w) { if (w > 0.5) { net_event(t + a) } }", a=0.25)
    wires = [ArtificialConnection(1, 0, 0.5, (1.0,)), ArtificialConnection(2, 0, 0.5, (0.1,))]
    given = [np.array([1.0, 2.0]), np.array([1.5])]
    made = run_artificial([relay], 10.0, wires, given=given)
    np.testing.assert_array_equal(made.trains[0], [1.75, 2.75])
    np.testing.assert_array_equal(made.delivery_times, [1.5, 2.0, 2.5])
    np.testing.assert_array_equal(made.delivery_connections, [0, 1, 0])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("INITIAL { net_send(-1, 1) }\nNET_RECEIVE (w) { net_event(t) }", "net_send for -1.0 ms at t = 0.0 ms"),
        ("INITIAL { net_send(b/b, 1) }\nNET_RECEIVE (w) { net_event(t) }", "net_send for nan"),
        ("INITIAL { net_send(1, 2) }\nNET_RECEIVE (w) { net_event(t - 1) }", "net_event for 0.0 ms at t = 1.0 ms"),
        ("INITIAL { net_send(1, 2) }\nNET_RECEIVE (w) { net_move(t) }", "net_move at t = 1.0 ms without an event"),
        (
            "INITIAL { net_send(1, 2) }\nNET_RECEIVE (w) { b = w }",
            r"cell\.mod:5: Cell: Cell\[0\]: w is used in an event",
        ),
    ],
)
def test_what_neuron_aborts_on_is_a_clear_error(body, message):
    with pytest.raises(EventError, match=message):
        artificial_trains([cell(body, b=0.0)], 5.0)


def test_endless_events_at_one_time_are_an_error(monkeypatch):
    monkeypatch.setattr("nrn_diff.events.artificial.EVENT_LIMIT", 1000)
    with pytest.raises(EventError, match=r"more than 1000 events before t = 0\.0 ms"):
        artificial_trains([cell(TICK, a=0.0)], 5.0)
    monkeypatch.setattr("nrn_diff.events.artificial.SAME_TIME_LIMIT", 100)
    with pytest.raises(EventError, match=r"more than 100 events at t = 0\.0 ms"):
        artificial_trains([cell(TICK, a=0.0)], 5.0)


def test_a_random_variable_without_a_provider_is_an_error():
    made = cell(TICK)
    random = ArtificialCell(made.ir, {}, {}, "Cell[0]", {"stream": (1, 2, 3, 0.0)})
    with pytest.raises(EventError, match="pass a provider"):
        artificial_trains([random], 5.0)


@pytest.mark.parametrize(
    "wire", [ArtificialConnection(1, 0, 1.0), ArtificialConnection(0, 1, 1.0), ArtificialConnection(0, 0, -1.0)]
)
def test_impossible_connections_are_refused(wire):
    with pytest.raises(EventError, match="connection 0"):
        artificial_trains([cell(TICK)], 5.0, [wire])
