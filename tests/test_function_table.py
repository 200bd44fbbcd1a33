"""FUNCTION_TABLE: every way of setting one, read from the live process and looked up as NEURON does."""

import numpy as np
import pytest
from neuron_process import run_function

DENSITY = """
NEURON { SUFFIX ft RANGE one, two, three, fixed, zero, g NONSPECIFIC_CURRENT i THREADSAFE }
ASSIGNED { v i one two three fixed zero g }
STATE { m }
FUNCTION_TABLE tau(v (mV)) (ms)
FUNCTION_TABLE grid(v (mV), m)
FUNCTION_TABLE cube(v, m, c)
FUNCTION_TABLE level(v)
FUNCTION_TABLE nought(v, m)
INITIAL { m = 0.1 }
BREAKPOINT {
    SOLVE s METHOD cnexp
    two = grid(v, m)
    three = cube(v, m, 1.2)
    fixed = level(v)
    zero = nought(v, m)
    g = 1e-4*(1 + two)
    i = g*(v - rise(v))
}
DERIVATIVE s { one = tau(v) m' = (0.9 - m)/one }
FUNCTION rise(x) { if (x > -50) { rise = 20*grid(x, 0.4) } else { rise = -30 } }
"""
POINT = """
NEURON { POINT_PROCESS FtPoint RANGE r NONSPECIFIC_CURRENT i }
ASSIGNED { v i r }
FUNCTION_TABLE amp(t (ms))
BREAKPOINT { r = amp(t) i = r }
"""
MODS = {"ft.mod": DENSITY, "ftpoint.mod": POINT}


def build(h):
    """A driven cell whose tables are set in all ways that NEURON knows; what must stay alive."""
    rng = np.random.default_rng(3)
    h.load_file("stdrun.hoc")
    soma, dend = h.Section("soma"), h.Section("dend")
    soma.L = soma.diam = 20
    dend.L, dend.nseg = 100, 3
    dend.connect(soma(1))
    for section in (soma, dend):
        section.insert("ft")
    points = h.Vector([-90, -70, -62.5, -62.5, -40, 0, 25])
    values = h.Vector(1 + 4 * rng.random(7))
    h.table_tau_ft(values, points)
    # rows for v in equal intervals, columns for m at given places; from HOC
    h("double table_values[12], places[4]")
    for k, x in enumerate(rng.random(12)):
        h.table_values[k] = x
    for k, x in enumerate((0.05, 0.2, 0.4, 0.85)):
        h.places[k] = x
    h("table_grid_ft(&table_values[0], 3, -80, -20, 4, &places[0])")
    h("double solid[24]")
    for k, x in enumerate(rng.random(24)):
        h.solid[k] = x
    h("table_cube_ft(&solid[0], 2, -70, -60, 3, 0, 1, 4, 0, 2)")
    h.table_level_ft(0.75)
    h.table_nought_ft(0)
    point = h.FtPoint(soma(0.5))
    point.table_amp(h.Vector([0, -0.4, 0.3, 0]), h.Vector([0, 2, 5, 7.5]))
    keep = [soma, dend, points, values, point]
    for owner, names in ((soma(0.5).ft, ("one", "two", "three", "fixed", "zero", "g", "m")), (point, ("r",))):
        keep += [h.Vector().record(getattr(owner, f"_ref_{name}")) for name in names]
    keep += [h.Vector().record(segment._ref_v) for segment in (soma(0.5), dend(0.9))]
    h.tstop, h.v_init = 12, -66
    return keep


def against_neuron():
    import jax
    import neuron_models
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    kept = build(h)
    before = [h.tau_ft(x) for x in (-100, -66, -50, 30)]
    model = nrn_diff.capture()
    out = neuron_models.compare_with_neuron(model, h)
    out["untouched"] = [h.tau_ft(x) for x in (-100, -66, -50, 30)] == before
    model.save("tables.nrndiff")
    loaded = nrn_diff.load("tables.nrndiff")
    out["loaded"] = all(
        np.array_equal(np.asarray(loaded.simulate()[k]), np.asarray(model.simulate()[k])) for k in model.recorded
    )

    def end(free):
        name = "table_tau"
        table = model.values.tables["ft"][name]
        values = model.values._replace(
            tables={**model.values.tables, "ft": {**model.values.tables["ft"], name: table._replace(values=free)}}
        )
        from nrn_diff.solver.simulate import simulate

        return simulate(model.structure, values).samples[-1].sum()

    free = model.values.tables["ft"]["table_tau"].values
    gradient = jax.grad(end)(free)
    step = 1e-4 * np.eye(len(free))[4]
    out["gradient"] = [float(gradient[4]), float((end(free + step) - end(free - step)) / 2e-4)]
    out["kept"] = len(kept)
    return out


@pytest.mark.long
def test_all_forms_of_function_tables_are_neurons():
    out = run_function(against_neuron, mods=MODS)
    assert max(out["worst"].values()) <= 1e-9, out["worst"]
    assert out["range"] > 5
    assert out["untouched"]
    assert out["loaded"]
    exact, difference = out["gradient"]
    assert abs(exact) > 1e-6
    assert abs(exact - difference) <= 1e-6 * abs(exact)


def refused():
    from neuron import h

    import nrn_diff

    h.load_file("stdrun.hoc")
    soma = h.Section("soma")
    soma.insert("ft")
    h.table_tau_ft(h.Vector([1, 2, 3]), h.Vector([0, 2, 1]))
    for name in ("grid", "cube", "level"):
        getattr(h, f"table_{name}_ft")(1)
    return [[r.what, r.where, r.why] for r in nrn_diff.inspect().refusals]


def test_tables_without_content_and_in_disorder_are_refused():
    found = run_function(refused, mods=MODS)
    assert {what: why for what, _, why in found} == {
        "FUNCTION_TABLE tau": "its arguments do not increase",
        "FUNCTION_TABLE nought": "it has no content: NEURON stops there",
    }
    assert all("ft.mod" in where for _, where, _ in found)


@pytest.mark.long
def test_lookup_at_the_edges_and_its_slopes():
    import jax
    import jax.numpy as jnp

    from nrn_diff.runtime import FunctionTable, Points, Range, hoc_func_table

    jax.config.update("jax_enable_x64", True)
    listed = FunctionTable(jnp.array([1.0, 3.0, 2.0]), (Points(jnp.array([0.0, 1.0, 3.0])),))
    even = FunctionTable(jnp.array([1.0, 3.0, 2.0]), (Range(jnp.array(0.0), jnp.array(4.0)),))
    x = jnp.array([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 9.0])
    np.testing.assert_array_equal(hoc_func_table(listed, x), [1, 1, 2, 3, 2.5, 2, 2])
    np.testing.assert_array_equal(hoc_func_table(even, x), [1, 1, 1.5, 2, 3, 2.5, 2])
    slope = jax.vmap(jax.grad(lambda at: hoc_func_table(listed, at)))
    np.testing.assert_array_equal(slope(x), [0, 0, 2, 0, -0.5, 0, 0])
    constant = FunctionTable(jnp.array(7.0), ())
    assert float(hoc_func_table(constant, 3.0)) == 7.0
    one = FunctionTable(jnp.array([[5.0]]), (Range(jnp.array(1.0), jnp.array(1.0)),) * 2)
    assert np.all(np.isfinite(jax.grad(lambda at: hoc_func_table(one, at, 2.0))(1.0)))
