"""What a fit minimises: the loss as a function of unbounded variables."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from nrn_diff.errors import PrecisionError

from .bijections import AbstractBijection, for_bounds
from .errors import FitError

Z = dict[str, Any]


class Simulates(Protocol):
    """Anything that can be fitted: `nrn_diff.Model`, or a user's own object."""

    def simulate(self, theta: Any) -> Any:
        """The recording for parameters; traceable by JAX."""
        ...


@dataclass(frozen=True)
class Problem:
    """The objective as a function of the unbounded variables z: name -> array."""

    model: Simulates
    loss: Callable[[Any], Any]
    template: Any
    bijections: dict[str, AbstractBijection]

    def theta(self, z: Z) -> Any:
        """The bounded parameters, of the type that the user gave."""
        bounded = {name: bijection.forward(z[name]) for name, bijection in self.bijections.items()}
        leaves, structure = jax.tree_util.tree_flatten_with_path(self.template)
        return jax.tree_util.tree_unflatten(structure, [bounded[_name(path)] for path, _ in leaves])

    def objective(self, z: Z) -> jax.Array:
        """The loss at z. Raises FitError for a loss that is not one number."""
        value = jnp.asarray(self.loss(self.model.simulate(self.theta(z))))
        if value.shape != ():
            raise FitError(f"the loss must be one number, but it has shape {value.shape}")
        return value

    def start(self) -> Z:
        """Z of the parameters that were given."""
        return {n: jnp.asarray(b.inverse(np.asarray(self.template[n]))) for n, b in self.bijections.items()}

    def describe(self) -> dict[str, str]:
        """What decides the problem, field by field, for a checkpoint."""
        return {
            "model": _described(self.model),
            "parameters": ", ".join(f"{n}{np.shape(self.template[n])}" for n in self.bijections),
            "bounds": "; ".join(f"{n}: {b.describe()}" for n, b in self.bijections.items()),
            "loss function": _described(self.loss),
        }


@dataclass(frozen=True)
class Objective:
    """What optimisers may call: the loss as a function of z, and its residuals if the loss has them (gauss_newton)."""

    problem: Problem

    def __call__(self, z: Z) -> jax.Array:
        """The loss at z."""
        return self.problem.objective(z)

    @property
    def residuals(self) -> Callable[[Z], jax.Array] | None:
        """Numbers whose squares add up to the loss, as a function of z; None for a loss that has none."""
        of_loss = getattr(self.problem.loss, "residuals", None)
        if not callable(of_loss):
            return None
        return lambda z: jnp.asarray(of_loss(self.problem.model.simulate(self.problem.theta(z))))

    @property
    def errors(self) -> tuple[Callable[[Z], jax.Array], Callable[[jax.Array], jax.Array]] | None:
        """The numbers that the loss is made of as a function of z, and the loss as a function of them; None without."""
        loss, model = self.problem.loss, self.problem.model
        of_loss, total = getattr(loss, "errors", None), getattr(loss, "of_errors", None)
        if not (callable(of_loss) and callable(total)):
            residuals = self.residuals
            return None if residuals is None else (residuals, lambda x: jnp.sum(x**2))
        return lambda z: jnp.asarray(of_loss(model.simulate(self.problem.theta(z)))), total


def find_bijections(
    theta: Any, bounds: Mapping[str, Any] | None, log: Mapping[str, bool] | None
) -> dict[str, AbstractBijection]:
    """The bijection of each parameter, from its bounds in theta and those given. Raises FitError for unknown names."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(theta)
    names = [_name(path) for path, _ in leaves]
    if not names:
        raise FitError("theta has no parameters to fit")
    of_theta = getattr(theta, "bounds", None)
    chosen = {**(of_theta() if callable(of_theta) else {}), **(bounds or {})}
    unknown = sorted(({*chosen} | {*(log or {})}) - {*names})
    if unknown:
        raise FitError(f"bounds for unknown parameters: {', '.join(unknown)}; theta has {', '.join(names)}")
    return {n: for_bounds(n, theta[n], chosen.get(n), log=(log or {}).get(n)) for n in names}


def _name(path: Sequence[Any]) -> str:
    if len(path) != 1 or not isinstance(getattr(path[0], "key", None), str):
        raise FitError("theta must be a flat mapping from names to arrays")
    return str(path[0].key)


def describe_state(optimizer_state: Any) -> str:
    """Structure, shapes and types of the state of an optimiser."""
    leaves, structure = jax.tree_util.tree_flatten(optimizer_state)
    return f"{structure} {[(np.shape(leaf), str(np.asarray(leaf).dtype)) for leaf in leaves]}"


def _described(thing: Any) -> str:
    described = getattr(thing, "describe", None)
    return str(described()) if callable(described) else ""


def digest(z: Z) -> str:
    """Hash of the numbers."""
    sha = hashlib.sha256()
    for name in sorted(z):
        sha.update(name.encode() + b"\0" + np.ascontiguousarray(np.asarray(z[name], np.float64)).tobytes())
    return sha.hexdigest()


def require_float64() -> None:
    """Raise PrecisionError unless JAX computes in float64."""
    if not jax.config.jax_enable_x64:  # type: ignore[attr-defined]
        raise PrecisionError(
            "JAX is in float32, where a fit resumes and compares nothing exactly. Put "
            "`jax.config.update('jax_enable_x64', True)` at the top of the script, or set JAX_ENABLE_X64=1."
        )
