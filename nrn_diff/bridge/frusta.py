"""The pieces that area and axial resistance of the live segments are sums over, and path distances."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from nrn_diff.snapshot import Frusta


class Piece(NamedTuple):
    """A frustum of a segment of a section: see `snapshot.Frusta`; node: which node, counted from the parent."""

    node: int
    half: int
    length: float
    left: float
    right: float


def pieces_of_points(arc: Sequence[float], diam: Sequence[float], nseg: int) -> list[Piece]:
    """The frusta between 3-D points, cut at the ends and the middle of each segment (diam_from_list in treeset.cpp).

    arc [n] (um): along the section, ascending. diam [n] (um).
    """
    last = len(arc) - 1
    ds = arc[last] / nseg
    pieces = []
    j, x1, y1 = 0, arc[0], abs(diam[0])
    for node in range(nseg):
        at = node * ds
        for half in (0, 1):
            end = at + ds / 2
            while True:
                following = j + 1
                if arc[following] > end or following == last:
                    span = arc[following] - arc[j]
                    part = 1.0 if abs(span) < 1e-10 else (end - arc[j]) / span
                    x2, y2 = end, (1 - part) * abs(diam[j]) + part * abs(diam[following])
                    step = j
                else:
                    x2, y2, step = arc[following], abs(diam[following]), following
                pieces.append(Piece(node, half, x2 - x1, y1, y2))
                x1, y1 = x2, y2
                if step == j:
                    break
                j = step
            at = end
    return pieces


def pieces_of_cylinders(length: float, diam: Sequence[float]) -> list[Piece]:
    """Two halves for each segment of a section without 3-D points; diam in the order of the nodes."""
    half = length / len(diam) / 2
    return [Piece(node, k, half, d, d) for node, d in enumerate(diam) for k in (0, 1)]


def area_and_ri(pieces: Sequence[Piece], nseg: int, ra: float) -> tuple[np.ndarray, np.ndarray]:
    """Area (um2) [nseg] and resistance to the node before (MOhm) [nseg + 1] that the pieces add up to."""
    area, half = np.zeros(nseg), np.zeros((nseg, 2))
    for p in pieces:
        area[p.node] += (p.left + p.right) * np.hypot(p.length, 0.5 * (p.right - p.left)) * 0.5 * np.pi
        half[p.node, p.half] += ra * 0.04 / np.pi / max(p.left * p.right / max(p.length, 1e-15), 1e-15)
    joints = [a[1] + b[0] for a, b in pairwise(half)]
    return area, np.array([half[0, 0], *joints, half[-1, 1]])


def make_frusta(of_section: Sequence[list[Piece]], first_node: Sequence[int], segment_node: np.ndarray) -> Frusta:
    """Frusta of all sections. of_section: pieces of each; first_node: the node of its first segment from the parent."""
    segment_at = {int(node): k for k, node in enumerate(segment_node)}
    rows = [(segment_at[first + p.node], p) for first, ps in zip(first_node, of_section, strict=True) for p in ps]
    pieces = [p for _, p in rows]
    return Frusta(
        segment=np.array([k for k, _ in rows], dtype=int),
        half=np.array([p.half for p in pieces], dtype=int),
        length=np.array([p.length for p in pieces], dtype=float),
        left=np.array([p.left for p in pieces], dtype=float),
        right=np.array([p.right for p in pieces], dtype=float),
    )
