"""Expressions of the parser's AST to expressions of the IR (names still marked)."""

from __future__ import annotations

import math
from typing import Any

from mod_translator.errors import SemanticError, UnsupportedConstruct
from mod_translator.ir import Binary, Call, Element, Expr, Num, Unary, Var
from mod_translator.syntax.source import Source
from mod_translator.syntax.tree import EARLIER

STRING = '"'  # a string argument travels as Var('"text"'): only calls that are dropped have one


def identifier(node: Any) -> str:
    """Return the (marked) text of a Name, PrimeName or String node."""
    return str(node.value.value) if hasattr(node.value, "value") else str(node.value)


def number(node: Any) -> tuple[float, str]:
    """Return value and text of an Integer, Float or Double node."""
    text = str(node.value)
    return float(text), text


def integer(node: Any) -> int:
    """Return the value of an Integer node."""
    return int(node.value)


class Expressions:
    """Converts expressions of one source."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def __call__(self, node: Any) -> Expr:
        """Return the IR expression of an AST node; raises UnsupportedConstruct for what only SCoP ever had."""
        kind = type(node).__name__
        convert = getattr(self, f"_{kind.lower()}", None)
        if convert is None:
            raise UnsupportedConstruct(
                f"{kind} in an expression", remedy="write it with ordinary operators", code="U190"
            )
        result: Expr = convert(node)
        return result

    def _wrappedexpression(self, node: Any) -> Expr:
        return self(node.expression)

    _parenexpression = _wrappedexpression

    def _double(self, node: Any) -> Expr:
        value, text = number(node)
        if not math.isfinite(value):
            at = next((i for i, t in enumerate(self.source.tokens) if t.text == text), None)
            raise SemanticError(
                f"{text} is too large for a double",
                remedy="write a number below 1.8e308",
                code="S118",
                place=self.source.place(at),
            )
        return Num(value, text)

    _integer = _float = _double

    def _doubleunit(self, node: Any) -> Expr:
        return self(node.value)

    def _name(self, node: Any) -> Expr:
        return Var(identifier(node))

    def _string(self, node: Any) -> Expr:
        return Var(STRING + str(node.value).strip('"') + STRING)

    def _primename(self, node: Any) -> Expr:
        text = identifier(node)
        order = int(node.order.value)
        if order > 1:
            raise UnsupportedConstruct(
                f"{self.source.name(text)}{chr(39) * order}, a derivative of higher order: NEURON has none",
                remedy="introduce a STATE for the first derivative",
                code="U191",
                place=self.source.place(self.source.token(text)),
            )
        return Unary("'", Var(text))

    def _varname(self, node: Any) -> Expr:
        value = self(node.name)
        if node.at is None:
            return value
        if isinstance(value, Var) and node.index is not None:  # x@n[i]
            value = Element(value.name, self(node.index))
        return Call(EARLIER, (value, self(node.at)))

    def _indexedname(self, node: Any) -> Expr:
        name = self(node.name)
        assert isinstance(name, Var)
        return Element(name.name, self(node.length))

    def _unaryexpression(self, node: Any) -> Expr:
        operator = str(node.op.eval()).strip()
        operand = self(node.expression)
        return operand if operator == "+" else Unary(operator, operand)

    def _binaryexpression(self, node: Any) -> Expr:
        return Binary(str(node.op.eval()).strip(), self(node.lhs), self(node.rhs))

    def _functioncall(self, node: Any) -> Call:
        return Call(identifier(node.name), tuple(self(a) for a in node.arguments))
