"""What users do with a captured model: parameters, recordings, saving, refusals; on a model made by NEURON once."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from neuron_process import run_function

import nrn_diff
from nrn_diff import Param, ParameterError, SavedModelError
from nrn_diff.adjoint import Budget, Checkpointed, Direct, Forward, Rematerialised


def make(path):
    import jax
    import neuron_models
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    keep = neuron_models.hh_tree(h, depth=2, nseg=3, usetable=1, tstop=12)
    sections = list(h.allsec())
    synapse, stim = h.Exp2Syn(sections[2](0.5)), h.NetStim()
    stim.start, stim.number = 3, 2
    netcon = h.NetCon(stim, synapse)
    netcon.weight[0], netcon.delay = 0.003, 1
    model = nrn_diff.capture()
    model.save(path)
    trace = {label: np.asarray(x) for label, x in model.simulate().items()}
    described = [model.describe()]
    h.run()
    described.append(nrn_diff.capture().describe())
    sections[1].cm *= 1.001
    described.append(nrn_diff.capture().describe())
    return {"trace": trace, "sections": [s.name() for s in sections], "kept": len(keep), "described": described}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "tree.nrndiff"
    return path, run_function(make, path=str(path))


@pytest.fixture(scope="module")
def model(saved):
    return nrn_diff.load(saved[0])


LABEL = "root(0.5).v"


@pytest.mark.long
def test_saved_model_gives_the_same_samples_without_neuron(saved, model):
    recording = model.simulate()
    assert list(recording) == list(saved[1]["trace"])
    for label, samples in saved[1]["trace"].items():
        np.testing.assert_array_equal(recording[label], samples)
    np.testing.assert_array_equal(recording["t"], model.t)


def test_a_model_is_the_same_after_a_run_and_another_after_a_change(saved, model):
    before, after, changed = saved[1]["described"]
    assert before == after == model.describe()
    assert changed != before


def test_parameters_are_the_live_values_in_neurons_order(saved, model):
    theta = model.parameters("gnabar_hh", "Ra", "celsius", "Exp2Syn.tau2", "NetCon.weight")
    assert {k: v.shape for k, v in theta.items()} == {
        "gnabar_hh": (19,),
        "Ra": (7,),
        "celsius": (),
        "Exp2Syn.tau2": (1,),
        "NetCon.weight": (1,),
    }
    assert float(theta["NetCon.weight"][0]) == 0.003
    sections = saved[1]["sections"]
    by_section = model.parameters(Param("gnabar_hh", share="section", where=sections[1:3]))
    assert by_section["gnabar_hh"].shape == (2,)


def test_where_share_and_relative_reach_the_right_segments(saved, model):
    section = saved[1]["sections"][2]
    start = model.values.mechanisms["hh"]["gnabar"]
    owner = model.capture.cable.segment_section
    mine = owner == model.capture.cable.section_names.index(section)
    theta = model.parameters(Param("gnabar_hh", where=section, share="all", label="a"))
    changed = model.with_theta(theta.replace(a=0.5)).mechanisms["hh"]["gnabar"]
    np.testing.assert_array_equal(changed, np.where(mine, 0.5, start))
    theta = model.parameters(Param("gnabar_hh", relative=True, share="all"))
    np.testing.assert_allclose(model.with_theta(theta).mechanisms["hh"]["gnabar"], start)
    scaled = model.with_theta(theta.replace(**{"gnabar_hh (relative)": 2.0})).mechanisms["hh"]["gnabar"]
    np.testing.assert_allclose(scaled, 2 * start)


def test_a_plain_dict_never_means_something_else(saved, model):
    section = saved[1]["sections"][2]
    theta = model.parameters(Param("gnabar_hh", where=section, share="all"))
    assert list(theta) == [f"gnabar_hh in {section}"]
    assert theta["gnabar_hh"] is theta[f"gnabar_hh in {section}"]
    with pytest.raises(ParameterError, match="no parameter"):
        model.simulate(dict(theta))


@pytest.mark.slow
def test_gradients_do_not_depend_on_the_adjoint_and_forward_mode_agrees(model):
    theta = model.parameters(Param("gnabar_hh", share="all"), Param("el_hh", share="all"), "celsius")
    loss = lambda th, how=None: (model.simulate(th, adjoint=how)[LABEL] ** 2).mean()
    reference = jax.grad(loss)(theta)
    for how in (Direct(), Rematerialised(), Checkpointed(17), Budget(1), Forward()):
        for name, value in jax.grad(loss)(theta, how).items():
            np.testing.assert_allclose(value, reference[name], rtol=1e-9)
    forward = jax.jacfwd(loss)(theta)
    for name, value in reference.items():
        np.testing.assert_allclose(forward[name], value, rtol=1e-8)


def test_going_back_solves_the_tree_once_a_step(model):
    loss = lambda th, how: (model.simulate(th, adjoint=how)[LABEL] ** 2).mean()
    program = str(jax.make_jaxpr(jax.grad(loss), static_argnums=1)(model.parameters("gnabar_hh"), Rematerialised()))
    assert program.count("nrn_linear_solve") == 2  # forth, and transposed on the way back


def test_vmap_is_the_same_as_one_by_one(model):
    theta = model.parameters(Param("gnabar_hh", share="all"), Param("Ra", share="all"))
    many = jax.tree.map(lambda x: x * jnp.array([0.9, 1.0, 1.2]), theta)
    batch = jax.vmap(model.simulate)(many)
    for k in range(3):
        one = model.simulate(jax.tree.map(lambda x, k=k: x[k], many))
        np.testing.assert_allclose(batch[LABEL][k], one[LABEL], rtol=0, atol=1e-8)


def test_values_do_not_compile_anew(model):
    theta = model.parameters("gnabar_hh")
    model.simulate(theta)
    with jax.log_compiles(False):
        before = nrn_diff.model._simulate._cache_size()
        model.simulate(theta.replace(gnabar_hh=theta["gnabar_hh"] * 1.1))
        nrn_diff.Model(model.capture).simulate(theta)
        assert nrn_diff.model._simulate._cache_size() == before


def test_other_recordings(model):
    other = model.with_records("root(0.5).hh.m", "root(0.5).ina", "Exp2Syn[0].g", "t")
    recording = other.simulate()
    assert list(recording) == ["root(0.5).hh.m", "root(0.5).ina", "Exp2Syn[0].g", "t"]
    assert float(recording["Exp2Syn[0].g"].max()) == pytest.approx(0.003, rel=0.2)
    with pytest.raises(ParameterError, match="names nothing"):
        model.with_records("nowhere(0.5).v")


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (lambda m: m.parameters("gnabr_hh"), "did you mean gnabar_hh"),
        (lambda m: m.parameters("gnabar_hh", "gnabar_hh"), "label"),
        (lambda m: m.parameters(Param("gnabar_hh", where="nowhere")), "no section"),
        (lambda m: m.parameters(Param("celsius", where="root")), "no `where`"),
        (lambda m: m.parameters(Param("gnabar_hh", share="everything")), "share="),
        (lambda m: m.parameters(Param("gnabar_hh", bounds=(1, 0))), "bounds"),
        (lambda m: m.simulate({"gnabar_hh": np.zeros(3)}), "shape"),
        (lambda m: m.simulate({"celsius": np.nan}), "not finite"),
        (lambda m: m.simulate({"gnabar_hh": np.full(19, np.inf)}), "not finite"),
        (lambda m: m.simulate()["soma"], "not recorded"),
    ],
)
def test_misuse_is_one_clear_error(model, request_, message):
    with pytest.raises((ParameterError, KeyError), match=message):
        request_(model)


def test_damaged_and_foreign_files_are_refused(saved, tmp_path):
    whole = saved[0].read_bytes()
    for name, content in {
        "empty": b"",
        "text": b"hello",
        "half": whole[: len(whole) // 2],
        "flipped": whole[:200] + bytes([whole[200] ^ 255]) + whole[201:],
    }.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(SavedModelError, match=name):
            nrn_diff.load(path)
    with np.load(saved[0]) as archive:
        content = {name: archive[name] for name in archive.files}
    document = json.loads(content["document"].tobytes())
    del document["model"]["fields"]["cable"]["fields"]["rallbranch"]
    for layout, message in (("of old", "capture the model again"), (document["layout"], "rallbranch")):
        content["document"] = np.frombuffer(json.dumps({**document, "layout": layout}).encode(), np.uint8)
        path = tmp_path / "of old.npz"
        np.savez(path, **content)
        with pytest.raises(SavedModelError, match=message):
            nrn_diff.load(path)
    pickled = tmp_path / "pickled"
    np.savez(pickled.open("wb"), document=np.array([{"a": 1}], dtype=object))
    with pytest.raises(SavedModelError):
        nrn_diff.load(pickled)


def test_float32_is_refused(model):
    jax.config.update("jax_enable_x64", False)
    try:
        with pytest.raises(nrn_diff.PrecisionError, match="jax_enable_x64"):
            nrn_diff.Model(model.capture).parameters("celsius")
    finally:
        jax.config.update("jax_enable_x64", True)
