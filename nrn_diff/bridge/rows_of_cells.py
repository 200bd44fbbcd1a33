"""In which row of a SaveState each artificial cell stands: NEURON's threads sort them anew."""

from __future__ import annotations

from functools import partial

import numpy as np

from nrn_diff.bridge.forked import in_copy
from nrn_diff.bridge.inventory import Inventory
from nrn_diff.bridge.save_state import saved_here
from nrn_diff.bridge.threads import how_many

_FIRST = -1e6  # of the marks


def rows_of_cells(inventory: Inventory) -> dict[str, int]:
    """HOC name -> row among the cells of its mechanism; with several threads not of cells without a variable in HOC."""
    if how_many() > 1 and inventory.artificial:
        found: dict[str, int] = in_copy(partial(_marked, inventory))
        return found
    rows, count = {}, dict.fromkeys((kind.name for kind, _ in inventory.artificial.values()), 0)
    for kind, live in inventory.artificial.values():
        rows[live.hname()] = count[kind.name]
        count[kind.name] += 1
    return rows


def _marked(inventory: Inventory) -> dict[str, int]:
    """For a copy of the process only: equal cells are told apart by a number that one of their variables is set to."""
    column, mark = {}, {}
    for n, (kind, live) in enumerate(inventory.artificial.values()):
        at = 0
        for variable in kind.instance_variables:
            if not variable.length:
                setattr(live, variable.hoc_name, _FIRST - n)
                column[kind.name], mark[live.hname()] = at, _FIRST - n
                break
            at += variable.length
    cells, rows = saved_here().cells, {}
    for kind, live in inventory.artificial.values():
        if live.hname() in mark:
            (places,) = np.nonzero(cells[kind.internal_type][:, column[kind.name]] == mark[live.hname()])
            rows.update({live.hname(): int(place) for place in places})
    return rows
