"""What a simulation returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import numpy as np

from nrn_diff import show
from nrn_diff.solver.spikes import SEND_DELAY


class Recording(Mapping[str, jax.Array]):
    """label -> [n_samples], e.g. rec['soma(0.5).v'] (mV). A pytree.

    t [n_samples] (ms): NEURON's own t, at every step; `times(label)` where a Vector records otherwise. crossed: for
    each Vector that a NetCon fills with spike times, by a label like 'soma(0.5).v > 10', whether a spike was sent at
    the start of each step, [n_steps]. sent: the same for processes that send by net_event, 'Detector[0]': times (ms) of
    any shape, inf for none.
    """

    def __init__(
        self,
        t: Any,
        samples: Mapping[str, Any],
        crossed: Mapping[str, Any] | None = None,
        sent: Mapping[str, Any] | None = None,
        times: Mapping[str, Any] | None = None,
    ) -> None:
        self.t = t
        self._samples = dict(samples)
        self.crossed = dict(crossed or {})
        self.sent = dict(sent or {})
        self._times = dict(times or {})

    def times(self, label: str) -> Any:
        """Times (ms) of the samples of one label: `t`, but for Vectors that record at intervals or given times."""
        if label not in self._samples:
            self[label]  # raises
        return self._times.get(label, self.t)

    def spike_times(self, label: str) -> np.ndarray:
        """Times (ms) that NetCon.record would give; not under jit. Raises KeyError for an unknown label."""
        if label in self.sent:
            times = np.ravel(np.asarray(self.sent[label]))
            return times[np.isfinite(times)]
        if label not in self.crossed:
            known = ", ".join((*self.crossed, *self.sent))
            raise KeyError(f"{label!r} is not watched; there are {known or 'no spike recordings'}")
        return np.asarray(self.t)[:-1][np.asarray(self.crossed[label])] + SEND_DELAY

    def __getitem__(self, label: str) -> jax.Array:
        if label not in self._samples:
            raise KeyError(f"{label!r} is not recorded; there are {', '.join(self._samples) or 'no recordings'}")
        return self._samples[label]

    def __iter__(self) -> Iterator[str]:
        return iter(self._samples)

    def __len__(self) -> int:
        return len(self._samples)

    def _repr_html_(self) -> str:
        return show.traces(self.t, self)

    def __repr__(self) -> str:
        shape = np.shape(self.t)
        return f"Recording({', '.join(self._samples)}; {shape[-1] if shape else 0} samples)"


def _flatten(rec: Recording) -> tuple[tuple[Any, ...], None]:
    return (rec.t, rec._samples, rec.crossed, rec.sent, rec._times), None


def _unflatten(_: None, children: tuple[Any, ...]) -> Recording:
    return Recording(*children)


jax.tree_util.register_pytree_node(Recording, _flatten, _unflatten)
