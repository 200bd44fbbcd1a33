"""Where a quantity that is recorded or watched stands in the structure."""

from __future__ import annotations

import numpy as np

from nrn_diff.snapshot import Capture, Record
from nrn_diff.solver.structure import CircuitStructure, Recorded


def recorded_row(
    capture: Capture, record: Record, row: np.ndarray, layered: np.ndarray, circuits: CircuitStructure | None
) -> Recorded:
    """What a record means in the structure. row: node -> row of the tree; layered: node -> row with layers."""
    if record.kind == "circuit" and circuits is not None:
        return Recorded(record.label, "circuit", row=int(circuits.place[record.owner][record.index]))
    if record.kind == "artificial":  # a column that Model.simulate replaces
        return Recorded(record.label, "t")
    if record.kind == "weight":
        position = next(k for k, c in enumerate(capture.connections) if c.index == record.index)
        target = capture.connections[position].target
        index = sum(c.target == target for c in capture.connections[:position])
        return Recorded(record.label, "weight", target, "", index, record.element)
    of_node = {"v": row, "membrane": row, "vext": layered}
    index = int(of_node[record.kind][record.index]) if record.kind in of_node else record.index
    return Recorded(record.label, record.kind, record.owner, record.variable, index, record.element)
