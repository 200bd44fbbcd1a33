"""An init() of the script's own is followed through HOC's code and becomes phases that NEURON confirms."""

import pytest
from neuron_process import run_function

FOLLOWED = {
    "balance": """{ local a
        t = 0
        forall {
            v = rest
            if (ismembrane("hh")) { ek = -80 }
        }
        stim.amp = 0.2*one()
        finitialize(rest)
        fcurrent()
        forall for (x) {
            e_pas(x) = v(x)
            if (ismembrane("hh")) { e_pas(x) = e_pas(x) + (ina(x) + ik(x) + il_hh(x))/g_pas(x) }
        }
        cvode.re_init()
        cvode.event(tstop)
        access soma
        g.begin()
        g.plot(t)
    }""",
    "settling": """{ local saved
        finitialize(v_init)
        t = -1e10
        saved = dt
        dt = 1e9
        if (cvode.active() != 0) { cvode.active(0) }
        while (t < -1e9) { fadvance() }
        dt = saved
        t = 0
        if (cvode.active()) { cvode.re_init() } else { fcurrent() }
        frecord_init()
    }""",
    "control flow": """{ local i
        total = 0
        for i = 0, 9 {
            if (i == 3) { continue }
            if (i == 6) { break }
            total += mean_of(i, 2)
        }
        for (i = 0; i < 3; i = i + 1) { list[i] = i^2 }
        forsec "dend" { if (issection("dend.*2.*")) g_pas = 1e-4*list[2] }
        ifsec "soma" { total = -1 }
        for (x, 0) { v(x) = total + x }
        finitialize()
        dend[1].v(0.5) += 2
        if (soma.v(0.5) > -100 && !(v_init == 0)) { dend[1].v(0.5) += exp(-dend[1].v(0.5)/50) }
    }""",
    "an old parameter": """{ local kept
        kept = stim.amp
        stim.amp = 0
        finitialize(v_init)
        stim.amp = kept
        print kept, "done"
    }""",
    "shapes that stay": """{
        dend[0] { insert pas diam = diam  Ra = 100  nseg = 3 }
        soma { cm = 1 distance() }
        finitialize(v_init)
        dend[2].g_pas(0.5) = 1e-3/(dend[2].L + distance(0.5) + area(0.5))
    }""",
    "numbers of the process and of a NetCon": """{
        celsius = 20
        nc.weight = 0.01 + 0.01
        finitialize(v_init)
        nc.weight *= 2
    }""",
    "a run": "proc run() { stim.amp = 0.4 init() while (t < tstop) { step() } g.flush() doNotify() }",
    "a start": "proc stdinit() { setdt() stim.amp = 0.4 init() initPlot() }",
}
REFUSED = {
    "no finitialize": ("{ v_init = v_init }", "init() does not call finitialize()"),
    "t": ("{ finitialize(v_init) t = 5 }", "leaves t = 5 ms"),
    "dt": ("{ finitialize(v_init) dt = 0.1 }", "leaves dt = 0.1 ms"),
    "tstop": ("{ finitialize(v_init) tstop = 3 }", "changes tstop"),
    "a shape": ("{ dend[1].diam = 7 finitialize(v_init) }", "sets diam of dend[1] to 7"),
    "a mechanism": ("{ dend[0] { insert hh } finitialize(v_init) }", "inserts hh into dend[0]"),
    "a file": ('{ f.ropen("x") finitialize(v_init) }', "calls ropen() of File[0]"),
    "random numbers": ("{ stim.amp = r.repick() finitialize(v_init) }", "calls repick() of Random[0]"),
    "a new object": ("{ f = new File() finitialize(v_init) }", "it makes an object, with new"),
    "python": ('{ nrnpython("1") finitialize(v_init) }', "calls nrnpython()"),
    "a played Vector": ("{ w.resize(0) finitialize(v_init) }", "calls resize() of Vector[0]"),
    "a state that is kept": (
        "{ finitialize(v_init) old = soma.v(0.5) fadvance() soma.v(0.5) = old t = 0 }",
        "keeps soma(0.5).v and uses it when the model has gone on",
    ),
    "a subscript": ("{ finitialize(v_init) list[soma.v(0.5)*0] = 1 }", "takes a variable of the model as a subscript"),
    "two runs": (
        "proc run() { for i = 1, 2 { stim.amp = i stdinit() continuerun(tstop) } }",
        "sets IClamp[0].amp after the first step of the run",
    ),
    "a shorter run": ("proc run() { stdinit() continuerun(tstop/2) }", "ends at t = 2.5 ms"),
    "an error": ("{ finitialize(v_init) list[7] = 1 }", "could not be tried out in a copy of the process: IndexError"),
}


def build():
    from neuron import h

    h.load_file("stdrun.hoc")
    h("""
        objref g, stim, f, r, w, nc, syn
        create soma, dend[3]
        double list[3]
        rest = -65
        total = 0
        old = 0
        func mean_of() { return ($1 + $2)/2 }
        func one() { return 1 }
        forall { insert pas nseg = 3 Ra = 100 }
        for i = 0, 2 { connect dend[i](0), soma(1) }
        soma { insert hh }
        dend[2] { insert hh }
        g = new Graph(0)
        f = new File()
        r = new Random()
        w = new Vector(3)
        soma stim = new IClamp(0.5)
        dend[0] syn = new ExpSyn(0.5)
        soma nc = new NetCon(&v(0.5), syn)
    """)
    h.stim.delay, h.stim.dur, h.stim.amp, h.tstop = 1, 1, 0.3, 5
    return h


def found(bodies):
    """For each init(): names of its phases, what it overwrites and fixes, sizes of assignments; or the refusals."""
    from nrn_diff.bridge.capture import examine
    from nrn_diff.bridge.own_init.check import state
    from nrn_diff.bridge.own_init.places import Places
    from nrn_diff.bridge.stdrun import stock_text

    h = build()
    answers = {}
    for name, body in bodies.items():
        procedure = body.split("(")[0].removeprefix("proc ") if body.startswith("proc ") else "init"
        for each in ("init", "stdinit", "run"):
            h(stock_text(each))
        assert h(body if body.startswith("proc ") else f"proc init() {body}"), name
        places = Places(examine().inventory, {})
        before = state(places), h.cas().name(), h.total, h.old, list(h.list)
        examined = examine()
        own = examined.capture.own_init
        answers[name] = {
            "procedure": procedure,
            "untouched": before == (state(places), h.cas().name(), h.total, h.old, list(h.list)),
            "refusals": [[x.what, x.why, x.remedy] for x in examined.findings.refusals],
            "phases": [type(p).__name__ for p in own.phases] if own else [],
            "assigned": [
                [p.target.kind, p.target.variable, len(p.target.index)]
                for p in (own.phases if own else ())
                if type(p).__name__ == "Assignments"
            ],
            "steps": [[p.n, p.dt] for p in (own.phases if own else ()) if type(p).__name__ == "Steps"],
            "overwritten": list(own.overwritten) if own else [],
            "fixed": list(own.fixed) if own else [],
            "celsius": examined.capture.celsius,
            "weight": float(examined.capture.connections[0].weight[0]),
            "ek": sorted({float(x) for ion in examined.capture.ions if ion.name == "k" for x in ion.erev}),
        }
    return answers


@pytest.mark.long
def test_what_init_does_becomes_phases_and_neuron_is_untouched():
    answers = run_function(found, bodies=FOLLOWED)
    assert {name: a["refusals"] for name, a in answers.items()} == {name: [] for name in FOLLOWED}
    assert all(a["untouched"] for a in answers.values())
    balance = answers["balance"]
    assert balance["phases"] == [*["Assignments"] * 3, "Initialise", "Currents", *["Assignments"] * 2]
    # The root is a node; v of every node is set. hh stands in 2 sections of 3 segments.
    assert balance["assigned"] == [
        ["v", "", 17], ["ion", "erev", 6], ["mechanism", "amp", 1], ["mechanism", "e", 6], ["mechanism", "e", 6],
    ]  # fmt: skip
    assert balance["overwritten"] == ["IClamp.amp", "e_pas", "ek"]
    assert balance["ek"] == [-80.0]
    settling = answers["settling"]
    assert settling["phases"] == ["Initialise", "SetTime", "Steps", "SetTime", "Currents", "RecordStart"]
    assert settling["steps"] == [[9, 1e9]]
    flow = answers["control flow"]
    assert flow["phases"] == ["Assignments", "Assignments", "Initialise", "Guard", "Assignments"]
    assert flow["assigned"] == [["mechanism", "g", 3], ["v", "", 3], ["v", "", 1]]
    assert flow["overwritten"] == ["g_pas"]
    assert answers["an old parameter"]["fixed"] == ["IClamp.amp"]
    numbers = answers["numbers of the process and of a NetCon"]
    assert numbers["assigned"] == [["celsius", "", 1], ["weight", "", 1], ["weight", "", 1]]
    assert (numbers["celsius"], numbers["weight"]) == (20.0, 0.02)
    assert numbers["overwritten"] == ["NetCon.weight", "celsius"]
    assert answers["a run"]["phases"] == answers["a start"]["phases"] == ["Assignments", "Initialise"]
    assert answers["shapes that stay"]["fixed"] == ["L", "diam"]
    assert answers["shapes that stay"]["overwritten"] == ["Ra", "cm", "diam", "g_pas", "nseg"]


@pytest.mark.long
def test_what_cannot_be_followed_is_refused_by_name():
    answers = run_function(found, bodies={name: body for name, (body, _) in REFUSED.items()})
    assert all(a["untouched"] for a in answers.values())
    for name, (_, reason) in REFUSED.items():
        ((what, why, remedy),) = answers[name]["refusals"]
        assert what == f"procedure {answers[name]['procedure']}() of stdrun.hoc is redefined"
        assert reason in why, name
        assert "nrn_diff.enable()" in remedy


def followed_wrongly():
    """As if HOC's + were -."""
    from nrn_diff.bridge.capture import examine
    from nrn_diff.bridge.own_init import statements

    h = build()
    h("proc init() { finitialize(v_init) forall g_pas = g_pas + 1e-5 }")
    statements.TABLE["hoc_add"] = statements.TABLE["hoc_sub"]
    return [r.why for r in examine().findings.refusals]


def test_phases_that_are_not_what_neuron_does_are_refused():
    (why,) = run_function(followed_wrongly)
    assert "NEURON makes something else of soma(0.166667).pas.g" in why


# What the machine does not look at sets what an earlier run has set already: only other parameters show it.
SET_ALREADY = {
    "a drawing procedure of the user's own": (
        "proc initPlot() { forall for (x, 0) e_pas(x) = v(x) + 0.01*g_pas(x)/1e-3 }\n"
        "proc init() { finitialize(v_init) initPlot() }"
    ),
    "a Vector that records": "proc init() { finitialize(v_init) soma { e_pas = w.x[0] } }",
}


def set_already(body):
    from nrn_diff.bridge.capture import examine

    h = build()
    h.w.record(h.soma(0.5)._ref_v)
    h(body)
    h.run()
    h.w.play_remove()
    h.w.record(h.soma(0.5)._ref_v)
    return [r.why for r in examine().findings.refusals if "init()" in r.what]


@pytest.mark.parametrize("name", SET_ALREADY)
def test_what_only_other_parameters_show_is_refused(name):
    (why,) = run_function(set_already, body=SET_ALREADY[name])
    assert "with other parameters that was not followed" in why
    assert "pas.e" in why


def derivative():
    """max |dv| of a run whose init() balances the currents, and a derivative that goes through it, with NEURON's."""
    import jax
    import numpy as np

    import nrn_diff
    from nrn_diff.richardson import derivative as richardson

    jax.config.update("jax_enable_x64", True)
    h = build()
    h(f"proc init() {FOLLOWED['balance']}")
    v = h.Vector().record(h.soma(0.5)._ref_v)
    model = nrn_diff.capture()
    theta = model.parameters("gl_hh")
    h.run()
    theirs = np.array(v)
    label = "soma(0.5).v"
    ours = np.asarray(model.simulate(theta)[label])
    slope = jax.grad(lambda th: (model.simulate(th)[label] ** 2).mean())(theta)["gl_hh"]

    def objective(factor):
        for segment in (s for sec in h.allsec() if sec.has_membrane("hh") for s in sec):
            segment.gl_hh = 3e-4 * factor
        h.run()
        return float((np.array(v) ** 2).mean())

    theirs_slope, uncertainty = richardson(objective, 1.0, 0.1)
    return {
        "dv": float(abs(ours - theirs).max()),
        "ours": float(np.sum(np.asarray(slope)) * 3e-4),
        "theirs": theirs_slope,
        "uncertainty": uncertainty,
    }


@pytest.mark.slow
def test_traces_and_derivatives_of_a_balanced_model_are_neurons():
    answer = run_function(derivative)
    assert answer["dv"] < 1e-9
    assert answer["uncertainty"] < 1e-7 * abs(answer["theirs"])
    assert answer["ours"] == pytest.approx(answer["theirs"], rel=1e-7)
