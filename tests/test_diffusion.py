"""LONGITUDINAL_DIFFUSION along branched cells: scalars, arrays, a concentration; FUNCTIONs and RANGE variables as
coefficients.
"""

import pytest
from neuron_process import run_function

POOL = """NEURON { SUFFIX pool RANGE D, k, x0 USEION ca READ ica WRITE cai }
DEFINE N 2
PARAMETER { D = 0.6 k = 0.1 x0 = 1 }
ASSIGNED { ica diam }
STATE { cai s[N] loose m }
INITIAL { cai = 1e-4*x0 s[0] = x0 s[1] = 0.3 loose = x0*x0 m = 1 }
BREAKPOINT { SOLVE st METHOD sparse }
FUNCTION f(x) { f = 1 + x*x }
KINETIC st {
    COMPARTMENT diam*diam*0.25 { cai }
    COMPARTMENT i, (i + 1)*0.3*x0 { s }
    COMPARTMENT 2 { loose }
    LONGITUDINAL_DIFFUSION D*f(k)*diam*diam { cai }
    LONGITUDINAL_DIFFUSION i, D*(i + 1)*diam { s }
    LONGITUDINAL_DIFFUSION 40*D*m { loose }
    ~ s[0] <-> s[1] (k, 0.2)
    ~ cai << (-ica*2)
    ~ m << (0.3*x0)
}
"""
LEAK = """NEURON { SUFFIX leakca RANGE g USEION ca READ eca, cai WRITE ica }
PARAMETER { g = 1e-4 }
ASSIGNED { v eca cai ica }
BREAKPOINT { ica = g*(v - eca)*cai/(cai + 1e-3) }
"""
MODS = {"pool.mod": POOL, "leakca.mod": LEAK}


def cells():
    import jax
    import neuron_models
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    names = ("trunk", "left", "right", "middle", "begin", "backward", "apart", "twig")
    sections = {name: h.Section(name) for name in names}
    trunk = sections["trunk"]
    sections["left"].connect(trunk(1))
    sections["right"].connect(trunk(1))
    sections["middle"].connect(trunk(0.4))
    sections["begin"].connect(trunk(0))
    sections["backward"].connect(sections["left"](1), 1)
    sections["twig"].connect(sections["apart"](1))
    segments = []
    for k, (name, section) in enumerate(sections.items()):
        section.L, section.diam, section.nseg = 30 + 12 * k, 2 - 0.2 * k, (3, 1, 4, 2, 3, 2, 1, 2)[k]
        section.insert("pas")
        section.rallbranch = 3 if name in ("left", "begin") else 1
        if name != "apart":
            section.insert("pool")
            section.insert("leakca")
        for segment in section:
            if name != "apart":
                segment.pool.x0 = 1 + 0.5 * len(segments) % 3
                segments.append(segment)
    clamp = h.IClamp(trunk(0.5))
    clamp.delay, clamp.dur, clamp.amp = 1, 3, 0.3
    kept = [
        h.Vector().record(ref)
        for s in segments
        for ref in (s._ref_cai, s.pool._ref_s[0], s.pool._ref_s[1], s.pool._ref_loose, s._ref_v)
    ]
    h.tstop = 4
    model = nrn_diff.capture()
    out = {"worst": neuron_models.compare_with_neuron(model, h)["worst"], "n": len(kept)}
    out["moved"] = [float(v.max() - v.min()) for v in kept]
    theta = model.parameters("D_pool")

    def total(x):
        return sum(jax.numpy.sum(y) for y in model.simulate({"D_pool": theta["D_pool"] * x}).values())

    def run(x):
        for s in segments:
            s.pool.D = 0.6 * x
        h.run()
        return sum(v.sum() for v in kept)

    e = 1e-3
    finite = (8 * (run(1 + e) - run(1 - e)) - run(1 + 2 * e) + run(1 - 2 * e)) / (12 * e)
    out["gradient"] = [float(jax.grad(total)(1.0)), finite]
    model.save("m")
    once, again = model.simulate(), nrn_diff.load("m").simulate()
    out["saved"] = float(abs(once["trunk(0.5).pool.loose"] - again["trunk(0.5).pool.loose"]).max())
    return out


@pytest.mark.long
def test_states_diffuse_as_in_neuron():
    out = run_function(cells, mods=MODS)
    assert max(out["worst"].values()) < 1e-9, {k: v for k, v in out["worst"].items() if v > 1e-9}
    assert min(out["moved"]) > 1e-7
    ours, finite = out["gradient"]
    assert abs(ours - finite) < 1e-6 * abs(finite)
    assert out["saved"] == 0
