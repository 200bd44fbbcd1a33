"""TABLEs whose content in NEURON depends on what a capture does not see."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mod_translator import ir
from mod_translator.passes.effects import Analysis
from nrn_diff.bridge.findings import Findings


def refuse_tables(
    mechanism: ir.Mechanism, values: Mapping[str, np.ndarray], order: np.ndarray, findings: Findings, *, filled: bool
) -> None:
    """Refuse what NEURON's order of fillings decides. order: of the instances. filled: a run has been made."""
    for routine in mechanism.tables:
        assert routine.table is not None
        what = f"the TABLE of {routine.name} of mechanism {mechanism.name}"
        moving = Analysis(mechanism).exposed(routine) & set(routine.writes) - set(routine.table.forgotten)
        if filled and moving:
            findings.refuse(
                what,
                mechanism.file,
                f"NEURON has filled it in an earlier run, from what {', '.join(sorted(moving))} was before that",
                "use nrn_diff.capture() before the first run",
            )
        for name in _other_at_the_ends(routine.table, values, order):
            findings.refuse(
                what,
                mechanism.file,
                f"the last instances and the first have the same {', '.join(routine.table.depend)} and another {name}: "
                "in INITIAL NEURON fills the table with that of the first, afterwards with that of the last",
                f"give all instances one {name}, or put {name} into DEPEND",
            )


def _other_at_the_ends(table: ir.Table, values: Mapping[str, np.ndarray], order: np.ndarray) -> list[str]:
    """Variables whose value in the table of the first instances changes after the first pass over all of them."""
    n = len(order)
    anew = np.zeros(n, dtype=bool)
    for name in table.depend:
        if name in values:
            own = values[name][order]
            anew |= own != np.roll(own, 1)
    if not n or not anew.any() or anew[0]:
        return []
    last = order[np.flatnonzero(anew)[-1]]
    return [name for name in table.of_filler if name in values and np.any(values[name][order[0]] != values[name][last])]
