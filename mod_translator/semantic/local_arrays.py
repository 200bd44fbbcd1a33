"""Elements of LOCAL arrays whose index is only known at run time.

Each element is a LOCAL of its own (see scope.py): reading is a FUNCTION of the index and of all elements, assigning is
an `if` for each element. An index that does not exist makes NaN, as in the arrays of the file.
"""

from __future__ import annotations

from itertools import count

from mod_translator import ir
from mod_translator.report import Collector
from mod_translator.semantic.context import Context
from mod_translator.semantic.scope import Scope
from mod_translator.semantic.symbols import Symbols
from mod_translator.syntax.parse import parse
from mod_translator.syntax.source import Source

_NAN = ir.Call("sqrt", (ir.Num(-1.0, "-1"),))


def element_function(length: int, symbols: Symbols, context: Context) -> str:
    """Return the name of the FUNCTION (index, elements...) for arrays of a length; it is among the blocks then."""
    if length not in symbols.element_functions:
        words = {token.text for token in context.source.tokens}
        name = next(n for k in count() if (n := f"element_of_{length}{'_' * k}") not in words)
        elements = ", ".join(f"x{i}" for i in range(length))
        cases = " ".join(f"if (at == {i}) {{ {name} = x{i} }}" for i in range(length))
        text = f"FUNCTION {name}(at, {elements}) {{ {name} = sqrt(-1) {cases} }}"
        symbols.blocks[name] = parse(Source(text, marks=False), Collector()).blocks[0]
        symbols.element_functions[length] = name
    return symbols.element_functions[length]


def assign_element(elements: tuple[str, ...], at: ir.Expr, value: ir.Expr, scope: Scope, loc: ir.Loc) -> list[ir.Stmt]:
    """Return the statements that assign a value to one of the elements."""
    index, held = ir.Var(scope.fresh("at")), ir.Var(scope.fresh("value"))
    out: list[ir.Stmt] = [ir.Assign(held, value, loc), ir.Assign(index, at, loc)]
    for i, element in enumerate(elements):
        this = ir.Binary("==", index, ir.Num(float(i), str(i)))
        out.append(ir.If(this, (ir.Assign(ir.Var(element), held, loc),), (), loc))
    last = ir.Num(float(len(elements) - 1), str(len(elements) - 1))
    outside = ir.Binary("||", ir.Binary("<", index, ir.Num(0.0, "0")), ir.Binary(">", index, last))
    return [*out, ir.If(outside, tuple(ir.Assign(ir.Var(e), _NAN, loc) for e in elements), (), loc)]
