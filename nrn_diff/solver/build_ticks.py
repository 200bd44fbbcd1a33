"""DISCRETE blocks: which instance moves the time on after which (mod_translator/semantic/earlier.py)."""

from __future__ import annotations

import numpy as np

from nrn_diff.snapshot import Capture


def build_ticks(capture: Capture) -> tuple[dict[str, np.ndarray], int]:
    """`MechanismStructure.ticks` of the mechanisms with a DISCRETE block, and how many instances there are of these.

    As in a step: by rank, then in NEURON's order of instances.
    """
    ticks: dict[str, np.ndarray] = {}
    moved = 0
    for data in sorted(capture.mechanisms, key=lambda m: m.rank):
        if data.ir.moves_time and data.ir.advance is not None and len(data.nodes):
            ticks[data.name] = moved + np.argsort(np.asarray(data.order))
            moved += len(data.nodes)
    return ticks, moved
