"""The captured tree against NEURON itself: geometry of every kind, and one implicit step of a passive cable."""

from __future__ import annotations

import numpy as np
import pytest
from neuron_process import run_function

DT, G, E, V0 = 0.025, 3e-4, -70.0, -65.0


def build_random(seed: int) -> list:
    """Sections connected anywhere, by either end, stylised and by 3-d points, in one or two trees."""
    from neuron import h

    rng = np.random.default_rng(seed)
    sections: list = []
    for k in range(int(rng.integers(3, 14))):
        section = h.Section(name=f"s{k}")
        section.nseg = int(rng.integers(1, 6))
        if rng.random() < 0.4:
            x, diam = 0.0, rng.uniform(0.5, 4, 4)
            for d in diam:
                section.pt3dadd(x, 3.0 * k, 0.0, d)
                x += rng.uniform(5, 60)
        else:
            section.L, section.diam = rng.uniform(5, 300), rng.uniform(0.3, 8)
            for seg in section:
                seg.diam *= rng.uniform(0.7, 1.4)
        section.Ra = rng.uniform(50, 250)
        section.rallbranch = float(rng.choice([1, 1, 3, 2.5]))
        for seg in section:
            seg.cm = rng.uniform(0.5, 2)
        if sections and rng.random() < 0.9:
            parent = sections[int(rng.integers(len(sections)))]
            x = rng.choice([0.0, 1.0, rng.uniform(0.01, 0.99)], p=[0.25, 0.4, 0.35])
            section.connect(parent(float(x)), int(rng.integers(2)))
        section.insert("pas")
        for seg in section:
            seg.pas.g, seg.pas.e = G, E
        sections.append(section)
    return sections


def one_step(seed: int) -> dict:
    """Voltages of all nodes before and after one fadvance, from NEURON and from the captured matrix."""
    from neuron import h

    from nrn_diff.bridge import capture_snapshot
    from nrn_diff.bridge.findings import Findings
    from nrn_diff.bridge.inventory import take_inventory

    rng = np.random.default_rng(seed + 1000)
    sections = build_random(seed)
    where = sections[int(rng.integers(len(sections)))]
    clamps = [h.IClamp(where(x)) for x in (0, 0.3, 1)]
    for clamp in clamps:
        clamp.delay, clamp.dur, clamp.amp = 0, 10, float(rng.uniform(-1, 1))
    h.dt = DT
    capture = capture_snapshot(tstop=1)
    cable = capture.cable
    topology = take_inventory(Findings()).topology
    h.finitialize(V0)
    places = [topology.node_place(n) for n in range(topology.n_nodes)]
    start = rng.uniform(-90, -40, topology.n_nodes)
    for (section, x), v in zip(places, start, strict=True):
        section(x).v = v
    h.fcurrent()
    h.fadvance()
    after = np.array([section(x).v for section, x in places])

    n = len(cable.parent)
    matrix, rhs = np.zeros((n, n)), np.zeros(n)
    for node, parent in enumerate(cable.parent):
        if parent >= 0:
            a = -100 * cable.branches[node] / (cable.ri[node] * cable.area[parent])
            b = -100 / (cable.ri[node] * cable.area[node])
            matrix[node, parent] += b
            matrix[node, node] -= b
            matrix[parent, node] += a
            matrix[parent, parent] -= a
    rhs = -matrix @ start
    segment = cable.segment_node
    matrix[segment, segment] += G + 1e-3 * cable.cm / DT
    rhs[segment] -= G * (start[segment] - E)
    clamped = next(m for m in capture.mechanisms if m.name == "IClamp")
    for node, amp in zip(clamped.nodes, clamped.values["amp"], strict=True):
        rhs[node] += 100 * amp / cable.area[node]
    return {
        "neuron": after,
        "dense": start + np.linalg.solve(matrix, rhs),
        "parent": cable.parent,
        "has_area": cable.has_area,
        "segments": [str(seg) for seg in topology.segments()],
        "expected": [str(seg) for sec in h.allsec() for seg in sec],
        "labels": [
            f"{cable.section_names[s]}({x:.6g})" for s, x in zip(cable.segment_section, cable.segment_x, strict=True)
        ],
        "area": cable.area[cable.segment_node],
        "expected_area": [seg.area() for sec in h.allsec() for seg in sec],
    }


def steps(first: int, end: int) -> dict:
    return {str(seed): one_step(seed) for seed in range(first, end)}


def check_steps(first: int, end: int) -> None:
    for seed, out in run_function(steps, first=first, end=end).items():
        np.testing.assert_allclose(out["dense"], out["neuron"], rtol=0, atol=2e-11, err_msg=f"seed {seed}")
        assert np.ptp(out["neuron"]) > 1
        assert np.all(out["parent"] < np.arange(len(out["parent"])))
        assert out["has_area"].sum() == len(out["segments"])
        assert out["segments"] == out["expected"]
        np.testing.assert_array_equal(out["area"], out["expected_area"])


def test_one_implicit_step_of_random_trees_is_neurons() -> None:
    check_steps(0, 12)


@pytest.mark.slow
def test_one_implicit_step_of_many_random_trees_is_neurons() -> None:
    check_steps(12, 300)


TEMPLATE = """
begintemplate Cell
public soma, dend
create soma, dend[3]
proc init() {
    soma { L = 20 diam = 20 nseg = 1 }
    for i = 0, 2 dend[i] { L = 100 + 10*i diam = 2 nseg = 3 Ra = 120 }
    connect dend[0](0), soma(1)
    connect dend[1](0), dend[0](1)
    connect dend[2](1), soma(0)
}
endtemplate Cell
"""


def cells_of_template_and_class() -> dict:
    from neuron import h

    from nrn_diff.bridge import capture_snapshot

    class Ball:
        def __init__(self, name: str) -> None:
            self.name = name
            self.soma = h.Section(name="soma", cell=self)

        def __str__(self) -> str:
            return self.name

    h(TEMPLATE)
    h("objref cell[2]")
    h("cell[0] = new Cell()")
    h("cell[1] = new Cell()")
    ball = Ball("ball")
    cable = capture_snapshot(tstop=1).cable
    return {"names": list(cable.section_names), "parent": cable.parent, "keep": len(list(ball.soma))}


def test_sections_of_templates_and_classes_have_their_full_names() -> None:
    out = run_function(cells_of_template_and_class)
    inner = ["soma", "dend[0]", "dend[1]", "dend[2]"]
    assert out["names"] == [f"Cell[{c}].{s}" for c in range(2) for s in inner] + ["ball.soma"]
    assert int((out["parent"] == -1).sum()) == 3


UNUSABLE = [
    ("dend(0.5)._ref_cm[0] = nan", "cm = nan", "dend(0.5)"),
    ("dend(0.5).pas.g = inf", "g_pas = inf", "dend(0.5), mechanism pas"),
    ("dend.e_pas = nan", "e_pas = nan", "dend(0.5), mechanism pas"),
    ("h.celsius = nan", "celsius = nan", ""),
    ("dend.nseg = 3; dend.Ra = 1e-13", "Ra = 1e-13 ohm cm", "dend"),
    ("dend.nseg = 3; dend.Ra = 1e-8; dend.insert('extracellular')", "Ra = 1e-08 ohm cm", "dend"),
]


def refusals(changes: list[str]) -> list:
    from neuron import h

    from nrn_diff.bridge import capture_snapshot
    from nrn_diff.errors import CaptureError

    found = []
    for change in changes:
        dend = h.Section(name="dend")
        dend.insert("pas")
        h.celsius = 6.3
        names = {"dend": dend, "h": h, "nan": float("nan"), "inf": float("inf")}
        exec(change, names)
        try:
            # No row keeps NEURON's order of sums: nothing is lost in rounding.
            found.append(list(capture_snapshot(tstop=1).cable.turn))
        except CaptureError as error:
            found.append([[r.what, r.where] for r in error.refusals])
    return found


def test_values_that_cannot_be_simulated_are_refused_with_their_place() -> None:
    # A soma of 0.01 um among dendrites, as in ModelDB 119283, is none of them.
    short = "dend.L = 300; soma = h.Section(name='soma'); soma.L = 0.01; dend.connect(soma(1))"
    usable = ["dend.nseg = 3; dend.Ra = 0.1", short]
    changes = [*usable, *(change for change, _, _ in UNUSABLE)]
    assert run_function(refusals, changes=changes) == [[], [], *([[what, where]] for _, what, where in UNUSABLE)]


def tiny_resistances() -> dict:
    """A tree of hh sections, all Ra but one far below 1, in the sums of which the membrane is nearly lost."""
    import jax
    import neuron_models
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    sections = build_random(3)
    for k, section in enumerate(sections):
        section.Ra = 100 if k == 2 else 1e-7
        section.insert("hh")
    clamp = h.IClamp(sections[0](0.5))
    clamp.delay, clamp.dur, clamp.amp = 1, 1, 20
    kept = [h.Vector().record(section(0.5)._ref_v) for section in sections]
    h.tstop = 10
    model = nrn_diff.capture()
    out = neuron_models.compare_with_neuron(model, h)
    theta = model.parameters("gnabar_hh")

    def end(p: float) -> jax.Array:
        record = model.simulate(jax.tree.map(lambda x: x * p, theta))
        return next(iter(record.values()))[-1]

    slope = [float(end(1 + s)) for s in (1e-3, -1e-3)]
    out |= {"slope": float(jax.grad(end)(1.0)), "difference": (slope[0] - slope[1]) / 2e-3}
    out["kept"] = len(kept)
    return out


@pytest.mark.long
def test_sums_come_in_neurons_order_where_axial_resistances_are_tiny() -> None:
    out = run_function(tiny_resistances)
    assert max(out["worst"].values()) <= 1e-9, out["worst"]  # without that order 3e-5
    assert out["range"] > 50
    np.testing.assert_allclose(out["slope"], out["difference"], rtol=1e-2)
