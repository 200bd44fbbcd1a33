"""A search in two stages: CMA-ES (or random points) all over the bounds, then descents from the best, batched."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree

from . import checkpoint as checkpoints
from .batch import Batched
from .descent import default_optimizer
from .errors import CheckpointError, FitError
from .problem import Objective, Problem, Simulates, Z, digest, find_bijections, require_float64

FORMAT = "nrn_diff search checkpoint 1"
# Standard deviation of a logistic variable: z of a point drawn uniformly between its bounds.
_SPREAD = np.pi / np.sqrt(3)

Array = np.ndarray


@dataclass(frozen=True)
class SearchResult:
    """theta, loss: the best. fame: (loss, theta) of the best point of each start and of the global stage, best first.

    losses [iterations, starts]: of the descents. global_losses [generations, population]. simulations, gradients: how
    many were made in all. seconds: those before a resume included. stopped_because: one sentence.
    """

    theta: Any
    loss: float
    fame: list[tuple[float, Any]]
    losses: Array
    global_losses: Array
    simulations: int
    gradients: int
    seconds: float
    stopped_because: str


@dataclass(frozen=True)
class Progress:
    """What a callback gets after each generation and each step of all descents. best: loss so far."""

    stage: str
    done: int
    best: float
    losses: Array


@dataclass(frozen=True)
class _State:
    """What a checkpoint holds. points, losses of the global stage; z, optimiser, history, best of the descents."""

    points: Array
    found: Array
    z: Array | None = None
    optimizer: tuple[Array, ...] = ()
    history: Array = field(default_factory=lambda: np.zeros((0, 0)))
    best_z: Array = field(default_factory=lambda: np.zeros((0, 0)))
    best: Array = field(default_factory=lambda: np.zeros(0))
    seconds: float = 0.0


def search(
    model: Simulates,
    theta: Any,
    loss: Callable[[Any], Any],
    *,
    seed: int,
    starts: int = 10,
    generations: int = 0,
    population: int | None = None,
    optimizer: optax.GradientTransformation | None = None,
    steps: int = 100,
    goal: float = -np.inf,
    enough: int = 1,
    patience: int | None = None,
    bounds: Mapping[str, Any] | None = None,
    log: Mapping[str, bool] | None = None,
    memory: int | None = None,
    batch: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = True,
    progress: bool = True,
    callbacks: Sequence[Callable[[Progress], Any]] = (),
) -> SearchResult:
    """Minimise loss(model.simulate(theta)) from many starts.

    theta, loss, bounds, log, optimizer: as in `fit`. The first stage makes `generations` generations of CMA-ES (package
    `cmaes`, the extra `search`), each of `population` simulations (None: its rule); with 0 generations, `starts` random
    points between the bounds. The second stage makes `steps` steps of descent from the `starts` best points, all at
    once. goal: a loss that is good enough; the search ends when `enough` starts have it. patience: it ends when no
    start has become better by a thousandth for so many steps.
    memory: bytes that a batch may take (None: half of what is free); a batch that does not fit is made smaller. batch:
    an upper limit to its size.
    seed: of everything random. checkpoint: written after every generation and every step, so that a killed search loses
    the one that it was at; the same call goes on from there, to the same result. progress: a line on stderr if that is
    a terminal. callbacks: called with a Progress; one that returns True ends the search.
    Raises FitError for settings that make no sense, CheckpointError as `fit` does.
    """
    require_float64()
    if starts < 1 or steps < 0 or generations < 0 or enough < 1:
        raise FitError("starts and enough must be at least 1, steps and generations not negative")
    problem = Problem(model, loss, theta, find_bijections(theta, bounds, log))
    return _Search(
        problem=problem,
        seed=seed,
        starts=starts,
        generations=generations,
        population=population,
        optimizer=optax.with_extra_args_support(optimizer or default_optimizer(steps)),
        steps=steps,
        goal=goal,
        enough=enough,
        patience=patience,
        memory=memory,
        batch=batch,
        progress=progress,
        callbacks=callbacks,
    ).run(None if checkpoint is None else Path(checkpoint), resume)


class _StoppedError(Exception):
    """A callback, a goal or patience ended the search."""


@dataclass
class _Search:
    problem: Problem
    seed: int
    starts: int
    generations: int
    population: int | None
    optimizer: optax.GradientTransformationExtraArgs
    steps: int
    goal: float
    enough: int
    patience: int | None
    memory: int | None
    batch: int | None
    progress: bool
    callbacks: Sequence[Callable[[Progress], Any]]

    def run(self, path: Path | None, resume: bool) -> SearchResult:
        self.begin, self.path = time.perf_counter(), path
        z0 = self.problem.start()
        flat, self.unravel = ravel_pytree(z0)
        self.size = len(flat)
        # Where a parameter has no bounds, the search starts around the value that was given.
        bounded = {n: jnp.full(jnp.shape(x), self._is_bounded(n)) for n, x in z0.items()}
        self.centre = np.where(ravel_pytree(bounded)[0], 0.0, np.asarray(flat))
        self.description = self.problem.describe() | {
            "start": digest(z0),
            "settings": repr((self.seed, self.starts, self.generations, self.population, self.steps)),
        }
        state, self.before = _State(np.zeros((0, 0, self.size)), np.zeros((0, 0))), 0.0
        reason = "all steps were made"
        with contextlib.ExitStack() as stack:
            if path is not None:
                stack.enter_context(checkpoints.locked(path))
                if resume and path.exists():
                    state = self._load(path)
                    self.before = state.seconds
            try:
                state = self._global(state)
                state = self._local(state)
            except _StoppedError as stopped:
                state, reason = stopped.args
            except KeyboardInterrupt:
                raise FitError("interrupted; with a checkpoint, the same call goes on from there") from None
        return self._result(state, reason)

    def _is_bounded(self, name: str) -> bool:
        return hasattr(self.problem.bijections[name], "low")

    def _global(self, state: _State) -> _State:
        if self.generations == 0:
            return state
        try:
            from cmaes import CMA
        except ImportError:
            raise FitError("generations > 0 needs the package cmaes: pip install 'nrn-diff[search]'") from None
        strategy = CMA(mean=self.centre, sigma=_SPREAD, seed=self.seed, population_size=self.population)
        n = strategy.population_size
        objective = Batched(lambda z: self.problem.objective(self.unravel(z)), self.batch or n, self.memory)
        for generation in range(self.generations):
            points = np.stack([strategy.ask() for _ in range(n)])
            if generation < len(state.found):
                # With the same seed and answers the strategy asks for the same points: replayed, not repeated.
                found = state.found[generation]
            else:
                values = objective(points)
                found = np.where(np.isfinite(values), values, np.inf)
                state = _State(
                    np.concatenate([state.points.reshape(-1, n, self.size), points[None]]),
                    np.concatenate([state.found.reshape(-1, n), found[None]]),
                )
                self._after(state, "global", generation + 1, found)
            # The strategy ranks: what has no loss is last.
            worst = np.max(found[np.isfinite(found)], initial=0.0)
            strategy.tell([(x, f if np.isfinite(f) else worst + 1.0) for x, f in zip(points, found, strict=True)])
        return state

    def _first_points(self, state: _State) -> Array:
        if state.found.size:
            order = np.argsort(state.found, axis=None)[: self.starts]
            points = state.points.reshape(-1, self.size)[order]
            if len(points) < self.starts:
                raise FitError(f"{self.starts} starts need as many points of the global stage, not {len(points)}")
            return points
        rng = np.random.default_rng(self.seed)
        uniform = rng.uniform(1e-3, 1 - 1e-3, (self.starts, self.size))
        return self.centre + np.log(uniform / (1 - uniform))

    def _local(self, state: _State) -> _State:
        problem, optimizer = self.problem, self.optimizer
        objective = Objective(problem)
        if state.z is None:
            z = self._first_points(state)
            leaves = jax.tree.leaves(jax.vmap(lambda x: optimizer.init(self.unravel(x)))(jnp.asarray(z)))
            none = np.full(self.starts, np.inf)
            first = np.zeros((0, self.starts))
            state = replace(
                state, z=z, optimizer=tuple(map(np.asarray, leaves)), history=first, best_z=z.copy(), best=none
            )
        structure = jax.tree.structure(optimizer.init(self.unravel(jnp.asarray(state.z)[0])))

        def update(z: jax.Array, leaves: tuple[jax.Array, ...]) -> Any:
            point, old = self.unravel(z), jax.tree.unflatten(structure, leaves)
            value, gradient = jax.value_and_grad(problem.objective)(point)
            change, new = optimizer.update(gradient, old, point, value=value, grad=gradient, value_fn=objective)
            moved = ravel_pytree(optax.apply_updates(point, change))[0]
            # A start whose loss or step is not finite stays where it is; its best point counts.
            finite = jnp.isfinite(value) & jnp.all(jnp.isfinite(moved))
            kept = tuple(jnp.where(finite, a, b) for a, b in zip(jax.tree.leaves(new), leaves, strict=True))
            return jnp.where(finite, value, jnp.inf), jnp.where(finite, moved, z), kept

        mapped = Batched(update, self.batch or self.starts, self.memory)
        while len(state.history) <= self.steps:
            values, z, leaves = mapped(state.z, state.optimizer)
            better = values < state.best
            state = replace(
                state,
                best=np.where(better, values, state.best),
                best_z=np.where(better[:, None], np.asarray(state.z), state.best_z),
                history=np.concatenate([state.history, values[None]]),
                z=z,
                optimizer=tuple(leaves),
            )
            self._after(state, "local", len(state.history) - 1, values)
        return state

    def _after(self, state: _State, stage: str, done: int, losses: Array) -> None:
        if self.path is not None:
            self._save(replace(state, seconds=self.before + time.perf_counter() - self.begin))
        best = float(min(np.min(state.found, initial=np.inf), np.min(state.best, initial=np.inf)))
        self._show(stage, done, best)
        if True in [callback(Progress(stage, done, best, losses)) for callback in self.callbacks]:
            raise _StoppedError(state, "a callback stopped it")
        if stage == "local":
            reached = int(np.sum(state.best <= self.goal))
            if reached >= self.enough:
                raise _StoppedError(state, f"{reached} starts reached the goal")
            if self.patience is not None and done > self.patience:
                before = np.min(state.history[: -self.patience], axis=0)
                if np.all(state.best >= before - 1e-3 * np.abs(before)):
                    raise _StoppedError(state, f"no start became better in {self.patience} steps")

    def _show(self, stage: str, done: int, best: float) -> None:
        import sys

        if self.progress and sys.stderr.isatty():
            total = self.generations if stage == "global" else self.steps
            seconds = self.before + time.perf_counter() - self.begin
            print(f"\r{stage} {done}/{total}, best {best:.4g}, {seconds:.0f} s ", end="", file=sys.stderr, flush=True)

    def _theta(self, z: Array) -> Any:
        return jax.tree.map(jnp.asarray, self.problem.theta(self._named(z)))

    def _named(self, z: Array) -> Z:
        named: Z = self.unravel(jnp.asarray(z))
        return named

    def _result(self, state: _State, reason: str) -> SearchResult:
        candidates = [(float(f), z) for f, z in zip(state.best, state.best_z, strict=True) if np.isfinite(f)]
        if state.found.size:
            k = int(np.argmin(state.found))
            candidates.append((float(state.found.ravel()[k]), state.points.reshape(-1, self.size)[k]))
        if not candidates or not np.isfinite(min(f for f, _ in candidates)):
            raise FitError("no start has a finite loss; narrow the bounds")
        fame = [(f, self._theta(z)) for f, z in sorted(candidates, key=lambda pair: pair[0])]
        gradients = state.history.size
        seconds = self.before + time.perf_counter() - self.begin
        return SearchResult(
            fame[0][1], fame[0][0], fame, state.history, state.found, state.found.size, gradients, seconds, reason
        )

    def _save(self, state: _State) -> None:
        assert self.path is not None
        header = {
            "format": FORMAT,
            "problem": self.description,
            "seconds": state.seconds,
            "local": state.z is not None,
            "leaves": len(state.optimizer),
        }
        arrays = {"points": state.points, "found": state.found}
        if state.z is not None:
            arrays |= {"z": state.z, "history": state.history, "best_z": state.best_z, "best": state.best}
            arrays |= {f"o{k}": leaf for k, leaf in enumerate(state.optimizer)}
        checkpoints.write(self.path, header, arrays)

    def _load(self, path: Path) -> _State:
        with checkpoints.reading(path, FORMAT) as (header, data):
            found = dict(header["problem"])
            differ = [k for k in sorted({*found, *self.description}) if found.get(k) != self.description.get(k)]
            if differ:
                raise CheckpointError(
                    f"{path} belongs to another search, it differs in: {', '.join(differ)}. Give another checkpoint "
                    "path, delete the file, or pass resume=False to start over"
                )
            state = _State(data["points"], data["found"], seconds=float(header["seconds"]))
            if not header["local"]:
                return state
            return replace(
                state,
                z=data["z"],
                optimizer=tuple(data[f"o{k}"] for k in range(header["leaves"])),
                history=data["history"],
                best_z=data["best_z"],
                best=data["best"],
            )
