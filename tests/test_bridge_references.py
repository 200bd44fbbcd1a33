"""POINTER and RANDOM variables hold no number of the mechanism's own: they shadow nothing and need not be set."""

from neuron_process import run_function

POINTING = """NEURON { SUFFIX pointing RANGE x POINTER p, q }
ASSIGNED { x p q }
INITIAL { x = 0 }
FUNCTION at() { at = p }
"""
RANDOM = "NEURON { SUFFIX noisy RANGE x RANDOM r }\nASSIGNED { x }\nINITIAL { x = 2 }\n"


def records(unset):
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    cell = h.Section("cell")
    for name in ("pas", "pointing", "noisy"):
        cell.insert(name)
    if not unset:
        h.setpointer(cell(0.5)._ref_v, "p", cell(0.5).pointing)
        h.setpointer(cell(0.5).pas._ref_i, "q", cell(0.5).pointing)
    h.tstop = 1
    h.v_init = -50
    v, i = h.Vector().record(cell(0.5)._ref_v), h.Vector().record(cell(0.5).pas._ref_i)
    model = nrn_diff.capture()
    recording = model.simulate()
    h.run()
    labels = [r.label for r in model.capture.records]
    return {
        "labels": labels,
        "error": max(abs(v.c().sub(h.Vector(recording["cell(0.5).v"])).x[k]) for k in range(41)),
        "i": len(i),
    }


def test_a_recorded_variable_is_not_taken_for_the_pointer_to_it():
    out = run_function(records, mods={"pointing.mod": POINTING, "noisy.mod": RANDOM}, unset=False)
    assert out["labels"] == ["cell(0.5).v", "cell(0.5).pas.i"]
    assert out["error"] < 1e-9


def test_a_pointer_that_points_nowhere_does_not_stand_in_the_way():
    out = run_function(records, mods={"pointing.mod": POINTING, "noisy.mod": RANDOM}, unset=True)
    assert out["error"] < 1e-9
