"""The stages of the demo: each takes what the earlier ones made and returns what it found."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

import nrn_diff
from nrn_diff.bridge.judge import Difference, differences, neuron_traces
from nrn_diff.demo.cell import CONDUCTANCES
from nrn_diff.fitting import FitResult, FitStep, TraceMSE, gauss_newton, trace_mse
from nrn_diff.richardson import derivative

Array = np.ndarray
Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Comparison:
    """One run in NEURON and here. theirs, ours: label -> [n_samples]; t (ms). seconds: of one run, compiled."""

    t: Array
    theirs: dict[str, Array]
    ours: dict[str, Array]
    found: list[Difference]
    seconds_neuron: float
    seconds: float

    @property
    def worst_mv(self) -> float:
        """Largest |dV| (mV)."""
        return max(d.worst for d in self.found if d.unit == "mV")

    @property
    def spikes(self) -> int:
        """Upward crossings of 0 mV in NEURON, of the first voltage."""
        v = self.theirs[voltages(self.theirs)[0]]
        return int(np.sum((v[1:] > 0) & (v[:-1] <= 0)))


@dataclass(frozen=True)
class Slope:
    """One entry of a gradient: ours, NEURON's by differences, and how good the differences are by themselves."""

    label: str
    ours: float
    neuron: float
    uncertainty: float

    @property
    def error(self) -> float:
        """Relative to NEURON's."""
        return abs(self.ours - self.neuron) / abs(self.neuron)


@dataclass(frozen=True, eq=False)
class Gradient:
    """All entries, with the loss there. seconds: of one value and gradient, compiled; seconds_forward: of the loss."""

    slopes: list[Slope]
    loss: float
    seconds: float
    seconds_forward: float

    @property
    def worst(self) -> float:
        """Largest relative error."""
        return max(s.error for s in self.slopes)


@dataclass(frozen=True, eq=False)
class Fit:
    """Two fits, one after the other: first-order, then Gauss-Newton."""

    coarse: FitResult
    fine: FitResult

    @property
    def losses(self) -> Array:
        """Of each update."""
        return np.concatenate([self.coarse.losses, self.fine.losses])


def voltages(labels: Any) -> list[str]:
    """The labels of membrane potentials."""
    return [label for label in labels if label.endswith(").v")]


def compare(model: nrn_diff.Model) -> Comparison:
    """NEURON's run of the live model, and ours."""
    begin = time.perf_counter()
    theirs = neuron_traces(model.capture)
    seconds_neuron = time.perf_counter() - begin
    _ = _run(model)  # compiles
    begin = time.perf_counter()
    ours = _run(model)
    seconds = time.perf_counter() - begin
    found = differences(model.capture, theirs, ours, model.t)
    return Comparison(model.t, theirs, ours, found, seconds_neuron, seconds)


def _run(model: nrn_diff.Model) -> dict[str, Array]:
    return {label: np.asarray(trace) for label, trace in model.simulate().items()}


def perturb(cell: Any, seed: int, size: float) -> dict[str, float]:
    """Scale each conductance in NEURON by exp(+-size), signs from the seed; returns the factors that undo it."""
    rng = np.random.default_rng(seed)
    undo = {}
    # The setters first: regions may overlap, and each factor is relative to what is there before any change.
    for conductance in CONDUCTANCES:
        factor = float(np.exp(size * rng.choice([-1.0, 1.0])))
        conductance.setter(cell)(factor)
        undo[conductance.label] = 1 / factor
    return undo


def target_loss(target: Mapping[str, Array]) -> TraceMSE:
    """Mean squared difference (mV^2) of every recorded voltage to the target."""
    return trace_mse(voltages(target), target)


def check_gradient(
    model: nrn_diff.Model, theta: nrn_diff.Parameters, loss: TraceMSE, cell: Any, change: float, say: Say
) -> Gradient:
    """The gradient here, and each entry of it by extrapolated differences of NEURON's own runs.

    `theta` must be the live values: NEURON is left as it was found. change: of the loss, relative, by the first
    difference; small where the loss has kinks, large enough to stand out of NEURON's rounding.
    """
    objective = jax.jit(jax.value_and_grad(lambda th: loss(model.simulate(th))))
    forward = jax.jit(lambda th: loss(model.simulate(th)))
    value, gradient = jax.block_until_ready(objective(theta))
    seconds, seconds_forward = _seconds(objective, theta), _seconds(forward, theta)
    slopes = []
    for k, conductance in enumerate(CONDUCTANCES):
        say(f"NEURON's differences {k + 1} of {len(CONDUCTANCES)}: {conductance.label}")
        setter = conductance.setter(cell)
        slope, uncertainty = _neuron_slope(model, loss, setter, change * float(value))
        slopes.append(Slope(conductance.label, float(gradient[conductance.label]), slope, uncertainty))
    return Gradient(slopes, float(value), seconds, seconds_forward)


def _neuron_slope(
    model: nrn_diff.Model, loss: TraceMSE, scale: Callable[[float], None], change: float
) -> tuple[float, float]:
    def neuron_loss(factor: float) -> float:
        scale(factor)
        return float(loss(neuron_traces(model.capture)))

    try:
        crude = (neuron_loss(1 + 1e-5) - neuron_loss(1 - 1e-5)) / 2e-5
        return derivative(neuron_loss, 1.0, change / abs(crude) / 2, rtol=1e-6, restarts=1, rows=3)
    finally:
        scale(1.0)


def _seconds(function: Callable[[Any], Any], theta: Any) -> float:
    jax.block_until_ready(function(theta))
    times = []
    for _ in range(3):
        begin = time.perf_counter()
        jax.block_until_ready(function(theta))
        times.append(time.perf_counter() - begin)
    return sorted(times)[1]


def fit(model: nrn_diff.Model, theta: nrn_diff.Parameters, loss: TraceMSE, steps: tuple[int, int], say: Say) -> Fit:
    """Adam until the spikes are about right, then Gauss-Newton to the bottom of the valley."""

    def report(name: str, every: int, enough: float) -> Callable[[FitStep], bool]:
        def callback(info: FitStep) -> bool:
            if info.step % every == 0:
                say(f"{name}, update {info.step}: loss {info.loss:.3e} mV^2")
            return info.loss < enough

        return callback

    coarse = nrn_diff.fit(model, theta, loss, steps=steps[0], progress=False, callbacks=[report("Adam", 10, 0.0)])
    fine = nrn_diff.fit(
        model,
        coarse.theta,
        loss,
        steps=steps[1],
        optimizer=gauss_newton(),
        progress=False,
        callbacks=[report("Gauss-Newton", 2, 1e-16)],
    )
    return Fit(coarse, fine)
