"""Losses: objects that take a recording (a mapping label -> [n_samples]) and return one number."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .errors import FitError

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class TraceMSE:
    """Mean squared difference of traces; build it with `trace_mse`.

    labels [n]; target, weight: for each label [n_samples]; scale [n]: in the unit of the trace. The loss has no unit:
    mean over labels of sum(weight * ((trace - target) / scale)^2) / sum(weight).
    """

    labels: tuple[str, ...]
    target: tuple[Array, ...]
    weight: tuple[Array, ...]
    scale: tuple[float, ...]

    def __call__(self, recording: Mapping[str, Any]) -> jax.Array:
        """The loss. Raises FitError for a label that was not recorded and for a trace of another length."""
        total = jnp.zeros(())
        for label, target, weight, scale in zip(self.labels, self.target, self.weight, self.scale, strict=True):
            error = _error(recording, label, target, weight, scale)
            total += jnp.sum(weight * error**2) / np.sum(weight)
        return total / len(self.labels)

    def residuals(self, recording: Mapping[str, Any]) -> jax.Array:
        """All samples of all traces as one vector, whose squares add up to the loss. Raises FitError likewise."""
        parts = []
        for label, target, weight, scale in zip(self.labels, self.target, self.weight, self.scale, strict=True):
            error = _error(recording, label, target, weight, scale)
            parts.append(np.sqrt(weight / np.sum(weight) / len(self.labels)) * error)
        return jnp.concatenate(parts)

    def describe(self) -> str:
        """What decides the loss, for the digest of a checkpoint."""
        sha = hashlib.sha256()
        for array in (*self.target, *self.weight, np.asarray(self.scale)):
            sha.update(np.ascontiguousarray(array).tobytes())
        return f"trace_mse of {', '.join(self.labels)} {sha.hexdigest()}"


def trace_mse(
    labels: str | Sequence[str],
    target: Any,
    mask: Any = None,
    scale: float | Mapping[str, float] | None = None,
) -> TraceMSE:
    """The mean squared difference to target traces.

    labels: one label or several, as in rec.keys(). target: [n_samples] for one label, else a mapping (such as another
    recording) or a sequence in the order of the labels. mask: None, or [n_samples] of non-negative weights (bool: use
    the sample or not), for all labels or a mapping label -> [n_samples]; targets may be NaN where it is 0. scale: what
    counts as a difference of one, in the unit of the trace (mV); one for all or a mapping; default 1.
    Raises FitError for targets that are missing, not finite under the mask or of another length than the mask.
    """
    names = (labels,) if isinstance(labels, str) else tuple(labels)
    if not names:
        raise FitError("trace_mse needs at least one label")
    targets, weights, scales = [], [], []
    for i, name in enumerate(names):
        trace = np.asarray(_target(target, names, i), dtype=np.float64)
        weight = np.ones(trace.shape) if mask is None else np.asarray(_of(mask, name), dtype=np.float64)
        unit = 1.0 if scale is None else float(_of(scale, name))
        if trace.ndim != 1 or weight.shape != trace.shape:
            raise FitError(f"{name}: target {trace.shape} and mask {weight.shape} must be vectors of the same length")
        if not (np.all(weight >= 0) and np.sum(weight) > 0):
            raise FitError(f"{name}: the mask must be non-negative and use at least one sample")
        if not np.all(np.isfinite(trace[weight > 0])):
            raise FitError(f"{name}: the target is not finite where the mask uses it; mask those samples")
        if not (np.isfinite(unit) and unit > 0):
            raise FitError(f"{name}: scale {unit} must be positive")
        targets.append(trace)
        weights.append(weight)
        scales.append(unit)
    return TraceMSE(names, tuple(targets), tuple(weights), tuple(scales))


def _error(recording: Mapping[str, Any], label: str, target: Array, weight: Array, scale: float) -> jax.Array:
    if label not in recording:
        raise FitError(f"{label!r} is not in the recording; it has {', '.join(recording)}")
    trace = jnp.asarray(recording[label])
    if trace.shape != target.shape:
        raise FitError(f"{label}: the recording has shape {trace.shape} but the target {target.shape}")
    # Where the weight is 0 the target may be NaN (missing data): keep it out of the gradient too.
    return jnp.where(weight > 0, trace - np.where(weight > 0, target, 0.0), 0.0) / scale


def _target(target: Any, names: tuple[str, ...], i: int) -> Any:
    if isinstance(target, Mapping) or hasattr(target, "keys"):
        if names[i] not in target:
            raise FitError(f"there is no target for {names[i]!r}")
        return target[names[i]]
    if len(names) == 1:
        return target
    if len(target) != len(names):
        raise FitError(f"{len(names)} labels but {len(target)} targets")
    return target[i]


def _of(value: Any, name: str) -> Any:
    if not isinstance(value, Mapping):
        return value
    if name not in value:
        raise FitError(f"neither mask nor scale may leave out {name!r}")
    return value[name]
