"""HOC channels (KSChan): made from Python and from HOC, run in NEURON and here."""

import numpy as np
import pytest
from neuron_process import run_function

CALCIUM_POOL = """
NEURON { SUFFIX kspool USEION ca READ ica WRITE cai }
STATE { cai }
ASSIGNED { ica }
INITIAL { cai = 1e-4 }
BREAKPOINT { SOLVE s METHOD cnexp }
DERIVATIVE s { cai' = -ica*3 - (cai - 1e-4)/5 }
"""
FROM_HOC = """
objref hoc_channel, hoc_state
hoc_channel = new KSChan()
hoc_channel.name("fromhoc")
hoc_channel.ion("na")
hoc_channel.gmax(0.12)
proc gating() { local k localobj v1, v2
    v1 = new Vector(3)
    v1.x[0] = $2
    v1.x[1] = $3
    v1.x[2] = $4
    v2 = new Vector(3)
    v2.x[0] = $6
    v2.x[1] = $7
    v2.x[2] = $8
    hoc_channel.trans($1).set_f(0, $5, v1)
    hoc_channel.trans($1).set_f(1, $9, v2)
}
hoc_state = hoc_channel.add_hhstate("m")
hoc_channel.gate(0).power(3)
hoc_state = hoc_channel.add_hhstate("h")
gating(0, 1, 0.1, -40, 3, 4, -0.0556, -65, 2)
gating(1, 0.07, -0.05, -65, 2, 1, -0.1, -35, 4)
"""


def functions(h, transition, first, second):
    for which, (kind, *rest) in enumerate((first, second)):
        transition.set_f(which, kind, h.Vector(rest[0]), *rest[1:])


def build_channels(h):
    """Channels of every kind of gate, function, current and ion; what must stay alive."""
    kept = []

    def channel(name, ion, point=0, gmax=0.0, model=0, erev=0.0):
        made = h.KSChan(point)
        made.name(name)
        if ion:
            made.ion(ion)
            made.iv_type(model)
        else:
            made.erev(erev)
        made.gmax(gmax)
        kept.append(made)
        return made

    h(FROM_HOC)
    potassium = channel("kshh", "k", gmax=0.03, model=1)
    potassium.add_hhstate("n")
    potassium.gate(0).power(4)
    functions(h, potassium.trans(0), (3, [0.1, 0.1, -55]), (2, [0.125, -0.0125, -65]))
    borg = channel("ksbg", "", gmax=2e-4, erev=-20)
    borg.add_hhstate("q")
    borg.gate(0).power(2)
    borg.trans(0).type(1)
    functions(h, borg.trans(0), (5, [0.4, -45, 2.5, 0.6, 0.8]), (6, [9, -5, 1, 0.1, 3]))
    listed = channel("kstable", "k", gmax=3e-4)
    listed.add_hhstate("a")
    listed.trans(0).type(1)
    functions(h, listed.trans(0), (7, [0, 0.1, 0.5, 0.8, 1], -80, -10), (1, [4.0]))
    looked_up = channel("kslookup", "k", gmax=2e-4)
    looked_up.add_hhstate("l")
    looked_up.trans(0).type(1)
    functions(h, looked_up.trans(0), (4, [1, -0.2, -50]), (3, [2, 0.05, -60]))
    looked_up.usetable(1, 61, -90, 40)
    scheme = channel("ksca", "ca", gmax=4e-6, model=2)
    c1 = scheme.add_ksstate(None, "C1")
    gate = scheme.gate(0)
    c2, opened, closed = (scheme.add_ksstate(gate, name) for name in ("C2", "O", "I"))
    opened.frac(1)
    c2.frac(0.1)
    gate.power(2)
    functions(h, scheme.add_transition(c1, c2), (2, [0.3, 0.06, -40]), (2, [0.3, -0.05, -40]))
    functions(h, scheme.add_transition(c2, opened), (4, [2, -0.1, -30]), (1, [0.4]))
    bound = scheme.add_transition(opened, closed)
    functions(h, bound, (1, [1.5e4]), (1, [0.05]))
    bound.type(3, "cai")
    scheme.trans(2).stoichiometry(2)
    point = channel("KsPoint", "", point=1, gmax=5e-4, erev=-75)
    point.add_hhstate("s")
    p1 = point.add_ksstate(None, "A")
    p2 = point.add_ksstate(point.gate(1), "B")
    p2.frac(1)
    functions(h, point.trans(0), (4, [0.2, -0.1, -50]), (1, [0.3]))
    functions(h, point.add_transition(point.state(1), point.state(2)), (2, [0.2, 0.1, -55]), (2, [0.2, -0.03, -55]))
    ionic = channel("KsPointK", "k", point=1, gmax=4e-9, model=2)
    ionic.add_hhstate("s")
    functions(h, ionic.trans(0), (4, [0.2, -0.1, -50]), (1, [0.3]))
    kept += [c1, gate, c2, opened, closed, p1, p2]
    return kept


def build(h):
    kept = build_channels(h)
    h.load_file("stdrun.hoc")
    soma, dend = h.Section("soma"), h.Section("dend")
    soma.L = soma.diam = 20
    dend.L, dend.diam, dend.nseg = 150, 2, 3
    dend.connect(soma(1))
    for section in (soma, dend):
        section.insert("pas")
        section.e_pas = -65
        for name in ("fromhoc", "kshh", "ksbg", "kstable", "kslookup"):
            section.insert(name)
    for name in ("ksca", "kspool"):
        soma.insert(name)
    dend(0.5).gmax_kshh = 0.01
    points = [h.KsPoint(soma(0.5)), h.KsPoint(dend(0.9)), h.KsPointK(dend(0.1))]
    points[0].gmax = 1e-3
    clamp = h.IClamp(soma(0.5))
    clamp.delay, clamp.dur, clamp.amp = 2, 20, 0.8
    kept += [soma, dend, points, clamp]

    def watch(owner, *names):
        kept.extend(h.Vector().record(getattr(owner, f"_ref_{name}")) for name in names)

    watch(soma(0.5), "v", "ica", "ik", "ina", "cai")
    watch(dend(0.9), "v")
    watch(soma(0.5).ksca, "C1", "C2", "O", "I", "p", "i")
    watch(soma(0.5).fromhoc, "m", "h", "g")
    watch(soma(0.5).kslookup, "l")
    watch(soma(0.5).ksbg, "q", "i")
    watch(points[0], "A", "B", "s", "g", "i")
    watch(points[2], "s", "i")
    h.celsius, h.v_init, h.tstop = 20, -65, 25
    return kept


def against_neuron():
    import jax
    import neuron_models
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    kept = build(h)
    objects = [len(list(h.List(name))) for name in ("KSTrans", "KSState", "KSGate", "Vector")]
    model = nrn_diff.capture()
    out = {"objects": objects == [len(list(h.List(n))) for n in ("KSTrans", "KSState", "KSGate", "Vector")]}
    out |= neuron_models.compare_with_neuron(model, h)
    out["names"] = [n for n in model.parameter_names if n.endswith(("_kshh", "_ksca", "_kstable")) or "KsPoint" in n]
    model.save("channels.nrndiff")
    loaded, again = nrn_diff.load("channels.nrndiff").simulate(), model.simulate()
    out["loaded"] = all(np.array_equal(np.asarray(loaded[k]), np.asarray(again[k])) for k in model.recorded)
    theta = model.parameters("n_alpha1_kshh", "C1_C2_beta2_ksca", nrn_diff.Param("gmax_fromhoc", share="all"))

    def loss(theta):
        return (model.simulate(theta)["soma(0.5).v"][600:] ** 2).mean()

    gradient = jax.jit(jax.grad(loss))(theta)
    evaluate = jax.jit(loss)
    out["gradients"] = {}
    for name, value in theta.items():
        step = 1e-4 * abs(float(value))
        ends = [float(evaluate(theta.replace(**{name: value + s * step}))) for s in (1, -1)]
        out["gradients"][name] = [float(gradient[name]), (ends[0] - ends[1]) / (2 * step)]
    out["kept"] = len(kept)
    return out


@pytest.mark.long
def test_channels_of_every_kind_are_neurons():
    out = run_function(against_neuron, mods={"kspool.mod": CALCIUM_POOL})
    print(out["worst"], out["range"], out["names"])
    assert out["objects"], "reading the channels made HOC objects"
    assert max(out["worst"].values()) <= 1e-6, out["worst"]
    assert out["dv"] <= 1e-6
    assert out["range"] > 50
    assert out["loaded"]
    assert {"gmax_kshh", "n_alpha0_kshh", "n_beta2_kshh", "C1_C2_alpha1_ksca", "KsPoint.gmax"} <= set(out["names"])
    for name, (exact, difference) in out["gradients"].items():
        assert abs(exact) > 0, name
        assert abs(exact - difference) <= 1e-4 * abs(exact), (name, exact, difference)


def only_hoc():
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    for statement in (
        "objref channel",
        "channel = new KSChan(0)",
        '{channel.name("hocleak")  channel.gmax(0.0003)  channel.erev(-54.3)}',
        "create cell",
        "access cell",
        "insert hocleak",
    ):
        h(statement)
    return [d.name for d in nrn_diff.capture(tstop=1).capture.mechanisms]


def test_a_channel_that_only_hoc_knows_is_found():
    assert run_function(only_hoc) == ["hocleak"]


def refused():
    from neuron import h

    import nrn_diff

    h.load_file("stdrun.hoc")
    soma, kept = h.Section("soma"), []
    h.tstop = 1

    def channel(name, point=0):
        made = h.KSChan(point)
        made.name(name)
        kept.append(made)
        return made

    single = channel("KsSingle", 1)
    first = single.add_ksstate(None, "A")
    second = single.add_ksstate(single.gate(0), "B")
    functions(h, single.add_transition(single.state(0), single.state(1)), (1, [1]), (1, [1]))
    single.single(1)
    kept += [first, second, h.KsSingle(soma(0.5))]
    empty = channel("ksempty")
    empty.add_hhstate("m")
    warm = channel("kswarm")
    warm.add_hhstate("m")
    warm.trans(0).type(1)
    functions(h, warm.trans(0), (5, [0.4, -45, 2.5, 0.6, 0.8]), (6, [0.4, -45, 2.5, 0.6, 0.8]))
    warm.usetable(1)
    odd = channel("ksodd")
    odd.add_hhstate("v")
    functions(h, odd.trans(0), (1, [1]), (1, [1]))
    for name in ("ksempty", "kswarm", "ksodd"):
        soma.insert(name)
    return {r.where: [r.what, r.why] for r in nrn_diff.inspect().refusals}


def test_what_is_not_neurons_fixed_step_is_refused_by_name():
    found = run_function(refused)
    assert "stochastic" in found.pop("KSChan KsSingle")[1]
    assert {where.split(",")[0]: what.split("[")[1][:4] for where, (what, _) in found.items()} == {
        "mechanism ksempty": "U202",
        "mechanism kswarm": "U203",
        "mechanism ksodd": "U201",
    }
