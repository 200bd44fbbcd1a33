"""Which combinations of parameters the data determine: the spectrum of the Gauss-Newton (Fisher) matrix."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from nrn_diff.report.content import Chart, Curve, Section, Table

from .batch import Batched
from .errors import FitError
from .problem import Objective, Problem, Simulates, find_bijections, require_float64

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Identifiability:
    """Eigenvalues [n], descending, and directions [n, n] (columns) of F = J'J; J: residuals by unbounded variables.

    names [n]: 'g_pas', 'gnabar_hh[3]'. A step of length s along direction k changes the loss, a sum of squares at its
    minimum, by eigenvalue[k] * s**2. The unbounded variables are of order one, so that parameters of different units
    compare: for bounds (low, high) a step of 1 in the middle is about a quarter of the range (of its logarithm).
    """

    names: tuple[str, ...]
    eigenvalues: Array
    directions: Array

    def sloppy(self, ratio: float = 1e-3, most: int = 4) -> list[tuple[float, list[tuple[str, float]]]]:
        """Directions below `ratio` of the largest eigenvalue, least determined first: (eigenvalue, largest parts)."""
        out = []
        for k in reversed(range(len(self.eigenvalues))):
            if self.eigenvalues[k] <= ratio * self.eigenvalues[0]:
                out.append((float(self.eigenvalues[k]), self._parts(k, most)))
        return out

    def _parts(self, k: int, most: int) -> list[tuple[str, float]]:
        order = np.argsort(-np.abs(self.directions[:, k]))[:most]
        return [(self.names[i], float(self.directions[i, k])) for i in order]

    def section(self, most: int = 4) -> Section:
        """For a report: the spectrum, and what each direction consists of."""
        index = np.arange(1, len(self.eigenvalues) + 1, dtype=float)
        smallest = np.finfo(float).eps * max(self.eigenvalues[0], np.finfo(float).tiny)
        spectrum = Chart(
            [Curve("eigenvalue", index, np.maximum(self.eigenvalues, smallest), style="points")],
            x_label="direction",
            y_label="eigenvalue",
            log_y=True,
        )
        rows = [
            (str(k + 1), f"{x:.3g}", ", ".join(f"{part:+.2f} {name}" for name, part in self._parts(k, most)))
            for k, x in enumerate(self.eigenvalues)
        ]
        return Section("What the data determine", [spectrum, Table(("", "eigenvalue", "direction"), rows)])


def identifiability(
    model: Simulates,
    theta: Any,
    loss: Callable[[Any], Any],
    *,
    bounds: Mapping[str, Any] | None = None,
    log: Mapping[str, bool] | None = None,
    memory: int | None = None,
) -> Identifiability:
    """Eigenvalues and directions of the Gauss-Newton matrix of a loss that is a sum of squares, at theta.

    For residuals in units of the noise it is the Fisher information. model, theta, loss, bounds, log: as in `fit`; the
    loss has `residuals` (trace_mse, ZScores, Weighted do). One run with a tangent for each parameter, in batches that
    fit `memory` (bytes).
    Raises FitError for a loss without residuals.
    """
    require_float64()
    residuals, z = _residuals(Problem(model, loss, theta, find_bijections(theta, bounds, log)))
    flat, unravel = ravel_pytree(z)
    column = Batched(lambda e: jax.jvp(lambda x: residuals(unravel(x)), (flat,), (e,))[1], len(flat), memory)
    rows = np.asarray(column(np.eye(len(flat))))
    if not np.all(np.isfinite(rows)):
        raise FitError("the derivative of the residuals is not finite at theta")
    # The singular values of J keep the small eigenvalues of J'J that squaring would drown in rounding.
    left, singular, _ = np.linalg.svd(rows, full_matrices=rows.shape[1] < len(flat))
    eigenvalues = np.zeros(len(flat))
    eigenvalues[: len(singular)] = singular**2
    return Identifiability(tuple(_names(z)), eigenvalues, left)


def gauss_newton_product(
    model: Simulates, theta: Any, loss: Callable[[Any], Any], **options: Any
) -> Callable[[Any], Any]:
    """v -> J'J v by one jvp and one vjp, for more parameters than a matrix can hold; v as z: name -> array.

    options: bounds and log, as in `fit`.
    """
    require_float64()
    bijections = find_bijections(theta, options.pop("bounds", None), options.pop("log", None))
    residuals, z = _residuals(Problem(model, loss, theta, bijections))

    @jax.jit
    def product(v: Any) -> Any:
        _, forward = jax.jvp(residuals, (z,), (v,))
        return jax.vjp(residuals, z)[1](forward)[0]

    return product


def _residuals(problem: Problem) -> tuple[Callable[[Any], Any], Any]:
    residuals = Objective(problem).residuals
    if residuals is None:
        raise FitError("identifiability needs a loss that is a sum of squares and has `residuals`, as trace_mse has")
    return residuals, problem.start()


def _names(z: Mapping[str, Any]) -> list[str]:
    # In the order of ravel_pytree, which sorts the keys of a dict.
    return [
        name if np.ndim(z[name]) == 0 or np.size(z[name]) == 1 else f"{name}[{i}]"
        for name in sorted(z)
        for i in range(max(int(np.size(jnp.asarray(z[name]))), 0))
    ]
