"""enable(): events of one time, of voltages, trains and artificial cells, come in NEURON's order, whatever was done."""

from pathlib import Path

import numpy as np
import pytest
from neuron_process import run_function

MODS = Path(__file__).parent / "event_mods"
DELAYS = [0.025 * k for k in (20, 30, 40, 60, 100, 200)]
END = 14.0


class Bench:
    """Spiking compartments, trains and a cell, wired at random to synapses at which the order of events matters."""

    def __init__(self, h, seed):
        self.h, rng = h, np.random.default_rng(seed)
        self.sections, self.clamps = [h.Section(f"s{k}") for k in range(3)], []
        for section in self.sections:
            section.L = section.diam = 20
            section.insert("hh")
            self.clamps.append(h.IClamp(section(0.5)))
            self.clamps[-1].dur, self.clamps[-1].amp = 100, 0.5
        self.points = [h.Order(self.sections[-1](0.5)) for _ in range(2)]
        self.cells = [h.Leaky() for _ in range(int(rng.integers(0, 2)))]
        self.stims = [h.NetStim() for _ in range(3)]
        self.wires, self.pc, self.numbered = [], h.ParallelContext(), False
        # Those that lead to a cell by its gid only later come behind what its source has then.
        self.spare = [h.NetCon(None, self.points[int(rng.integers(2))]) for _ in range(int(rng.integers(3)))]
        if rng.random() < 0.5:  # NEURON keeps the source of a NetCon that was the first of all
            first = self.wire(self.sections[0], self.points[0])
            self.connect(self.sections[1], rng)
            self.connect(self.sections[0], rng)
            self.wires.remove(first)
            del first
        for gid, section in enumerate(self.sections):
            self.pc.set_gid2node(gid, 0)
            self.pc.cell(gid, self.wire(section, self.points[0])[0])
        self.numbered = True
        for source in (*self.sections, *self.stims, *self.cells):
            for _ in range(int(rng.integers(1, 5))):
                self.connect(source, rng)

    def connect(self, source, rng):
        targets = [*self.points, *self.cells]
        target = targets[rng.integers(len(targets))]
        if source not in self.sections or not self.numbered or rng.random() < 0.4:
            self.wire(source, target)
            return
        gid = self.sections.index(source)
        if self.spare and rng.random() < 0.7:
            spare = self.spare.pop(int(rng.integers(len(self.spare))))
            self.wires.append((self.pc.gid_connect(gid, spare.syn(), spare), source, spare.syn()))
        else:
            self.wires.append((self.pc.gid_connect(gid, target), source, target))

    def wire(self, source, target):
        if source in self.sections:
            wire = (self.h.NetCon(source(0.5)._ref_v, target, sec=source), source, target)
            wire[0].threshold = 0
        else:
            wire = (self.h.NetCon(source, target), source, target)
        self.wires.append(wire)
        return wire

    def spikes(self):
        vectors = []
        for section in self.sections:
            wire, _, _ = next(w for w in self.wires if w[1] == section)
            vectors.append((wire, self.h.Vector()))
            wire.record(vectors[-1][1])
        self.h.finitialize(-65)
        self.h.continuerun(END)
        for wire, _ in vectors:
            wire.record()
        return [float(t) for _, vector in vectors for t in vector]

    def plan(self, rng):
        """Delays, weights and starts, so that many events arrive at one time; and what is to be done with the run."""
        for clamp in self.clamps:
            clamp.delay = 1 + 0.025 * int(rng.integers(30))
        for wire, _, _ in self.wires:
            wire.weight[0] = 0
        times, common = self.spikes(), {}
        for wire, source, target in self.wires:
            name = str(source)
            if name not in common:
                common[name] = float(rng.choice(DELAYS)) if rng.random() < 0.5 else None
            wire.delay = common[name] or float(rng.choice(DELAYS))
            wire.weight[0] = (0.6 if target in self.cells else 1e-5) * rng.uniform(0.1, 1)
        for stim in self.stims:
            stim.number, stim.interval, stim.noise = int(rng.choice([1, 2])), 0.025 * int(rng.integers(40, 200)), 0
            for _ in range(50):
                others = [s.start for s in self.stims] if rng.random() < 0.3 else times
                t, there, here = float(rng.choice(others)), float(rng.choice(DELAYS)), float(rng.choice(DELAYS))
                stim.start = (t + there) - here
                if 0 < stim.start < END and stim.start + here == t + there:
                    break
        self.given = [(wire.delay, wire.weight[0]) for wire, _, _ in self.wires]
        ends = [*np.sort(rng.uniform(1, END, int(rng.integers(5)))), END]
        return [(str(rng.choice(["run", "run", "psolve", "by hand"])), float(end), rng.random(8)) for end in ends]

    def follow(self, plan):
        h, pc = self.h, self.pc
        pc.set_maxstep(10)
        hashes = [h.Vector().record(point._ref_hash) for point in self.points]
        for (wire, _, _), (delay, weight) in zip(self.wires, self.given, strict=True):
            wire.active(1)
            wire.delay, wire.weight[0] = delay, weight
        h.finitialize(-65)
        state = []
        for how, end, chance in plan:
            if chance[0] < 0.5:  # waits in the queue
                h.CVode().event(h.t + 12 * chance[0])
            if chance[1] < 0.3:  # to ask for a delay makes NEURON send an event for each NetCon
                _ = [wire.delay for wire, _, _ in self.wires]
            if chance[2] < 0.2:
                wire = self.wires[int(chance[3] * len(self.wires))][0]
                wire.active(not wire.active())
            wire, source, _ = self.wires[int(chance[4] * len(self.wires))]
            if chance[5] < 0.2:
                wire.event(h.t + 0.025 * int(100 * chance[4]))
            elif chance[5] < 0.4:
                wire.weight[0] *= 1 + chance[4]
            elif chance[5] < 0.6 and sum(s is source for _, s, _ in self.wires) < 3:
                wire.delay = DELAYS[int(chance[4] * len(DELAYS))]
            if chance[6] < 0.2:
                saved = h.SaveState()
                saved.save()
                h.continuerun(h.t + chance[7])
                saved.restore()
            if how == "run":
                h.continuerun(end)
            elif how == "psolve":
                pc.psolve(end)
            else:
                for _ in range(7):
                    h.fadvance()
            state += [h.t, *(x for p in self.points for x in (p.hash, p.n, p.last, p.g))]
            state += [x for c in self.cells for x in (c.m, c.fired, c.t0)]
            state += [wire.weight[k] for wire, _, _ in self.wires for k in range(int(wire.wcnt()))]
        return {"state": np.array(state), **{f"hash {k}": np.array(v) for k, v in enumerate(hashes)}}


def both(seed, trials):
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    bench, found = Bench(h, seed), []
    for trial in range(trials):
        plan = bench.plan(np.random.default_rng([seed, trial]))
        theirs = bench.follow(plan)
        with nrn_diff.enabled():
            found.append((theirs, bench.follow(plan)))
    return found


@pytest.mark.long
@pytest.mark.parametrize("seed", [0, *(pytest.param(k, marks=pytest.mark.slow) for k in range(1, 12))])
def test_ties_come_in_neurons_order(seed):
    for trial, (theirs, ours) in enumerate(run_function(both, mods=MODS, seed=seed, trials=15 if seed else 3)):
        for name, x in theirs.items():
            assert ours[name].shape == x.shape, (trial, name)
            np.testing.assert_allclose(ours[name], x, rtol=1e-8, atol=1e-9, err_msg=f"{trial}: {name}")
