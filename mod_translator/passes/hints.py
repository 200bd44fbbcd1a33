"""CONDUCTANCE hints whose conductance is a LOCAL: it becomes a variable, so that the solver can see it."""

from __future__ import annotations

from dataclasses import replace

from mod_translator import ir
from mod_translator.passes.context import PassContext
from mod_translator.passes.walk import all_names, fresh, rename


def hints(mechanism: ir.Mechanism, context: PassContext) -> ir.Mechanism:
    """Give every CONDUCTANCE that is a LOCAL of BREAKPOINT a symbol of its own."""
    if mechanism.current is None:
        return mechanism
    used = all_names(mechanism)
    symbols, current, conductances = dict(mechanism.symbols), mechanism.current, []
    for hint in mechanism.conductances:
        name = hint.name
        if name not in symbols:
            name = fresh(f"{hint.name.rstrip('_')}_conductance", used)
            symbols[name] = ir.Symbol(name, ir.Role.INSTANCE, "ASSIGNED", loc=current.loc)
            current = rename(current, {hint.name: name})
        conductances.append(replace(hint, name=name))
    return replace(mechanism, symbols=symbols, current=current, conductances=tuple(conductances))
