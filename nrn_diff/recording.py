"""What a simulation returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import numpy as np


class Recording(Mapping[str, jax.Array]):
    """label -> [n_samples], e.g. rec['soma(0.5).v'] (mV). t [n_samples] (ms) is NEURON's own t. A pytree."""

    def __init__(self, t: Any, samples: Mapping[str, Any]) -> None:
        self.t = t
        self._samples = dict(samples)

    def __getitem__(self, label: str) -> jax.Array:
        if label not in self._samples:
            raise KeyError(f"{label!r} is not recorded; there are {', '.join(self._samples) or 'no recordings'}")
        return self._samples[label]

    def __iter__(self) -> Iterator[str]:
        return iter(self._samples)

    def __len__(self) -> int:
        return len(self._samples)

    def __repr__(self) -> str:
        shape = np.shape(self.t)
        return f"Recording({', '.join(self._samples)}; {shape[-1] if shape else 0} samples)"


def _flatten(rec: Recording) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    return (rec.t, *rec._samples.values()), tuple(rec._samples)


def _unflatten(labels: tuple[str, ...], leaves: Any) -> Recording:
    t, *arrays = leaves
    return Recording(t, dict(zip(labels, arrays, strict=True)))


jax.tree_util.register_pytree_node(Recording, _flatten, _unflatten)
