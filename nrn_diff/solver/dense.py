"""The same linear system as `tree_solve`, as a dense matrix: the oracle of the tests."""

from __future__ import annotations

import numpy as np


def matrix(parent: np.ndarray, a: np.ndarray, b: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Dense [n, n] matrix of a forest (parent -1: root)."""
    out = np.diag(np.asarray(d, dtype=float))
    for i, p in enumerate(parent):
        if p >= 0:
            out[i, p] += b[i]
            out[p, i] += a[i]
    return out
