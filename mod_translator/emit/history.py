"""Which variables the rates of an implicit solve find as their previous evaluation left them."""

from __future__ import annotations

from mod_translator import ir
from mod_translator.emit.interface import Interface
from mod_translator.errors import Place, UnsupportedConstruct
from mod_translator.passes.effects import Analysis

_IN_ORDER = ("derivimplicit", "newton", "sparse")


def carried_by(interface: Interface, rates: ir.Routine, stmt: ir.SolveImplicit) -> tuple[str, ...]:
    """Return what the rates may use, or leave as it is, before they assign it; nothing if the order does not matter.

    Raises UnsupportedConstruct where the order of evaluations cannot be followed.
    """
    needed = interface.needed(rates, (*rates.results, *rates.writes))
    carried = tuple(n for n in needed if n in rates.writes)
    if not set(carried) & Analysis(interface.mechanism).exposed(rates):
        return ()
    if stmt.doubled or stmt.steady or stmt.method not in _IN_ORDER:
        more = ", STEADYSTATE" if stmt.steady else ", twice with secondorder" if stmt.doubled else ""
        raise UnsupportedConstruct(
            f"the equations use {', '.join(carried)} before they assign it: the result depends on how often METHOD "
            f"{stmt.method} evaluates them{more}",
            remedy=f"assign {carried[0]} above the equations that use it",
            code="U196",
            place=Place(interface.mechanism.file, stmt.loc.line, stmt.loc.column),
        )
    return carried
