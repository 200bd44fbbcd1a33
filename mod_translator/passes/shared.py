"""Variables that all instances share and that the code assigns: GLOBAL, GLOBAL PARAMETER, LOCAL of the file.

NEURON runs one instance after the other, so a block that reads such a variable before writing it sees what another
instance, or an earlier block, left there. Where every block writes it first, it is a temporary of the instance and
becomes one here. The rest is refused.
"""

from __future__ import annotations

from dataclasses import replace

from mod_translator import ir
from mod_translator.errors import SharedStateError
from mod_translator.passes.context import PassContext
from mod_translator.passes.effects import Analysis
from mod_translator.passes.walk import blocks


def shared(mechanism: ir.Mechanism, context: PassContext) -> ir.Mechanism:
    """Make assigned shared variables INSTANCE temporaries, or refuse them."""
    analysis = Analysis(mechanism)
    summaries = {field: (routine, analysis.summary(routine)) for field, routine in blocks(mechanism).items()}
    symbols = dict(mechanism.symbols)
    for name, symbol in mechanism.symbols.items():
        if symbol.role is not ir.Role.GLOBAL:
            continue
        writers = [r for r, (_, writes) in summaries.values() if name in writes]
        if not writers:
            continue
        readers = [r for r, (reads, _) in summaries.values() if name in reads]
        symbols[name] = replace(symbol, role=ir.Role.INSTANCE, visible=False)
        if readers:
            names = {"initial": "INITIAL", "current": "BREAKPOINT", "advance": "SOLVE"}
            where = ", ".join(names.get(r.name, r.name.upper()) for r in readers)
            context.refuse_at(
                SharedStateError,
                "U180",
                f"{name} is one value for all instances, is assigned while the simulation runs, and {where} reads it "
                "before assigning it: what it finds there depends on the other instances",
                f"declare {name} in ASSIGNED and make it RANGE (or remove it from GLOBAL)",
                symbol.loc,
            )
    return replace(mechanism, symbols=symbols)
