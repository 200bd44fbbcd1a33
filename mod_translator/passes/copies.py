"""Files that assign v, or an ion variable that they only READ: each block works on a copy, as in NEURON."""

from __future__ import annotations

from dataclasses import replace

from mod_translator import ir
from mod_translator.errors import UnsupportedConstruct
from mod_translator.passes.context import PassContext
from mod_translator.passes.effects import Analysis
from mod_translator.passes.walk import all_names, blocks, expressions, fresh, names, rename, statements, with_blocks


def copies(mechanism: ir.Mechanism, context: PassContext) -> ir.Mechanism:
    """Give such variables a copy that every block starts from; what a block assigns to it ends with the block.

    Blocks of NET_RECEIVE only get a new copy of what stands in the block itself; else they see the last one.
    """
    changed = _copied(mechanism)
    receive = mechanism.net_receive
    if "v" in changed and receive is not None and "v" in Analysis(mechanism).summary(receive)[1]:
        context.refuse_at(
            UnsupportedConstruct,
            "U174",
            "NET_RECEIVE assigns v, the membrane potential itself",
            "let a current change the potential",
            receive.loc,
        )
    used = all_names(mechanism)
    renaming = {name: fresh(f"{name}_copy", used) for name in changed}
    symbols = dict(mechanism.symbols)
    for name, copy in renaming.items():
        symbols[copy] = replace(symbols[name], name=copy, role=ir.Role.INSTANCE, block="ASSIGNED", visible=False)
    mechanism = replace(
        mechanism,
        symbols=symbols,
        routines={name: rename(routine, renaming) for name, routine in mechanism.routines.items()},
    )
    found = {}
    for field, routine in blocks(mechanism).items():
        loc = routine.loc or ir.Loc(1)
        taken = [n for n in renaming if not field.startswith("net_") or n in _mentioned(routine)]
        start = tuple(ir.Assign(ir.Var(renaming[n]), ir.Var(n), loc) for n in taken)
        found[field] = replace(routine, body=(*start, *rename(routine, renaming).body))
    return with_blocks(mechanism, found)


def _copied(mechanism: ir.Mechanism) -> list[str]:
    written = {name for use in mechanism.ions for name in use.writes}
    everything = (*mechanism.routines.values(), *blocks(mechanism).values())
    assigned = {n for r in everything for n in ir.assigned(r.body) if n not in r.args}
    ions = [n for n, s in mechanism.symbols.items() if s.role is ir.Role.ION and n not in written]
    return [n for n in ("v", *ions) if n in assigned]


def _mentioned(routine: ir.Routine) -> set[str]:
    found = {n for s in statements(routine.body) for e in expressions(s) for n in names(e)}
    return found | ir.assigned(routine.body)
