"""NetCons driven by voltages: networks equal NEURON spike for spike, NetCon.record times bit for bit."""

import numpy as np
import pytest
from neuron_process import run_function

# A synapse whose NET_RECEIVE does more than add: the order of events matters, each NetCon has its own state.
DEPRESSING = """
NEURON { POINT_PROCESS Depress RANGE tau, e, i, g, total NONSPECIFIC_CURRENT i }
UNITS { (nA) = (nanoamp) (mV) = (millivolt) (uS) = (microsiemens) }
PARAMETER { tau = 3 (ms) e = 0 (mV) taur = 80 (ms) u = 0.4 }
ASSIGNED { v (mV) i (nA) total }
STATE { g (uS) }
INITIAL { g = 0 total = 0 }
BREAKPOINT { SOLVE state METHOD cnexp i = g*(v - e) }
DERIVATIVE state { g' = -g/tau }
NET_RECEIVE(weight (uS), R, last (ms)) {
    INITIAL { R = 1 last = -1e3 }
    R = 1 - (1 - R)*exp(-(t - last)/taur)
    g = g + weight*u*R/(1 + g*10)
    total = total + g
    R = R - u*R
    last = t
}
"""


def network(synapse, n, delays, seed, tstop, weight):
    import jax
    import neuron_models
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    rng = np.random.default_rng(seed)
    cells, keep = [], []
    for k in range(n):
        soma, dend = h.Section(f"soma{k}"), h.Section(f"dend{k}")
        soma.L = soma.diam = 15
        dend.L, dend.diam, dend.nseg = 120, 1.5, 5
        dend.connect(soma(1))
        soma.insert("hh")
        dend.insert("pas")
        cells.append((soma, dend))
    synapses = [getattr(h, synapse)(dend(0.3)) for _, dend in cells for _ in range(2)]
    for k, s in enumerate(synapses):
        s.e = 0
        for j in range(3):
            source = cells[(k // 2 + 1 + j) % n][0]
            netcon = h.NetCon(source(0.5)._ref_v, s, sec=source)
            netcon.threshold, netcon.delay = -5, float(rng.choice(delays))
            netcon.weight[0] = weight * (1 + 0.3 * rng.random())
            keep.append(netcon)
    for k, (soma, _) in enumerate(cells):
        clamp = h.IClamp(soma(0.5))
        clamp.delay, clamp.dur, clamp.amp = 1 + 2 * k, tstop, 0.2 + 0.02 * k
        keep.append(clamp)
    h.dt, h.steps_per_ms, h.tstop, h.v_init = 0.025, 40, tstop, -65
    vectors = neuron_models.record(h, {"v": [c[0](0.5) for c in cells[:4]]})
    vectors.append(h.Vector().record(synapses[1]._ref_g))
    times = []
    for soma, _ in cells:
        out = h.NetCon(soma(0.5)._ref_v, None, sec=soma)
        out.threshold = -5
        times.append(h.Vector())
        out.record(times[-1])
        keep.append(out)
    model = nrn_diff.capture()
    recording = model.simulate()
    result = neuron_models.compare_with_neuron(model, h)
    by_name = {v.hname(): v for v in h.List("Vector")}
    theirs = [np.array(by_name[s.vector]) for s in model.capture.spikes]
    ours = [recording.spike_times(s.label) for s in model.capture.spikes]
    result["same_spikes"] = [a.tolist() == b.tolist() for a, b in zip(theirs, ours, strict=True)]
    result["n_spikes"] = [len(a) for a in theirs]
    return result


@pytest.mark.long
@pytest.mark.parametrize(
    ("synapse", "weight"),
    [("ExpSyn", 0.0008), ("Exp2Syn", 0.0004), ("Depress", 0.001)],
    ids=["ExpSyn", "Exp2Syn", "Depress"],
)
@pytest.mark.parametrize("delays", [[1.0, 2.5], [0.0, 0.0125, 0.7, 3.33]], ids=["multiples of dt", "any delay"])
def test_network_equals_neuron(synapse, weight, delays):
    mods = {"depress.mod": DEPRESSING} if synapse == "Depress" else None
    out = run_function(network, mods=mods, synapse=synapse, n=5, delays=delays, seed=3, tstop=60, weight=weight)
    assert sum(out["n_spikes"]) > 15
    assert all(out["same_spikes"]), out["n_spikes"]
    assert out["worst"]["t"] == 0.0
    assert max(out["worst"].values()) <= 1e-6, out["worst"]


# The sum that events leave depends on their order.
ORDERED = """
NEURON { POINT_PROCESS Ordered RANGE x }
ASSIGNED { v x }
INITIAL { x = 0 }
NET_RECEIVE(w) { x = x*1.01 + w if (x > 30) { x = x - 20 } }
"""


def together(delays, seeds):
    """Cells that fire in the same step, NetCons in any order: the worst difference, or what is refused, by seed."""
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    h.tstop = 30
    out = {}
    for seed in seeds:
        rng = np.random.default_rng(seed)
        cells = [h.Section(f"c{seed}_{k}") for k in range(4)]
        keep = []
        for cell in cells:
            cell.L = cell.diam = 20
            cell.insert("hh")
            keep.append(h.IClamp(cell(0.5)))
            keep[-1].delay, keep[-1].dur, keep[-1].amp = 1, 100, 0.5
        for k in rng.permutation(4)[:2]:  # NEURON checks voltages in the order in which they were first watched
            keep.append(h.NetCon(cells[k](0.5)._ref_v, None, sec=cells[k]))
            keep[-1].threshold = 0
        points = [h.Ordered(cells[0](0.5)) for _ in range(2)]
        for k in rng.permutation([0, 1, 2, 3, 0, 1, 2, 3]):
            wire = h.NetCon(cells[k](0.5)._ref_v, points[rng.integers(2)], sec=cells[k])
            wire.threshold, wire.delay, wire.weight[0] = 0, float(rng.choice(delays)), 10 * rng.random()
            keep.append(wire)
        vectors = [h.Vector().record(p._ref_x) for p in points]
        model = nrn_diff.capture()
        h.run()
        theirs = np.array([np.array(v) for v in vectors])
        try:
            recording = model.simulate()
            ours = np.array([recording[f"{p.hname()}.x"] for p in points])
            out[str(seed)] = float(np.abs(ours - theirs).max()) if np.ptp(theirs) > 5 else "nothing happens"
        except nrn_diff.EventCapacityError as error:
            out[str(seed)] = str(error)
        with nrn_diff.enabled():
            h.run()
        out[f"enabled {seed}"] = float(np.abs(np.array([np.array(v) for v in vectors]) - theirs).max())
        del keep, points, vectors, cells
    return out


@pytest.mark.long
def test_spikes_of_one_step_in_neurons_order_or_refused():
    mods = {"ordered.mod": ORDERED}
    alike = run_function(together, mods=mods, delays=[1.0], seeds=[0, 1])
    assert max(alike.values()) <= 1e-10, alike
    mixed = run_function(together, mods=mods, delays=[0.5, 1.0, 1.5], seeds=[3, 4])
    assert all("do not commute" in mixed[k] for k in ("3", "4")), mixed
    assert all(mixed[f"enabled {k}"] <= 1e-10 for k in (3, 4)), mixed


@pytest.mark.parametrize(("dt", "steps", "longest"), [(0.025, 200, 5.0), (0.03, 150, 1.0), (0.1, 50, 2.0)])
def test_delays_that_bring_every_spike_at_the_same_moment(dt, steps, longest):
    from nrn_diff.solver.spikes import arrival_steps, delays_alike

    rng = np.random.default_rng(steps)
    delays = np.unique(np.r_[0, rng.uniform(0, longest, 300), rng.integers(0, int(longest / dt), 300) * dt / 2])
    first = delays_alike(delays, dt, steps)
    tables = [(step.tobytes(), early.tobytes()) for step, early in zip(*arrival_steps(delays, dt, steps), strict=True)]
    assert [tables[k] for k in first] == tables
    assert len(set(first)) == len(set(tables)) < len(delays)
