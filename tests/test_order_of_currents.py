"""BREAKPOINTs that read the current of an ion, electrodes with other currents, CONSTRUCTOR."""

import pytest
from neuron_process import run_function

# In NEURON's order (alphabetical, as compiled) the first adds before the second looks.
FIRST = """NEURON { SUFFIX adds RANGE g USEION ca READ eca WRITE ica }
PARAMETER { g = 2e-4 }
ASSIGNED { v eca ica }
BREAKPOINT { ica = g*(v - 20) }
"""
LOOKS = """NEURON { SUFFIX %s RANGE g, seen, start, after USEION ca READ ica NONSPECIFIC_CURRENT i }
PARAMETER { g = 0.1 }
ASSIGNED { v ica i seen start after }
INITIAL { start = ica after = 0 }
BREAKPOINT { SOLVE s i = -g*ica*(1 + 0.01*v) seen = ica }
PROCEDURE s() { after = ica }
"""
# Reads what the others have left and writes its own share over it. Its second evaluation finds what the first has left,
# which NEURON takes for a conductance.
BOTH = """NEURON { SUFFIX both RANGE g USEION ca READ ica WRITE ica }
PARAMETER { g = 1e-5 }
ASSIGNED { v ica }
BREAKPOINT { ica = -1e-4*ica + g*(v + 40) }
"""
MIXED = """NEURON { SUFFIX mixed RANGE g, made GLOBAL total
    NONSPECIFIC_CURRENT i ELECTRODE_CURRENT e USEION k WRITE ik }
PARAMETER { g = 3e-5 made = 7 }
ASSIGNED { v i e ik hid few[2] total }
CONSTRUCTOR { made = 0.5 g = 2e-5 add(3) FROM n = 0 TO 1 { few[n] = 1 + n } }
PROCEDURE add(x) { LOCAL y y = x hid = y total = total + x/3 }
BREAKPOINT { i = -g*(v + 70)*hid e = 1e-4*made*few[1]*total ik = 1e-6*(v + 80) }
"""
CROWDED = BOTH.replace("SUFFIX both", "POINT_PROCESS Crowded")
MODS = {
    "adds.mod": FIRST,
    "before.mod": LOOKS % "aaa",
    "looks.mod": LOOKS % "looks",
    "both.mod": BOTH,
    "mixed.mod": MIXED,
    "crowded.mod": CROWDED,
}


def models():
    import jax
    import neuron_models
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    cell = h.Section("cell")
    cell.L, cell.diam, cell.nseg = 200, 2, 3
    for name in ("hh", "adds", "aaa", "looks", "both", "mixed"):
        cell.insert(name)
    h.usetable_hh = 0
    clamp = h.IClamp(cell(0.1))
    clamp.delay, clamp.dur, clamp.amp = 1, 5, 0.3
    segment = cell(0.5)
    refs = [segment._ref_v, segment._ref_ica, segment._ref_ik]
    refs += [getattr(segment, f"_ref_{n}_{m}") for m in ("aaa", "looks") for n in ("seen", "start", "after", "i")]
    kept = [h.Vector().record(ref) for ref in [*refs, segment._ref_made_mixed, segment._ref_e_mixed]]
    h.tstop = 8
    out = {"worst": {}, "seen": []}
    for order in (0, 2, 0):  # the third time INITIAL finds the current of the second run
        h.secondorder = order
        model = nrn_diff.capture()
        found = neuron_models.compare_with_neuron(model, h)["worst"]
        out["worst"].update({f"{label} {len(out['seen'])}": x for label, x in found.items()})
        out["seen"].append([float(kept[k][-1]) for k in (1, 3, 7)] + [float(kept[4][0])])
    theta = model.parameters("g_both")

    def total(x):
        return sum(jax.numpy.sum(y) for y in model.simulate({"g_both": theta["g_both"] * x}).values())

    def run(x):
        for s, g in zip(cell, theta["g_both"], strict=True):
            s.g_both = float(g) * x
        for s, ion in zip(cell, model.capture.ions[2].current, strict=True):
            s.ica = float(ion)
        h.run()
        return sum(v.sum() for v in kept)

    assert model.capture.ions[2].name == "ca"
    e = 1e-4
    finite = (8 * (run(1 + e) - run(1 - e)) - run(1 + 2 * e) + run(1 - 2 * e)) / (12 * e)
    out["gradient"] = [float(jax.grad(total)(1.0)), finite]
    two = [h.Crowded(cell(0.5)), h.Crowded(cell(0.5))]
    try:
        nrn_diff.capture().structure  # noqa: B018
    except nrn_diff.CaptureError as error:
        out["refused"] = str(error)
    del two
    return out


@pytest.mark.long
def test_same_as_neuron():
    out = run_function(models, mods=MODS)
    assert max(out["worst"].values()) < 1e-9, out["worst"]
    whole, early, late, leftover = out["seen"][0]
    assert early != late == whole  # the sums so far differ
    assert leftover == 0
    assert out["seen"][2][3] != 0
    ours, finite = out["gradient"]
    assert abs(ours - finite) < 1e-6 * abs(finite)
    assert "several instances in one place" in out["refused"]
