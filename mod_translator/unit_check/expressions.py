"""What expressions are measured in. Source: NEURON's src/modlunit/parse1.ypp, units1.cpp."""

from __future__ import annotations

from mod_translator.unit_check.measure import NUMBER, PURE, ComplaintError, Measure
from mod_translator.unit_check.reader import Reader
from mod_translator.unit_check.words import UnreadableError, Word

_OR, _AND, _COMPARE, _SUM, _PRODUCT, _MINUS = range(6)
_LEVELS = {"||": _OR, "&&": _AND, "+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT}
_LEVELS |= dict.fromkeys((">", "<", ">=", "<=", "==", "!="), _COMPARE)
_DEEPEST = 80  # parentheses and signs within each other


class Expressions:
    """Reads expressions; outside the phase of comparison they are only passed over."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.words = reader.words
        self.depth = 0

    def read(self, level: int = _OR) -> Measure:
        """Return what the expression that comes next is measured in (level: operators that bind at least as much)."""
        found = self._unary()
        while True:
            operator = self.words.peek().text
            at = _LEVELS.get(operator) if self.words.peek().kind == "" else None
            if at is None or at < level:
                return found
            self.words.next()
            found = self._binary(operator, found, self.read(at + 1))

    def _binary(self, operator: str, left: Measure, right: Measure) -> Measure:
        if not self.reader.comparing:
            return left
        if operator in "*/":
            return left.times(right, 1 if operator == "*" else -1)
        if operator in "+-":
            return self.reader.conform(left, right)
        if operator not in ("||", "&&"):
            self.reader.conform(left, right)
        return PURE

    def _unary(self) -> Measure:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise UnreadableError("an expression that is too deep")
        try:
            if self.words.accept("-"):
                return self._unary()
            if self.words.accept("!"):
                self._unary()
                return PURE
            return self._power()
        finally:
            self.depth -= 1

    def _power(self) -> Measure:
        base = self._primary()
        if not self.words.accept("^"):
            return base
        first = self.words.peek()
        exponent = self._unary()
        if not self.reader.comparing:
            return base
        self.reader.pure(exponent)
        if first is self.reader.last and first.kind == "INTEGER":
            return base.to_power(int(first.text))
        self.reader.pure(base)
        return PURE

    def _primary(self) -> Measure:
        word = self.words.peek()
        number = self.words.integer()
        if number is not None or word.kind == "REAL":
            if number is None:
                self.words.next()
            self.reader.last = word
            unit = self.reader.units()
            return self.reader.symbols.unit(unit) if unit is not None and self.reader.comparing else NUMBER
        if self.words.accept("("):
            return self._parenthesis()
        if word.kind == "NAME" and self.words.peek(1).text == "(":
            return self.call()
        symbol = self.reader.symbol(self.variable())
        return self.reader.symbols.measured(symbol) if self.reader.comparing else PURE

    def _parenthesis(self) -> Measure:
        inside = self.words.peek()
        value = self._constant(inside)
        found = self.read()
        alone = self.words.peek(-1) is inside
        self.reader.last = self.words.expect(")")
        if alone and value is not None:  # a conversion factor
            return Measure(1 / value if value else float("inf"))
        return found

    def _constant(self, word: Word) -> float | None:
        if word.kind == "NAME":
            return self.words.defined.get(word.text)
        return float(word.text) if word.kind in ("INTEGER", "REAL") else None

    def variable(self) -> Word:
        """Read a variable, an element of an array, or an earlier value (name@n); return its name."""
        word = self.words.take("NAME", "PRIME")
        self.reader.symbol(word)
        self.reader.last = word
        if self.words.accept("@"):
            integer = self.words.integer()
            if integer is None:
                raise UnreadableError("an integer expected")
            self.reader.last = integer[0]
        if self.words.accept("["):
            self.index()
            self.reader.last = self.words.expect("]")
        return word

    def index(self) -> None:
        """Read a whole-number expression, which has no unit."""
        opened = 0
        while True:
            while self.words.accept("("):
                opened += 1
            word = self.words.peek()
            if self.words.accept("INT"):
                self.words.expect("(")
                self.read()
                self.reader.last = self.words.expect(")")
            elif self.words.integer() is not None or self.words.take("NAME"):
                self.reader.last = word
            while opened and self.words.peek().text == ")":
                self.reader.last = self.words.next()
                opened -= 1
            if self.words.peek().text not in ("+", "-", "*", "/"):
                return
            self.words.next()

    def call(self) -> Measure:
        """Read a call; return what its value is measured in."""
        name = self.words.take("NAME").text
        symbol = self.reader.symbols.known[name]
        self.words.expect("(")
        wanted = symbol.arguments
        count, first = 0, True
        while self.words.peek().text != ")":
            if not first:
                self.words.expect(",")
            first = False
            if self.words.peek().kind == "STRING":
                self.words.next()
                continue
            found = self.read()
            if self.reader.comparing:
                self._argument(found, wanted, count)
            count += 1
        self.reader.last = self.words.expect(")")
        if self.reader.comparing and wanted is not None and count < len(wanted):
            raise ComplaintError(f"{name} has too few arguments")
        return self.reader.symbols.measured(symbol) if self.reader.comparing else PURE

    def _argument(self, found: Measure, wanted: tuple[str, ...] | None, at: int) -> None:
        if wanted is None:
            self.reader.pure(found)
        elif at >= len(wanted):
            raise ComplaintError("too many arguments")
        else:
            self.reader.conform(self.reader.symbols.unit(wanted[at]), found)
