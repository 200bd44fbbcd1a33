"""The search: both stages find a known minimum, memory guard, and resuming after kill -9 with nothing lost."""

import json
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from fit_problem import BOUNDS, START, TRUE, Membrane

from nrn_diff.fitting import (
    AbsoluteZScores,
    CheckpointError,
    FitError,
    Mean,
    MinimumNorm,
    Spread,
    Target,
    fit,
    normalised,
    polyak,
    search,
    trace_mse,
)
from nrn_diff.fitting.batch import Batched
from nrn_diff.fitting.memory import free_memory
from nrn_diff.recording import Recording

LABELS = ("soma(0.5).v", "dend(0.5).v")


def problem():
    model = Membrane()
    return model, trace_mse(LABELS, model.simulate(TRUE))


def small(**options):
    model, loss = problem()
    settings = {"seed": 3, "starts": 4, "steps": 60, "bounds": BOUNDS, "progress": False} | options
    return search(model, START, loss, **settings)


@pytest.mark.long
def test_random_starts_find_the_minimum_and_more_of_them_are_remembered():
    result = small()
    assert result.loss < 0.05
    assert [f for f, _ in result.fame] == sorted(f for f, _ in result.fame)
    assert len(result.fame) == 4
    assert (result.simulations, result.gradients) == (0, 61 * 4)
    np.testing.assert_allclose(result.theta["g"], TRUE["g"], rtol=0.2)
    again = small()
    np.testing.assert_array_equal(result.losses, again.losses)
    assert small(seed=4).losses[0, 0] != result.losses[0, 0]


def test_the_global_stage_feeds_the_descents():
    pytest.importorskip("cmaes")
    result = small(generations=12, population=8, steps=40)
    assert result.global_losses.shape == (12, 8)
    assert result.simulations == 96
    assert result.losses[0].max() <= np.sort(result.global_losses, axis=None)[3] + 1e-9
    assert result.loss < result.global_losses.min() < 1.0 < np.median(result.global_losses)


@pytest.mark.long
def test_goal_patience_and_callbacks_end_it():
    assert small(goal=10.0).stopped_because == "1 starts reached the goal"
    assert small(goal=10.0, enough=4).stopped_because == "all steps were made"
    early = small(goal=1e9, enough=4)
    assert (early.stopped_because, len(early.losses)) == ("4 starts reached the goal", 1)
    assert "became better" in small(steps=400, patience=20, optimizer=optax.sgd(1e-9)).stopped_because
    assert len(small(callbacks=[lambda p: p.done == 5]).losses) == 6
    # Neither starts that rest nor those without a finite loss have to become better.
    stuck = {"steps": 400, "patience": 20, "optimizer": optax.sgd(1e-9)}
    resting = small(draws=4, rounds=2, goal=30.0, enough=4, **stuck)
    assert 0 < np.sum(np.isnan(resting.losses[0])) < 4
    assert "became better" in resting.stopped_because
    model, loss = Partly(), problem()[1]
    sick = search(model, START, loss, seed=3, starts=6, bounds=BOUNDS, progress=False, **stuck)
    assert 0 < np.sum(np.isinf(sick.losses[0])) < 6
    assert "became better" in sick.stopped_because


class Partly(Membrane):
    """Without a finite voltage in half of the range."""

    def simulate(self, theta):
        return {k: jnp.where(theta["e"] > -65.0, jnp.nan, v) for k, v in super().simulate(theta).items()}


@pytest.mark.long
@pytest.mark.parametrize(
    "optimizer", [normalised(0.2, 80), polyak(0.0, 0.5), optax.lbfgs()], ids=["n", "polyak", "lbfgs"]
)
def test_optimisers_descend(optimizer):
    model, loss = problem()
    result = fit(model, START, loss, optimizer=optimizer, steps=80, bounds=BOUNDS, progress=False)
    assert result.loss < 1e-2 * result.losses[0]


class Timed(Membrane):
    """Its recordings say when their samples are, as features need."""

    def simulate(self, theta):
        traces = super().simulate({k: jnp.asarray(x) for k, x in theta.items()})
        return Recording(jnp.asarray(self.t), traces, {}, {}, {})


def few_errors():
    """Mean and spread of both traces: four errors, and what they are in the Membrane that is looked for."""
    model = Timed()
    found = model.simulate(TRUE)
    features = [kind(label) for label in LABELS for kind in (Mean, Spread)]
    return model, AbsoluteZScores([Target(f, float(f(found)), 2.0) for f in features])


def test_every_start_draws_its_own_points_and_begins_at_the_best():
    result = small(draws=5, rounds=3, steps=3)
    assert result.global_losses.shape == (3, 4, 5)
    np.testing.assert_allclose(result.losses[0], result.global_losses.min(axis=(0, 2)), rtol=1e-9)
    assert (result.simulations, result.gradients) == (60, 4 * 4)
    # Another number of starts changes nothing for those that there are.
    np.testing.assert_array_equal(
        small(draws=5, rounds=3, starts=2, steps=0).global_losses, result.global_losses[:, :2]
    )
    with pytest.raises(FitError, match="draws"):
        small(draws=0)


@pytest.mark.long
def test_starts_that_have_drawn_the_goal_rest():
    goal = float(np.sort(small(draws=5, steps=0).global_losses.min(axis=(0, 2)))[1])
    result = small(draws=5, rounds=2, steps=0, goal=goal, enough=4)
    assert np.isnan(result.global_losses[1]).all(axis=1).sum() == 2
    assert result.simulations == 4 * 5 + 2 * 5


@pytest.mark.long
def test_minimum_norm_steps_make_few_errors_vanish():
    model, loss = few_errors()
    options = {"seed": 5, "starts": 4, "bounds": BOUNDS, "progress": False, "goal": 1e-3, "enough": 4, "batch": 2}
    result = search(model, START, loss, draws=4, steps=30, optimizer=MinimumNorm(), **options)
    assert result.stopped_because == "4 starts reached the goal"
    assert [f for f, _ in result.fame][-1] < 1e-3
    # Who has reached the goal rests, and what was not computed is not counted.
    resting = np.isnan(result.losses)
    assert not resting[0].any()
    assert resting[-1].any()
    assert result.gradients == np.sum(~resting)
    assert result.simulations == 16 + MinimumNorm().simulations * result.gradients
    # The loss that is told is the loss at the values that are told.
    for told, theta in result.fame:
        np.testing.assert_allclose(loss(model.simulate(theta)), told, rtol=1e-9)
    plain = search(model, START, loss, steps=result.losses.shape[0], **options)
    assert plain.fame[0][0] > result.loss  # as many steps of Adam are not enough


@pytest.mark.long
def test_minimum_norm_goes_on_where_it_was_stopped(tmp_path):
    model, loss = few_errors()
    options = {"seed": 5, "starts": 3, "bounds": BOUNDS, "progress": False, "draws": 3, "rounds": 2, "steps": 4}
    options["optimizer"] = MinimumNorm()
    whole = search(model, START, loss, **options)
    path = tmp_path / "s.npz"
    for stop in (1, 1 + 2):
        calls = []
        stopped = lambda progress, stop=stop, calls=calls: calls.append(progress) or len(calls) == stop
        search(model, START, loss, checkpoint=path, callbacks=[stopped], **options)
    resumed = search(model, START, loss, checkpoint=path, **options)
    np.testing.assert_array_equal(resumed.losses, whole.losses)
    with pytest.raises(CheckpointError, match="steps of a start"):
        search(model, START, loss, checkpoint=path, **options | {"optimizer": MinimumNorm(wander=0.1)})


def test_losses_that_minimum_norm_refuses():
    model, _ = problem()
    with pytest.raises(FitError, match="which errors it is made of"):
        search(model, START, lambda r: r[LABELS[0]].mean(), seed=0, bounds=BOUNDS, optimizer=MinimumNorm())
    # Every sample of a trace is an error.
    with pytest.raises(FitError, match="too many for MinimumNorm"):
        small(optimizer=MinimumNorm(), steps=1)


def test_a_batch_that_does_not_fit_is_made_smaller():
    # The results themselves take the room: how much lies between is for each version of XLA to decide.
    function = lambda x: jnp.sin(jnp.outer(x, x))
    points = jnp.asarray(np.random.default_rng(0).standard_normal((10, 50)))
    whole = Batched(function, 10)(points)
    needed = jax.jit(jax.vmap(function)).lower(points[:1]).compile().memory_analysis()
    one = needed.temp_size_in_bytes + needed.output_size_in_bytes
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        guarded = Batched(function, 10, limit=int(3.5 * one))
        np.testing.assert_allclose(guarded(points), whole, rtol=1e-10)
    assert 1 <= guarded.size < 10
    assert any("made" in str(w.message) for w in caught)
    with pytest.raises(FitError, match="not even one"):
        Batched(function, 2, limit=10)(points)
    # A device may run out of memory already where it compiles.
    refusing = Batched(function, 10)
    compiled = refusing._mapped

    class Refuses:
        def lower(self, x):
            if len(x) > 3:
                raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory")
            return compiled.lower(x)

    refusing._mapped = Refuses()
    with pytest.warns(ResourceWarning, match="Out of memory"):
        np.testing.assert_allclose(refusing(points), whole, rtol=1e-10)
    assert refusing.size == 2


def test_the_memory_of_a_container_and_of_ulimit_counts(tmp_path, monkeypatch):
    import resource

    def write(name, text):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    assert free_memory(tmp_path) is None
    write("proc/meminfo", "MemTotal: 9000 kB\nMemAvailable:    8000 kB\n")
    assert free_memory(tmp_path) == 8000 * 1024
    write("proc/self/cgroup", "4:cpu,memory:/a/b\n0::/c\n")
    for group, limit in (("a/b", 9223372036854771712), ("a", 5_000_000), ("", 7_000_000)):
        write(f"sys/fs/cgroup/memory/{group}/memory.limit_in_bytes", str(limit))
        write(f"sys/fs/cgroup/memory/{group}/memory.usage_in_bytes", "2000000")
    write("sys/fs/cgroup/memory/a/memory.stat", "cache 7\ntotal_inactive_file 500000\n")
    assert free_memory(tmp_path) == 5_000_000 - 2_000_000 + 500_000
    write("sys/fs/cgroup/c/memory.max", "3000000\n")
    write("sys/fs/cgroup/c/memory.current", "1000000\n")
    assert free_memory(tmp_path) == 2_000_000
    write("sys/fs/cgroup/c/memory.max", "max\n")
    write("proc/self/status", "VmSize: 1000 kB\n")
    monkeypatch.setattr(resource, "getrlimit", lambda which: (2_000_000, 2_000_000))
    assert free_memory(tmp_path) == 2_000_000 - 1000 * 1024


def test_settings_that_make_no_sense(tmp_path):
    with pytest.raises(FitError, match="at least 1"):
        small(starts=0)
    path = tmp_path / "search.npz"
    small(steps=2, checkpoint=path)
    with pytest.raises(CheckpointError, match="settings"):
        small(steps=3, checkpoint=path)
    # Another model, with the same parameters and the same loss.
    model, loss = problem()
    model.describe = lambda: "with another clamp"
    with pytest.raises(CheckpointError, match="differs in: model"):
        search(model, START, loss, seed=3, starts=4, steps=2, bounds=BOUNDS, progress=False, checkpoint=path)


def test_killed_again_and_again_it_ends_where_it_would_have(tmp_path):
    """As a script: python test_fit_search.py CHECKPOINT OUT KILL_AFTER"""
    pytest.importorskip("cmaes")
    checkpoint, out = tmp_path / "s.npz", tmp_path / "out.json"
    kills = 0
    for kill_after in (4, 5, 0):
        command = [sys.executable, __file__, str(checkpoint), str(out), str(kill_after)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent, check=False)
        kills += done.returncode == -signal.SIGKILL
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
    assert kills == 2
    resumed = json.loads(out.read_text())
    straight = run_once(None)
    assert resumed["calls"] == 3 + 14 - 9  # what was left: nothing is done twice
    assert resumed["losses"] == straight["losses"]
    assert resumed["global"] == straight["global"]


def run_once(checkpoint, kill_after=0):
    import os

    calls = []

    def count(progress):
        calls.append(progress.done)
        if kill_after and len(calls) == kill_after:
            os.kill(os.getpid(), signal.SIGKILL)

    result = small(generations=3, population=6, steps=13, checkpoint=checkpoint, callbacks=[count])
    return {"losses": result.losses.tolist(), "global": result.global_losses.tolist(), "calls": len(calls)}


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    Path(sys.argv[2]).write_text(json.dumps(run_once(sys.argv[1], int(sys.argv[3]))))
