"""Which recorded quantities are sampled among the events that change them, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False)
class SampleGroup:
    """Recorded quantities that events of one mechanism change and Vectors sample among these (samples.py).

    variable: '' for weights. All [n]: number among `Structure.recorded`; place: row of the variable, or connection;
    instance: whose events change it; kind: which of the sets of times; column: among all that are sampled so.
    """

    owner: str
    variable: str
    element: int
    number: np.ndarray
    place: np.ndarray
    instance: np.ndarray
    kind: np.ndarray
    column: np.ndarray


@dataclass(frozen=True, eq=False)
class Samples:
    """asked: half of a step ('early', 'late') -> when samples are due in it, [n_steps, most, n_kinds] (ms)."""

    groups: tuple[SampleGroup, ...] = ()
    asked: Mapping[str, np.ndarray] = field(default_factory=dict)


NO_SAMPLES = Samples()
