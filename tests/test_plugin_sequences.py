"""enable(): any sequence of runs and changes between them leaves what NEURON leaves."""

from pathlib import Path

import numpy as np
import pytest
from neuron_process import run_function

MODS = Path(__file__).parent / "event_mods"


class Bench:
    """A random model, and the things that a script may do to it. The same seed does the same."""

    def __init__(self, h, seed):
        self.h, self.rng = h, np.random.default_rng(seed)
        rng = self.rng
        self.sections = [h.Section(f"s{k}") for k in range(rng.integers(2, 5))]
        for k, section in enumerate(self.sections):
            section.L, section.diam, section.nseg = rng.uniform(20, 200), rng.uniform(1, 20), int(rng.choice([1, 3, 5]))
            if k:
                section.connect(self.sections[rng.integers(k)](float(rng.choice([0, 0.5, 1]))))
            section.insert("hh" if not k or rng.random() < 0.5 else "pas")
        self.clamps, self.synapses, self.wires, self.stims, self.vectors = [], [], [], [], {}
        self.processes, self.cells = [], []
        for make in (self.clamp, self.clamp, self.synapse, self.synapse, self.wire, self.process, *[self.record] * 4):
            make()
        h.tstop = float(rng.choice([3, 5]))

    def section(self):
        return self.sections[self.rng.integers(len(self.sections))]

    def clamp(self):
        clamp = self.h.IClamp(self.section()(self.rng.random()))
        clamp.delay, clamp.dur, clamp.amp = self.rng.uniform(0, [3, 10, 1])
        self.clamps.append(clamp)

    def synapse(self):
        synapse = getattr(self.h, self.rng.choice(["ExpSyn", "Exp2Syn"]))(self.section()(self.rng.random()))
        stim = self.h.NetStim()
        stim.start, stim.interval, stim.number = self.rng.uniform(0, 3), self.rng.uniform(1, 3), 10
        wire = self.h.NetCon(stim, synapse)
        wire.weight[0], wire.delay = self.rng.uniform(0, [0.02, 2])
        self.synapses.append(synapse)
        self.stims.append(stim)
        self.wires.append(wire)

    def process(self):
        """One that sends itself events, watches a condition, or sends events to others."""
        kind = self.rng.choice(["Pulse", "Gate", "Detector"])
        if self.h.ParallelContext().nthread() > 1:
            return  # events that point processes send to themselves are refused with threads
        process = getattr(self.h, kind)(self.section()(self.rng.random()))
        stim = self.h.NetStim()
        stim.start, stim.interval, stim.number = self.rng.uniform(0, 2), self.rng.uniform(0.5, 2), 10
        self.connect(stim, process, 0.002)
        if kind == "Detector":
            process.thr = self.rng.uniform(-60, 0)
            self.connect(process, self.rng.choice(self.synapses), 0.01)
            vector = self.vectors[f"{len(self.vectors)} sent"] = self.h.Vector()
            self.wires[-1].record(vector)
            self.cells.append(self.h.Leaky())
            self.connect(process, self.cells[-1], 2)
            self.connect(self.cells[-1], self.rng.choice(self.synapses), 0.005)
        self.processes.append(process)
        self.stims.append(stim)

    def connect(self, source, target, most):
        wire = self.h.NetCon(source, target)
        wire.delay, wire.weight[0] = self.rng.uniform([0.06, 0], [2, most])
        self.wires.append(wire)

    def dur(self):
        for process in self.processes:
            for name in ("dur", "high", "thr"):
                if hasattr(process, name):
                    setattr(process, name, getattr(process, name) + self.rng.uniform(-0.5, 0.5))

    def remove_process(self):
        if self.processes:
            gone = self.processes.pop(0)
            self.wires = [w for w in self.wires if w.pre() != gone and w.syn() != gone]
            del gone
        self.h.finitialize(-65)  # NEURON crashes where an event that it sent to itself still waits

    def wire(self):
        section = self.section()
        wire = self.h.NetCon(section(0.5)._ref_v, self.rng.choice(self.synapses), sec=section)
        wire.threshold, wire.delay, wire.weight[0] = self.rng.uniform([-40, 0.3, 0], [0, 3, 0.01])
        self.wires.append(wire)

    def record(self):
        section, vector = self.section(), self.h.Vector()
        kind, segment = self.rng.choice(["v", "i_cap", "m", "interval", "spikes"]), section(self.rng.random())
        if kind == "spikes":
            wire = self.h.NetCon(segment._ref_v, None, sec=section)
            wire.threshold = -20
            wire.record(vector)
            self.wires.append(wire)
        elif kind == "interval":
            vector.record(segment._ref_v, float(self.rng.choice([0.1, 0.3])))
        elif kind == "m" and section.has_membrane("hh"):
            vector.record(segment.hh._ref_m)
        else:
            vector.record(segment._ref_i_cap if kind == "i_cap" else segment._ref_v)
        self.vectors[f"{len(self.vectors)} {kind}"] = vector

    def run(self):
        self.h.run()

    def go_on(self):
        self.h.continuerun(self.h.t + self.rng.uniform(0.5, 2))

    def psolve(self):
        pc = self.h.ParallelContext()
        pc.set_maxstep(10)
        pc.psolve(self.h.t + self.rng.uniform(0.5, 2))

    def fan(self):
        """Several NetCons of one delay, to which their source sends one event after the next finitialize."""
        source = [*self.processes, *self.stims][self.rng.integers(len(self.processes) + len(self.stims))]
        delay = self.rng.uniform(0.3, 2)
        mine = [w for w in self.wires if w.pre() == source and w.syn() not in self.cells]
        for _ in range(3):
            self.connect(source, self.rng.choice(self.synapses), 0.005)
            mine.append(self.wires[-1])
        for wire in mine:
            wire.delay = delay
        self.h.finitialize(-65)
        self.h.continuerun(self.rng.uniform(0.5, 3))
        self.rng.choice(mine).active(int(self.rng.integers(2)))
        self.h.continuerun(self.h.t + self.rng.uniform(0.1, 1))
        self.rng.choice(mine).active(1)

    def threads(self):
        alone = not any(self.h.List(kind).count() for kind in ("Pulse", "Gate", "Detector"))
        self.h.ParallelContext().nthread(int(self.rng.integers(1, 3)) if alone else 1)
        self.h.finitialize(-65)  # NEURON crashes where an event waits in a thread that is gone
        self.h.continuerun(1)

    def event(self):
        self.rng.choice(self.wires).event(self.h.t + self.rng.uniform(0, 1))

    def restore(self):
        saved = self.h.SaveState()
        saved.save()
        self.go_on()
        saved.restore()

    def record_anew(self):
        self.h.frecord_init()

    def empty(self):
        kept = [v for name, v in self.vectors.items() if "interval" not in name]
        kept[self.rng.integers(len(kept))].resize(0)

    def clock(self):
        self.h.t += self.rng.uniform(-1, 1)

    def variable_step(self):
        cvode = self.h.CVode()
        cvode.active(1)
        cvode.active(0)
        cvode.cache_efficient(int(self.rng.integers(2)))

    def initialise(self):
        self.h.stdinit()
        self.h.continuerun(self.rng.uniform(0.5, 2))

    def by_hand(self):
        for _ in range(3):
            self.h.fadvance()

    def values(self):
        for segment in self.section():
            segment.cm = self.rng.uniform(0.5, 2)
            if hasattr(segment, "hh"):
                segment.hh.gnabar = self.rng.uniform(0.08, 0.15)

    def celsius(self):
        self.h.celsius = self.rng.uniform(6, 20)

    def step(self):
        self.h.dt = float(self.rng.choice([0.025, 0.0125, 0.05, 0.03, 0.007]))
        self.h.steps_per_ms = 1 / self.h.dt

    def voltages(self):
        for segment in self.section():
            segment.v = self.rng.uniform(-80, -40)

    def states(self):
        for segment in self.sections[0]:
            segment.hh.m = self.rng.random()

    def weight(self):
        self.rng.choice(self.wires).weight[0] = self.rng.uniform(0, 0.02)

    def switch(self):
        self.rng.choice(self.wires).active(int(self.rng.integers(2)))

    def remove_clamp(self):
        del self.clamps[:1]

    def remove_wire(self):
        self.h.finitialize(-65)  # NEURON crashes where an event of a NetCon that is gone is still on its way
        del self.wires[:1]

    def insert(self):
        self.section().insert("pas")

    def segments(self):
        self.section().nseg = int(self.rng.choice([1, 3, 5, 7]))

    def move(self):
        if self.clamps:
            self.clamps[0].loc(self.section()(self.rng.random()))

    def seen(self):
        segments = [segment for section in self.sections for segment in section]
        state = [self.h.t, *(x for s in segments for x in (s.v, s.i_cap))]
        state += [x for s in segments if hasattr(s, "hh") for x in (s.hh.m, s.hh.h, s.hh.n, s.ina, s.ik, s.hh.gna)]
        state += [*(c.i for c in self.clamps), *(s.i for s in self.synapses)]
        names = ("g", "i", "on", "ends", "last", "up", "n", "seen", "x")
        state += [getattr(p, name) for p in self.processes for name in names if hasattr(p, name)]
        state += [x for c in self.cells for x in (c.m, c.fired, c.t0)]
        state += [w.weight[k] for w in self.wires for k in range(int(w.wcnt()))]
        counts = [self.h.List(name).count() for name in ("IClamp", "NetCon", "Vector")]
        return {"state": np.array([*state, *counts]), **{k: np.array(v) for k, v in self.vectors.items()}}


RUNS = ("run", "go_on", "psolve", "initialise", "by_hand")
CHANGES = (
    *("clamp", "synapse", "wire", "record", "values", "celsius", "step", "voltages", "states", "weight"),
    *("switch", "remove_clamp", "remove_wire", "insert", "segments", "move", "process", "dur", "remove_process"),
    *("fan", "fan", "threads", "event", "restore", "record_anew", "empty", "clock", "variable_step"),
)


def sequence(seed, on, length=5):
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    bench = Bench(h, seed)
    if on:
        nrn_diff.enable()
    out = {}
    for k in range(length):
        change, run = bench.rng.choice(CHANGES), bench.rng.choice(RUNS if k else ("run",))
        if k:
            getattr(bench, change)()
        getattr(bench, run)()
        out |= {f"{k} {change}, {run}: {name}": x for name, x in bench.seen().items()}
    return out


@pytest.mark.long
@pytest.mark.parametrize("seed", [0, *(pytest.param(k, marks=pytest.mark.slow) for k in range(1, 70))])
def test_any_sequence_of_runs_and_changes(seed):
    theirs, ours = (run_function(sequence, mods=MODS, seed=seed, on=on) for on in (False, True))
    assert list(ours) == list(theirs)
    for name, x in theirs.items():
        assert ours[name].shape == x.shape, (name, ours[name].shape, x.shape)
        np.testing.assert_allclose(ours[name], x, rtol=1e-8, atol=1e-7, err_msg=name)
