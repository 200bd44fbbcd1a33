"""Where POINTERs and EXTERNALs of artificial cells lead, by experiment in a copy of the process (see links.py).

Such cells are run before the equations, so these may lead to what belongs to artificial cells only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from neuron import h

from mod_translator import ir
from mod_translator.passes.walk import blocks, expressions, statements, subexpressions
from mod_translator.semantic.names import VECTOR_ELEMENT, VECTOR_SIZE
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.forked import in_copy
from nrn_diff.bridge.inventory import Inventory
from nrn_diff.bridge.translate import Translator
from nrn_diff.bridge.variables import Identify, every_variable, globals_of_cells, put_sentinels
from nrn_diff.events.pointees import CellLink
from nrn_diff.snapshot import Record

CellLinks = Mapping[str, Mapping[str, CellLink]]  # label of a cell -> POINTER -> where it leads


def find_cell_links(inventory: Inventory, translator: Translator, findings: Findings) -> CellLinks:
    """What the POINTERs of all artificial cells lead to. Refuses all but variables of such cells and their GLOBALs."""
    used: list[tuple[str, Any, ir.Symbol]] = []
    for label, (kind, live) in inventory.artificial.items():
        mechanism = translator.lower(kind)
        used += [(label, live, mechanism.symbols[n]) for n in _used_pointers(mechanism)] if mechanism else []
    if not used:
        return {}
    model = [*every_variable(inventory), *globals_of_cells(inventory)]

    def follow() -> list[float | None]:
        put_sentinels(model, inventory.topology.sections[0])
        return [_value(live, symbol) for _, live, symbol in used]

    identify = Identify(model)
    found: dict[str, dict[str, CellLink]] = {}
    for (label, _, symbol), value in zip(used, in_copy(follow), strict=True):
        where, record = ("nothing", None) if value is None else identify(value)
        link = _link(record, inventory)
        if link is None:
            external = symbol.block == ir.EXTERNAL
            findings.refuse(
                f"the {'EXTERNAL variable' if external else 'POINTER'} {symbol.name} to {where}",
                label,
                "artificial cells are run before the equations; POINTERs and EXTERNALs of them can lead to variables "
                "of artificial cells and to GLOBALs of their mechanisms",
                "send it by a NetCon, or use a POINT_PROCESS",
            )
        else:
            found.setdefault(label, {})[symbol.name] = link
    return found


def _used_pointers(mechanism: ir.Mechanism) -> list[str]:
    """POINTERs whose value is read or assigned; others lead to Vectors or random generators of C code."""
    pointers = {n for n, s in mechanism.symbols.items() if s.role is ir.Role.POINTER}
    if not pointers:
        return []
    uses: Counter[str] = Counter()
    for routine in (*mechanism.routines.values(), *blocks(mechanism).values()):
        uses.update(ir.assigned(routine.body) & pointers)
        parts = [p for s in statements(routine.body) for e in expressions(s) for p in subexpressions(e)]
        uses.update(p.name for p in parts if isinstance(p, ir.Var) and p.name in pointers)
        calls = [
            p for p in parts if isinstance(p, ir.Call) and p.name.startswith(("random_", VECTOR_SIZE, VECTOR_ELEMENT))
        ]
        uses.subtract(p.args[0].name for p in calls if p.args and isinstance(p.args[0], ir.Var))
    return sorted(name for name, count in uses.items() if count > 0)


def _value(live: Any, symbol: ir.Symbol) -> float | None:
    try:
        return float(getattr(h if symbol.block == ir.EXTERNAL else live, symbol.name))
    except (AttributeError, ValueError, LookupError, TypeError, RuntimeError):  # it points nowhere
        return None


def _link(record: Record | None, inventory: Inventory) -> CellLink | None:
    if record is None:
        return None
    if record.kind == "artificial":
        return CellLink(record.owner, inventory.artificial[record.owner][0].name, record.variable, record.element)
    if record.kind == "global" and record.owner in {kind.name for kind, _ in inventory.artificial.values()}:
        return CellLink("", record.owner, record.variable, record.element)
    return None


def links_beside(
    driven: Collection[str], inventory: Inventory, translator: Translator, findings: Findings
) -> tuple[CellLinks, Mapping[str, set[str]]]:
    """As find_cell_links; and label of a cell -> the cells with which it shares variables so, either way.

    Refuses this of `driven` cells, whose events depend on the solution.
    """
    links = find_cell_links(inventory, translator, findings)
    shared: dict[str, set[str]] = {}
    for label, mine in links.items():
        for link in mine.values():
            of_kind = [name for name, (kind, _) in inventory.artificial.items() if kind.name == link.mechanism]
            for other in [link.owner] if link.owner else of_kind:
                shared.setdefault(label, set()).add(other)
                shared.setdefault(other, set()).add(label)
    for label in sorted(shared.keys() & driven):
        findings.refuse(
            f"a POINTER of {label}, or one that leads to it",
            label,
            "a voltage or a point process drives this cell, so that its events are part of the equations, and those of "
            f"{', '.join(sorted(shared[label] - {label}) or [label])} are not",
            "drive it by artificial cells only, or use nrn_diff.enable()",
        )
    return links, shared
