"""What NEURON does at the end of a block whether the block mentions it or not.

It adds up every current, assigned or not, and hands every reversal potential that the file WRITEs to the ion. Of those
that a block does not surely assign, the instance's last value goes out.
"""

from __future__ import annotations

from dataclasses import replace

from mod_translator import ir
from mod_translator.passes.context import PassContext
from mod_translator.passes.effects import Analysis
from mod_translator.passes.walk import all_names, blocks, fresh, rename, with_blocks

OWN = "_own"  # behind the name of an ion variable: the copy that an instance keeps
_HANDING_OVER = ("initial", "current", "advance")


def exits(mechanism: ir.Mechanism, context: PassContext) -> ir.Mechanism:
    """Let `current` assign every current, and every block the reversal potentials that the file WRITEs."""
    current = mechanism.current
    if current is not None:
        written = set(Analysis(mechanism).summary(current)[1])
        loc = current.loc or ir.Loc(1)
        idle = tuple(
            ir.Assign(ir.Var(c.name), ir.Var(c.name), loc) for c in mechanism.currents if c.name not in written
        )
        mechanism = replace(mechanism, current=replace(current, body=(*current.body, *idle)))
    for use in mechanism.ions:
        name = f"e{use.name}"
        if name in use.writes and name not in use.reads:
            mechanism = _carried(mechanism, name)
    return mechanism


def _carried(mechanism: ir.Mechanism, name: str) -> ir.Mechanism:
    analysis = Analysis(mechanism)
    found = {f: r for f, r in blocks(mechanism).items() if f in _HANDING_OVER}
    if "initial" not in found:
        found["initial"] = ir.Routine("initial", "INITIAL", (), loc=mechanism.symbols[name].loc)
    if all(name in analysis.surely_written(routine) for routine in found.values()):
        return mechanism
    own = fresh(f"{name}{OWN}", all_names(mechanism))
    symbols = dict(mechanism.symbols)
    symbols[own] = replace(symbols[name], name=own, role=ir.Role.INSTANCE, block="ASSIGNED", visible=False)
    routines = {n: rename(r, {name: own}) for n, r in mechanism.routines.items()}
    changed = {f: rename(r, {name: own}) for f, r in blocks(mechanism).items()}
    for field, routine in found.items():
        inside = changed.get(field, routine)
        out = ir.Assign(ir.Var(name), ir.Var(own), routine.loc or ir.Loc(1))
        changed[field] = replace(inside, body=(*inside.body, out))
    return with_blocks(replace(mechanism, symbols=symbols, routines=routines), changed)
