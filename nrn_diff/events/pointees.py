"""What POINTERs of artificial cells lead to: variables of other such cells, and GLOBALs of their mechanisms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .errors import EventError
from .frame import Slot, Variables


@dataclass(frozen=True)
class CellLink:
    """Where a POINTER (or an EXTERNAL) of a cell leads.

    owner: label of the cell whose variable it is; '' for a GLOBAL of the mechanism. element: of an array, -1 for a
    scalar.
    """

    owner: str
    mechanism: str
    variable: str
    element: int = -1


def slots_of(
    label: str,
    links: Mapping[str, CellLink],
    instances: Mapping[str, Variables],
    globals_: Mapping[str, Variables],
) -> dict[str, Slot]:
    """The storage behind the POINTERs of a cell. instances: by label, globals_: by mechanism.

    Raises EventError for what is not part of the network.
    """
    found = {}
    for name, link in links.items():
        holder = instances.get(link.owner) if link.owner else globals_.get(link.mechanism)
        if holder is None or link.variable not in holder:
            of = link.owner or link.mechanism
            raise EventError(f"{label}: the POINTER {name} leads to {link.variable} of {of}, which is not run")
        found[name] = Slot(holder, link.variable, link.element)
    return found


def reached_by(
    labels: Sequence[str], mechanisms: Sequence[str], links: Sequence[Mapping[str, CellLink]]
) -> list[set[int]]:
    """Of each cell, the other cells whose variables its POINTERs lead to; of a GLOBAL: all cells of the mechanism."""
    return [
        {
            k
            for link in mine.values()
            for k, (label, mechanism) in enumerate(zip(labels, mechanisms, strict=True))
            if (link.owner == label if link.owner else link.mechanism == mechanism)
        }
        - {cell}
        for cell, mine in enumerate(links)
    ]
