"""Where the segments of the live model lie in space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from neuron import h


def segment_ends(sections: Sequence[Any]) -> list[Any]:
    """Start and end of each segment, [n_segments, 2, 3] (um); for a copy of the process only.

    From the 3-D points; a stylised section gets those of NEURON's own layout (h.define_shape).
    """
    if any(section.n3d() == 0 for section in sections):
        h.define_shape()
    ends = []
    for section in sections:
        count, n = int(section.n3d()), int(section.nseg)
        points = np.array([[section.x3d(i), section.y3d(i), section.z3d(i)] for i in range(count)])
        along = np.array([section.arc3d(i) for i in range(count)])
        borders = np.linspace(0.0, along[-1], n + 1)
        at = np.stack([np.interp(borders, along, points[:, axis]) for axis in range(3)], axis=1)
        ends.append(np.stack([at[:-1], at[1:]], axis=1))
    found: list[Any] = np.concatenate(ends).tolist()
    return found
