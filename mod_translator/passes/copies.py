"""Files that assign v, or an ion variable that they only READ: each block works on a copy, as in NEURON."""

from __future__ import annotations

from dataclasses import replace

from mod_translator import ir
from mod_translator.errors import UnsupportedConstruct
from mod_translator.passes.context import PassContext
from mod_translator.passes.effects import Analysis
from mod_translator.passes.walk import (
    all_names,
    blocks,
    expressions,
    fresh,
    names,
    rebuild,
    rename,
    renamed,
    statements,
    with_blocks,
)


def copies(mechanism: ir.Mechanism, context: PassContext) -> ir.Mechanism:
    """Give such variables a copy that every block starts from; what a block assigns to it ends with the block.

    Blocks of NET_RECEIVE only get a new copy of what stands in the block itself; else they see the last one. Where v
    stands in NET_RECEIVE, it becomes what the copy is at the end.
    """
    changed = _copied(mechanism)
    analysis = Analysis(mechanism)
    assigning = [
        routine
        for routine in (mechanism.net_receive, mechanism.net_initial)
        if "v" in changed and routine is not None and "v" in analysis.summary(routine)[1]
    ]
    for routine in assigning:
        if routine is mechanism.net_initial or "v" not in _mentioned(routine):
            context.refuse_at(
                UnsupportedConstruct,
                "U174",
                "v is assigned in INITIAL of NET_RECEIVE, or by a PROCEDURE that NET_RECEIVE calls",
                "assign it in NET_RECEIVE itself",
                routine.loc,
            )
    used = all_names(mechanism)
    renaming = {name: fresh(f"{name}_copy", used) for name in changed}
    symbols = dict(mechanism.symbols)
    for name, copy in renaming.items():
        symbols[copy] = replace(symbols[name], name=copy, role=ir.Role.INSTANCE, block="ASSIGNED", visible=False)
    mechanism = replace(
        mechanism,
        symbols=symbols,
        potential=renaming["v"] if assigning else "",
        routines={name: rename(routine, renaming) for name, routine in mechanism.routines.items()},
    )
    found = {}
    for field, routine in blocks(mechanism).items():
        loc = routine.loc or ir.Loc(1)
        taken = [n for n in renaming if not field.startswith("net_") or n in _mentioned(routine)]
        if assigning and field == "net_receive":  # whoever runs it has set the copy
            taken = [n for n in taken if n != "v"]
        start = tuple(ir.Assign(ir.Var(renaming[n]), ir.Var(n), loc) for n in taken)
        found[field] = replace(routine, body=(*start, *_watching_v(rename(routine, renaming).body, renaming)))
    return with_blocks(mechanism, found)


def _copied(mechanism: ir.Mechanism) -> list[str]:
    written = {name for use in mechanism.ions for name in use.writes}
    everything = (*mechanism.routines.values(), *blocks(mechanism).values())
    assigned = {n for r in everything for n in ir.assigned(r.body) if n not in r.args}
    ions = [n for n, s in mechanism.symbols.items() if s.role is ir.Role.ION and n not in written]
    return [n for n in ("v", *ions) if n in assigned]


def _watching_v(body: tuple[ir.Stmt, ...], renaming: dict[str, str]) -> tuple[ir.Stmt, ...]:
    """Let every WATCH look at v itself."""
    back = {renaming[n]: n for n in renaming if n == "v"}

    def change(statement: ir.Stmt) -> tuple[ir.Stmt, ...]:
        if isinstance(statement, ir.CallRoutine) and statement.name == "WATCH":
            return (replace(statement, args=tuple(renamed(a, back) for a in statement.args)),)
        return (statement,)

    return rebuild(body, change) if back else body


def _mentioned(routine: ir.Routine) -> set[str]:
    found = {n for s in statements(routine.body) for e in expressions(s) for n in names(e)}
    return found | ir.assigned(routine.body)
