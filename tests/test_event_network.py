"""Events from instance to instance: net_event, artificial cells inside a network of real cells, FOR_NETCONS."""

from pathlib import Path

import numpy as np
import pytest
from neuron_process import run_function

MODS = Path(__file__).parent / "event_mods"


def network(delays, kind, tstop):
    import jax
    from neuron import h
    from test_self_events import against_neuron, cell, record

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    somas, keep = [cell(h) for _ in range(3)], []
    excite, shares = [h.ExpSyn(s(0.5)) for s in somas], [h.Share(s(0.5)) for s in somas]
    detectors = [h.Detector(s(0.5)) for s in somas]
    cells = [getattr(h, kind)() for _ in range(3)]
    weaker = 0.35 if kind == "IntFire4" else 1.0  # it has no refractory period, and would send without end
    for k, c in enumerate(cells):
        if kind == "IntFire2":
            c.taus, c.taum, c.ib = 7 + k, 5 + k, 0.3
        elif kind == "IntFire4":
            c.taue, c.taui1, c.taui2, c.taum = 3 + 0.1 * k, 5, 9, 11
        else:
            c.tau, c.refrac = 9 + k, 1.3
    for k, soma in enumerate(somas):
        clamp = h.IClamp(soma(0.5))
        clamp.delay, clamp.dur, clamp.amp = 1 + k, 2, 0.7
        stim = h.NetStim()
        stim.start, stim.interval, stim.number = 2 + 0.3 * k, 3.1, 5
        across = h.NetCon(soma(0.5)._ref_v, cells[(k + 1) % 3], sec=soma)
        across.threshold, across.delay, across.weight[0] = -10, delays[1], 0.7 * weaker
        pairs = [
            (stim, cells[k], 0.6),
            (stim, shares[k], 0.002),
            (detectors[k], shares[(k + 1) % 3], 0.004),
            (detectors[k], cells[k], 0.8),
            (detectors[k], cells[(k + 2) % 3], 0.5),
            (cells[k], excite[(k + 1) % 3], 0.01),
            (cells[k], shares[k], 0.003),
            (cells[k], cells[(k + 1) % 3], 0.3),
            (cells[k], detectors[(k + 1) % 3], 100),
        ]
        for j, (source, target, weight) in enumerate(pairs):
            netcon = h.NetCon(source, target)
            netcon.weight[0] = weight * (weaker if target in cells else 1)
            netcon.delay = delays[(j + k) % len(delays)] + 0.0007 * (j + 10 * k)
            if 0.0 in delays and j == 7:
                netcon.delay = 0.0
            keep.append(netcon)
        keep += [clamp, stim, across]
    h.tstop = tstop
    times = []
    for source in (detectors[0], cells[0], cells[1]):
        out = h.NetCon(source, None)
        times.append(h.Vector())
        out.record(times[-1])
        keep.append(out)
    keep += record(h, *(s(0.5)._ref_v for s in somas), *(r for d in detectors for r in (d._ref_n, d._ref_last)))
    keep += record(h, *(r for s in shares for r in (s._ref_g, s._ref_sum, s._ref_most)))
    model = nrn_diff.capture()
    recording = model.simulate()
    result = against_neuron(h, model)
    labels = [detectors[0].hname(), cells[0].hname(), cells[1].hname()]
    result["times"] = [recording.spike_times(label) for label in labels]
    return result | {"theirs": [np.array(x) for x in times]}


@pytest.mark.long
@pytest.mark.parametrize(
    ("delays", "kind"),
    [
        pytest.param([1.0, 0.5], "Leaky", marks=pytest.mark.slow),
        ([0.003, 0.6, 0.0041], "IntFire1"),
        ([0.0, 0.002], "Leaky"),
        ([1.0, 0.5], "IntFire2"),
        pytest.param([1.0, 0.5], "IntFire4", marks=pytest.mark.slow),
    ],
    ids=["longer than a step", "shorter than half a step", "none", "IntFire2", "IntFire4"],
)
def test_a_network_of_real_and_artificial_cells_equals_neuron(delays, kind):
    out = run_function(network, mods=MODS, delays=delays, kind=kind, tstop=14)
    assert out["spikes"] > 0
    assert out["final"]["Detector[0].n"] > (3 if kind in ("IntFire2", "IntFire4") else 100)
    assert out["final"]["Share[1].most"] > 0
    assert max(out["worst"].values()) <= 1e-9, out["worst"]
    for ours, theirs in zip(out["times"], out["theirs"], strict=True):
        assert len(theirs) > 1
        assert ours.tolist() == pytest.approx(theirs.tolist(), abs=1e-9)


def scalers(driven, enabled):
    import jax
    import neuron_models
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    soma = h.Section("soma")
    soma.L = soma.diam = 20
    soma.insert("pas")
    clamp, other = h.IClamp(soma(0.5)), h.ExpSyn(soma(0.5))
    clamp.delay, clamp.dur, clamp.amp = 1, 15, 0.6
    cell = h.ScalerPoint(soma(0.5)) if driven == "ScalerPoint" else h.Scaler()
    keep = [soma, clamp]
    for k, weight in enumerate((0.9, 0.7)):
        stim = h.NetStim()
        stim.start, stim.interval, stim.number = 0.7 + 0.31 * k, 1.3 + k, 9
        keep += [stim, h.NetCon(stim, other, 0, 0.4, 0.01), h.NetCon(stim, cell, 0, 0.5 + 0.1 * k, weight)]
    if driven == "voltage":
        keep.append(h.NetCon(soma(0.5)._ref_v, cell, -60, 1.1, 0.6, sec=soma))
    wire, times = h.NetCon(cell, other, 0, 0.3, 0.004), h.Vector()
    wire.record(times)
    places = h.Vector([0, 0.3, 0.9, 2])
    grid = h.Vector(8).indgen(0.2, 0.31).mul(h.Vector(8).indgen(1, -0.05))
    cell.table_wait(grid._ref_x[0], 4, places._ref_x[0], 2, 0.0, 1.0)
    watched = [soma(0.5)._ref_v, other._ref_g, *((cell._ref_sum, cell._ref_seen) if driven == "ScalerPoint" else ())]
    records = [h.Vector().record(r) for r in watched]
    h.tstop = 12
    weights = [n for n in keep if "NetCon" in str(n)]
    before = [n.weight[0] for n in weights]

    def run(*, ours):
        for netcon, weight in zip(weights, before, strict=True):
            netcon.weight[0] = weight
        if ours:
            nrn_diff.enable()
        h.run()
        if ours:
            nrn_diff.disable()
        return [np.array(x) for x in (times, *records)], [n.weight[k] for n in weights for k in range(int(n.wcnt()))]

    if not enabled:
        out = neuron_models.compare_with_neuron(nrn_diff.capture(), h)
        return {"worst": max(out["worst"].values()), "sent": len(times)}
    (theirs, left), (ours, ours_left) = run(ours=False), run(ours=True)
    assert [len(x) for x in theirs] == [len(x) for x in ours]
    worst = max(float(np.abs(a - b).max()) for a, b in zip(theirs, ours, strict=True))
    return {"worst": worst, "sent": len(times), "left": float(np.abs(np.subtract(left, ours_left)).max())}


@pytest.mark.long
@pytest.mark.parametrize(
    ("driven", "enabled"),
    [
        ("trains", False),
        ("trains", True),
        ("voltage", False),
        pytest.param("voltage", True, marks=pytest.mark.slow),
        pytest.param("ScalerPoint", False, marks=pytest.mark.slow),
        ("ScalerPoint", True),
    ],
)
def test_loops_over_netcons_that_send_and_tables_of_cells_are_neurons(driven, enabled):
    cell = (MODS / "scaler.mod").read_text()
    point = cell.replace("ARTIFICIAL_CELL Scaler", "POINT_PROCESS ScalerPoint")
    mods = {"scaler.mod": cell, "scalerpoint.mod": point}
    out = run_function(scalers, mods=mods, driven=driven, enabled=enabled)
    assert out["sent"] > 20
    assert out["worst"] <= 1e-9
    assert out.get("left", 0) <= 1e-12


def watching():
    import jax
    from neuron import h
    from test_self_events import against_neuron, cell, record

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    soma, other = cell(h), h.Section("other")
    other.insert("hh")
    other.L = other.diam = 15
    clamp = h.IClamp(soma(0.5))
    clamp.delay, clamp.dur, clamp.amp = 1, 15, 0.6
    excite, synapse = h.ExpSyn(soma(0.5)), h.Exp2Syn(other(0.5))
    sources = [
        (soma(0.5)._ref_m_hh, 0.5),
        (soma(0.5)._ref_n_hh, 0.6),
        (soma(0.5)._ref_ina, -0.4),
        (soma(0.5)._ref_gk_hh, 0.01),
        (clamp._ref_i, 0.1),
        (excite._ref_g, 0.001),
        (synapse._ref_i, -0.02),
    ]
    keep, times = [], []
    for k, (reference, threshold) in enumerate(sources):
        target = excite if k < 2 else synapse
        netcon = h.NetCon(reference, target, sec=other if k == 6 else soma)
        netcon.threshold, netcon.delay, netcon.weight[0] = threshold, 0.3 + 0.2 * k, 0.002 * (1 + 0.1 * k)
        times.append(h.Vector())
        netcon.record(times[-1])
        keep.append(netcon)
    for k in range(2):  # NEURON watches x of these
        swing = h.Swing(soma(0.5))
        swing.period = 4 + 0.7 * k
        netcon = h.NetCon(swing, synapse, 10 + k, 0.4, 0.001)
        times.append(h.Vector())
        netcon.record(times[-1])
        keep += [swing, netcon]
    h.tstop = 18
    traces = record(h, soma(0.5)._ref_v, other(0.5)._ref_v, excite._ref_g)
    model = nrn_diff.capture()
    recording = model.simulate()
    result = against_neuron(h, model)
    result["ours"] = [recording.spike_times(s.label) for s in model.capture.spikes]
    result["theirs"], of_neuron = ([np.array(x) for x in which] for which in (times, traces))
    with nrn_diff.enabled():
        h.stdinit()
        h.continuerun(7)
        for _ in range(9):
            h.fadvance()
        h.continuerun(18)
    result["enabled"] = [np.array(x) for x in times]
    result["worst_enabled"] = max(float(np.abs(a - np.array(b)).max()) for a, b in zip(of_neuron, traces, strict=True))
    return result | {"kept": len(keep)}


@pytest.mark.long
def test_netcons_that_watch_any_variable_equal_neuron():
    out = run_function(watching, mods=MODS)
    assert out["spikes"] > 0
    assert max(out["worst"].values()) <= 1e-9, out["worst"]
    assert out["worst_enabled"] <= 1e-9
    for ours, enabled, theirs in zip(out["ours"], out["enabled"], out["theirs"], strict=True):
        assert len(theirs) > 0
        assert ours.tolist() == enabled.tolist() == theirs.tolist()


def ring():
    import jax
    from neuron import h
    from test_self_events import cell

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    context, keep = h.ParallelContext(), []
    somas = [cell(h) for _ in range(3)]
    synapses = [h.ExpSyn(s(0.5)) for s in somas]
    for gid, soma in enumerate(somas):
        context.set_gid2node(gid, context.id())
        out = h.NetCon(soma(0.5)._ref_v, None, sec=soma)
        out.threshold = -10
        context.cell(gid, out)
    for gid, synapse in enumerate(synapses):
        netcon = context.gid_connect((gid + 1) % 3, synapse)
        netcon.weight[0], netcon.delay = 0.02, 1.5
        keep.append(netcon)
    stim = h.NetStim()
    stim.start, stim.number, stim.interval = 2, 2, 8
    start = h.NetCon(stim, synapses[0])
    start.weight[0] = 0.03
    times, gids = h.Vector(), h.Vector()
    context.spike_record(-1, times, gids)
    v = h.Vector().record(somas[1](0.5)._ref_v)
    h.tstop = 20
    model = nrn_diff.capture()
    recording = model.simulate()
    context.set_maxstep(1)
    h.finitialize(-65)
    context.psolve(20)
    (label,) = recording
    return {
        "worst": float(np.abs(np.array(v) - np.asarray(recording[label])).max()),
        "ours": sorted(x for s in model.capture.spikes for x in recording.spike_times(s.label).tolist()),
        "theirs": sorted(times),
        "kept": len(keep),
    }


@pytest.mark.long
def test_a_ring_of_gids_on_one_rank_equals_neuron():
    out = run_function(ring)
    assert out["worst"] <= 1e-9
    assert out["ours"] == out["theirs"]
    assert len(out["ours"]) == 3


def source_gone():
    from neuron import h

    import nrn_diff

    soma = h.Section("soma")
    point, stim = h.Share(soma(0.5)), h.NetStim()
    wires = [h.NetCon(stim, point), h.NetCon(None, point)]
    del stim
    try:
        nrn_diff.capture(tstop=1, dt=0.025)
    except nrn_diff.CaptureError as error:
        return {"message": str(error), "kept": len(wires)}
    return {"message": ""}


def test_a_loop_over_netcons_of_which_one_has_lost_its_source_is_refused():
    message = run_function(source_gone, mods=MODS, env={"JAX_ENABLE_X64": "1"})["message"]
    assert "NetCon[0] leads to Share[0] and its source was deleted" in message
    assert "FOR_NETCONS leaves this NetCon out" in message
