"""What the IR can say and nobody can reproduce yet, found when the effects of all routines are known."""

from __future__ import annotations

from dataclasses import replace

from mod_translator import ir
from mod_translator.errors import UnsupportedConstruct
from mod_translator.passes.context import PassContext
from mod_translator.passes.walk import blocks, calls, expressions, names, statements


def limits(mechanism: ir.Mechanism, context: PassContext) -> ir.Mechanism:
    """Refuse ion variables where NEURON's copy of them is stale."""
    _events(mechanism, context)
    _before_and_after(mechanism, context)
    return replace(mechanism, symbols=_carried_currents(mechanism))


def _events(mechanism: ir.Mechanism, context: PassContext) -> None:
    for block in (mechanism.net_receive, mechanism.net_initial):
        if block is None or mechanism.kind is ir.Kind.ARTIFICIAL:
            continue
        watched = {
            n
            for s in statements(block.body)
            if isinstance(s, ir.CallRoutine) and s.name == "WATCH"
            for n in names(s.args[0])
        }
        for name in sorted(n for n in watched if n in mechanism.symbols):
            if mechanism.symbols[name].role is ir.Role.ION:
                context.refuse_at(
                    UnsupportedConstruct,
                    "U179",
                    f"{name} in a WATCH condition: NEURON looks at the copy that the last block has left",
                    f"watch a variable of the instance that BREAKPOINT sets to {name}",
                    block.loc,
                )
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


def _before_and_after(mechanism: ir.Mechanism, context: PassContext) -> None:
    """Refuse BEFORE and AFTER blocks that NEURON gives ions it does not take back, or before there are ions."""
    own = {f"i{use.name}" for use in mechanism.ions if f"i{use.name}" not in use.reads}
    tables = {routine.name for routine in mechanism.tables}
    for field in ir.BEFORE_AFTER:
        block: ir.Routine | None = getattr(mechanism, field)
        if block is None:
            continue
        names_ = {*block.writes, *(block.reads if field == "before_initial" else ())}
        ions = sorted(n for n in names_ - own if mechanism.symbols[n].role is ir.Role.ION)
        early = field == "before_initial" and not mechanism.thread_safe and tables & set(calls(block.body))
        if ions or early:
            context.refuse_at(
                UnsupportedConstruct,
                "U163",
                f"{', '.join(ions) or 'a TABLE'} in a {block.kind} block",
                "use it in INITIAL, in BREAKPOINT or in the SOLVEd block",
                block.loc,
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
