"""Random.play: the numbers that NEURON will draw, by letting a copy of the process draw them."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import partial

import numpy as np

from nrn_diff.bridge.clock import Clock
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.forked import in_copy
from nrn_diff.bridge.inventory import Inventory, hoc_objects
from nrn_diff.bridge.native import neuron_library
from nrn_diff.bridge.plays import locate, refuse_random_play
from nrn_diff.bridge.threads import how_many
from nrn_diff.bridge.variables import FIRST, Block, every_variable, fill
from nrn_diff.events.time_grid import n_steps, time_grid
from nrn_diff.snapshot import Play

_DRAW = "nrn_random_play"


def find_random_plays(inventory: Inventory, moments: np.ndarray, findings: Findings) -> tuple[Play, ...]:
    """Every variable that a Random drives, with the numbers of the moments (ms) at which NEURON draws next.

    NEURON draws after the events at the start of a step (nrn_random_play in fadvance.cpp), as a step form of
    Vector.play acts whose times are the middles of the steps.
    """
    if not hoc_objects("Random"):
        return ()
    found = neuron_library()
    if found is None or not hasattr(found, _DRAW):
        findings.note("whether Random.play is used cannot be seen in this build of NEURON")
        return ()
    blocks = every_variable(inventory)
    driven = in_copy(partial(_driven, found, blocks))
    if not driven:
        return ()
    if how_many() > 1:
        findings.refuse(
            "Random.play", "", "each of NEURON's threads draws in each step", "call ParallelContext.nthread(1)"
        )
    draws = np.array(in_copy(partial(_draws, found, blocks, driven, len(moments))))
    plays = []
    for column, index in enumerate(driven):
        label, record = locate(blocks, index)
        name = f"Random.play into {label}"
        if refuse_random_play(name, record, "use a Vector of random numbers, or do not play", findings):
            continue
        assert record is not None
        findings.note(f"{name}: the numbers are those that the next run in NEURON draws")
        plays.append(Play(record, name, draws[:, column], moments, 0.0, False, False, np.zeros(0, dtype=int)))
    return tuple(plays)


def refuse_twice_played(drawn: Sequence[Play], plays: Sequence[Play], findings: Findings) -> None:
    """What a Random and a Vector drive. drawn: of Randoms; plays: all."""
    labels = {p.target.label for p in drawn}
    for p in (p for p in plays if p.target.label in labels and not any(p is d for d in drawn)):
        findings.refuse(
            f"{p.target.label} is driven by a Random and by {p.vector}",
            p.target.label,
            "each takes effect where the other has set it; not supported",
            "let one of them drive another variable",
        )


def moments_of_draws(clock: Clock) -> np.ndarray:
    """Of a run from finitialize on (ms)."""
    if not (np.isfinite([clock.tstop, clock.dt]).all() and clock.tstop > 0 and clock.dt > 0):  # refused already
        return np.zeros(1)
    return np.r_[0.0, time_grid(clock.dt, n_steps(clock.tstop, clock.dt))[1::2]]


def draw(times: int) -> None:
    """Let NEURON draw as often as in so many steps, which sets the variables as well."""
    found = neuron_library()
    assert found is not None
    for _ in range(times):
        found[_DRAW]()


def _driven(found: ctypes.CDLL, blocks: Sequence[Block]) -> list[int]:
    """Numbers of the variables that a draw changes. For a copy of the process only."""
    fill(blocks, FIRST)
    before = [value for block in blocks for value in block.values()]
    found[_DRAW]()
    after = [value for block in blocks for value in block.values()]
    return [k for k, (old, new) in enumerate(zip(before, after, strict=True)) if not np.isnan(old) and old != new]


def _draws(found: ctypes.CDLL, blocks: Sequence[Block], driven: Sequence[int], count: int) -> list[list[float]]:
    """What `count` draws put into the variables, [count, n_driven]. For a copy of the process only."""
    places, first = [], 0
    for block in blocks:
        places += [(block, k - first) for k in driven if first <= k < first + block.size]
        first += block.size
    rows = []
    for _ in range(count):
        found[_DRAW]()
        rows.append([block.read(index) for block, index in places])
    return rows
