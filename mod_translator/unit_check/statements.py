"""Blocks of statements, as modlunit reads them. Source: NEURON's src/modlunit/parse1.ypp."""

from __future__ import annotations

from mod_translator.unit_check.declarations import Declarations
from mod_translator.unit_check.expressions import Expressions
from mod_translator.unit_check.kinetic import Kinetic
from mod_translator.unit_check.measure import ComplaintError
from mod_translator.unit_check.reader import Phase, Reader
from mod_translator.unit_check.words import UnreadableError

_PLAIN = ("INITIAL", "BREAKPOINT", "CONSTRUCTOR", "DESTRUCTOR")
_NAMED = ("DERIVATIVE", "LINEAR", "NONLINEAR", "DISCRETE")
_WITH_ARGUMENTS = ("FUNCTION", "FUNCTION_TABLE", "PROCEDURE", "NET_RECEIVE")
_DEEPEST = 60


class Statements:
    """Reads one file once."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.words = reader.words
        self.symbols = reader.symbols
        self.declarations = Declarations(reader)
        self.expressions = Expressions(reader)
        self.kinetic = Kinetic(reader, self.expressions)
        self.received: list[str] = []  # units of the arguments of NET_RECEIVE
        self.depth = 0
        self.simple = {
            "LOCAL": self._locals,
            "FROM": self._from,
            "WHILE": self._while,
            "while": self._while,
            "IF": self._if,
            "if": self._if,
            "PROTECT": self._assignment,
            "CONDUCTANCE": self._conductance,
            "SOLVE": self._solve,
            "INITIAL": self.body,
            "WATCH": self._watch,
            "FOR_NETCONS": self._for_netcons,
            "LAG": self._lag,
            "TABLE": self._table,
            "CONSERVE": self.kinetic.conserve,
            "COMPARTMENT": self.kinetic.compartment,
            "LONGITUDINAL_DIFFUSION": self.kinetic.diffusion,
        }

    @property
    def _declaring(self) -> bool:
        return self.reader.phase is Phase.DECLARE

    def file(self, phase: Phase) -> None:
        """Read the whole file.

        Raises ComplaintError, and UnreadableError.
        """
        self.reader.phase, self.reader.on, self.words.at = phase, True, 0
        while self.words.peek().kind != "END":
            self._top()

    def _top(self) -> None:
        word = self.words.next()
        if word.text in self.declarations.blocks:
            self.declarations.block(word.text)
        elif word.text == "NEURON":
            self.declarations.neuron()
        elif word.text in ("UNITSON", "UNITSOFF"):
            self._flag(word.text)
        elif word.text == "LOCAL":
            self._locals()
        elif word.text == "DEFINE":
            name = self.words.next().text  # once defined, it is a number to the lexer
            integer = self.words.integer()
            if integer is None:
                raise UnreadableError("an integer expected")
            self.words.defined[name] = integer[1]
        else:
            self.reader.block = word.text
            self._block(word.text)

    def _block(self, keyword: str) -> None:
        if keyword in ("BEFORE", "AFTER"):
            self.words.next()
            self.body()
        elif keyword in _PLAIN:
            self.body()
        elif keyword in _WITH_ARGUMENTS:
            self._routine(keyword)
        elif keyword in _NAMED:
            name = self.words.take("NAME").text
            self._solvefor()
            self.body()
            self._declare(name, keyword)
        elif keyword == "KINETIC":
            name = self.words.take("NAME").text
            self._solvefor()
            self.kinetic.block(self.body)
            self._declare(name, keyword)
        else:
            raise UnreadableError(f"{keyword} begins no block")

    def _declare(self, name: str, kind: str, unit: str = "", arguments: tuple[str, ...] | None = None) -> None:
        if self._declaring:
            self.symbols.declare(name, kind, unit, arguments)

    def _solvefor(self) -> None:
        if self.words.accept("SOLVEFOR"):
            self.words.take("NAME")
            while self.words.accept(","):
                self.words.take("NAME")

    def _routine(self, keyword: str) -> None:
        name = "" if keyword == "NET_RECEIVE" else self.words.take("NAME").text
        arguments = self._arguments()
        if keyword == "NET_RECEIVE":
            if not arguments:
                raise ComplaintError("NET_RECEIVE must have an argument")
            self.received = arguments
            self._push("flag")
            self.body()
            self._pop()
        elif keyword == "PROCEDURE":
            self.body()
            self._declare(name, "PROCEDURE", "", tuple(arguments))
            self._pop()
        else:
            unit = self.reader.units() or ""
            self._push(name, unit=unit, kind="ASSIGNED")
            if keyword == "FUNCTION":
                self.body()
            self._declare(name, "FUNCTION", unit, tuple(arguments))
            self._pop()
            self._pop()

    def _push(self, *names: str, unit: str = "", kind: str = "LOCAL") -> None:
        if self._declaring:
            self.symbols.push(*names, unit=unit, kind=kind)

    def _pop(self) -> None:
        if self._declaring:
            self.symbols.pop()

    def _arguments(self) -> list[str]:
        self.words.expect("(")
        units: list[str] = []
        while self.words.peek().text != ")":
            if units:
                self.words.expect(",")
            name = self.words.take("NAME", "PRIME")
            self.reader.last = name
            unit = self.reader.units() or ""
            self._push(name.text, unit=unit)
            units.append(unit)
        self.words.expect(")")
        if not units:
            self._push()
        return units

    # -------------------------------------------------------------------------------------------------- statements

    def body(self) -> None:
        """Read statements in braces."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise UnreadableError("blocks that are too deep")
        self.words.expect("{")
        local = self.words.accept("LOCAL") is not None
        if local:
            self._locals()
        while not self.words.accept("}"):
            self._statement()
        if local:
            self._pop()
        self.depth -= 1

    def _statement(self) -> None:
        word = self.words.peek()
        if word.text in self.simple and word.text != "LOCAL":
            self.words.next()
            self.simple[word.text]()
        elif word.text == "{":
            self.body()
        elif word.text in ("UNITSON", "UNITSOFF"):
            self._flag(self.words.next().text)
        elif word.text == "~" and self.reader.block == "KINETIC":
            self.words.next()
            self.kinetic.reaction()
        elif word.text in ("~", "~+"):
            self._equation()
        elif word.kind == "NAME" and self.words.peek(1).text == "(":
            self.expressions.call()
        else:
            self._assignment()

    def _flag(self, word: str) -> None:
        self.reader.on = self.reader.on_outside = word == "UNITSON"

    def _assignment(self) -> None:
        symbol = self.reader.symbol(self.expressions.variable())
        self.words.expect("=")
        found = self.expressions.read()
        if not self.reader.comparing:
            return
        if symbol.kind == "LOCAL":
            symbol.measured = found.rounded()
        elif not found.number:
            self.reader.conform(self.symbols.measured(symbol), found)

    def _equation(self) -> None:
        self.words.next()
        left = self.expressions.read()
        self.words.expect("=")
        right = self.expressions.read()
        if self.reader.comparing:
            self.reader.conform(left, right)

    def _locals(self) -> None:
        if self.reader.block == "BREAKPOINT":
            self.reader.breakpoint_locals = True
        names = []
        while True:
            names.append(self.words.take("NAME").text)
            if self.words.accept("["):
                if self.words.integer() is None:
                    raise UnreadableError("an integer expected")
                self.words.expect("]")
            if not self.words.accept(","):
                break
        self._push(*names)

    def _from(self) -> None:
        name = self.words.take("NAME").text
        self.words.expect("=")
        self.expressions.index()
        self.words.expect("TO")
        self.expressions.index()
        if self.words.accept("BY"):
            self.expressions.index()
        self._push(name)
        self.body()
        self._pop()

    def _condition(self) -> None:
        self.words.expect("(")
        self.expressions.read()
        self.words.expect(")")

    def _while(self) -> None:
        self._condition()
        self.body()

    def _if(self) -> None:
        self._condition()
        self.body()
        while self.words.accept("ELSE") or self.words.accept("else"):
            if self.words.accept("IF") or self.words.accept("if"):
                self._condition()
                self.body()
            else:
                self.body()
                return

    def _conductance(self) -> None:
        self.words.take("NAME")
        if self.words.accept("USEION"):
            self.words.take("NAME")
        self.reader.hinted = True

    def _solve(self) -> None:
        self.words.take("NAME")
        if self.words.accept("METHOD") or self.words.accept("STEADYSTATE"):
            self.words.next()

    def _watch(self) -> None:
        while True:
            self._condition()
            self.reader.last = self.words.next()
            if not self.words.accept(","):
                return

    def _for_netcons(self) -> None:
        units = self._arguments()
        if self._declaring:
            if len(units) != len(self.received):
                raise ComplaintError("NET_RECEIVE and FOR_NETCONS do not have the same number of arguments")
            for at, (unit, wanted) in enumerate(zip(units, self.received, strict=True)):
                if unit and unit != wanted:
                    raise ComplaintError("an argument of FOR_NETCONS has another unit than that of NET_RECEIVE")
                scope = self.symbols.scopes[at - len(units)]
                for symbol in scope.values():
                    symbol.unit = wanted
        self.body()

    def _lag(self) -> None:
        self.words.take("NAME", "PRIME")
        self.words.expect("BY")
        self.words.take("NAME")

    def _table(self) -> None:
        for keyword in ("", "DEPEND"):
            if (keyword and self.words.accept(keyword)) or (not keyword and self.words.peek().kind == "NAME"):
                self.words.take("NAME")
                while self.words.accept(","):
                    self.words.take("NAME")
        self.words.expect("FROM")
        self.expressions.read()
        self.words.expect("TO")
        self.expressions.read()
        self.words.expect("WITH")
        if self.words.integer() is None:
            raise UnreadableError("an integer expected")
