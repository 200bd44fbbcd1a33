"""Small mods in the driven compartment of the validation: everything that NEURON shows is the same here."""

from pathlib import Path

import pytest
from neuron_process import compile_mods, run_function

import mod_translator
from validation.mods.drivers import needed

_DIFFERENTIATED = (
    "drepeat",
    "dshare",
    "dturn",
    "daround",
    "dfilled",
    "dstages",
    "dscheme",
    "dorder",
    "dmeet",
    "dlag",
    "dlagall",
    "ddiscrete",
    "dlinger",
    "dlate",
    "dloops",
    "dloopi",
    "dloopr",
    "dmany",
)
FOLDER = Path(__file__).parent / "driven_mods"


def examine(mechanism, libraries, gradient):
    import jax

    from validation.driven import Job, examine

    jax.config.update("jax_enable_x64", True)
    return examine(Job(mechanism, tuple(libraries), 18.5, gradient))


# Those of each run of the tests; the others take minutes together.
ALWAYS = frozenset({"dfirst", "dlast", "dgamma", "dswitch", "dheld", "dlocal", "dscheme", "dbuiltin"})


@pytest.mark.parametrize(
    "name",
    [
        n if n in ALWAYS else pytest.param(n, marks=pytest.mark.long)
        for n in sorted(p.stem for p in FOLDER.glob("*.mod"))
    ],
)
def test_same_as_neuron(name):
    text = (FOLDER / f"{name}.mod").read_text()
    mechanism, report = mod_translator.lower(text)
    assert mechanism is not None, str(report)
    libraries = [str(compile_mods({f"{name}.mod": text}))]
    libraries += [str(compile_mods({f"{other}.mod": mod})) for other, mod in needed(mechanism).items()]
    outcome = run_function(examine, mechanism=name, libraries=libraries, gradient=name in _DIFFERENTIATED)
    assert outcome["verdict"] == "same", outcome
    assert outcome["own_moving"] > 0
    assert outcome.get("gradient", "finite") == "finite"


def reset_and_watched():
    """A cell that its own NET_RECEIVE sets back, with NetCons that watch its voltage; then two such in one place."""
    import jax
    import neuron_models
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    cell = h.Section("cell")
    cell.L = cell.diam = 20
    cell.insert("pas")
    other = h.Section("other")
    clamp = h.IClamp(cell(0.5))
    clamp.dur, clamp.amp = 100, 0.2
    reset, synapse = h.dreset(cell(0.5)), h.ExpSyn(other(0.5))
    stim = h.NetStim()
    stim.start, stim.interval, stim.number = 3, 1.7, 9
    wires = [h.NetCon(stim, reset, 0, 0.3, 0.2)]
    wires += [h.NetCon(cell(0.5)._ref_v, synapse, th, 0.5, 1e-3, sec=cell) for th in (-62, -57.5)]
    keep = [h.Vector().record(x) for x in (cell(0.5)._ref_v, synapse._ref_g, reset._ref_shown, reset._ref_count)]
    h.tstop = 20
    out = neuron_models.compare_with_neuron(nrn_diff.capture(), h)["worst"]
    keep.append(h.dreset(cell(0.5)))
    try:
        nrn_diff.capture().simulate()
    except nrn_diff.CaptureError as error:
        return out, str(error), [reset.count, synapse.g, len(wires)]
    return out, "", []


@pytest.mark.long
def test_a_voltage_that_an_event_sets_is_watched_as_in_neuron():
    text = (FOLDER / "dreset.mod").read_text()
    worst, refusal, (count, conductance, _) = run_function(reset_and_watched, mods={"dreset.mod": text})
    assert len(worst) == 4
    assert max(worst.values()) <= 1e-10, worst
    assert count > 5
    assert conductance > 0
    assert "v, which NET_RECEIVE assigns" in refusal


def with_and_without_tables():
    import jax
    import neuron_models
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    cell = h.Section("cell")
    cell.nseg = 3
    cell.insert("dexact")
    cell(0.5).dexact.half = 44
    clamp = h.IClamp(cell(0.5))
    clamp.delay, clamp.dur, clamp.amp = 1, 5, 0.1
    keep = [h.Vector().record(x) for x in (cell(0.5)._ref_v, cell(0.5).dexact._ref_m, cell(0.1).dexact._ref_h)]
    h.tstop = 8
    out = []
    for used in (0, 1):
        h.usetable_dexact = used
        out.append((neuron_models.compare_with_neuron(nrn_diff.capture(), h)["worst"], float(keep[1].x[200])))
    return out


@pytest.mark.long
def test_what_usetable_decides_is_neurons_also_after_a_run():
    (exact, end), (looked_up, other) = run_function(
        with_and_without_tables, mods={"dexact.mod": (FOLDER / "dexact.mod").read_text()}
    )
    assert len(exact) == len(looked_up) == 3
    assert max(*exact.values(), *looked_up.values()) <= 1e-11
    assert end != other


def delayed():
    """The derivative of what a LAG gives by its delay, a delay that is too long, and runs of enable() in pieces."""
    import jax
    import jax.numpy as jnp
    import neuron_models
    import numpy as np
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    cell = h.Section("cell")
    cell.insert("dlag")
    cell.insert("pas")
    clamp = h.IClamp(cell(0.5))
    clamp.delay, clamp.dur, clamp.amp = 1, 5, 0.1
    h.tstop = 8
    cell(0.5).dlag.d = 2.11
    late, v = h.Vector().record(cell(0.5).dlag._ref_late), h.Vector().record(cell(0.5)._ref_v)
    model = nrn_diff.capture()
    out = neuron_models.compare_with_neuron(model, h)["worst"]
    assert len(v) == len(late)
    theta = model.parameters("d_dlag")

    def total(theta):
        return jnp.sum(model.simulate(theta)["cell(0.5).dlag.late"])

    slope, sums = float(jax.grad(total)(theta)["d_dlag"][0]), []
    for d in (2.11 + 1e-5, 2.11 - 1e-5):
        cell(0.5).dlag.d = d
        h.run()
        sums.append(late.sum())
    far = np.asarray(model.simulate({"d_dlag": theta["d_dlag"] * 3})["cell(0.5).dlag.late"])
    expected = np.array(late)
    with nrn_diff.enabled():
        h.finitialize(h.v_init)
        h.continuerun(5)
        h.continuerun(8)
    return (
        out,
        slope,
        (sums[0] - sums[1]) / 2e-5,
        bool(np.isnan(far).any()),
        float(abs(np.array(late) - expected).max()),
    )


@pytest.mark.long
def test_what_a_lag_gives_has_neurons_derivative_by_the_delay():
    text = (FOLDER / "dlag.mod").read_text()
    worst, slope, expected, too_long, in_pieces = run_function(delayed, mods={"dlag.mod": text})
    assert max(worst.values()) <= 1e-10, worst
    assert abs(slope) > 1
    assert abs(slope - expected) <= 1e-6 * abs(expected)
    assert too_long
    assert in_pieces <= 1e-10


def filled_by_some():
    import jax
    import neuron_models
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    cell = h.Section("cell")
    cell.nseg, cell.L, cell.diam = 5, 200, 3
    for name in ("dequal", "pas"):
        cell.insert(name)
    clamp = h.IClamp(cell(0.5))
    clamp.delay, clamp.dur, clamp.amp = 1, 5, 0.1
    keep = [h.Vector().record(segment.dequal._ref_m) for segment in cell]
    shown = h.Vector().record(cell(0.5)._ref_v)
    h.tstop = 8
    for k, segment in enumerate(cell):
        segment.dequal.shift = 20.5 + k
    out = []
    for last in (5, 3):
        for segment, k in zip(cell, (3, 3, 4, 4, last), strict=True):
            segment.dequal.k = k
        try:
            worst = neuron_models.compare_with_neuron(nrn_diff.capture(), h)["worst"]
            out.append((worst, [v.x[200] for v in keep]))
        except nrn_diff.CaptureError as error:
            out.append(str(error))
    cell(0.9).dequal.shift = 20.5  # the same as in the first instance
    h.run()
    return [*out, neuron_models.compare_with_neuron(nrn_diff.capture(), h)["worst"], len(shown)]


@pytest.mark.long
def test_a_table_has_what_the_instance_that_fills_it_has():
    text = (FOLDER / "dequal.mod").read_text()
    (worst, ends), refusal, again, _ = run_function(filled_by_some, mods={"dequal.mod": text})
    assert len(worst) == len(again) == 6
    assert max(*worst.values(), *again.values()) <= 1e-11
    assert len({round(x, 9) for x in ends}) == 5
    assert "the last instances and the first have the same dt, k and another shift" in refusal
