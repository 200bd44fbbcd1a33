"""Small NEURON models of the tests; each function builds one in the live process and returns what must stay alive."""

from __future__ import annotations

import numpy as np


def passive_cable(h):
    """A stylised cable with a step of current, off-centre recording points."""
    cable = h.Section("cable")
    cable.L, cable.diam, cable.nseg, cable.Ra, cable.cm = 1000, 2, 51, 120, 1.3
    cable.insert("pas")
    for segment in cable:
        segment.pas.g, segment.pas.e = 1e-4 * (1 + segment.x), -70 + 5 * segment.x
    clamp = h.IClamp(cable(0.1))
    clamp.delay, clamp.dur, clamp.amp = 10, 80, 0.2
    h.v_init, h.dt, h.tstop, h.steps_per_ms = -68, 0.025, 200, 40
    return [cable, clamp, *record(h, {"v": [cable(0.1), cable(0.5), cable(0.93)]})]


def hh_tree(h, depth=4, nseg=10, usetable=1, tstop=200, secondorder=0, seed=1):
    """A binary tree of hh sections, spiking to a current step: 2**(depth+1) - 1 sections."""
    rng = np.random.default_rng(seed)
    h.usetable_hh, h.secondorder = usetable, secondorder
    sections, front = [], []
    root = h.Section("root")
    root.L = root.diam = 20
    sections.append(root)
    front = [(root, 0)]
    while front:
        parent, level = front.pop(0)
        if level == depth:
            continue
        for side in range(2):
            child = h.Section(f"b{len(sections)}_{side}")
            child.connect(parent(1))
            child.L, child.diam, child.nseg = 60 + 40 * rng.random(), 3 / (1 + level), nseg
            sections.append(child)
            front.append((child, level + 1))
    for section in sections:
        section.insert("hh")
        section.Ra = 100
    clamp = h.IClamp(root(0.5))
    clamp.delay, clamp.dur, clamp.amp = 5, 150, 1.5
    h.celsius, h.v_init, h.dt, h.tstop, h.steps_per_ms = 6.3, -65, 0.025, tstop, 40
    return [sections, clamp, *record(h, {"v": [root(0.5), sections[-1](0.9)], "hh.m": [sections[3](0.5)]})]


def record(h, wanted):
    """Vectors of range variables, and of t; label -> Vector is kept in `record.vectors`."""
    vectors = [h.Vector().record(h._ref_t)]
    for name, segments in wanted.items():
        for segment in segments:
            owner = segment
            *path, variable = name.split(".")
            for part in path:
                owner = getattr(owner, part)
            vectors.append(h.Vector().record(getattr(owner, f"_ref_{variable}")))
    return vectors


def compare_with_neuron(model, h):
    """label -> largest difference between NEURON's run and ours, of every recorded quantity; and some figures."""
    recording = model.simulate()
    h.run()
    by_name = {vector.hname(): vector for vector in h.List("Vector")}
    worst = {}
    for record in model.capture.records:
        theirs = np.array(by_name[record.vector])
        ours = np.asarray(recording[record.label])
        assert theirs.shape == ours.shape, (record.label, theirs.shape, ours.shape)
        worst[record.label] = float(np.abs(theirs - ours).max())
    voltages = [label for label in recording if label.endswith(".v")]
    first = np.asarray(recording[voltages[0]])
    spikes = int(np.sum((first[1:] > 0) & (first[:-1] <= 0)))
    return {"worst": worst, "spikes": spikes, "range": float(np.ptp(first)), "dv": max(worst[v] for v in voltages)}
