"""Several protocols on one model, and losses over what they record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nrn_diff.params import Parameters

from .errors import FitError
from .features import AbstractFeature, FISlope


@dataclass(frozen=True, eq=False)
class Protocols:
    """Runs a model once for each protocol; `fit` takes it in place of a model.

    model: anything with .simulate(theta). changes: protocol -> what it sets, e.g. {"step 1": {"IClamp.amp": 0.2}}, as
    names of `model.parameters` -> number or array. All protocols run the same compiled program, as one batch.
    """

    model: Any
    changes: Mapping[str, Mapping[str, Any]]

    def __post_init__(self) -> None:
        names = {tuple(sorted(change)) for change in self.changes.values()}
        if len(names) != 1:
            raise FitError("every protocol must set the same names (give the unchanged value where nothing changes)")

    def simulate(self, theta: Any) -> dict[str, Any]:
        """Protocol -> recording."""
        overlap = [name for name in next(iter(self.changes.values())) if name in dict(theta)]
        if overlap:
            raise FitError(f"{overlap[0]!r} is set by the protocols, so it cannot be fitted as well")
        names = next(iter(self.changes.values()))
        stacked = {n: jnp.stack([jnp.asarray(c[n], float) for c in self.changes.values()]) for n in names}

        def one(change: Mapping[str, Any]) -> Any:
            merged = {**theta, **change}
            return self.model.simulate(Parameters(merged, theta.specs) if isinstance(theta, Parameters) else merged)

        batch = jax.vmap(one)(stacked)
        return {name: jax.tree.map(lambda x, k=k: x[k], batch) for k, name in enumerate(self.changes)}

    def describe(self) -> str:
        """What decides the runs, for the digest of a checkpoint."""
        described = getattr(self.model, "describe", None)
        changes = {k: {n: np.asarray(x, float).tolist() for n, x in c.items()} for k, c in self.changes.items()}
        return f"{described() if callable(described) else ''} {changes!r}"


@dataclass(frozen=True)
class Target:
    """What an experiment says about a feature. mean, std: in the unit of the feature; weight: of its squared z-score.

    protocol: of which recording; "" for features of all of them (FISlope) and for single recordings.
    missing: the z-score where the feature does not exist. It has no derivative: give a SoftSpikeCount its part too.
    """

    feature: Callable[[Any], Any]
    mean: float
    std: float
    weight: float = 1.0
    protocol: str = ""
    missing: float = 10.0

    @property
    def name(self) -> str:
        """For tables."""
        which, label = getattr(self.feature, "which", None), getattr(self.feature, "label", "")
        feature = type(self.feature).__name__ + ("" if which is None else f"[{which}]")
        return (f"{self.protocol}: " if self.protocol else "") + feature + (f" of {label}" if label else "")


def _is_finite(feature: Any, recording: Any) -> Any:
    """Whether the traces that a feature looks at are finite; of other functions than features nothing is known."""
    if isinstance(feature, FISlope):
        return jnp.stack([_is_finite(feature.count, recording[name]) for name, _ in feature.current]).all()
    return jnp.isfinite(recording[feature.label]).all() if isinstance(feature, AbstractFeature) else True


@dataclass(frozen=True, eq=False)
class ZScores:
    """Weighted mean of the squared z-scores of features: how many standard deviations away from the experiment."""

    targets: Sequence[Target]

    def __post_init__(self) -> None:
        for target in self.targets:
            if not (target.std > 0 and target.weight >= 0 and np.isfinite(target.mean)):
                raise FitError(f"{target.name}: std must be positive, weight not negative, mean finite")
        if not sum(target.weight for target in self.targets) > 0:
            raise FitError("no feature has a weight")

    def values(self, recordings: Any) -> list[Any]:
        """Each feature, in its unit; NaN where it does not exist."""
        return [t.feature(recordings[t.protocol] if t.protocol else recordings) for t in self.targets]

    def z(self, recordings: Any) -> jax.Array:
        """The z-scores, [n_targets]; NaN of a trace that is not finite."""
        scores = []
        for target, value in zip(self.targets, self.values(recordings), strict=True):
            exists = jnp.isfinite(value)
            known = jnp.where(exists, value, target.mean)
            score = jnp.where(exists, (known - target.mean) / target.std, target.missing)
            # A run that failed must not look better than one that is far off.
            whole = _is_finite(target.feature, recordings[target.protocol] if target.protocol else recordings)
            scores.append(jnp.where(whole, score, jnp.nan))
        return jnp.stack(scores)

    def residuals(self, recordings: Any) -> jax.Array:
        """Numbers whose squares add up to the loss, for gauss_newton, [n_targets]."""
        weight = np.array([target.weight for target in self.targets])
        return jnp.asarray(np.sqrt(weight / weight.sum())) * self.z(recordings)

    def __call__(self, recordings: Any) -> jax.Array:
        """The loss."""
        return jnp.sum(self.residuals(recordings) ** 2)

    def describe(self) -> str:
        """What decides the loss, for the digest of a checkpoint."""
        return f"z-scores of {list(self.targets)!r}"


@dataclass(frozen=True, eq=False)
class AbsoluteZScores(ZScores):
    """Sum of the weighted absolute z-scores: a single feature that is far off does not outweigh all others.

    A sum and no mean, as in published fits of windowed moments. It has no residuals whose squares add up to it, so
    gauss_newton cannot use it; MinimumNorm can.
    """

    def errors(self, recordings: Any) -> jax.Array:
        """The weighted z-scores, [n_targets]."""
        return jnp.asarray([target.weight for target in self.targets]) * self.z(recordings)

    def of_errors(self, errors: jax.Array) -> jax.Array:
        """The loss."""
        return jnp.sum(jnp.abs(errors))

    def residuals(self, recordings: Any) -> jax.Array:
        """Raises FitError."""
        raise FitError("a sum of absolute values is no sum of squares: use ZScores, or MinimumNorm in search()")

    def __call__(self, recordings: Any) -> jax.Array:
        """The loss."""
        return self.of_errors(self.errors(recordings))

    def describe(self) -> str:
        """What decides the loss, for the digest of a checkpoint."""
        return f"absolute {super().describe()}"


@dataclass(frozen=True, eq=False)
class Weighted:
    """A weighted sum of losses: (loss, weight, protocol) each; protocol "" gives the loss everything."""

    terms: Sequence[tuple[Callable[[Any], Any], float, str]]

    def _parts(self, recordings: Any) -> list[tuple[Callable[[Any], Any], float, Any]]:
        return [(f, w, recordings[protocol] if protocol else recordings) for f, w, protocol in self.terms]

    def __call__(self, recordings: Any) -> jax.Array:
        """The loss."""
        total = jnp.zeros(())
        for loss, weight, recording in self._parts(recordings):
            total += weight * loss(recording)
        return total

    def residuals(self, recordings: Any) -> jax.Array:
        """For gauss_newton, where every part has residuals. Raises FitError for one that has none."""
        parts = []
        for loss, weight, recording in self._parts(recordings):
            of_loss = getattr(loss, "residuals", None)
            if of_loss is None or weight < 0:
                raise FitError(f"{loss!r} is no sum of squares with a positive weight")
            parts.append(np.sqrt(weight) * of_loss(recording))
        return jnp.concatenate(parts)

    def describe(self) -> str:
        """What decides the loss, for the digest of a checkpoint."""
        parts = [(d() if callable(d := getattr(f, "describe", None)) else "", w, p) for f, w, p in self.terms]
        return f"weighted {parts!r}"
