"""POINTER and ParallelContext.source_var / target_var: gap junctions, graded release, writing through a POINTER."""

import pytest
from neuron_process import run_function

HALF_GAP = """NEURON { POINT_PROCESS HalfGap RANGE r, i POINTER vgap ELECTRODE_CURRENT i }
PARAMETER { r = 100 (megohm) }
ASSIGNED { v (mV) vgap (mV) i (nA) }
BREAKPOINT { i = (vgap - v)/r }
"""
# The value at which it stands is that of the array, not v + 0.001, also when it points to its own segment.
SELF = """NEURON { SUFFIX selfv RANGE g, seen POINTER vp NONSPECIFIC_CURRENT i }
PARAMETER { g = 1e-4 }
ASSIGNED { v vp i seen }
BREAKPOINT { seen = vp i = g*(vp + 0.5*v + 80) }
"""
# Transmitter release by the voltage of the presynaptic cell.
RELEASE = """NEURON { POINT_PROCESS Release RANGE g, gmax, s, ca POINTER pre, pool NONSPECIFIC_CURRENT i }
PARAMETER { gmax = 0.002 alpha = 2 beta = 0.3 }
ASSIGNED { v i g pre pool ca tinf }
STATE { s }
INITIAL { s = 0.1*pool ca = pool }
BREAKPOINT {
    SOLVE rates METHOD cnexp
    ca = pool
    g = gmax*s*(1 + 0.2*pool)
    i = g*v
}
DERIVATIVE rates { s' = alpha*(1 - s)/(1 + exp(-(pre + 10)/4)) - beta*s }
"""
# Writes the peak of another mechanism's current, and the concentration of an ion.
SETTER = """NEURON { SUFFIX setter RANGE k POINTER goal, conc, watched }
PARAMETER { k = 0.01 }
ASSIGNED { v goal conc watched }
INITIAL { goal = 0.5 }
BREAKPOINT { SOLVE move }
PROCEDURE move() { goal = goal + dt*k*(v + 60) conc = conc + dt*1e-3*watched }
"""
TARGET = """NEURON { SUFFIX goalkeeper RANGE goal, own NONSPECIFIC_CURRENT i }
PARAMETER { goal = 3 }
ASSIGNED { v i own }
BREAKPOINT { own = goal*2 i = 1e-5*goal*(v + 70) }
"""
# Events set a variable of another mechanism.
MARKER = """NEURON { POINT_PROCESS Marker RANGE k, count POINTER goal }
PARAMETER { k = 0.3 }
ASSIGNED { goal count }
NET_RECEIVE(w) { goal = goal*(1 - k) + w*t if (goal > 3) { count = count + 1 } }
"""
GAP = HALF_GAP.replace("HalfGap", "Gap").replace("POINTER vgap", "").replace("RANGE r", "RANGE vgap, r")
TWINS = """NEURON { POINT_PROCESS Twins RANGE s POINTER other NONSPECIFIC_CURRENT i }
ASSIGNED { v i other }
STATE { s }
BREAKPOINT { SOLVE d METHOD cnexp i = 1e-3*s*v }
DERIVATIVE d { s' = (other - s)/3 }
"""
# Asks which of its POINTERs are set; what stands behind is reached only then.
ASKING = """NEURON { POINT_PROCESS Asking RANGE g, asked POINTER near, far NONSPECIFIC_CURRENT i }
PARAMETER { g = 1e-4 }
ASSIGNED { v i near far asked }
INITIAL { asked = nrn_pointing(near) + 2*nrn_pointing(far) }
BREAKPOINT {
    i = g*(v + 70)
    if (nrn_pointing(near) && !nrn_pointing(far)) { i = i + g*(v - near) }
    if (nrn_pointing(far)) { i = i + far } else if (!nrn_pointing(near)) { i = i + 1e-3 }
}
"""
# A GLOBAL of one mechanism that another names EXTERNAL and declares nowhere (as in ModelDB 144385); one that none uses.
OWNER = """NEURON { SUFFIX owner GLOBAL rate RANGE own NONSPECIFIC_CURRENT i }
PARAMETER { rate = 0.7 }
ASSIGNED { v i own }
BREAKPOINT { own = rate*2 i = 1e-5*own*(v + 60) }
"""
ASKS = """NEURON { SUFFIX asks EXTERNAL rate_owner, idle_owner RANGE seen NONSPECIFIC_CURRENT i }
ASSIGNED { v i seen }
STATE { m }
INITIAL { m = 0.1*rate_owner }
BREAKPOINT { SOLVE grow METHOD cnexp seen = rate_owner + m i = 2e-5*seen*(v + 70) }
DERIVATIVE grow { m' = rate_owner - m/3 }
"""
MODS = {
    f"{name}.mod": text
    for name, text in {
        "halfgap": HALF_GAP,
        "selfv": SELF,
        "release": RELEASE,
        "setter": SETTER,
        "goalkeeper": TARGET,
        "marker": MARKER,
        "gap": GAP,
        "twins": TWINS,
        "asking": ASKING,
        "owner": OWNER,
        "asks": ASKS,
    }.items()
}


def cells(h):
    made = []
    h.usetable_hh = 0  # the derivative of a table is not what finite differences see
    for k in range(3):
        soma, dend = h.Section(f"soma{k}"), h.Section(f"dend{k}")
        soma.L = soma.diam = 20
        dend.L, dend.diam, dend.nseg = 150, 2, 3
        dend.connect(soma(1))
        soma.insert("hh")
        dend.insert("pas")
        made.append((soma, dend))
    clamp = h.IClamp(made[0][0](0.5))
    clamp.delay, clamp.dur, clamp.amp = 1, 6, 0.7
    return made, clamp


def differences(h, model):
    import neuron_models

    return neuron_models.compare_with_neuron(model, h)["worst"]


def gradient(h, model, name, run):
    """Derivative of the sum of the recorded quantity, here and by central differences of NEURON (run(factor))."""
    import jax
    import numpy as np

    theta = model.parameters(name)

    def total(x):
        return sum(jax.numpy.sum(y) for y in model.simulate(theta.replace(**{name: theta[name] * x})).values())

    h_ = 1e-4
    finite = (8 * (run(1 + h_) - run(1 - h_)) - run(1 + 2 * h_) + run(1 - 2 * h_)) / (12 * h_)
    return [float(jax.grad(total)(1.0)), finite, float(np.asarray(theta[name]).ravel()[0])]


def pointers(path):
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    made, _clamp = cells(h)
    (soma, dend), (soma1, dend1), (soma2, dend2) = made
    gaps = [h.HalfGap(soma(0.5)), h.HalfGap(dend1(0.9)), h.HalfGap(dend1(0.1)), h.HalfGap(soma2(1))]
    for gap, source in zip(gaps, (dend1(0.9), soma(0.5), soma2(1), dend1(0.1)), strict=True):
        h.setpointer(source._ref_v, "vgap", gap)
    for section in (soma2, dend2):
        section.insert("selfv")
        for segment in section:
            h.setpointer(segment._ref_v, "vp", segment.selfv)
    releases = [h.Release(dend2(0.2)), h.Release(dend2(0.8))]
    h.setpointer(soma(0.5)._ref_v, "pre", releases[0])
    h.setpointer(dend1(0.9)._ref_v, "pre", releases[1])
    h.setpointer(soma1(0.5).hh._ref_m, "pool", releases[0])
    h.ion_register("ca", 2)
    soma.insert("ca_ion")
    soma.cai = 2e-3
    h.setpointer(soma(0.5)._ref_cai, "pool", releases[1])
    asking = h.Asking(dend2(0.5))
    h.setpointer(soma(0.5)._ref_v, "near", asking)
    dend.insert("setter")
    dend1.insert("goalkeeper")
    for a, b in zip(dend, dend1, strict=True):
        h.setpointer(b.goalkeeper._ref_goal, "goal", a.setter)
        h.setpointer(soma(0.5)._ref_cai if a.x < 0.3 else a.pas._ref_e, "conc", a.setter)
        h.setpointer(soma(0.5)._ref_ina if a.x < 0.5 else gaps[0]._ref_i, "watched", a.setter)
    soma2.insert("goalkeeper")
    marker, stim = h.Marker(dend(0.5)), h.NetStim()
    h.setpointer(soma2(0.5).goalkeeper._ref_goal, "goal", marker)
    stim.start, stim.interval, stim.number = 0.507, 1.303, 9
    wires = [h.NetCon(stim, marker, 0, 0.11, 0.3), h.NetCon(soma(0.5)._ref_v, marker, -20, 0.7, 0.8, sec=soma)]
    kept = [
        h.Vector().record(ref)
        for ref in (
            soma2(0.5).goalkeeper._ref_own, marker._ref_count,
            soma(0.5)._ref_v, dend1(0.9)._ref_v, soma2(1)._ref_v, dend2(0.8)._ref_v, releases[0]._ref_s,
            releases[1]._ref_ca, dend1(0.2).goalkeeper._ref_goal, dend1(0.2).goalkeeper._ref_own, soma(0.5)._ref_cai,
            dend(0.5).pas._ref_e, dend(0.9).pas._ref_e, gaps[1]._ref_i, dend2(0.5).selfv._ref_seen,
            asking._ref_i, asking._ref_asked,
        )
    ]  # fmt: skip
    h.tstop = 8
    model = nrn_diff.capture()
    out = {"worst": differences(h, model), "range": float(kept[10].max() - kept[10].min()), "n": len(wires)}
    out["used"] = [float(kept[k].max() - kept[k].min()) for k in range(len(kept))]
    out["asked"] = asking.asked
    model.save(path)
    again = nrn_diff.load(path)
    out["saved"] = float(abs(again.simulate()["soma2(1).v"] - model.simulate()["soma2(1).v"]).max())

    def run(x):
        for gap in gaps:
            gap.r = 100 * x
        soma.cai = 2e-3  # what is written through a POINTER stays after a run
        for segment in dend:
            segment.pas.e = -70
        soma2(0.5).goalkeeper.goal, marker.count = 3, 0
        h.run()
        return sum(v.sum() for v in kept)

    out["gradient"] = gradient(h, model, "HalfGap.r", run)
    return out


@pytest.mark.long
def test_pointers_lead_to_any_variable(tmp_path):
    out = run_function(pointers, mods=MODS, path=str(tmp_path / "m"))
    assert max(out["worst"].values()) < 1e-9, out["worst"]
    assert min(out["used"][:-1]) > 1e-6
    assert out["asked"] == 1
    assert out["saved"] == 0
    ours, finite, _ = out["gradient"]
    assert abs(ours - finite) < 1e-6 * abs(finite)


def transfers():
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    pc = h.ParallelContext()
    made, _clamp = cells(h)
    (soma, _), (soma1, dend1), (soma2, dend2) = made
    soma.insert("extracellular")  # v + vext[0] is transferred then
    soma.xg[0], soma.xg[1], soma.xc[0], soma(0.5).e_extracellular = 0.03, 0.1, 0.2, 5
    pc.source_var(soma(0.5)._ref_v, 7, sec=soma)
    pc.source_var(dend1(1)._ref_v, 3, sec=dend1)
    pc.source_var(soma1(0.5).hh._ref_n, 4, sec=soma1)
    gaps = [h.Gap(dend1(0.9)), h.Gap(soma2(0.5)), h.Gap(soma(0.5))]
    dend2.insert("goalkeeper")
    for gap, source in zip(gaps, (7, 7, 3), strict=True):
        pc.target_var(gap, gap._ref_vgap, source)
    pc.target_var(dend2(0.5).goalkeeper._ref_goal, 4)
    refused = None
    try:
        nrn_diff.capture()
    except nrn_diff.CaptureError as error:
        refused = str(error)
    pc.setup_transfer()
    kept = [
        h.Vector().record(ref)
        for ref in (soma(0.5)._ref_v, dend1(1)._ref_v, soma2(0.5)._ref_v, dend2(0.5).goalkeeper._ref_goal,
                    dend2(0.5).goalkeeper._ref_own, gaps[2]._ref_i, gaps[1]._ref_vgap)
    ]  # fmt: skip
    h.tstop = 8
    h.run()  # transfers before INITIAL: states, and vext, are there what the last run left
    model = nrn_diff.capture()
    out = {"worst": differences(h, model), "used": [float(k.max() - k.min()) for k in kept], "refused": refused}
    h.finitialize(-65)
    model = nrn_diff.capture()

    def run(x):
        for gap in gaps:
            gap.r = 100 * x
        h.finitialize(-65)
        h.run()
        return sum(v.sum() for v in kept)

    out["gradient"] = gradient(h, model, "Gap.r", run)
    return out


@pytest.mark.long
def test_what_parallelcontext_transfers():
    out = run_function(transfers, mods=MODS)
    assert "setup_transfer" in out["refused"]
    assert max(out["worst"].values()) < 1e-9, out["worst"]
    assert min(out["used"]) > 1e-6
    ours, finite, _ = out["gradient"]
    assert abs(ours - finite) < 1e-6 * abs(finite)


def refused(case):
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    (soma, _), (soma1, _), _ = cells(h)[0]
    if case == "unset":
        gap = h.HalfGap(soma(0.5))
    if case == "weight":
        gap = h.HalfGap(soma(0.5))
        wire = h.NetCon(None, h.ExpSyn(soma1(0.5)))
        h.setpointer(wire._ref_weight[0], "vgap", gap)
    if case == "order":
        twins = [h.Twins(soma(0.5)), h.Twins(soma1(0.5))]
        for a, b in zip(twins, reversed(twins), strict=True):
            h.setpointer(b._ref_s, "other", a)
    if case == "several":
        soma1.insert("goalkeeper")
        for section in (soma, soma1):
            section.insert("setter")
            h.setpointer(soma1(0.5).goalkeeper._ref_goal, "goal", section(0.5).setter)
            h.setpointer(section(0.5).hh._ref_el, "conc", section(0.5).setter)
            h.setpointer(section(0.5)._ref_v, "watched", section(0.5).setter)
    if case in ("event", "sampled"):
        marker, synapse, stim = h.Marker(soma(0.5)), h.ExpSyn(soma1(0.5)), h.NetStim()
        soma1.insert("goalkeeper")
        target = synapse._ref_g if case == "event" else soma1(0.5).goalkeeper._ref_goal
        h.setpointer(target, "goal", marker)
        wires = [h.NetCon(stim, x, 0, 1, 0.1) for x in (marker, synapse)]
        if case == "sampled":
            wires.append(h.Vector().record(target, 0.1))
    if case == "some":
        asking = [h.Asking(soma(0.5)), h.Asking(soma1(0.5))]
        h.setpointer(soma(0.5)._ref_v, "near", asking[0])
    h.tstop = 1
    try:
        nrn_diff.capture().structure  # noqa: B018
    except nrn_diff.CaptureError as error:
        return str(error)
    return "no error"


@pytest.mark.long
@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("unset", "the POINTER vgap to nothing"),
        ("weight", "the POINTER vgap to NetCon[0].weight[0]"),
        ("order", "which instances have run before it"),
        ("several", "by one instance each"),
        ("event", "that no other event"),
        ("sampled", "Vector at times of its own"),
        ("some", "which is set in some instances and not in others"),
    ],
)
def test_pointers_that_cannot_be_followed_are_refused(case, words):
    assert words in run_function(refused, mods=MODS, case=case)


def externals():
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    made, _clamp = cells(h)
    (soma, dend), (_, dend1), _ = made
    for section in (soma, dend):
        section.insert("asks")
    h.tstop = 8
    try:
        nrn_diff.capture()
        message = ""
    except nrn_diff.CaptureError as error:
        message = str(error)
    dend1.insert("owner")
    dend.insert("owner")
    h.rate_owner = 0.9
    v = h.Vector().record(soma(0.5)._ref_v)
    kept = [h.Vector().record(r) for r in (dend(0.5).asks._ref_seen, dend(0.5).owner._ref_own)]
    model = nrn_diff.capture()
    worst = differences(h, model)

    def run(factor):
        h.rate_owner = 0.9 * factor
        h.run()
        return sum(float(sum(x)) for x in (v, *kept))

    return {"message": message, "worst": worst, "gradient": gradient(h, model, "rate_owner", run)}


@pytest.mark.long
def test_the_global_of_another_mechanism_is_external():
    out = run_function(externals, mods=MODS)
    assert "the EXTERNAL variable rate_owner" in out["message"]
    assert len(out["worst"]) == 3
    assert max(out["worst"].values()) <= 1e-9, out["worst"]
    exact, finite, value = out["gradient"]
    assert value == 0.9
    assert abs(exact - finite) <= 1e-6 * abs(finite)
