"""What the IR can say and nobody can reproduce yet, found when the effects of all routines are known."""

from __future__ import annotations

from dataclasses import replace

from mod_translator import ir
from mod_translator.errors import UnsupportedConstruct
from mod_translator.passes.context import PassContext
from mod_translator.passes.effects import Analysis
from mod_translator.passes.walk import blocks, expressions, names, statements

_PER_INSTANCE = ("v", "t", "diam", "area", "flag")


def limits(mechanism: ir.Mechanism, context: PassContext) -> ir.Mechanism:
    """Refuse tables that depend on an instance, and ion variables where NEURON's copy of them is stale."""
    analysis = Analysis(mechanism)
    routines = dict(mechanism.routines)
    for routine in mechanism.tables:
        routines[routine.name] = _table(mechanism, routine, analysis, context)
    mechanism = replace(mechanism, routines=routines)
    _events(mechanism, context)
    _own_current(mechanism, context)
    return replace(mechanism, symbols=_carried_currents(mechanism))


def _table(mechanism: ir.Mechanism, routine: ir.Routine, analysis: Analysis, context: PassContext) -> ir.Routine:
    """Check a TABLE. In a file that is not thread-safe NEURON looks at DEPEND at each lookup, else with the first
    instance only (`_check_table_thread`), which then fills the table for all.
    """
    assert routine.table is not None
    used = {name for block in blocks(mechanism).values() for name in analysis.exposed(block)}
    for name in routine.writes:
        if name in used and name not in routine.table.variables:
            context.refuse_at(
                UnsupportedConstruct,
                "U177",
                f"{routine.name} assigns {name}, which is not in its TABLE but is used elsewhere: NEURON assigns it "
                "only while it fills the table",
                f"put {name} into the TABLE, or compute it in a PROCEDURE of its own",
                routine.table.loc,
            )
    exposed = analysis.exposed(routine)
    fixed = {name for name in exposed if _fixed(mechanism, name)}
    own_depend = {n for n in routine.table.depend if mechanism.symbols[n].role is ir.Role.INSTANCE}
    anew = bool(own_depend) and not mechanism.thread_safe
    if anew:
        fixed &= own_depend if own_depend <= fixed else set()
    for name in sorted(exposed, key=routine.reads.index):
        symbol = mechanism.symbols[name]
        own = symbol.role in (ir.Role.INSTANCE, ir.Role.ION) or name in _PER_INSTANCE
        if name in fixed:
            if not anew:
                context.note_at(
                    f"the TABLE of {routine.name} holds what the first instance has for {name}", routine.table.loc
                )
        elif own:
            context.refuse_at(
                UnsupportedConstruct,
                "U172",
                f"the TABLE of {routine.name} depends on {name}, which every instance has its own value of: NEURON "
                "fills one table with the values of whichever instance comes first",
                f"remove the TABLE, or make {name} GLOBAL",
                routine.table.loc,
            )
        elif name not in routine.table.depend and symbol.role is not ir.Role.CONSTANT:
            context.note_at(
                f"the TABLE of {routine.name} is not refilled when {name} changes (it is not in DEPEND)",
                routine.table.loc,
            )
    return replace(routine, table=replace(routine.table, per_instance=anew))


def _fixed(mechanism: ir.Mechanism, name: str) -> bool:
    """Return whether a variable is a RANGE parameter that nothing assigns."""
    symbol = mechanism.symbols[name]
    everything = (*mechanism.routines.values(), *blocks(mechanism).values())
    return (
        symbol.role is ir.Role.INSTANCE
        and symbol.block == "PARAMETER"
        and symbol.visible
        and not symbol.length
        and not any(name in ir.assigned(r.body) and name not in r.args for r in everything)
    )


def _events(mechanism: ir.Mechanism, context: PassContext) -> None:
    for block in (mechanism.net_receive, mechanism.net_initial):
        if block is None or mechanism.kind is ir.Kind.ARTIFICIAL:
            continue
        mentioned = {n for s in statements(block.body) for e in expressions(s) for n in names(e)}
        for name in dict.fromkeys((*block.reads, *block.writes)):
            if mechanism.symbols[name].role is not ir.Role.ION:
                continue
            fresh = name.endswith(("i", "o")) and name in mentioned and block is mechanism.net_receive
            if name in block.writes or not fresh:
                context.refuse_at(
                    UnsupportedConstruct,
                    "U178",
                    f"{name} in NET_RECEIVE (NEURON only passes concentrations that stand in the block itself)",
                    "use it in BREAKPOINT or in the SOLVEd block",
                    block.loc,
                )


def _own_current(mechanism: ir.Mechanism, context: PassContext) -> None:
    """Refuse BREAKPOINTs that read an ion current: it is then the sum over the mechanisms that ran before."""
    read = mechanism.current.reads if mechanism.current is not None else ()
    for use in mechanism.ions:
        name = f"i{use.name}"
        if name in use.reads and name in read:
            context.refuse_at(
                UnsupportedConstruct,
                "U175",
                f"BREAKPOINT reads {name} while currents are being summed: it finds the sum of those before it",
                f"use {name} in the SOLVEd block, where it is the whole current",
                mechanism.symbols[name].loc,
            )


def _carried_currents(mechanism: ir.Mechanism) -> dict[str, ir.Symbol]:
    """Make an ion current that is WRITTEN, not READ, and read before it is assigned a variable of the instance.

    NEURON then finds the mechanism's own current from its last evaluation, not the ion's.
    """
    symbols = dict(mechanism.symbols)
    for use in mechanism.ions:
        name = f"i{use.name}"
        if name in use.writes and name not in use.reads and any(name in r.reads for r in blocks(mechanism).values()):
            symbols[name] = replace(symbols[name], role=ir.Role.INSTANCE)
    return symbols
