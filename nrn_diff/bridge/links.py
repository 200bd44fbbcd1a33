"""What POINTERs point to and what ParallelContext transfers, by experiment in a copy of the process.

Unique values are put everywhere (see records.py). What a POINTER then reads, and what a transfer leaves in its target,
tells where it comes from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from neuron import h

from mod_translator import ir
from mod_translator.passes.walk import blocks
from nrn_diff.bridge.elements import vector_elements
from nrn_diff.bridge.extracellular import layer_potential, layered_nodes
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.forked import ChildFailedError, in_copy
from nrn_diff.bridge.inventory import Inventory, Located
from nrn_diff.bridge.native import hook, transfer
from nrn_diff.bridge.pointing import read_through
from nrn_diff.bridge.threads import how_many
from nrn_diff.bridge.variables import FIRST, Block, Identify, every_variable, put_sentinels
from nrn_diff.snapshot import Link, Record

_NOT_FOLLOWED = ("t", "membrane", "cm", "celsius", "global", "weight", "artificial", "layer", "start")


@dataclass(frozen=True)
class Links:
    """pointers, transfers: by mechanism, as in snapshot.MechanismData."""

    pointers: Mapping[str, tuple[Link, ...]]
    transfers: Mapping[str, tuple[Link, ...]]


def find_links(inventory: Inventory, lowered: Mapping[str, ir.Mechanism], findings: Findings) -> Links:
    """The links of the live model. Refuses those to what the snapshot does not hold, and POINTERs that are not set."""
    located = [(d, lowered[d.type.name]) for d in inventory.mechanisms if d.type.name in lowered]
    used = [(d, m.symbols[name]) for d, m in located for name in _used_pointers(m)]
    transfers = bool(hook("nrnthread_v_transfer_"))
    if hook("nrnthread_v_transfer_") is None:
        findings.note("whether ParallelContext.source_var is used cannot be seen in this build of NEURON")
    if transfers and how_many() > 1:
        findings.refuse(
            "ParallelContext.target_var with several threads",
            "",
            "what is transferred in other threads cannot be found out",
            "h.ParallelContext().nthread(1)",
        )
        transfers = False
    model = [*every_variable(inventory), *vector_elements()] if used or transfers else []
    return Links(
        _pointers(inventory, used, lowered, model, findings),
        _transfers(inventory, model, findings) if transfers else {},
    )


def _used_pointers(mechanism: ir.Mechanism) -> list[str]:
    used = {name for block in blocks(mechanism).values() for name in (*block.reads, *block.writes)}
    return [name for name, symbol in mechanism.symbols.items() if symbol.role is ir.Role.POINTER and name in used]


def _pointers(
    inventory: Inventory,
    used: Sequence[tuple[Located, ir.Symbol]],
    lowered: Mapping[str, ir.Mechanism],
    model: Sequence[Block],
    findings: Findings,
) -> dict[str, tuple[Link, ...]]:
    if not used:
        return {}

    def follow() -> list[list[float | None]]:
        put_sentinels(model, inventory.topology.sections[0])
        return [[_value(owner, located, symbol) for owner in located.owners] for located, symbol in used]

    found: dict[str, tuple[Link, ...]] = {}
    identify = Identify(model)
    for (located, symbol), values in zip(used, in_copy(follow), strict=True):
        records: dict[int, Record] = {}
        for row, value in enumerate(values):
            label, record = ("nothing", None) if value is None else identify(value)
            if symbol.block == ir.EXTERNAL and not _is_constant(record, lowered):
                _refuse_external(located, symbol.name, findings)
                break
            if record is None or (record.kind in _NOT_FOLLOWED and symbol.block != ir.EXTERNAL):
                findings.refuse(
                    f"the POINTER {symbol.name} to {label}",
                    f"{located.places[row]}, mechanism {located.type.name}",
                    "POINTERs can lead to voltages, ion variables and variables of mechanisms and point processes",
                    "set it (h.setpointer) to such a variable",
                )
            else:
                records[row] = record
        found[located.type.name] = (*found.get(located.type.name, ()), *_grouped(symbol.name, records))
    return found


def _is_constant(record: Record | None, lowered: Mapping[str, ir.Mechanism]) -> bool:
    """Whether it is a GLOBAL that its mechanism does not assign during a simulation."""
    if record is None or record.kind != "global" or record.owner not in lowered:
        return False
    symbol = lowered[record.owner].symbols.get(record.variable)
    return symbol is not None and symbol.role is ir.Role.GLOBAL and not symbol.length


def _refuse_external(located: Located, name: str, findings: Findings) -> None:
    findings.refuse(
        f"the EXTERNAL variable {name}",
        f"mechanism {located.type.name}",
        "it is no GLOBAL of a mechanism that is inserted somewhere, or one that is assigned while the simulation runs",
        f"insert that mechanism in a section, or make {name} a PARAMETER of {located.type.name}",
    )


def _value(owner: Any, located: Located, symbol: ir.Symbol) -> float | None:
    name = symbol.name
    try:
        if symbol.block != ir.EXTERNAL:
            return read_through(owner, located, name)
        return float(getattr(h, name))
    except (AttributeError, ValueError, LookupError, TypeError):  # it points nowhere
        return None


def _grouped(name: str, records: Mapping[int, Record]) -> list[Link]:
    """One link for each variable that the instances (row -> what it leads to) have in common."""
    groups: dict[tuple[str, str, str, int], list[tuple[int, int]]] = {}
    for row, record in records.items():
        key = (record.kind, record.owner, record.variable, record.element)
        groups.setdefault(key, []).append((row, record.index))
    return [Link(name, *key, *(np.array(x) for x in zip(*pairs, strict=True))) for key, pairs in groups.items()]


def _inside(node: int, inventory: Inventory) -> tuple[str, Record]:
    """The potential inside, v + vext[0], which NEURON transfers where the source is v and there is extracellular."""
    label = f"{inventory.topology.place(*inventory.topology.node_place(node))}.v"
    return label, Record(label, "inside", node)


def _transfers(inventory: Inventory, model: Sequence[Block], findings: Findings) -> dict[str, tuple[Link, ...]]:
    layered = layered_nodes(inventory).tolist()

    def changed() -> tuple[list[tuple[int, float]], list[float]]:
        put_sentinels(model, inventory.topology.sections[0])
        ends = [inventory.topology.node_place(node) for node in layered]
        inside = [float(section(x).v) + layer_potential(section, x, 0) for section, x in ends]
        transfer()
        out, first = [], FIRST
        for block in model:
            if block.put is None:  # only such variables can be a target
                out += [(k, value) for k, value in enumerate(block.values(), int(first)) if value != k]
            first += block.size
        return out, inside

    try:
        pairs, inside = in_copy(changed)
    except ChildFailedError:
        findings.refuse(
            "ParallelContext.source_var / target_var",
            "",
            "NEURON cannot make the transfer",
            "call ParallelContext.setup_transfer() after the last source_var and target_var",
        )
        return {}
    found: dict[tuple[str, str], dict[int, Record]] = {}
    sources, targets, identify = set(), set(), Identify(model)
    node_of = dict(zip(inside, layered, strict=True))
    for k, value in pairs:
        target, record = identify(k)
        source, origin = _inside(node_of[value], inventory) if value in node_of else identify(value)
        sources.add(source)
        targets.add(target)
        if record is None or record.kind != "mechanism" or record.element >= 0 or origin is None:
            findings.refuse(
                f"target_var {target} of source_var {source}",
                "ParallelContext",
                "transferred can be voltages and variables of mechanisms, to variables that are no arrays",
                "use a point process with a RANGE variable as the target (HalfGap)",
            )
        elif origin.kind in _NOT_FOLLOWED or origin.variable == "current":
            why = "currents of ions and of the membrane are not transferred"
            findings.refuse(f"source_var {source}", "ParallelContext", why, "use v, or a variable of a mechanism")
        else:
            found.setdefault((record.owner, record.variable), {})[record.index] = origin
    for label in sorted(sources & targets):
        findings.refuse(
            f"{label} is a source_var and a target_var",
            "ParallelContext",
            "its value depends on the order of the transfers",
            "transfer from the first source",
        )
    out: dict[str, tuple[Link, ...]] = {}
    for (owner, variable), records in found.items():
        out[owner] = (*out.get(owner, ()), *_grouped(variable, records))
    return out
