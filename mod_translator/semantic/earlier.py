"""DISCRETE blocks and name@n, what a STATE was n such blocks ago. Source: nocmodl's discrete.cpp and solve.cpp.

nocmodl keeps the earlier values in a static array of the file, one for all instances: each DISCRETE block begins by
moving on those of the STATEs that it assigns, with what its own instance has, and INITIAL fills them with the START
value. `SOLVE block` prints `t += dt` before the call: each instance moves the time of the whole simulation on.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from mod_translator import ir
from mod_translator.semantic.symbols import assigned_names
from mod_translator.syntax import tree

if TYPE_CHECKING:
    from mod_translator.semantic.context import Context
    from mod_translator.semantic.expressions import Resolver
    from mod_translator.semantic.scope import Scope
    from mod_translator.semantic.statements import Lowering
    from mod_translator.semantic.symbols import Symbols

MAX_EARLIER = 1000  # earlier values of one STATE


def declare_earlier(symbols: Symbols, context: Context) -> None:
    """Declare an array for each STATE that stands with @n anywhere, and remember in `symbols.earlier` how."""
    words = {token.text for token in context.source.tokens}
    for state, deepest in _depths(context, len(context.source.tokens)).items():
        symbol = symbols.table.get(state)
        if symbol is None or symbol.block != "STATE" or symbol.role is ir.Role.ION:
            continue  # refused where it stands
        name = next(n for k in itertools.count(1) if (n := f"{state}_before{'_' * (k - 1)}") not in words)
        length = deepest * max(symbol.length, 1)
        if length > MAX_EARLIER:
            reason = f"{state}@{deepest}: {length} earlier values"
            context.unsupported("U192", reason, f"at most {MAX_EARLIER} are supported", state)
            continue
        symbols.table[name] = ir.Symbol(name, ir.Role.GLOBAL, "LOCAL", length=length, loc=symbol.loc)
        symbols.earlier[state] = name


def _depths(context: Context, end: int) -> dict[str, int]:
    """Return the largest n of each name@n in front of a token."""
    found: dict[str, int] = {}
    tokens = context.source.tokens[:end]
    for name, at, number in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if at.text == "@" and number.text.isdigit():
            found[name.text] = max(found.get(name.text, 0), int(number.text))
    return found


def earlier_value(resolve: Resolver, of: ir.Expr, number: ir.Expr, scope: Scope) -> ir.Expr:
    """Return what name@n stands for: an element of the array of the state."""
    assert isinstance(of, ir.Var | ir.Element)
    assert isinstance(number, ir.Num)
    context, symbols = resolve.context, resolve.symbols
    state = context.name(of.name)
    name = symbols.earlier.get(state)
    if name is None or scope.find(state) is not None or number.value < 1:
        context.wrong(
            "S191", f"{state}@{number.text}, which no STATE has", "n is at least 1, and only a STATE has @n", of.name
        )
        return number
    length = symbols.table[state].length
    here = resolve.variable(of.name, of.index if isinstance(of, ir.Element) else None, scope, reading=True)
    first = int(number.value - 1) * max(length, 1)
    if not isinstance(here, ir.Element):
        return _element(name, first)
    if isinstance(here.index, ir.Num):
        return _element(name, first + int(here.index.value))
    return ir.Element(name, ir.Binary("+", ir.Num(float(first), str(first)), here.index))


def _element(name: str, index: int) -> ir.Element:
    return ir.Element(name, ir.Num(float(index), str(index)))


def moved_on(lowering: Lowering, block: tree.Block) -> tuple[ir.Stmt, ...]:
    """Return what a DISCRETE block begins with. Only what stands before its end counts for nocmodl."""
    context, symbols = lowering.context, lowering.symbols
    after = [b.token for b in symbols.blocks.values() if b.token is not None and b.token > (block.token or 0)]
    depths = _depths(context, min(after, default=len(context.source.tokens)))
    out: list[ir.Stmt] = []
    for state in dict.fromkeys(context.name(marked) for marked in assigned_names(block.body)):
        if state not in symbols.earlier or state not in depths:
            continue
        name, length = symbols.earlier[state], symbols.table[state].length
        loc, width = context.loc(block.name), max(length, 1)
        for k in reversed(range(width)):
            for n in range(depths[state] - 1, 0, -1):
                out.append(ir.Assign(_element(name, n * width + k), _element(name, (n - 1) * width + k), loc))
            out.append(ir.Assign(_element(name, k), _element(state, k) if length else ir.Var(state), loc))
    return tuple(out)


def filled(symbols: Symbols, starts: dict[str, ir.Expr]) -> tuple[ir.Stmt, ...]:
    """Return what INITIAL fills the earlier values with. starts: of each STATE."""
    out: list[ir.Stmt] = []
    for state, name in symbols.earlier.items():
        symbol = symbols.table[name]
        out += [ir.Assign(_element(name, k), starts[state], symbol.loc or ir.Loc(1)) for k in range(symbol.length)]
    return tuple(out)


def refused(lowering: Lowering, solve: tree.Solve, *, stepping: bool, alone: bool) -> bool:
    """Refuse a SOLVE of a DISCRETE block that moves the time in another way than once for each instance and step."""
    why = ""
    if lowering.symbols.artificial:
        why = "in an ARTIFICIAL_CELL, which has no steps"
    elif not stepping:
        why = "outside of BREAKPOINT, where NEURON sets the time back afterwards"
    elif not alone:
        why = "together with another SOLVE, which then sees the time of another step"
    if why:
        remedy = "write it as a PROCEDURE, with an ASSIGNED for each earlier value"
        lowering.context.unsupported("U160", f"SOLVE of a DISCRETE block {why}", remedy, solve.block)
    return bool(why)
