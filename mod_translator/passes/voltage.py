"""Files that assign v: NEURON gives each block a copy of the membrane potential, and so does this."""

from __future__ import annotations

from dataclasses import replace

from mod_translator import ir
from mod_translator.errors import UnsupportedConstruct
from mod_translator.passes.context import PassContext
from mod_translator.passes.effects import Analysis
from mod_translator.passes.walk import all_names, blocks, fresh, rename, statements, with_blocks


def own_voltage(mechanism: ir.Mechanism, context: PassContext) -> ir.Mechanism:
    """Where some routine assigns v, let the whole mechanism work on a variable that each block first sets to v."""
    everything = (*mechanism.routines.values(), *blocks(mechanism).values())
    assigned = {s.target.name for r in everything for s in statements(r.body) if isinstance(s, ir.Assign)}
    if "v" not in assigned:
        return mechanism
    receive = mechanism.net_receive
    if receive is not None and "v" in Analysis(mechanism).summary(receive)[1]:
        context.refuse_at(
            UnsupportedConstruct,
            "U174",
            "NET_RECEIVE assigns v, the membrane potential itself",
            "let a current change the potential",
            receive.loc,
        )
    copy = fresh("v_copy", all_names(mechanism))
    symbols = dict(mechanism.symbols)
    symbols[copy] = replace(symbols["v"], name=copy, role=ir.Role.INSTANCE, block="ASSIGNED", visible=False)
    mechanism = replace(
        mechanism,
        symbols=symbols,
        routines={name: rename(routine, {"v": copy}) for name, routine in mechanism.routines.items()},
    )
    changed = {}
    for field, routine in blocks(mechanism).items():
        start = ir.Assign(ir.Var(copy), ir.Var("v"), routine.loc or ir.Loc(1))
        changed[field] = replace(routine, body=(start, *rename(routine, {"v": copy}).body))
    return with_blocks(mechanism, changed)
