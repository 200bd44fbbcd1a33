"""Elimination order of a forest by contraction: which nodes go in which round, known before anything runs.

Each round removes every leaf and an independent set of nodes that lie on a chain (one child, with or without a parent);
a tree of n nodes takes about log2(n) rounds instead of n dependent steps (Miller & Reif 1985, tree contraction).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nrn_diff.solver.incidence import Incidence


@dataclass(frozen=True, eq=False)
class Round:
    """One round acts on the nodes that are still there: the first `eliminated` rows go, the others stay.

    up [eliminated]: the remaining row that is the parent (-1: a root). down [eliminated]: the remaining row that is the
    only child (-1: a leaf). above [remaining]: the eliminated row that was the parent (-1: the parent stays). Rows
    count from the first of their own group.
    """

    eliminated: int
    up: Incidence
    down: Incidence
    above: Incidence


@dataclass(frozen=True, eq=False)
class Schedule:
    """order [n]: node at each row (rows in order of elimination). parent [n]: row of the parent row, -1 for a root.

    visit [n]: the rows in the order of their nodes, parents before children. siblings: the first children (row ->
    parent), the second ones, ..., in the order in which NEURON adds them up; empty where it does not matter.
    """

    order: np.ndarray
    parent: Incidence
    rounds: tuple[Round, ...]
    visit: np.ndarray
    siblings: tuple[Incidence, ...] = ()


def contract(parent: np.ndarray, turn: np.ndarray | None = None) -> Schedule:
    """Schedule for a forest given by parent indices (-1: root), parents before children.

    turn [n]: the place of each node in NEURON's order, if sums are to be made in it.
    """
    n = len(parent)
    above = parent.astype(np.int64).copy()
    children: list[set[int]] = [set() for _ in range(n)]
    for node, p in enumerate(above):
        if p >= 0:
            children[p].add(node)
    alive = np.arange(n)
    steps: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    while len(alive):
        chosen = _choose(alive, above, children)
        up = above[chosen]
        down = np.array([next(iter(children[i]), -1) for i in chosen], dtype=np.int64)
        steps.append((chosen, up.copy(), down))
        for node, p, child in zip(chosen.tolist(), up.tolist(), down.tolist(), strict=True):
            if p >= 0:
                children[p].discard(node)
            if child >= 0:
                above[child] = p
                if p >= 0:
                    children[p].add(child)
        alive = np.setdiff1d(alive, chosen)
    order = np.concatenate([chosen for chosen, _, _ in steps]) if steps else np.zeros(0, np.int64)
    row = np.empty(n, np.int64)
    row[order] = np.arange(n)
    rounds, start = [], 0
    for chosen, up, down in steps:
        end = start + len(chosen)
        remaining = n - end
        to_row = lambda nodes, end=end: np.where(nodes >= 0, row[np.maximum(nodes, 0)] - end, -1)  # noqa: E731
        down_row, over = to_row(down), np.full(remaining, -1)
        over[down_row[down_row >= 0]] = np.flatnonzero(down_row >= 0)
        rounds.append(
            Round(
                len(chosen),
                Incidence(to_row(up), remaining),
                Incidence(down_row, remaining),
                Incidence(over, len(chosen)),
            )
        )
        start = end
    parent_row = np.where(parent[order] >= 0, row[np.maximum(parent[order], 0)], -1)
    if turn is None or not len(turn):
        return Schedule(order, Incidence(parent_row, n), tuple(rounds), row)
    visit = row[np.argsort(turn)]
    return Schedule(order, Incidence(parent_row, n), tuple(rounds), visit, _siblings(parent_row, visit))


def _siblings(parent_row: np.ndarray, visit: np.ndarray) -> tuple[Incidence, ...]:
    """The first, second, ... children of all rows, in the order of `visit`."""
    n = len(visit)
    seen, which = np.zeros(n, int), np.full(n, -1)
    for k in visit.tolist():
        if (p := parent_row[k]) >= 0:
            which[k], seen[p] = seen[p], seen[p] + 1
    return tuple(Incidence(np.where(which == r, parent_row, -1), n) for r in range(int(seen.max(initial=0))))


def _choose(alive: np.ndarray, above: np.ndarray, children: list[set[int]]) -> np.ndarray:
    """Leaves, then chain nodes none of whose neighbours is chosen, from the tips towards the root."""
    taken: set[int] = set()
    chain = []
    for node in alive[::-1].tolist():
        count = len(children[node])
        if count == 0:
            taken.add(node)
        elif count == 1:
            chain.append(node)
    for node in chain:
        (child,) = children[node]
        if child not in taken and above[node] not in taken:
            taken.add(node)
    return np.array(sorted(taken), dtype=np.int64)
