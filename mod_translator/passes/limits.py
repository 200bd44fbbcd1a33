"""What the IR can say and nobody can reproduce yet, found when the effects of all routines are known."""

from __future__ import annotations

from dataclasses import replace

from mod_translator import ir
from mod_translator.errors import UnsupportedConstruct
from mod_translator.passes.context import PassContext
from mod_translator.passes.copies import gets_ions, hands_ions_back
from mod_translator.passes.walk import blocks, calls, expressions, names, statements


def limits(mechanism: ir.Mechanism, context: PassContext) -> ir.Mechanism:
    """Refuse ion variables in events and in BEFORE and AFTER blocks, as far as they are not copies (copies.py)."""
    _events(mechanism, context)
    _before_and_after(mechanism, context)
    return replace(mechanism, symbols=_carried_currents(mechanism))


def _events(mechanism: ir.Mechanism, context: PassContext) -> None:
    for block in (mechanism.net_receive, mechanism.net_initial):
        if block is None or mechanism.kind is ir.Kind.ARTIFICIAL:
            continue
        mentioned = {n for s in statements(block.body) for e in expressions(s) for n in names(e)}
        own = {f"i{u.name}" for u in mechanism.ions if f"i{u.name}" not in u.reads} - {*block.writes}
        for name in dict.fromkeys((*block.reads, *block.writes)):
            if mechanism.symbols[name].role is not ir.Role.ION or name in own:
                continue
            concentration = name.endswith(("i", "o"))
            if name in block.writes or not (concentration and name in mentioned and block is mechanism.net_receive):
                why = "nocmodl rejects it, or it is assigned by a PROCEDURE"
                if concentration:
                    why = "the ion takes it from there, for all mechanisms, in the middle of a step"
                context.refuse_at(
                    UnsupportedConstruct,
                    "U178",
                    f"{name} in NET_RECEIVE: {why}",
                    "assign a variable of the mechanism there, and the ion in BREAKPOINT or in the SOLVEd block",
                    block.loc,
                )


def _before_and_after(mechanism: ir.Mechanism, context: PassContext) -> None:
    """Refuse what BEFORE and AFTER blocks hand back without having got it, and what changes ions before INITIAL.

    BEFORE INITIAL finds the concentrations and reversal potentials that the run before has left. To the currents other
    such blocks may have added theirs.
    """
    own = {f"i{use.name}" for use in mechanism.ions if f"i{use.name}" not in use.reads}
    given = {n for use in mechanism.ions for n in use.writes if n in (f"{use.name}i", f"{use.name}o")}
    given = given if hands_ions_back(mechanism) else set()
    currents = {f"i{use.name}" for use in mechanism.ions}
    tables = {routine.name for routine in mechanism.tables}
    for field in ir.BEFORE_AFTER:
        block: ir.Routine | None = getattr(mechanism, field)
        if block is None:
            continue
        late = field != "before_initial"
        found = currents if gets_ions(mechanism) else {*block.reads}
        names_ = {*block.writes, *(() if late else found & {*block.reads})}
        names_ -= given if late and gets_ions(mechanism) else set()
        stale = set() if gets_ions(mechanism) else given
        ions = sorted(n for n in (names_ - own) | stale if mechanism.symbols[n].role is ir.Role.ION)
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
