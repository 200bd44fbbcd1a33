"""nrn_pointing(p): whether a POINTER is set. In a captured model that is known, so the branch not taken is left out.

Source: nrn_pointing in NEURON's src/nrnoc/nrn_ansi.h.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mod_translator.ir import Binary, Call, Expr, Num, Role, Unary, Var

if TYPE_CHECKING:
    from mod_translator.semantic.context import Context
    from mod_translator.semantic.symbols import Symbols

POINTING = "nrn_pointing"


def pointing(marked: str, args: tuple[Expr, ...], symbols: Symbols, context: Context) -> Expr:
    """Return 1 or 0; 1 where there is no live process. Refuses what is set in some of the instances only."""
    name = context.name(args[0].name) if len(args) == 1 and isinstance(args[0], Var) else ""
    symbol = symbols.table.get(name)
    if symbol is None or symbol.role is not Role.POINTER or name not in symbols.pointers:
        reason = f"{POINTING} of what is no POINTER of this mechanism"
        context.unsupported("U137", reason, f"write 1 for {POINTING}(...)", marked)
        return Num(1.0, "1")
    known: bool | None = True
    if context.pointees is not None:
        pointee = context.pointees.get(name)
        known = pointee.known if pointee is not None else False
    if known is None:
        reason = f"{POINTING}({name}), which is set in some instances and not in others"
        context.unsupported("U137", reason, "set it in all of them (h.setpointer), or in none", marked)
    return Num(1.0, "1") if known else Num(0.0, "0")


def decided(condition: Expr, resolved: Expr, context: Context) -> bool | None:
    """Return whether a condition that asks nrn_pointing holds; None for one that does not, or if more decides it."""
    return _value(resolved) if _asks(condition, context) else None


def _asks(expr: Expr, context: Context) -> bool:
    match expr:
        case Call(marked, args):
            return context.name(marked) == POINTING or any(_asks(a, context) for a in args)
        case Unary(_, operand):
            return _asks(operand, context)
        case Binary(_, left, right):
            return _asks(left, context) or _asks(right, context)
    return False


def _value(expr: Expr) -> bool | None:
    match expr:
        case Num(value, _):
            return value != 0
        case Unary("!", operand):
            inner = _value(operand)
            return None if inner is None else not inner
        case Binary("&&" | "||" as op, left, right):
            deciding = op == "||"
            sides = _value(left), _value(right)
            if deciding in sides:
                return deciding
            return None if None in sides else not deciding
        case Binary("==" | "!=" as op, Num(a, _), Num(b, _)):
            return (a == b) == (op == "==")
    return None
