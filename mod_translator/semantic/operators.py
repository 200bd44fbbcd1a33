"""Operators that nocmodl's parser of equations does not know."""

from __future__ import annotations

from mod_translator import ir


def operator_nocmodl_aborts_on(rate: ir.Expr) -> str:
    """Return an operator outside of arguments that nocmodl's parser of equations does not know, or ''."""
    match rate:
        case ir.Unary(op, operand):
            return op if op not in "-'" else operator_nocmodl_aborts_on(operand)
        case ir.Binary(op, left, right):
            if op not in "+-*/":
                return op
            return operator_nocmodl_aborts_on(left) or operator_nocmodl_aborts_on(right)
        case _:
            return ""
