"""Events inside the equations: self events, net_move, WATCH, several sources to one synapse; equal to NEURON."""

from pathlib import Path

import numpy as np
import pytest
from neuron_process import run_function

MODS = Path(__file__).parent / "event_mods"


def cell(h):
    soma = h.Section("soma")
    soma.L = soma.diam = 18
    soma.nseg = 1
    soma.insert("hh")
    h.dt, h.steps_per_ms, h.v_init, h.celsius = 0.025, 40, -65, 6.3
    return soma


def against_neuron(h, model):
    import neuron_models

    result = neuron_models.compare_with_neuron(model, h)
    by_name = {v.hname(): v for v in h.List("Vector")}
    result["final"] = {r.label: float(by_name[r.vector][-1]) for r in model.capture.records}
    return result


def record(h, *references):
    return [h.Vector().record(r) for r in references]


def pulses(tstop):
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    soma = cell(h)
    keep = []
    points = [h.Pulse(soma(0.5)) for _ in range(3)]
    points[2].dur = 1.0
    times = h.Vector([1.0, 2.0, 2.0, 2.01, 7.0, 7.013, 8.5, 9.3, 9.3, 15, 18.2])
    source = h.VecStim() if hasattr(h, "VecStim") else None
    for k, point in enumerate(points):
        for j in range(2):
            stim = h.NetStim()
            stim.start, stim.interval, stim.number, stim.noise = 1 + 0.3 * k, 1.7 + j, 8, 0
            netcon = h.NetCon(stim, point)
            netcon.weight[0], netcon.delay = 0.002 * (1 + 0.3 * j + 0.1 * k), 0.5 * j
            keep += [stim, netcon]
    back = h.NetCon(soma(0.5)._ref_v, points[0], sec=soma)
    back.weight[0], back.delay, back.threshold = 0.001, 0.6, -10
    h.tstop = tstop
    vectors = record(h, soma(0.5)._ref_v, *(r for p in points for r in (p._ref_g, p._ref_ends, p._ref_last, p._ref_on)))
    model = nrn_diff.capture()
    return against_neuron(h, model) | {"keep": len(keep) + len(vectors) + len(times) + (source is not None)}


@pytest.mark.long
def test_self_events_and_net_move():
    out = run_function(pulses, mods=MODS, tstop=30)
    assert out["final"]["Pulse[0].ends"] > 20
    assert out["spikes"] > 0
    assert max(out["worst"].values()) <= 1e-9, out["worst"]


def saved(path):
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    soma = h.Section("soma")
    soma.L = soma.diam = 18
    soma.insert("pas")
    h.dt, h.steps_per_ms, h.v_init, h.tstop = 0.025, 40, -65, 14
    point, stim = h.Pulse(soma(0.5)), h.NetStim()
    stim.start, stim.interval, stim.number = 1, 1.7, 6
    netcon = h.NetCon(stim, point)
    netcon.weight[0] = 0.002
    v = h.Vector().record(soma(0.5)._ref_v)
    model = nrn_diff.capture()
    model.save(path)
    loaded = nrn_diff.load(path)
    theta = model.parameters("NetCon.weight", "Pulse.dur", "Pulse.tau")

    def last(theta):
        return loaded.simulate(theta)["soma(0.5).v"][-1]

    def neuron(name, x):
        target, attribute = (point, name.removeprefix("Pulse.")) if name != "NetCon.weight" else (netcon, "")
        old = getattr(target, attribute) if attribute else target.weight[0]
        if attribute:
            setattr(target, attribute, x)
        else:
            target.weight[0] = x
        h.run()
        value = v[-1]
        if attribute:
            setattr(target, attribute, old)
        else:
            target.weight[0] = old
        return value

    backward, forward = jax.grad(last)(theta), jax.jacfwd(last)(theta)
    difference = {}
    for name in ("NetCon.weight", "Pulse.tau"):
        x = float(theta[name][0])
        steps = [1e-3 * x, 5e-4 * x]
        coarse, fine = ((neuron(name, x + d) - neuron(name, x - d)) / (2 * d) for d in steps)
        difference[name] = (4 * fine - coarse) / 3
    full = loaded.with_event_capacity(nrn_diff.EventCapacity(pending=1))
    try:
        full.simulate()
        message = ""
    except nrn_diff.EventCapacityError as error:
        message = str(error)
    traced = jax.jit(lambda th: full.simulate(th)["soma(0.5).v"])(theta)
    many = jax.vmap(lambda w: last({"NetCon.weight": w[None]}))(np.array([0.001, 0.002]))
    theirs = neuron("NetCon.weight", 0.001)
    netcon = None  # so that NEURON deletes it
    return {
        "backward": {k: float(np.sum(x)) for k, x in backward.items()},
        "forward": {k: float(np.sum(x)) for k, x in forward.items()},
        "neuron": difference,
        "message": message,
        "nan": bool(np.all(np.isnan(traced))),
        "many": np.asarray(many),
        "one": float(last(theta)),
        "theirs": theirs,
        **without_netcons(soma),
    }


def without_netcons(soma):
    """The derivative by the leak of an end voltage, of a process whose events no NetCon brings."""
    import jax
    from neuron import h

    import nrn_diff

    gate = h.Gate(soma(0.5))
    gate.high, soma.e_pas = -63, -60
    assert h.List("NetCon").count() == 0
    model = nrn_diff.capture()
    theta = model.parameters(nrn_diff.Param("g_pas", share="all"))
    slope = jax.grad(lambda th: model.simulate(th)["soma(0.5).v"][-1])(theta)["g_pas"]
    ends = []
    for g in (soma.g_pas * 1.001, soma.g_pas * 0.999):
        soma.g_pas = g
        h.run()
        ends.append(soma(0.5).v)
    assert gate.n > 0
    return {"alone": [float(slope), (ends[0] - ends[1]) / (0.002 * float(theta["g_pas"]))]}


@pytest.fixture(scope="module")
def derivatives(tmp_path_factory):
    return run_function(saved, mods=MODS, path=str(tmp_path_factory.mktemp("saved") / "model.nrndiff"))


@pytest.mark.long
def test_derivatives_pass_through_what_net_receive_computes_and_not_through_the_times_of_events(derivatives):
    for name, expected in derivatives["neuron"].items():
        assert derivatives["backward"][name] == pytest.approx(expected, rel=1e-5)
        assert derivatives["forward"][name] == pytest.approx(expected, rel=1e-5)
    assert derivatives["backward"]["Pulse.dur"] == 0.0
    alone, difference = derivatives["alone"]
    assert alone == pytest.approx(difference, rel=1e-4)
    assert derivatives["many"][0] == pytest.approx(derivatives["theirs"], abs=1e-9)
    assert derivatives["many"][1] == pytest.approx(derivatives["one"], abs=1e-12)


def test_too_many_events_are_an_error_that_names_the_way_out(derivatives):
    assert "Pulse" in derivatives["message"]
    assert "EventCapacity(pending=...)" in derivatives["message"]
    assert derivatives["nan"]


def late(interval, number):
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    soma = cell(h)
    point, stim = h.Late(soma(0.5)), h.NetStim()
    stim.start, stim.interval, stim.number, stim.noise = 1, interval, number, 0
    keep = [h.NetCon(stim, point, 0, 0.5, 1), *record(h, soma(0.5)._ref_v, point._ref_g, point._ref_n)]
    h.tstop = 30
    model = nrn_diff.capture()
    out = against_neuron(h, model)
    traced = jax.jit(lambda: model.simulate()["Late[0].g"])()
    with nrn_diff.enabled():
        h.run()
    return out | {"keep": len(keep), "traced": float(traced[-1]), "enabled": [point.g, point.n]}


@pytest.mark.long
@pytest.mark.parametrize(("interval", "number"), [(0.3, 60), pytest.param(0.0031, 4000, marks=pytest.mark.slow)])
def test_a_model_whose_events_need_more_room_gets_it_and_keeps_it(interval, number):
    out = run_function(late, mods=MODS, interval=interval, number=number)  # 9 ms / interval of them wait
    assert out["final"]["Late[0].n"] == number
    assert max(out["worst"].values()) <= 1e-9, out["worst"]
    assert out["traced"] == pytest.approx(out["final"]["Late[0].g"], rel=1e-9)
    assert out["enabled"] == pytest.approx([out["final"]["Late[0].g"], number], rel=1e-9)


def gates():
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    soma = cell(h)
    points = [h.Gate(soma(0.5)) for _ in range(3)]
    points[1].high, points[1].low = -20, -55
    points[2].high = -65.001
    stim = h.NetStim()
    stim.start, stim.interval, stim.number, stim.noise = 5, 3, 9, 0
    netcon = h.NetCon(stim, points[1])
    netcon.weight[0], netcon.delay = 0.2, 1
    clamp = h.IClamp(soma(0.5))
    clamp.delay, clamp.dur, clamp.amp = 2, 25, 0.3
    h.tstop = 40
    _keep = record(h, soma(0.5)._ref_v, *(r for p in points for r in (p._ref_x, p._ref_n, p._ref_seen)))
    return against_neuron(h, nrn_diff.capture())


@pytest.mark.long
def test_watch():
    out = run_function(gates, mods=MODS)
    assert out["spikes"] > 1
    assert all(out["final"][f"Gate[{k}].n"] > 10000 for k in range(2))
    assert max(out["worst"].values()) <= 1e-9, out["worst"]


def orders():
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    soma = cell(h)
    points = [h.Order(soma(0.5)) for _ in range(2)]
    clamp = h.IClamp(soma(0.5))
    clamp.delay, clamp.dur, clamp.amp = 1, 40, 0.3
    keep = []
    for k, point in enumerate(points):
        for j in range(4):
            netcon = h.NetCon(soma(0.5)._ref_v, point, sec=soma)
            netcon.threshold, netcon.delay = -20 + 0.5 * (j == 2), [0.0, 0.012, 0.015, 0.013][j] + 0.4 * k
            netcon.weight[0] = 1e-4 * (1 + j)
            stim = h.NetStim()
            stim.start, stim.interval, stim.number = 2.0 + 0.003 * j, 0.01 if j == 3 else 0.5, 60
            other = h.NetCon(stim, point)
            other.weight[0], other.delay = 2e-5 * (j + 1), 0
            keep += [netcon, stim, other]
    h.tstop = 40
    keep += record(h, soma(0.5)._ref_v, *(r for p in points for r in (p._ref_g, p._ref_hash, p._ref_n)))
    return against_neuron(h, nrn_diff.capture())


def tied():
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    soma = cell(h)
    point, keep = h.Order(soma(0.5)), []
    for _ in range(2):
        stim = h.NetStim()
        stim.start = 2
        keep += [stim, h.NetCon(stim, point)]
    back = h.NetCon(soma(0.5)._ref_v, point, sec=soma)
    h.tstop = 5
    try:
        nrn_diff.capture()
    except nrn_diff.CaptureError as error:
        return {"message": str(error), "keep": len(keep) + back.delay}
    return {"message": ""}


def test_trains_that_arrive_together_where_their_order_matters_are_refused():
    message = run_function(tied, mods=MODS)["message"]
    assert "Order[0]" in message
    assert "t = 3 ms" in message
    assert "start" in message


@pytest.mark.long
def test_voltages_and_trains_to_one_synapse_in_the_order_of_their_times():
    out = run_function(orders, mods=MODS)
    assert out["spikes"] > 1
    assert out["final"]["Order[0].n"] > 240
    assert max(out["worst"].values()) <= 1e-9, out["worst"]


def ties(cases):
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    soma = cell(h)
    h.tstop = 8
    found = []
    for aside, alike, start in cases:
        point, stim = h.Tie(soma(0.5)), h.NetStim()
        point.aside, point.alike, stim.start, stim.number = aside, alike, start, 1
        netcon = h.NetCon(stim, point) if start >= 0 else None
        if netcon is not None:
            netcon.weight[0], netcon.delay = 1, 0
        code = h.Vector().record(point._ref_code)
        model = nrn_diff.capture()
        h.run()
        try:
            ours = float(next(iter(model.simulate().values()))[-1])
        except nrn_diff.EventCapacityError as error:
            ours = str(error)
        found.append((code[len(code) - 1], ours))
        del point, stim, netcon, code
    return found


@pytest.mark.long
def test_self_events_at_one_time_come_in_neurons_order_or_are_refused():
    uncertain, safe = [(7, 0, -1), (2, 0, -1), (7, 1, 5)], [(7, 1, -1), (7, 1, 0), (2, 1, 4.2)]
    out = run_function(ties, mods=MODS, cases=uncertain + safe)
    assert out[0][0] != out[1][0]  # what is sent aside changes the order in NEURON
    for _, message in out[: len(uncertain)]:
        assert "Tie" in message
        assert "at the same time" in message
    assert all(ours == theirs > 100 for theirs, ours in out[len(uncertain) :])


def bursts():
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    soma = cell(h)
    points, synapse, stim = [h.Burst(soma(0.5)) for _ in range(2)], h.ExpSyn(soma(0.5)), h.NetStim()
    points[1].n, points[1].gap = 6, 0.27
    stim.start, stim.interval, stim.number = 2, 2.9, 3
    keep = [h.NetCon(stim, p, 0, 0.1 + 0.05 * k, 1) for k, p in enumerate(points)]
    keep += [h.NetCon(p, synapse, 0, 0.7 + 0.1 * k, 1e-3) for k, p in enumerate(points)]
    h.tstop = 10
    keep += record(
        h, soma(0.5)._ref_v, synapse._ref_g, *(r for p in points for r in (p._ref_g, p._ref_seen, p._ref_early))
    )
    model = nrn_diff.capture().with_event_capacity(nrn_diff.EventCapacity(64, 64))
    out = against_neuron(h, model) | {"message": "", "keep": len(keep)}
    try:
        model.simulate({"Burst.n": 10 * model.parameters("Burst.n")["Burst.n"]})
    except nrn_diff.EventCapacityError as error:
        return out | {"message": str(error)}
    return out


@pytest.mark.slow
def test_loops_that_send_as_often_as_is_known_at_run_time():
    out = run_function(bursts, mods=MODS)
    assert max(out["worst"].values()) <= 1e-9, out["worst"]
    assert out["final"]["Burst[0].seen"] > 100
    assert out["final"]["Burst[1].early"] > 3
    assert out["final"]["ExpSyn[0].g"] > 0
    assert "32 turns" in out["message"]
