"""A search in two stages: CMA-ES or random points all over the bounds, then descents from the best, batched."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
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
from .draws import Draws
from .errors import CheckpointError, FitError
from .few_errors import AbstractSteps
from .moves import AbstractMoves, ErrorMoves, OptaxMoves
from .problem import Objective, Problem, Simulates, Z, digest, find_bijections, require_float64
from .search_state import State, after_move
from .watched import is_watched

FORMAT = "nrn_diff search checkpoint 2"
# Standard deviation of a logistic variable: z of a point drawn uniformly between its bounds.
_SPREAD = np.pi / np.sqrt(3)

Array = np.ndarray


@dataclass(frozen=True)
class SearchResult:
    """theta, loss: the best. fame: (loss, theta) of the best point of each start, or of a global stage that was
    stopped, best first.

    losses [iterations, starts]: of the descents; NaN where a start that had reached the goal rested. global_losses
    [generations, population], or [rounds, starts, draws] with NaN likewise. simulations, gradients: how many were made
    in all, but for those inside of a move of an optax transformation (gauss_newton, lbfgs).
    seconds: those before a resume included; compiling: how many of them, since it was called. stopped_because:
    one sentence.
    """

    theta: Any
    loss: float
    fame: list[tuple[float, Any]]
    losses: Array
    global_losses: Array
    simulations: int
    gradients: int
    seconds: float
    compiling: float
    stopped_because: str


@dataclass(frozen=True)
class Progress:
    """What a callback gets after each generation and each step of all descents. best: loss so far."""

    stage: str
    done: int
    best: float
    losses: Array


def search(
    model: Simulates,
    theta: Any,
    loss: Callable[[Any], Any],
    *,
    seed: int,
    starts: int = 10,
    generations: int = 0,
    population: int | None = None,
    draws: int = 1,
    rounds: int = 1,
    optimizer: optax.GradientTransformation | AbstractSteps | None = None,
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
    `cmaes`, the extra `search`), each of `population` simulations (None: its rule). With 0 generations every start
    draws `draws` points at random between the bounds, in `rounds` - 1 further rounds as many around its best one, and
    begins at the best: such starts know nothing of each other. The second stage makes `steps` steps of descent from the
    `starts` best points, all at once. optimizer:
    also MinimumNorm() and other AbstractSteps, for losses made of few errors. goal: a loss that is good enough; a start
    that has it rests, and the search ends when `enough` starts have it. patience: it ends when no start has become
    better by a thousandth for so many steps.
    memory: bytes that a batch may take (None: half of what is free); a batch that does not fit is made smaller. batch:
    how many starts move in one batch at most (None: all); a small number where a batch is hardly cheaper than its
    parts, as on one core, because starts that rest then save time.
    seed: of everything random. checkpoint: written after every generation and every step, so that a killed search loses
    the one that it was at; the same call goes on from there, to the same result. progress: a line on stderr, in a
    terminal or a notebook. callbacks: called with a Progress; one that returns True ends the search.
    Raises FitError for settings that make no sense, CheckpointError as `fit` does.
    """
    require_float64()
    if min(starts, enough, draws, rounds) < 1 or steps < 0 or generations < 0:
        raise FitError("starts, draws, rounds and enough must be at least 1, steps and generations not negative")
    problem = Problem(model, loss, theta, find_bijections(theta, bounds, log))
    return _Search(
        problem=problem,
        seed=seed,
        starts=starts,
        generations=generations,
        population=population,
        draws=draws,
        rounds=rounds,
        optimizer=optimizer or default_optimizer(steps),
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
    draws: int
    rounds: int
    optimizer: optax.GradientTransformation | AbstractSteps
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
        self.moves = self._moves()
        self.compiling = 0.0
        # Where a parameter has no bounds, the search starts around the value that was given.
        bounded = {n: jnp.full(jnp.shape(x), self._is_bounded(n)) for n, x in z0.items()}
        self.centre = np.where(ravel_pytree(bounded)[0], 0.0, np.asarray(flat))
        self.description = self.problem.describe() | {
            "start": digest(z0),
            "settings": repr(
                (self.seed, self.starts, self.generations, self.population, self.draws, self.rounds, self.steps)
            ),
            "steps of a start": self.moves.describe(),
        }
        state, self.before = State(np.zeros((0, 0, self.size)), np.zeros((0, 0))), 0.0
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

    def _moves(self) -> AbstractMoves:
        objective = Objective(self.problem)
        if isinstance(self.optimizer, AbstractSteps):
            return ErrorMoves(objective, self.unravel, self.optimizer)
        return OptaxMoves(objective, self.unravel, optax.with_extra_args_support(self.optimizer))

    def _is_bounded(self, name: str) -> bool:
        return hasattr(self.problem.bijections[name], "low")

    def _global(self, state: State) -> State:
        if self.generations > 0:
            return self._evolve(state)
        return self._draw(state) if self.draws > 1 or self.rounds > 1 else state

    def _draw(self, state: State) -> State:
        """Rounds of draws of all starts that have not reached the goal; found is NaN for those that have."""
        drawn = Draws(self.seed, self.starts, self.draws, self.centre)
        objective = self._batched(self._loss, self.draws * min(self.batch or self.starts, self.starts))
        for k in range(self.rounds):
            going = np.flatnonzero(drawn.best > self.goal)
            if not len(going):
                break
            points = drawn.ask(going)
            if k == len(state.found):
                values = objective(points.reshape(-1, self.size)).reshape(len(going), self.draws)
                found = np.full((self.starts, self.draws), np.nan)
                found[going] = np.where(np.isfinite(values), values, np.inf)
                state = state.with_row(state.spread(points, going, self.starts), found)
                self._after(state, "global", k + 1, np.min(found, axis=1))
            # With the same seed and answers it asks for the same points: replayed, not repeated.
            drawn.tell(going, points, state.found[k][going])
        self.drawn = drawn
        return state

    def _loss(self, z: jax.Array) -> jax.Array:
        return self.problem.objective(self.unravel(z))

    def _batched(self, function: Callable[..., Any], size: int) -> Batched:
        return Batched(function, size, self.memory, self._count_compiling)

    def _count_compiling(self, seconds: float) -> None:
        self.compiling += seconds

    def _random(self, n: int) -> Array:
        """n points, uniform between the bounds, [n, size]."""
        uniform = np.random.default_rng(self.seed).uniform(1e-3, 1 - 1e-3, (n, self.size))
        return self.centre + np.log(uniform / (1 - uniform))

    def _evolve(self, state: State) -> State:
        try:
            from cmaes import CMA
        except ImportError:
            raise FitError("generations > 0 needs the package cmaes: pip install 'nrn-diff[search]'") from None
        strategy = CMA(mean=self.centre, sigma=_SPREAD, seed=self.seed, population_size=self.population)
        n = strategy.population_size
        objective = self._batched(self._loss, n)
        for generation in range(self.generations):
            points = np.stack([strategy.ask() for _ in range(n)])
            if generation < len(state.found):
                # With the same seed and answers the strategy asks for the same points: replayed, not repeated.
                found = state.found[generation]
            else:
                values = objective(points)
                found = np.where(np.isfinite(values), values, np.inf)
                state = state.with_row(points, found)
                self._after(state, "global", generation + 1, found)
            # The strategy ranks: what has no loss is last.
            worst = np.max(found[np.isfinite(found)], initial=0.0)
            strategy.tell([(x, f if np.isfinite(f) else worst + 1.0) for x, f in zip(points, found, strict=True)])
        return state

    def _first_points(self, state: State) -> tuple[Array, Array]:
        """Where the descents begin [starts, size], and the losses there as far as they are known."""
        if not state.found.size:
            return self._random(self.starts), np.full(self.starts, np.inf)
        if self.generations == 0:
            return self.drawn.point.copy(), self.drawn.best.copy()
        points, found = state.points.reshape(-1, self.size), state.found.ravel()
        order = np.argsort(found)[: self.starts]
        if len(order) < self.starts:
            raise FitError(f"{self.starts} starts need as many points of the global stage, not {len(order)}")
        return points[order], found[order]

    def _first(self, state: State) -> State:
        z, value = self._first_points(state)
        keys = jax.random.key_data(jax.random.split(jax.random.key(self.seed), self.starts))
        leaves = jax.vmap(self.moves.init)(jnp.asarray(z), keys)
        return replace(
            state,
            z=z,
            value=value,
            optimizer=tuple(map(np.asarray, leaves)),
            history=np.zeros((0, self.starts)),
            best_z=z.copy(),
            best=value.copy(),
        )

    def _local(self, state: State) -> State:
        if state.z is None:
            state = self._first(state)
            self._judge(state, 0)
        mapped = self._batched(self.moves.move, self.batch or self.starts)
        while len(state.history) <= self.steps:
            going = np.flatnonzero(state.best > self.goal)
            old = (state.z, state.value, state.optimizer)
            values, at, z, leaves = mapped(*jax.tree.map(lambda x, rows=going: x[rows], old))
            state = after_move(state, going, values, at, z, leaves)
            self._after(state, "local", len(state.history) - 1, state.history[-1])
        return state

    def _after(self, state: State, stage: str, done: int, losses: Array) -> None:
        if self.path is not None:
            self._save(replace(state, seconds=self.before + time.perf_counter() - self.begin))
        best = float(min(np.nanmin(state.found, initial=np.inf), np.min(state.best, initial=np.inf)))
        self._show(stage, done, best)
        if True in [callback(Progress(stage, done, best, losses)) for callback in self.callbacks]:
            raise _StoppedError(state, "a callback stopped it")
        if stage == "local":
            self._judge(state, done)

    def _judge(self, state: State, done: int) -> None:
        reached = int(np.sum(state.best <= self.goal))
        if reached >= self.enough:
            raise _StoppedError(state, f"{reached} starts reached the goal")
        if self.patience is not None and done > self.patience:
            before = np.nanmin(state.history[: -self.patience], axis=0, initial=np.inf)
            least = np.where(np.isfinite(before), 1e-3 * np.abs(before), 0.0)
            # A start that rests has no losses any more, and one without a finite loss only infinite ones.
            if not np.any((state.best > self.goal) & (state.best < before - least)):
                raise _StoppedError(state, f"no start became better in {self.patience} steps")

    def _show(self, stage: str, done: int, best: float) -> None:
        if self.progress and is_watched():
            total = self.generations if stage == "global" else self.steps
            seconds = self.before + time.perf_counter() - self.begin
            print(f"\r{stage} {done}/{total}, best {best:.4g}, {seconds:.0f} s ", end="", file=sys.stderr, flush=True)

    def _theta(self, z: Array) -> Any:
        return jax.tree.map(jnp.asarray, self.problem.theta(self._named(z)))

    def _named(self, z: Array) -> Z:
        named: Z = self.unravel(jnp.asarray(z))
        return named

    def _result(self, state: State, reason: str) -> SearchResult:
        candidates = [(float(f), z) for f, z in zip(state.best, state.best_z, strict=True) if np.isfinite(f)]
        if not candidates and state.found.size:
            k = int(np.nanargmin(state.found))
            candidates.append((float(state.found.ravel()[k]), state.points.reshape(-1, self.size)[k]))
        if not candidates or not np.isfinite(min(f for f, _ in candidates)):
            raise FitError("no start has a finite loss; narrow the bounds")
        fame = [(f, self._theta(z)) for f, z in sorted(candidates, key=lambda pair: pair[0])]
        gradients = int(np.sum(~np.isnan(state.history)))
        return SearchResult(
            theta=fame[0][1],
            loss=fame[0][0],
            fame=fame,
            losses=state.history,
            global_losses=state.found,
            simulations=int(np.sum(~np.isnan(state.found))) + gradients * self.moves.simulations,
            gradients=gradients,
            seconds=self.before + time.perf_counter() - self.begin,
            compiling=self.compiling,
            stopped_because=reason,
        )

    def _save(self, state: State) -> None:
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
            arrays |= {"z": state.z, "value": state.value, "history": state.history}
            arrays |= {"best_z": state.best_z, "best": state.best}
            arrays |= {f"o{k}": leaf for k, leaf in enumerate(state.optimizer)}
        checkpoints.write(self.path, header, arrays)

    def _load(self, path: Path) -> State:
        with checkpoints.reading(path, FORMAT) as (header, data):
            found = dict(header["problem"])
            differ = [k for k in sorted({*found, *self.description}) if found.get(k) != self.description.get(k)]
            if differ:
                raise CheckpointError(
                    f"{path} belongs to another search, it differs in: {', '.join(differ)}. Give another checkpoint "
                    "path, delete the file, or pass resume=False to start over"
                )
            state = State(data["points"], data["found"], seconds=float(header["seconds"]))
            if not header["local"]:
                return state
            return replace(
                state,
                z=data["z"],
                value=data["value"],
                optimizer=tuple(data[f"o{k}"] for k in range(header["leaves"])),
                history=data["history"],
                best_z=data["best_z"],
                best=data["best"],
            )
