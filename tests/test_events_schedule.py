"""The static schedule of deliveries is NEURON's: which step, which phase, which order, to the bit."""

from __future__ import annotations

import heapq

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from neuron_process import run_function

from nrn_diff.events.artificial import ArtificialConnection, run_artificial
from nrn_diff.events.errors import EventError
from nrn_diff.events.schedule import Schedule, in_rounds, schedule
from nrn_diff.events.time_grid import n_steps, n_steps_psolve, stdrun_step, time_grid

DT = 0.025


# ------------------------------------------------------------------------------------------------------- time


def deliveries(trains, sources, delays, until):
    connections = [ArtificialConnection(s, -1, d) for s, d in zip(sources, delays, strict=True)]
    run = run_artificial((), until, connections, given=trains, given_netstim=True)
    return run.delivery_times, run.delivery_connections


def neuron_times(dt, tstop, steps_per_ms):
    from neuron import h

    h.load_file("stdrun.hoc")
    soma = h.Section(name="soma")
    h.steps_per_ms = steps_per_ms
    h.dt = dt
    recorded = h.Vector().record(h._ref_t)
    h.tstop = tstop
    h.run()
    ran = np.array(recorded)
    used, per_step = h.dt, h.nstep_steprun
    pc = h.ParallelContext()
    counts = []
    for stop in (0.5 * used, used, 2.0 * used, 3.5 * used, tstop, tstop + 0.4 * used):
        h.finitialize(-65)
        pc.set_maxstep(10)
        pc.psolve(stop)
        counts.append([stop, len(recorded) - 1])
    del soma
    return {"t": ran, "dt": used, "nstep": int(per_step), "psolve": np.array(counts)}


@pytest.mark.long
@pytest.mark.parametrize(
    ("dt", "tstop", "steps_per_ms"),
    [(0.025, 100, 40), (0.1, 33.3, 10), (0.1, 20, 40), (0.01, 7.005, 40), (0.03, 5, 40), (1 / 3, 50, 3), (0.2, 11, 5)],
)
def test_run_takes_neurons_steps(dt, tstop, steps_per_ms):
    out = run_function(neuron_times, dt=dt, tstop=tstop, steps_per_ms=steps_per_ms)
    used, per_step = stdrun_step(dt, steps_per_ms)
    assert (used, per_step) == (out["dt"], out["nstep"])
    steps = n_steps(tstop, used, nstep_steprun=per_step)
    np.testing.assert_array_equal(time_grid(used, steps)[::2], out["t"])
    assert [n_steps_psolve(stop, used) for stop in out["psolve"][:, 0]] == list(out["psolve"][:, 1])


@settings(deadline=None)
@given(st.floats(1e-3, 1.0), st.floats(-5.0, 60.0), st.integers(1, 5))
def test_number_of_steps_equals_the_loop(dt, tstop, nstep):
    t, steps = 0.0, 0
    while t < (tstop - dt / 2) - 1e-11:
        for _ in range(nstep):
            t = (t + 0.5 * dt) + 0.5 * dt
            steps += 1
    assert n_steps(tstop, dt, nstep_steprun=nstep) == steps
    assert time_grid(dt, steps)[-1] == t


@pytest.mark.parametrize("dt", [0.0, -0.1, np.nan, np.inf])
def test_unusable_dt_is_refused(dt):
    with pytest.raises(ValueError, match="dt = "):
        time_grid(dt, 3)
    with pytest.raises(ValueError, match="dt = "):
        n_steps(10, dt)


def test_infinite_tstop_is_refused():
    with pytest.raises(ValueError, match="not finite"):
        n_steps(np.inf, DT)


# --------------------------------------------------------------------------------------------------- properties


def brute_force(times: list[float], dt: float, steps: int) -> list[list[int]]:
    """[during finitialize, start of step 0, end of step 0, ...]: ids in the order of a queue."""
    queue = [(time, i) for i, time in enumerate(times)]
    heapq.heapify(queue)

    def deliver(until: float) -> list[int]:
        out = []
        while queue and queue[0][0] <= until:
            out.append(heapq.heappop(queue)[1])
        return out

    t = 0.0
    phases = [deliver(t)]
    for _ in range(steps):
        t = t + 0.5 * dt
        phases.append(deliver(t))
        t = t + 0.5 * dt
        phases.append(deliver(t))
    return phases


def phases_of(made: Schedule, order: np.ndarray) -> list[list[int]]:
    rows = [made.initial]
    for start, end in zip(made.start, made.end, strict=True):
        rows += [start[start >= 0], end[end >= 0]]
    return [[int(order[i]) for i in row] for row in rows]


on_grid = st.integers(0, 45).map(lambda i: float(time_grid(DT, 25)[i]))
anywhere = st.one_of(st.floats(-0.1, 0.7), on_grid, on_grid.map(lambda t: np.nextafter(t, 1)), st.just(0.0))


@settings(deadline=None)
@given(st.lists(anywhere, max_size=60), st.integers(0, 20))
def test_schedule_equals_a_queue(times, steps):
    targets = np.arange(len(times)) % 3
    made, order = schedule(np.array(times), targets, dt=DT, steps=steps)
    phases = brute_force(times, DT, steps)
    assert phases_of(made, order) == phases
    assert sorted([i for phase in phases for i in phase] + list(order[made.undelivered])) == list(range(len(times)))
    np.testing.assert_array_equal(made.times, np.array(times)[order])
    np.testing.assert_array_equal(made.targets, targets[order])


@settings(deadline=None)
@given(st.lists(st.tuples(anywhere, st.integers(0, 4)), max_size=80))
def test_rounds_keep_the_order_of_every_target(events):
    times = np.array([e[0] for e in events])
    made, _ = schedule(times, np.array([e[1] for e in events], dtype=int), dt=DT, steps=20)
    rounds = in_rounds(made.start, made.targets)
    assert rounds.ndim == 3
    for step in range(20):
        inside = [[i for i in r if i >= 0] for r in rounds[step]]
        for ids in inside:
            assert len({made.targets[i] for i in ids}) == len(ids)
        for target in range(5):
            one_by_one = [i for i in made.start[step] if i >= 0 and made.targets[i] == target]
            assert [i for ids in inside for i in ids if made.targets[i] == target] == one_by_one


def test_a_hundred_thousand_events_stay_small():
    rng = np.random.default_rng(0)
    made, _ = schedule(rng.uniform(0, 100, 100_000), rng.integers(0, 500, 100_000), dt=DT, steps=4000)
    held = sum(a.nbytes for a in (made.times, made.targets, made.initial, made.start, made.end, made.undelivered))
    assert held < 4_000_000
    assert made.start.dtype == np.int32
    assert (made.start >= 0).sum() + (made.end >= 0).sum() == 100_000 - len(made.undelivered)


@pytest.mark.parametrize(
    ("times", "targets"), [([1.0], [0, 1]), ([np.nan], [0]), ([1.0], [-1]), ([[1.0]], [[0]])], ids=str
)
def test_unusable_events_are_refused(times, targets):
    with pytest.raises(ValueError, match=r"event times|vectors of the same length"):
        schedule(np.array(times), np.array(targets), dt=DT, steps=4)


def test_descending_train_is_refused():
    with pytest.raises(EventError, match="given train 0"):
        deliveries([np.array([2.0, 1.0])], [0], [1.0], 10.0)


# --------------------------------------------------------------------------------------------- against NEURON


def neuron_direct_events(times, which, weights, tstop):
    """Events put straight into the queue of synapses whose g never decays noticeably."""
    from neuron import h

    h.load_file("stdrun.hoc")
    soma = h.Section(name="soma")
    synapses = [h.ExpSyn(soma(0.5)) for _ in range(3)]
    for syn in synapses:
        syn.tau = 1.7
    netcons = []
    for target, weight in zip(which, weights, strict=True):
        nc = h.NetCon(None, synapses[target])
        nc.weight[0] = weight
        netcons.append(nc)
    handler = h.FInitializeHandler(1, lambda: [nc.event(t) for nc, t in zip(netcons, times, strict=True)])
    recorded = [h.Vector().record(syn._ref_g) for syn in synapses]
    h.tstop = tstop
    h.run()
    del handler
    return {"g": np.array([list(r) for r in recorded]), "last": [syn.g for syn in synapses]}


def expsyn_g(made: Schedule, weights: np.ndarray, n_synapses: int, tau: float) -> tuple[np.ndarray, np.ndarray]:
    """g [n_synapses, n_steps + 1] as ExpSyn computes it with cnexp, and g after the last deliveries."""
    g = np.zeros(n_synapses)

    def deliver(ids):
        for i in ids[ids >= 0]:
            g[made.targets[i]] += weights[i]

    deliver(made.initial)
    recorded = [g.copy()]
    for start, end in zip(made.start, made.end, strict=True):
        deliver(start)
        g += (1.0 - np.exp(DT * (-1.0 / tau))) * (-(0.0) / (-1.0 / tau) - g)
        recorded.append(g.copy())
        deliver(end)
    return np.array(recorded).T, g


def test_events_at_boundaries_and_in_ties_reach_expsyn_as_in_neuron():
    rng = np.random.default_rng(1)
    grid = time_grid(DT, 400)
    times = np.concatenate(
        [
            rng.uniform(0, 10, 60),
            rng.choice(grid, 60),
            np.nextafter(rng.choice(grid, 30), 0),
            np.nextafter(rng.choice(grid, 30), 11),
            np.repeat(rng.uniform(0, 10, 10), 4),
            np.zeros(3),
            [grid[-1], grid[-1], np.nextafter(grid[-1], 11), 10.5],
        ]
    )
    times = np.clip(times, 0, None)
    which = rng.integers(0, 3, len(times))
    weights = rng.uniform(0.1, 1.0, len(times)) * 10.0 ** rng.integers(-3, 3, len(times))
    out = run_function(
        neuron_direct_events, times=times.tolist(), which=which.tolist(), weights=weights.tolist(), tstop=10.0
    )
    # Insertion order is the order of ties unless an earlier event comes in while a tie waits at the head of the queue.
    made, order = queue_order(times, which)
    recorded, last = expsyn_g(made, weights[order], 3, 1.7)
    np.testing.assert_array_equal(recorded, out["g"])
    np.testing.assert_array_equal(last, out["last"])


def queue_order(times: np.ndarray, which: np.ndarray) -> tuple[Schedule, np.ndarray]:
    from nrn_diff.events.queue import EventQueue

    queue: EventQueue[int] = EventQueue()
    for i, time in enumerate(times):
        queue.insert(float(time), i)
    popped = np.array([item.data for item in iter(lambda: queue.pop(1e9), None)])
    made, order = schedule(times[popped], which[popped], dt=DT, steps=400)
    return made, popped[order]


def neuron_netstims(intervals, starts, connections, tstop):
    from neuron import h

    h.load_file("stdrun.hoc")
    soma = h.Section(name="soma")
    synapses = [h.ExpSyn(soma(0.5)) for _ in range(3)]
    for syn in synapses:
        syn.tau = 1.7
    stims, trains, recorders = [], [], []
    for interval, start in zip(intervals, starts, strict=True):
        stim = h.NetStim()
        stim.interval, stim.start, stim.number, stim.noise = interval, start, 1e9, 0
        stims.append(stim)
    netcons = []
    for source, target, delay, weight in connections:
        nc = h.NetCon(stims[source], synapses[target])
        nc.delay, nc.weight[0] = delay, weight
        netcons.append(nc)
    for source in range(len(stims)):
        trains.append(h.Vector())
        recorder = next(nc for nc, c in zip(netcons, connections, strict=True) if c[0] == source)
        recorder.record(trains[-1])
        recorders.append(recorder)
    recorded = [h.Vector().record(syn._ref_g) for syn in synapses]
    h.tstop = tstop
    h.run()
    return {"g": np.array([list(r) for r in recorded]), "trains": [np.array(t) for t in trains]}


@pytest.mark.parametrize("seed", range(4))
def test_netstim_deliveries_come_in_neurons_order(seed):
    """Commensurate intervals and delays make ties on most steps; rounding of g shows a different order at once."""
    rng = np.random.default_rng(seed)
    intervals, starts = [0.5, 0.25, 1.0, 0.5], [0.0, 0.25, 0.5, 0.0]
    same = [[0, int(rng.integers(3)), 1.0, float(rng.uniform(0.1, 1))] for _ in range(4)]
    mixed = [
        [
            int(rng.integers(1, 4)),
            int(rng.integers(3)),
            float(rng.choice([0.0, 0.25, 1.0])),
            float(rng.uniform(1e-3, 1)),
        ]
        for _ in range(20)
    ]
    each = [[s, 0, 0.5, 0.37] for s in range(1, 4)]
    connections = [*same, *mixed, *each]
    out = run_function(neuron_netstims, intervals=intervals, starts=starts, connections=connections, tstop=10.0)
    sources, rows, delays, weights = (np.array(c) for c in zip(*connections, strict=True))
    times, index = deliveries(out["trains"], sources.astype(int).tolist(), delays.tolist(), 11.0)
    made, order = schedule(times, rows.astype(int)[index], dt=DT, steps=400)
    recorded, _ = expsyn_g(made, weights[index][order], 3, 1.7)
    np.testing.assert_array_equal(recorded, out["g"])
