"""A script's own init(): the same traces as NEURON's h.run(), and derivatives that go through what it computes."""

import dataclasses

import numpy as np
import pytest
from neuron_process import run_function

MODS = {
    "oipool.mod": """
NEURON { SUFFIX oipool USEION ca READ ica WRITE cai RANGE tau }
UNITS { (mM) = (milli/liter) (mA) = (milliamp) }
PARAMETER { tau = 20 (ms) rest = 1e-4 (mM) }
ASSIGNED { ica (mA/cm2) }
STATE { cai (mM) }
INITIAL { cai = rest }
BREAKPOINT { SOLVE pool METHOD cnexp }
DERIVATIVE pool { cai' = -0.05*ica - (cai - rest)/tau }
""",
    "oical.mod": """
NEURON { SUFFIX oical USEION ca READ eca WRITE ica RANGE gbar, kept GLOBAL vhalf }
PARAMETER { gbar = 2e-4 (S/cm2) vhalf = -40 (mV) }
ASSIGNED { v (mV) eca (mV) ica (mA/cm2) minf tau (ms) kept }
STATE { m }
INITIAL { rates(v) kept = m m = minf }
BREAKPOINT { SOLVE states METHOD cnexp ica = gbar*m*m*(v - eca) }
DERIVATIVE states { rates(v) m' = (minf - m)/tau }
PROCEDURE rates(v) {
    TABLE minf, tau DEPEND vhalf FROM -100 TO 100 WITH 200
    minf = 1/(1 + exp(-(v - vhalf)/7))
    tau = 2 + 10/(1 + exp((v + 30)/9))
}
""",
}

# name -> what stands in the braces of init()
INITS = {
    "balanced": """
        finitialize(v_init) fcurrent()
        forall if (ismembrane("hh")) for (x, 0) e_pas(x) = v(x) + (ina(x) + ik(x) + ica(x))/g_pas(x)""",
    "global": """
        finitialize(v_init) vhalf_oical = -35 celsius = 12 fcurrent()
        forall if (ismembrane("hh")) for (x, 0) { ena(x) = 55 eca(x) = 12*log(cao(x)/cai(x))
            e_pas(x) = v(x) + (ina(x) + ik(x) + ica(x))/g_pas(x) + eca(x)/100 }
        forall for (x, 0) cm(x) = 1.1""",
    "twice": """
        finitialize(-70) forall if (ismembrane("hh")) for (x, 0) { gbar_oical(x) = 3e-4*exp(-v(x)/70) v(x) = -58 }
        finitialize()""",
    "settle": """
        finitialize(v_init) t = -1e10 save = dt dt = 1e9 while (t < -1e9) fadvance()
        dt = save t = 0 fcurrent() frecord_init()""",
    "warm": """
        finitialize(v_init) save = dt dt = 0.1 while (t < 20) fadvance()
        dt = save t = 0 frecord_init()""",
    "branch": "finitialize(v_init) if (v_init < -60) { forall for (x, 0) v(x) = -62 }",
}


def build(h):
    """A cell of two sections, with the Vectors of its run."""
    h.load_file("stdrun.hoc")
    soma, dend = h.Section(name="soma"), h.Section(name="dend")
    dend.connect(soma(1))
    soma.L = soma.diam = 20
    dend.L, dend.diam, dend.nseg = 200, 2, 3
    for sec in (soma, dend):
        sec.insert("pas")
        sec.g_pas, sec.e_pas = 2e-4, -63
    for name in ("hh", "oical", "oipool"):
        soma.insert(name)
    clamp = h.IClamp(dend(0.5))
    clamp.delay, clamp.dur, clamp.amp = 2, 10, 0.1
    vectors = {"soma(0.5).v": soma(0.5)._ref_v, "dend(0.5).v": dend(0.5)._ref_v, "soma(0.5).cai": soma(0.5)._ref_cai}
    vectors |= {"soma(0.5).oical.kept": soma(0.5).oical._ref_kept, "soma(0.5).ik": soma(0.5)._ref_ik}
    vectors = {label: h.Vector().record(ref) for label, ref in vectors.items()}
    h.tstop, h.v_init, h.dt = 15, -65, 0.025
    h("save = 0")
    return soma, dend, clamp, vectors


def runs(name, usetable):
    """Traces of both, slopes of both, and what the model says of itself."""
    import jax
    from neuron import h

    import nrn_diff
    from mod_translator import ir
    from nrn_diff import own_init as oi
    from nrn_diff.model import Model
    from nrn_diff.richardson import derivative

    jax.config.update("jax_enable_x64", True)
    soma, dend, clamp, vectors = build(h)
    h.usetable_hh = h.usetable_oical = usetable
    # These two the bridge does not follow, since what it has read already may depend on them: phases by hand.
    alone = INITS[name].replace("celsius = 12", "").replace("forall for (x, 0) cm(x) = 1.1", "")
    h(f"proc init() {{ {alone} }}")
    model = nrn_diff.capture()
    if alone != INITS[name]:
        warmer = oi.Assignments(oi.Reference("celsius"), oi.Formula(ir.Num(12.0), {}))
        slower = oi.Assignments(oi.Reference("cm", index=np.arange(4)), oi.Formula(ir.Num(1.1), {}))
        first, *rest = model.capture.own_init.phases
        own = dataclasses.replace(model.capture.own_init, phases=(first, warmer, *rest, slower))
        model = Model(dataclasses.replace(model.capture, own_init=own))
        h(f"proc init() {{ {INITS[name]} }}")
    h.run()
    theirs = {label: np.array(x) for label, x in vectors.items()}
    out = {"theirs": theirs, "ours": {k: np.asarray(x) for k, x in model.simulate().items()}, "slopes": {}}

    def loss(th):
        rec = model.simulate(th)
        return sum(((rec[k] / 100.0) ** 2).mean() for k in ("soma(0.5).v", "dend(0.5).v")) + rec["soma(0.5).cai"].mean()

    def neuron(setter, x):
        # What init() itself sets at the end is there at its beginning in NEURON's next run.
        h.celsius, h.vhalf_oical, soma.cm, dend.cm, soma.ena = 6.3, -40, 1, 1, 50
        setter(x)
        h.run()
        v = [float(((np.array(vectors[k]) / 100.0) ** 2).mean()) for k in ("soma(0.5).v", "dend(0.5).v")]
        return sum(v) + float(np.array(vectors["soma(0.5).cai"]).mean())

    setters = {
        "gnabar_hh": lambda x: setattr(soma(0.5).hh, "gnabar", x),
        "g_pas": lambda x: [setattr(sec, "g_pas", x) for sec in (soma, dend)],
        "v_init": lambda x: setattr(h, "v_init", x),
        "IClamp.amp": lambda x: setattr(clamp, "amp", x),
    }
    if usetable:
        return out
    shared = [n for n in setters if not (n == "v_init" and name in ("twice", "branch"))]
    theta = model.parameters(*(n if n == "v_init" else nrn_diff.Param(n, share="all") for n in shared))
    grad = jax.jit(jax.grad(loss))(theta)
    for n in shared:
        start = float(theta[n])
        slope, error = derivative(lambda x, s=setters[n]: neuron(s, x), start, abs(start) * 1e-3)
        setters[n](start)
        tangent = {k: np.ones(()) * (k == n) for k in theta}
        along = jax.jvp(lambda th: loss(theta.replace(**th)), (dict(theta),), (tangent,))[1]
        out["slopes"][n] = (float(grad[n]), float(along), slope, error)
    return out


# Slopes where tables are off.
@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "usetable"),
    [
        ("balanced", 0),
        ("global", 1),
        ("twice", 1),
        ("settle", 0),
        ("warm", 1),
        ("branch", 1),
        *(pytest.param(n, 0, marks=pytest.mark.slow) for n in ("global", "twice", "warm", "branch")),
    ],
)
def test_traces_and_slopes_are_neurons(name, usetable):
    out = run_function(runs, mods=MODS, name=name, usetable=usetable)
    for label, theirs in out["theirs"].items():
        np.testing.assert_allclose(out["ours"][label], theirs, rtol=1e-9, atol=1e-9, err_msg=label)
    for n, (grad, along, theirs, error) in out["slopes"].items():
        np.testing.assert_allclose(grad, along, rtol=1e-9, err_msg=n)
        assert abs(grad - theirs) < max(1e-6 * abs(theirs), 10 * error), (n, grad, theirs, error)


def messages(folder):
    """What is said of parameters, branches and phases that do not go; and the same model from a file."""
    import jax
    import jax.numpy as jnp
    from neuron import h

    import nrn_diff
    from mod_translator import ir
    from nrn_diff import own_init as oi
    from nrn_diff.model import Model

    jax.config.update("jax_enable_x64", True)
    kept = build(h)  # While they are held, NEURON has them

    def captured(name):
        h(f"proc init() {{ {INITS[name]} }}")
        return nrn_diff.capture()

    def said(action):
        try:
            action()
        except nrn_diff.NrnDiffError as error:
            return f"{type(error).__name__}: {error}"
        return ""

    balanced, branch, twice = map(captured, ("balanced", "branch", "twice"))
    capture = balanced.capture
    own = capture.own_init

    def with_phases(*more, **changes):
        return dataclasses.replace(capture, own_init=dataclasses.replace(own, phases=(*own.phases, *more)), **changes)

    fixed = Model(dataclasses.replace(capture, own_init=dataclasses.replace(own, fixed=("diam",))))
    balanced.save(f"{folder}/m.nrndiff")
    loaded, label = nrn_diff.load(f"{folder}/m.nrndiff"), "soma(0.5).v"
    theta = {"v_init": jnp.asarray(-50.0)}
    once = oi.Initialise(None)
    steps, late = oi.Steps(3, 0.1), oi.SetTime(5.0)
    unknown = oi.Assignments(oi.Reference("v"), oi.Formula(ir.Call("f", (ir.Var("x"),)), {}))
    sampled = tuple(dataclasses.replace(r, interval=1.0) for r in capture.records)
    bad = {
        "no finitialize": dataclasses.replace(capture, own_init=oi.OwnInit((oi.SetTime(0.0),))),
        "early": dataclasses.replace(capture, own_init=oi.OwnInit((oi.Currents(), once))),
        "late": with_phases(late),
        "samples": with_phases(steps, oi.SetTime(0.0)),
        "formula": with_phases(unknown),
        "sampled": with_phases(oi.RecordStart(), oi.Currents(), records=sampled),
        "twice": with_phases(once),
    }
    assert kept
    return {
        "same": bool((loaded.simulate()[label] == balanced.simulate()[label]).all()),
        "described": loaded.describe() == balanced.describe() != branch.describe(),
        "other": loaded.with_records("dend(0.5).v").simulate()["dend(0.5).v"][0],
        "batch": jax.vmap(lambda v: balanced.simulate({"v_init": v})[label][0])(jnp.array([-70.0, -60.0])),
        "traced": np.asarray(jax.jit(lambda th: branch.simulate(th)[label])(theta)),
        "repr": repr(balanced),
        "raised": said(lambda: branch.simulate(theta)),
        **{n: said(lambda n=n: balanced.parameters(n)) for n in ("e_pas", "v", "m_hh")},
        "diam": said(lambda: fixed.parameters("diam")),
        "theta": said(lambda: balanced.simulate({"e_pas": -60.0})),
        "unused": said(lambda: twice.parameters("v_init")),
        **{name: said(lambda c=c: Model(c).structure) for name, c in bad.items()},
    }


@pytest.mark.long
def test_what_is_said(tmp_path):
    out = run_function(messages, mods=MODS, folder=str(tmp_path))
    assert out["same"]
    assert out["described"]
    assert float(out["other"]) == -65
    assert out["batch"].tolist() == [-70, -60]
    assert np.isnan(out["traced"]).all()
    assert "init(): finitialize, fcurrent, e_pas set" in out["repr"]
    assert "OwnInitError" in out["raised"]
    assert "(v_init < -60.0) was true at the capture" in out["raised"]
    for name in ("e_pas", "theta"):
        assert "ParameterError: init() of the script sets e_pas in every run" in out[name]
    assert "init() of the script reads diam" in out["diam"]
    assert "decides what v a run starts from" in out["v"]
    assert "decides what m_hh a run starts from" in out["m_hh"]
    assert "does not use v_init" in out["unused"]
    told = {
        "no finitialize": "does not call finitialize()",
        "early": "before finitialize()",
        "late": "leaves t at 5 ms",
        "samples": "call frecord_init()",
        "formula": "a formula with f()",
        "sampled": "at given times",
    }
    for name, text in told.items():
        assert text in out[name], out[name]
    assert out["twice"] == ""
