"""CONDUCTANCE statements: which variable is the conductance of which current."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mod_translator import ir

if TYPE_CHECKING:
    from mod_translator.semantic.block import Block
    from mod_translator.semantic.statements import Lowering


def conductance(lowering: Lowering, marked: str, ion: str, work: Block) -> tuple[ir.Current, ...]:
    """Return the hint, or nothing and a refusal."""
    name, species = lowering.context.name(marked), lowering.context.name(ion)
    if work.kind != "BREAKPOINT":
        lowering.context.wrong("S157", f"CONDUCTANCE in a {work.kind}", "move it to BREAKPOINT", marked)
    elif species and all(species != use.name for use in lowering.symbols.ions):
        lowering.context.wrong("S158", f"CONDUCTANCE USEION {species}, but there is no USEION {species}", "add it", ion)
    else:
        found = lowering.resolve.variable(marked, None, work.scope, reading=True)
        if isinstance(found, ir.Var):
            return (ir.Current(found.name, species or None),)
        lowering.context.wrong("S159", f"{name} cannot be a CONDUCTANCE", "name a scalar variable", marked)
    return ()
