"""Fits: they find the answer, repeat exactly, survive kill -9, and end in clear errors."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from fit_problem import BOUNDS, START, STEPS, TRUE, Membrane, target_loss

from nrn_diff.errors import PrecisionError
from nrn_diff.fitting import CheckpointError, DivergedError, FitError, fit
from nrn_diff.fitting.checkpoint import load

ROOT = Path(__file__).resolve().parent.parent


def run(**changes):
    settings = {"steps": STEPS, "bounds": BOUNDS} | changes
    return fit(
        settings.pop("model", Membrane()), settings.pop("theta", START), settings.pop("loss", target_loss()), **settings
    )


def same(a, b):
    assert set(a.theta) == set(b.theta)
    for name in a.theta:
        np.testing.assert_array_equal(a.theta[name], b.theta[name])
    np.testing.assert_array_equal(a.losses, b.losses)
    assert a.loss == b.loss
    assert a.steps == b.steps


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The plain fit, and the checkpoint it leaves."""
    path = tmp_path_factory.mktemp("finished") / "fit.npz"
    return run(checkpoint=path), path.read_bytes()


# ------------------------------------------------------------------------------------------------------ the fit


def test_it_recovers_the_parameters():
    result = run(steps=400)
    assert result.loss < 1e-6 * result.losses[0]
    np.testing.assert_allclose(result.theta["g"], TRUE["g"], rtol=1e-2)
    np.testing.assert_allclose(result.theta["e"], TRUE["e"], rtol=1e-3)
    assert result.steps == 400
    assert len(result.losses) == 401
    assert result.loss == result.losses.min()
    assert "400" in result.stopped_because


def test_another_optimiser_that_wants_the_loss_works_too():
    result = run(optimizer=optax.lbfgs(), steps=60)
    assert result.loss < 1e-10
    np.testing.assert_allclose(result.theta["g"], TRUE["g"], rtol=1e-4)


def test_the_loss_is_that_of_theta_and_the_first_that_of_the_start(finished):
    loss, model = target_loss(), Membrane()
    result, _ = finished
    assert float(loss(model.simulate(result.theta))) == pytest.approx(result.loss, rel=1e-12)
    assert float(loss(model.simulate(START))) == pytest.approx(result.losses[0], rel=1e-9)


def test_it_never_leaves_the_bounds():
    seen = []
    bounds = {"g": (8e-4, 3e-3), "e": (-71.0, -65.0)}
    theta = {"g": np.array([8e-4, 3e-3]), "e": np.array(-71.0)}
    run(theta=theta, bounds=bounds, optimizer=optax.sgd(1e3), callbacks=[lambda info: seen.append(info.theta)])
    assert len(seen) == STEPS
    for values in seen:
        for name, (low, high) in bounds.items():
            assert np.all((values[name] >= low) & (values[name] <= high))


def test_everything_is_compiled_once():
    model = Membrane()
    run(model=model, steps=5)
    assert model.traces == 1


def test_the_type_of_theta_is_kept_and_its_own_bounds_hold(finished):
    @jax.tree_util.register_pytree_with_keys_class
    class Named(dict):
        def bounds(self):
            return {"g": (1e-5, 1e-1)}

        def tree_flatten_with_keys(self):
            return [(jax.tree_util.DictKey(k), v) for k, v in self.items()], tuple(self)

        @classmethod
        def tree_unflatten(cls, names, leaves):
            return cls(zip(names, leaves, strict=True))

    class Watching(Membrane):
        def simulate(self, theta):
            assert isinstance(theta, Named)
            return super().simulate(theta)

    result = run(model=Watching(), theta=Named(e=START["e"], g=START["g"]), bounds={"e": (-90.0, -40.0)})
    assert isinstance(result.theta, Named)
    assert list(result.theta) == ["e", "g"]
    np.testing.assert_allclose(result.theta["g"], finished[0].theta["g"], rtol=1e-12)


def test_a_start_with_jitter_repeats_with_its_seed_only(finished):
    one = run(jitter=0.3, seed=4, steps=3)
    same(one, run(jitter=0.3, seed=4, steps=3))
    assert run(jitter=0.3, seed=5, steps=0).losses[0] != one.losses[0]
    assert run(seed=5, steps=0).losses[0] == finished[0].losses[0]
    with pytest.raises(FitError, match="needs a seed"):
        run(jitter=0.3)


def test_a_callback_sees_each_step_and_can_stop():
    seen = []

    def callback(info):
        seen.append((info.step, info.loss, info.best_loss))
        return info.step == 7

    result = run(callbacks=[callback])
    assert [s[0] for s in seen] == list(range(1, 8))
    np.testing.assert_array_equal([s[1] for s in seen], result.losses)
    assert all(best == min(s[1] for s in seen[: i + 1]) for i, (_, _, best) in enumerate(seen))
    assert result.steps == 7
    assert "callback" in result.stopped_because


def test_ctrl_c_keeps_what_was_reached(tmp_path, finished):
    def callback(info):
        if info.step == 5:
            raise KeyboardInterrupt

    result = run(callbacks=[callback], checkpoint=tmp_path / "fit.npz")
    assert result.steps == 5
    assert "interrupted" in result.stopped_because
    same(run(checkpoint=tmp_path / "fit.npz"), finished[0])


def test_the_result_is_written_as_json(tmp_path, finished):
    result, _ = finished
    data = json.loads(result.to_json(tmp_path / "fit.json").read_text())
    assert data["loss"] == result.loss
    np.testing.assert_array_equal(data["theta"]["g"], result.theta["g"])
    np.testing.assert_array_equal(data["losses"], result.losses)
    assert list(tmp_path.iterdir()) == [tmp_path / "fit.json"]


def test_no_progress_bar_without_a_terminal(capsys):
    run(progress=True, steps=2)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_a_progress_bar_in_a_notebook(monkeypatch):
    stream = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})()
    monkeypatch.setattr(sys, "stderr", stream)
    run(progress=True, steps=2)
    assert "2/2" in stream.getvalue()


# ------------------------------------------------------------------------------------------------------- errors


def test_a_loss_that_diverges_names_the_values_and_keeps_the_best(tmp_path):
    class Cliff(Membrane):
        def simulate(self, theta):
            recording = super().simulate(theta)
            return {k: jnp.where(theta["e"] > -68.0, jnp.nan, v) for k, v in recording.items()}

    with pytest.raises(DivergedError, match="loss is not finite") as error:
        run(model=Cliff(), checkpoint=tmp_path / "fit.npz")
    best = error.value.best
    assert np.isfinite(best.loss)
    assert best.loss == best.losses.min()
    assert best.theta["e"] <= -68.0
    assert "e = -67." in str(error.value)
    assert "g = [" in str(error.value)
    assert load(tmp_path / "fit.npz").best_loss == best.loss


def test_an_infinite_gradient_is_found_too():
    def root(recording):
        return jnp.sqrt(jnp.sum((recording["soma(0.5).v"] - recording["soma(0.5).v"]) ** 2))

    with pytest.raises(DivergedError, match="gradient of the loss is not finite") as error:
        run(loss=root)
    assert error.value.best is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bounds": {"gnabar": (0, 1)}}, "unknown parameters: gnabar"),
        ({"log": {"gnabar": True}}, "unknown parameters: gnabar"),
        ({"bounds": {"e": (-60.0, -40.0)}}, "e: the start -70 is outside"),
        ({"theta": {}}, "no parameters"),
        ({"theta": {"g": START["g"], "e": np.array(np.nan)}}, "e: the start value is not finite"),
        ({"theta": {"a": START}}, "flat mapping"),
        ({"loss": lambda rec: rec["soma(0.5).v"]}, "must be one number"),
        ({"steps": -1}, "steps=-1"),
        ({"checkpoint_every": 0}, "checkpoint_every=0"),
    ],
)
def test_settings_without_sense_are_refused(changes, message):
    with pytest.raises(FitError, match=message):
        run(**changes)


def test_single_precision_is_refused():
    with jax.enable_x64(False), pytest.raises(PrecisionError, match="jax_enable_x64"):
        run()


# -------------------------------------------------------------------------------------------------- checkpoints


def child(*args, wait=True):
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, str(ROOT / "tests" / "fit_problem.py"), *map(str, args)]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, stderr=subprocess.PIPE, text=True)
    if wait:
        process.communicate(timeout=120)
    return process


@pytest.mark.long
def test_a_killed_fit_goes_on_to_the_same_bits(tmp_path):
    straight = child(tmp_path / "a.npz", tmp_path / "a.json", 0, -1, wait=False)
    killed = child(tmp_path / "b.npz", tmp_path / "b.json", 0, 10)
    straight.communicate(timeout=120)
    assert (straight.returncode, killed.returncode) == (0, -9)
    assert load(tmp_path / "b.npz").step == 8
    assert child(tmp_path / "b.npz", tmp_path / "b.json", 0, -1).returncode == 0
    a, b = (json.loads((tmp_path / name).read_text()) for name in ("a.json", "b.json"))
    for data in (a, b):
        assert data.pop("seconds") > 0
    assert a == b
    assert len(a["losses"]) == STEPS + 1


def test_a_second_process_is_turned_away_and_a_kill_frees_the_file(tmp_path, finished):
    path = tmp_path / "fit.npz"
    process = child(path, tmp_path / "out.json", 0.1, -1, wait=False)
    try:
        until = time.monotonic() + 60
        while not path.exists():
            assert time.monotonic() < until
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.02)
        with pytest.raises(CheckpointError, match="another process"):
            run(checkpoint=path)
    finally:
        process.kill()
        process.communicate(timeout=60)
    same(run(checkpoint=path), finished[0])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"bounds": {**BOUNDS, "e": (-95.0, -40.0)}}, "bounds"),
        ({"theta": {"g": START["g"], "e": np.array(-71.0)}}, "start"),
        ({"steps": STEPS + 1}, "optimizer"),
        ({"optimizer": optax.sgd(0.1)}, "optimizer"),
        ({"loss": target_loss({**TRUE, "e": np.array(-61.0)})}, "loss function"),
        ({"loss": lambda rec: jnp.sum(rec["dend(0.5).v"] ** 2)}, "loss function"),
        ({"jitter": 0.1, "seed": 1}, "start"),
    ],
    ids=["bounds", "start", "steps", "optimiser", "target", "loss", "jitter"],
)
def test_a_checkpoint_of_another_fit_is_refused(tmp_path, finished, changes, field):
    path, before = tmp_path / "fit.npz", finished[1]
    path.write_bytes(before)
    with pytest.raises(CheckpointError, match="another fit") as error:
        run(checkpoint=path, **changes)
    assert field in str(error.value)
    assert path.read_bytes() == before


def test_without_resume_the_checkpoint_is_written_anew(tmp_path, finished):
    path = tmp_path / "fit.npz"
    path.write_bytes(finished[1])
    result = run(checkpoint=path, resume=False, steps=2)
    assert result.steps == load(path).step == 2


def test_a_checkpoint_of_another_model_is_refused_by_its_loss(tmp_path, finished):
    class Other(Membrane):
        t = np.arange(0.0, 20.0, 0.5) * 1.01

    (tmp_path / "fit.npz").write_bytes(finished[1])
    with pytest.raises(CheckpointError, match="loss of the start"):
        run(model=Other(), checkpoint=tmp_path / "fit.npz")


def test_a_finished_fit_resumes_to_itself(tmp_path, finished):
    path = tmp_path / "fit.npz"
    path.write_bytes(finished[1])
    same(run(checkpoint=path), finished[0])


def test_more_steps_go_on_from_a_finished_fit(tmp_path):
    path, optimizer = tmp_path / "fit.npz", optax.adam(0.05)
    run(optimizer=optimizer, checkpoint=path, steps=5)
    same(run(optimizer=optimizer, checkpoint=path, steps=12), run(optimizer=optimizer, steps=12))


def test_every_damage_of_a_checkpoint_is_a_clear_error(tmp_path, finished):
    path, whole = tmp_path / "fit.npz", finished[1]
    for damaged in (b"", whole[:100], whole[: len(whole) // 2], b"x" * 300, whole[:-30]):
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match="damaged"):
            run(checkpoint=path, steps=3)
    np.savez(tmp_path / "fit.npz", a=np.arange(3))
    with pytest.raises(CheckpointError, match="damaged"):
        run(checkpoint=path, steps=3)


def test_a_checkpoint_holds_no_pickle_and_leaves_no_litter(tmp_path):
    path = tmp_path / "fit.npz"
    run(checkpoint=path, steps=2)
    with np.load(path, allow_pickle=False) as data:
        assert all(data[name].dtype != object for name in data.files)
    assert [p.name for p in tmp_path.iterdir()] == ["fit.npz"]


def test_an_unwritable_checkpoint_is_a_clear_error(tmp_path):
    with pytest.raises(CheckpointError, match="cannot write"):
        run(checkpoint=tmp_path / "missing" / "fit.npz")
