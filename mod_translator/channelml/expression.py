"""Generic expressions: arithmetic, comparisons, functions and `condition ? one : other`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mod_translator import ir
from mod_translator.errors import TranslationError
from mod_translator.formula import Formula, assign, call, choose, formula, var
from mod_translator.neuroml.document import Element
from mod_translator.neuroml.names import Names

_TOKEN = re.compile(
    r"\s*(?:((?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|([A-Za-z_]\w*)|(<=|>=|==|!=|&&|\|\||[-+*/^()<>?:,]))", re.ASCII
)
_LEVELS = {"||": 0, "&&": 1, "<": 2, ">": 2, "<=": 2, ">=": 2, "==": 2, "!=": 2, "+": 3, "-": 3, "*": 4, "/": 4}
_FUNCTIONS = dict.fromkeys(("exp", "log", "log10", "sqrt", "fabs", "sin", "cos", "tan", "sinh", "cosh", "tanh"), 1)
_FUNCTIONS |= {"asin": 1, "acos": 1, "atan": 1, "floor": 1, "ceil": 1, "pow": 2, "fmod": 2}
_DEEPEST = 50


def read(element: Element, known: Mapping[str, Formula], names: Names, body: list[ir.Stmt]) -> Formula:
    """Return the attribute expr of an element. known: what its names mean; body: where conditions go first.

    Raises UnsupportedConstruct for anything else than such an expression.
    """
    reader = _Reader(element, known, names)
    found = reader.conditional(body)
    if reader.tokens:
        raise reader.wrong()
    return found


class _Reader:
    def __init__(self, element: Element, known: Mapping[str, Formula], names: Names) -> None:
        self.element = element
        self.known = known
        self.names = names
        self.text = element.get("expr")
        self.tokens = self._split(self.text.rstrip())[::-1]
        self.depth = 0

    def _split(self, text: str) -> list[tuple[str, str]]:
        found, at = [], 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise self.wrong()
            kind = ("number", "name", "operator")[(match.lastindex or 1) - 1]
            found.append((kind, match[match.lastindex or 1]))
            at = match.end()
        return found

    def wrong(self) -> TranslationError:
        return self.element.refuse(
            "N351",
            f"the expression {self.text[:80]!r} is not understood",
            f"numbers, + - * / ^, comparisons, ?:, {', '.join(_FUNCTIONS)} and {', '.join(self.known)}",
        )

    def accept(self, *texts: str) -> str:
        if self.tokens and self.tokens[-1][0] == "operator" and self.tokens[-1][1] in texts:
            return self.tokens.pop()[1]
        return ""

    def expect(self, text: str) -> None:
        if not self.accept(text):
            raise self.wrong()

    def conditional(self, body: list[ir.Stmt]) -> Formula:
        condition = self.binary(0, body)
        if not self.accept("?"):
            return condition
        name = self.names.fresh("chosen")
        then: list[ir.Stmt] = []
        orelse: list[ir.Stmt] = []
        then.append(assign(name, self.deeper(then)))
        self.expect(":")
        orelse.append(assign(name, self.deeper(orelse)))
        body.append(choose(condition, then, orelse))
        return var(name)

    def deeper(self, body: list[ir.Stmt]) -> Formula:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.wrong()
        found = self.conditional(body)
        self.depth -= 1
        return found

    def binary(self, level: int, body: list[ir.Stmt]) -> Formula:
        left = self.unary(body)
        while self.tokens and self.tokens[-1][0] == "operator" and _LEVELS.get(self.tokens[-1][1], -1) >= level:
            operator = self.tokens.pop()[1]
            right = self.binary(_LEVELS[operator] + 1, body)
            left = Formula(ir.Binary(operator, left.expr, right.expr))
        return left

    def unary(self, body: list[ir.Stmt]) -> Formula:
        signs = 0
        while self.accept("-"):
            signs += 1
        found = self.power(body)
        return -found if signs % 2 else found

    def power(self, body: list[ir.Stmt]) -> Formula:
        base = self.primary(body)
        if not self.accept("^"):
            return base
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.wrong()
        exponent = self.unary(body)
        self.depth -= 1
        return base**exponent

    def primary(self, body: list[ir.Stmt]) -> Formula:
        if self.accept("("):
            found = self.deeper(body)
            self.expect(")")
            return found
        kind, text = self.tokens.pop() if self.tokens else ("", "")
        if kind == "number":
            return formula(float(text))
        if kind == "name" and self.accept("("):
            arguments = [self.deeper(body)]
            while self.accept(","):
                arguments.append(self.deeper(body))
            self.expect(")")
            if _FUNCTIONS.get(text) != len(arguments):
                raise self.wrong()
            return call(text, *arguments)
        if kind != "name" or text not in self.known:
            raise self.wrong()
        return self.known[text]
