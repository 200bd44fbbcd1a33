"""`fit`: gradient descent on any model that simulates and any scalar loss, bounded, resumable, reproducible."""

from __future__ import annotations

import contextlib
import functools
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from . import checkpoint as checkpoints
from .errors import DivergedError, FitError
from .problem import Objective, Problem, Simulates, Z, describe_state, digest, find_bijections, require_float64
from .result import FitResult, FitStep
from .watched import is_watched

Update = Callable[[Z, Any], tuple[Any, Any, Z, Any]]


def default_optimizer(steps: int) -> optax.GradientTransformation:
    """Adam with a learning rate that falls from 0.1 to 0.001 along a cosine: z is of order one by construction."""
    return optax.adam(optax.cosine_decay_schedule(0.1, max(steps, 1), alpha=0.01))


def fit(
    model: Simulates,
    theta: Any,
    loss: Callable[[Any], Any],
    *,
    optimizer: optax.GradientTransformation | None = None,
    steps: int = 200,
    bounds: Mapping[str, Any] | None = None,
    log: Mapping[str, bool] | None = None,
    seed: int | None = None,
    jitter: float = 0.0,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int = 10,
    resume: bool = True,
    progress: bool = True,
    callbacks: Sequence[Callable[[FitStep], Any]] = (),
) -> FitResult:
    """Minimise loss(model.simulate(theta)) from theta on.

    theta: a mapping and pytree name -> array of floats, such as `model.parameters(...)`. loss: recording -> scalar.
    optimizer: of optax; default_optimizer(steps) if None. It works on unbounded variables of order one, so learning
    rates do not depend on the units of a parameter. steps: number of updates.
    bounds: name -> (low, high) or a bijection, over those of theta.bounds(). Within bounds by change of variable, never
    by clipping; positive bounds a factor of 100 or more apart are searched in the logarithm unless log[name] says
    otherwise. A start that lies exactly on a bound is moved inside by 0.1 % of the range.
    jitter: standard deviation (in the unbounded variables) of a random change of the start, drawn from `seed`.
    checkpoint: a file that is rewritten every `checkpoint_every` updates and at the end; if it exists and resume is
    true, the fit goes on from there, and the result is the same to the bit as if it had never stopped. (With your own
    optimizer its learning rate cannot be checked: pass the same.)
    progress: a bar on stderr, in a terminal or a notebook. callbacks: called with a FitStep after each update; one that
    returns True stops the fit. Ctrl-C stops it too, with what was reached.

    Raises PrecisionError if JAX is in float32, FitError for settings that make no sense (CheckpointError: a checkpoint
    of another fit, damaged or in use) and DivergedError when the loss or its gradient is NaN or infinite; that holds
    the best result so far.
    """
    require_float64()
    if steps < 0 or checkpoint_every < 1:
        raise FitError(f"steps={steps} must not be negative and checkpoint_every={checkpoint_every} must be positive")
    problem = Problem(model, loss, theta, find_bijections(theta, bounds, log))
    transformation = optax.with_extra_args_support(optimizer or default_optimizer(steps))
    z = _jittered(problem.start(), seed, jitter)
    state = _State(z, transformation.init(z), [], z, np.inf, 0.0)
    # The default's schedule depends on the number of steps; of any other optimiser the state is all that can be told.
    schedule = "" if optimizer else f"default for {steps} steps: "
    description = problem.describe() | {"optimizer": schedule + describe_state(state.optimizer), "start": digest(z)}
    update = _compile(problem, transformation)
    with contextlib.ExitStack() as stack:
        saver = None
        if checkpoint is not None:
            path = Path(checkpoint)
            stack.enter_context(checkpoints.locked(path))
            saver = _Saver(path, description, checkpoint_every)
            if resume and path.exists():
                state = saver.resume(state, update)
        bar = stack.enter_context(_bar(progress, steps, len(state.losses)))
        return _descend(problem, update, state, steps, saver=saver, bar=bar, callbacks=callbacks)


@dataclass(frozen=True)
class _State:
    """Between two updates. losses: of every update so far."""

    z: Z
    optimizer: Any
    losses: list[float]
    best_z: Z
    best_loss: float
    seconds: float


def _compile(problem: Problem, optimizer: optax.GradientTransformationExtraArgs) -> Update:
    """One update as one compiled function: loss, whether loss and gradient are finite, new z, new optimiser state."""
    objective = Objective(problem)

    @jax.jit
    def update(z: Z, state: Any) -> tuple[Any, Any, Z, Any]:
        value, gradient = jax.value_and_grad(problem.objective)(z)
        change, new_state = optimizer.update(gradient, state, z, value=value, grad=gradient, value_fn=objective)
        finite = jnp.isfinite(value)
        for leaf in jax.tree_util.tree_leaves(gradient):
            finite &= jnp.all(jnp.isfinite(leaf))
        return value, finite, optax.apply_updates(z, change), new_state

    return update


def _descend(
    problem: Problem,
    update: Update,
    state: _State,
    steps: int,
    *,
    saver: _Saver | None,
    bar: Any,
    callbacks: Iterable[Callable[[FitStep], Any]],
) -> FitResult:
    begin, before = time.perf_counter(), state.seconds
    last: list[float] = []
    reason = f"all {steps} steps were made"
    try:
        while True:
            value, finite, new_z, new_optimizer = update(state.z, state.optimizer)
            loss = float(value)
            if not bool(finite):
                _stop_diverged(problem, state, loss, saver)
            better = loss < state.best_loss
            best = (state.z, loss) if better else (state.best_z, state.best_loss)
            seconds = before + time.perf_counter() - begin
            state = replace(state, best_z=best[0], best_loss=best[1], seconds=seconds)
            if len(state.losses) >= steps:
                last = [loss]
                break
            at = state.z
            state = replace(state, z=new_z, optimizer=new_optimizer, losses=[*state.losses, loss])
            if saver is not None and len(state.losses) % saver.every == 0:
                saver.save(state)
            bar.update(1)
            bar.set_postfix_str(f"loss {loss:.4g}, best {state.best_loss:.4g}", refresh=False)
            info = FitStep(len(state.losses), loss, state.best_loss, functools.partial(problem.theta, at))
            if True in [callback(info) for callback in callbacks]:
                reason = "a callback stopped it"
                break
    except KeyboardInterrupt:
        if not state.losses:
            raise
        reason = "it was interrupted from the keyboard"
    if saver is not None:
        saver.save(state)
    return _result(problem, state, last, reason)


def _result(problem: Problem, state: _State, last: list[float], reason: str) -> FitResult:
    theta = jax.tree_util.tree_map(jnp.asarray, problem.theta(state.best_z))
    losses = np.asarray([*state.losses, *last])
    return FitResult(theta, state.best_loss, losses, len(state.losses), state.seconds, reason)


def _stop_diverged(problem: Problem, state: _State, loss: float, saver: _Saver | None) -> None:
    best = None
    if state.losses:
        best = _result(problem, state, [], "the loss or its gradient is not finite")
        if saver is not None:
            saver.save(state)
    what = "the loss" if not np.isfinite(loss) else "the gradient of the loss"
    values = "\n".join(f"    {name} = {_values(value)}" for name, value in dict(problem.theta(state.z)).items())
    remedy = "tighten the bounds or lower the learning rate" if best else "choose another start"
    raise DivergedError(
        f"{what} is not finite after {len(state.losses)} updates (loss {loss}), at\n{values}\n"
        f"{remedy}; " + (f"the best loss before was {best.loss:.6g} (see .best)" if best else "no update was made"),
        best,
    )


@dataclass(frozen=True)
class _Saver:
    path: Path
    problem: dict[str, str]
    every: int

    def save(self, state: _State) -> None:
        leaves = tuple(np.asarray(leaf) for leaf in jax.tree_util.tree_leaves(state.optimizer))
        checkpoints.save(
            self.path,
            checkpoints.Checkpoint(
                step=len(state.losses),
                z={n: np.asarray(v) for n, v in state.z.items()},
                best_z={n: np.asarray(v) for n, v in state.best_z.items()},
                best_loss=state.best_loss,
                optimizer=leaves,
                losses=np.asarray(state.losses),
                seconds=state.seconds,
                problem=self.problem,
                first_loss=state.losses[0] if state.losses else state.best_loss,
            ),
        )

    def resume(self, start: _State, update: Update) -> _State:
        """The state to go on from. One evaluation at the start tells whether model and loss are the same."""
        found = checkpoints.load(self.path)
        checkpoints.check_problem(self.path, found, self.problem)
        checkpoints.check_first_loss(self.path, found, float(update(start.z, start.optimizer)[0]))
        structure = jax.tree_util.tree_structure(start.optimizer)
        return _State(
            z={n: jnp.asarray(found.z[n]) for n in start.z},
            optimizer=jax.tree_util.tree_unflatten(structure, [jnp.asarray(leaf) for leaf in found.optimizer]),
            losses=[float(x) for x in found.losses],
            best_z={n: jnp.asarray(found.best_z[n]) for n in start.z},
            best_loss=found.best_loss,
            seconds=found.seconds,
        )


def _jittered(z: Z, seed: int | None, jitter: float) -> Z:
    if jitter == 0.0:
        return z
    if seed is None or not jitter > 0.0:
        raise FitError("jitter must be positive and needs a seed, so that the fit can be repeated")
    rng = np.random.default_rng(seed)
    return {name: value + jitter * rng.standard_normal(np.shape(value)) for name, value in z.items()}


def _values(value: Any) -> str:
    return np.array2string(np.asarray(value), precision=6, threshold=8)


def _bar(progress: bool, total: int, done: int) -> Any:
    from tqdm import tqdm

    return tqdm(total=total, initial=done, desc="fit", unit="step", disable=not (progress and is_watched()))
