"""The blocks that declare: PARAMETER, ASSIGNED, STATE, UNITS, NEURON and their like."""

from __future__ import annotations

from mod_translator.unit_check.measure import ComplaintError, Measure
from mod_translator.unit_check.reader import Phase, Reader
from mod_translator.unit_check.words import UnreadableError

_OWN = {  # NEURON's own variables and what they must be measured in
    "v": "millivolt",
    "t": "ms",
    "dt": "ms",
    "celsius": "degC",
    "diam": "micron",
    "area": "micron2",
}
_LISTS = ("RANGE", "GLOBAL", "POINTER", "BBCOREPOINTER", "EXTERNAL", "RANDOM")
_KINDS = ("SUFFIX", "POINT_PROCESS", "ARTIFICIAL_CELL")


class Declarations:
    """Reads the blocks that declare."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.words = reader.words
        self.symbols = reader.symbols
        self.blocks = {
            "PARAMETER": self._constant,
            "CONSTANT": self._constant,
            "ASSIGNED": self._variable,
            "STATE": self._variable,
            "INDEPENDENT": self._independent,
            "UNITS": self._unit,
        }

    @property
    def _declaring(self) -> bool:
        return self.reader.phase is Phase.DECLARE

    def block(self, keyword: str) -> None:
        """Read a block after its keyword."""
        self.words.expect("{")
        while not self.words.accept("}"):
            self.blocks[keyword](keyword)

    def _declare(self, name: str, kind: str, unit: str | None) -> None:
        if self._declaring:
            self.reader.last = self.words.peek()
            self.symbols.declare(name, kind, unit or "")

    def _constant(self, keyword: str) -> None:
        name = self.words.take("NAME").text
        if self.words.accept("="):
            self.reader.number()
        elif self.words.accept("["):
            self._length()
        unit = self.reader.units()
        self._limits()
        self._declare(name, "PARAMETER", unit)

    def _variable(self, keyword: str) -> None:
        name = self.words.take("NAME", "PRIME").text
        if self.words.accept("["):
            self._length()
        if self.words.accept("FROM"):
            self.reader.number()
            self.words.expect("TO")
            self.reader.number()
        if self.words.accept("START"):
            self.reader.number()
        unit = self.reader.units()
        self._limits()
        if self._declaring and self.symbols.visible(name).kind == "LOCAL":
            self.reader.last = self.words.peek()
            raise ComplaintError(f"{name} is a LOCAL or an argument above")
        self._declare(name, keyword, unit)

    def _length(self) -> None:
        if self.words.integer() is None:
            raise UnreadableError("an integer expected")
        self.words.expect("]")

    def _limits(self) -> None:
        if self.words.accept("<"):
            self.reader.number()
            if self.words.accept(","):
                self.reader.number()
            self.words.expect(">")

    def _independent(self, keyword: str) -> None:
        swept = self.words.accept("SWEEP")
        name = self.words.take("NAME").text
        self.words.expect("FROM")
        self.reader.number()
        self.words.expect("TO")
        self.reader.number()
        self.words.expect("WITH")
        if self.words.integer() is None:
            raise UnreadableError("an integer expected")
        if self.words.accept("START"):
            self.reader.number()
        unit = self.reader.units()
        self._declare(name, "SWEPT" if swept else keyword, unit)
        if self._declaring and not swept:
            self.symbols.time = unit or ""

    def _unit(self, keyword: str) -> None:
        if self.words.peek().kind == "NAME":
            self._factor()
            return
        first = self.reader.units()
        self.words.expect("=")
        second = self.reader.units()
        if first is None or second is None:
            raise UnreadableError("(unit) = (unit) expected")
        if self._declaring:
            self.symbols.define(first, second)

    def _factor(self) -> None:
        name = self.words.take("NAME").text
        self.words.expect("=")
        first = self.reader.units()
        if first is None:
            word = self.words.peek()
            self.reader.last = word
            if self.words.integer() is None:
                self.words.take("REAL")
            self._declare(name, "FACTOR", self._needed())
            return
        arrow = self.words.accept("-")
        if arrow:
            self.words.expect(">")
        second = self._needed()
        if not self._declaring:
            return
        ratio = self.symbols.unit(first).times(self.symbols.unit(second), -1)
        if not ratio.anything and not ratio.dimensionless:
            raise ComplaintError(f"({first}) and ({second}) do not conform")
        self.symbols.declare(name, "FACTOR", second)
        if arrow:
            self.symbols.known[name].measured = Measure(1 / (ratio.factor or 1)).rounded()

    def _needed(self) -> str:
        unit = self.reader.units()
        if unit is None:
            raise UnreadableError("a unit expected")
        return unit

    # -------------------------------------------------------------------------------------------- the NEURON block

    def neuron(self) -> None:
        """Read the NEURON block after its keyword."""
        self.reader.last = self.words.peek(-1)
        if self.reader.phase is Phase.KNOW:
            self._check_own()
        self.words.expect("{")
        while not self.words.accept("}"):
            word = self.words.next()
            if word.text in _KINDS:
                self.words.next()
                self.reader.point_process |= word.text != "SUFFIX"
            elif word.text in ("NONSPECIFIC_CURRENT", "ELECTRODE_CURRENT"):
                self.reader.current_lists["current"] += self._names()
            elif word.text in _LISTS:
                names = self._names()
                for name in names if word.text == "RANDOM" else ():
                    self._declare(name, "RANDOM", None)
            elif word.text == "USEION":
                self._ion()
            elif word.text != "THREADSAFE":
                raise UnreadableError(f"{word.text} in the NEURON block")

    def _names(self) -> list[str]:
        names = [self.words.take("NAME").text]
        while self.words.accept(","):
            names.append(self.words.take("NAME").text)
        return names

    def _ion(self) -> None:
        ion = self.words.take("NAME").text
        kinds = {f"i{ion}": "current", f"e{ion}": "potential", f"{ion}i": "concentration", f"{ion}o": "concentration"}
        used = []
        for keyword in ("READ", "WRITE"):
            if self.words.accept(keyword):
                used += self._names()
        if self.words.accept("VALENCE") or self.words.accept("CHARGE"):
            self.reader.number()
        for name in used if self._declaring else ():
            if name not in kinds:
                raise ComplaintError(f"{name} is no variable of the ion {ion}")
            self.reader.current_lists[kinds[name]].append(name)

    def _check_own(self) -> None:
        for name, unit in _OWN.items():
            self._must_be(name, unit)
        if not (self.reader.breakpoint_locals and self.reader.hinted):
            for name in self.reader.current_lists["current"]:
                self._must_be(name, "nanoamp" if self.reader.point_process else "milliamp/cm2")
        for name in self.reader.current_lists["concentration"]:
            self._must_be(name, "milli/liter")
        for name in self.reader.current_lists["potential"]:
            self._must_be(name, "millivolt")

    def _must_be(self, name: str, unit: str) -> None:
        symbol = self.symbols.known.get(name)
        if symbol is None:
            return
        found = self.symbols.measured(symbol)
        if self.reader.on and not found.same(self.symbols.unit(unit)):
            instead = f"({symbol.unit})" if symbol.unit else "no unit"
            raise ComplaintError(f"{name} must be declared in ({unit}), and has {instead}")
