"""The linear systems of `tree_solve` and `layered_solve` as dense matrices: the oracle of the tests."""

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


def layered_matrix(
    parent: np.ndarray, inward: np.ndarray, a: np.ndarray, b: np.ndarray, d: np.ndarray, c: np.ndarray
) -> np.ndarray:
    """Dense matrix of unknowns with a parent (-1: none), of which the last len(c) are coupled inward by c."""
    out = matrix(parent, a, b, d)
    outer = np.arange(len(d) - len(c), len(d))
    out[outer, inward] += c
    out[inward, outer] += c
    return out
