"""LAG variable BY delay: what a variable was some time ago. Source: nocmodl's parsact.cpp and src/scopmath/lag.cpp.

NEURON keeps a list of times and values for each address of a variable, empty after finitialize, and interpolates in it.
Here it is an array (`ir.LAG`) that two intrinsics read and renew; whoever knows dt and the delay says how long it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mod_translator import ir
from mod_translator.errors import UnsupportedConstruct
from mod_translator.semantic.names import LAG_AFTER, LAG_FORGET, LAG_VALUE
from mod_translator.semantic.symbols import assigned_names
from mod_translator.syntax import tree

if TYPE_CHECKING:
    from mod_translator.semantic.block import Block
    from mod_translator.semantic.statements import Lowering

_REMEDY = "write the delay as a chain of states, or as events"


def lag(lowering: Lowering, statement: tree.Lag, work: Block) -> tuple[ir.Stmt, ...]:
    """Return the statements that set lag_<variable>_<delay> and remember the variable."""
    context, symbols = lowering.context, lowering.symbols
    variable, delay = context.name(statement.variable), context.name(statement.delay)
    name = symbols.renamed.get(variable, variable)
    of, by = symbols.table.get(name), symbols.table.get(delay)
    hidden = work.scope.find(variable) is not None or work.scope.find(delay) is not None
    if hidden or of is None or not (of.block in ("STATE", "ASSIGNED") or name == "v"):
        reason, remedy = f"LAG {variable}, which is no STATE or ASSIGNED", "declare it in ASSIGNED"
        context.wrong("S188", reason, remedy, statement.variable)
    elif by is None or by.block not in ("PARAMETER", "CONSTANT") or by.length:
        reason, remedy = f"LAG BY {delay}, which is no PARAMETER or CONSTANT", "declare it in PARAMETER"
        context.wrong("S189", reason, remedy, statement.delay)
    elif why := _refused(lowering, of, delay, work):
        context.unsupported("U153", f"LAG {variable} BY {delay}: {why}", _REMEDY, statement.variable)
    elif (variable, delay) in symbols.lags:  # else what it makes is declared already, which is refused
        result, past = symbols.lags[variable, delay]
        loc, out = context.loc(statement.variable), []
        for k, memory in enumerate(past):
            index = ir.Num(float(k), str(k))
            value: ir.Expr = ir.Element(name, index) if of.length else ir.Var(name)
            target = ir.Element(result, index) if of.length else ir.Var(result)
            args = (ir.Var(memory), ir.Var("t"), value, ir.Var(delay))
            out.append(ir.Assign(target, ir.Call(LAG_VALUE, args), loc))
            out.append(ir.Assign(ir.Var(memory), ir.Call(LAG_AFTER, args), loc))
        return tuple(out)
    return ()


def _refused(lowering: Lowering, of: ir.Symbol, delay: str, work: Block) -> str:
    """Return why a LAG that NEURON compiles is not translated; '' where it is."""
    blocks = lowering.symbols.blocks.values()
    assigned = {lowering.context.name(n) for b in blocks for n in assigned_names(b.body)}
    if lowering.symbols.artificial:
        return "an ARTIFICIAL_CELL has no steps"
    if of.role is ir.Role.POINTER or (of.role is ir.Role.EXTERNAL and of.name != "v"):
        return "NEURON keeps one past for all that see the same variable"
    if delay in assigned:
        return "the file assigns the delay, and NEURON begins a new list for each"
    return "it stands in a loop" if work.repeating else ""


def forgetting(lowering: Lowering, initial: ir.Routine | None) -> ir.Routine | None:
    """Return the first block of a run with what empties the lists at its beginning."""
    memories = [memory for _, past in lowering.symbols.lags.values() for memory in past]
    if not memories:
        return initial
    forget = tuple(ir.Assign(ir.Var(m), ir.Call(LAG_FORGET, (ir.Var(m),)), ir.Loc(1)) for m in memories)
    if initial is None:
        return ir.Routine("initial", "INITIAL", forget)
    return replace(initial, body=(*forget, *initial.body))


def finish(lowering: Lowering, *, thread_safe: bool) -> None:
    """Make the past of v one for all instances where v is one variable: in a file that is not thread-safe.

    Refuse a past that instances share, and in which each of them has a delay of its own.
    """
    table = lowering.symbols.table
    for (variable, delay), (result, past) in lowering.symbols.lags.items():
        for memory in past if variable == "v" and not thread_safe else ():
            table[memory] = replace(table[memory], role=ir.Role.GLOBAL)
        by = table.get(delay)
        if by is not None and by.role is ir.Role.INSTANCE and any(table[m].role is ir.Role.GLOBAL for m in past):
            lowering.context.refuse_at(
                UnsupportedConstruct,
                "U153",
                f"LAG {variable} BY {delay}: {variable} is one for all instances, and {delay} is not",
                f"take {delay} out of RANGE",
                table[result].loc,
            )
