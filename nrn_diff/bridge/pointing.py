"""Which POINTERs of the live model are set, of the mechanisms that ask for it (nrn_pointing in NMODL)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mod_translator.pointees import Pointee
from mod_translator.semantic.pointing import POINTING
from nrn_diff.bridge.inventory import Inventory, Located, locate_cells
from nrn_diff.bridge.own_texts import nmodl_text


def read_pointing(inventory: Inventory) -> dict[str, Mapping[str, Pointee]]:
    """mechanism -> POINTER -> whether it is set in all of its instances, in some, or in none."""
    return {
        located.type.name: {name: _of_all(located, name) for name in located.type.references}
        for located in (*inventory.mechanisms, *locate_cells(inventory, inventory.artificial))
        if POINTING in nmodl_text(located.type)
    }


def _of_all(located: Located, name: str) -> Pointee:
    found = [read_through(owner, located, name) is not None for owner in located.owners]
    return Pointee("other" if any(found) else "nothing", everywhere=all(found))


def read_through(owner: Any, located: Located, name: str) -> float | None:
    """What an instance reads through a POINTER; None if that points nowhere."""
    try:
        return float(getattr(owner, name if located.type.point else f"{name}_{located.type.name}"))
    except (AttributeError, ValueError, LookupError, TypeError):
        return None
