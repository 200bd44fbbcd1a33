"""KINETIC blocks: read once for the sizes of compartments, once for the rates. Source: src/modlunit/kinunit.cpp."""

from __future__ import annotations

from collections.abc import Callable

from mod_translator.unit_check.expressions import Expressions
from mod_translator.unit_check.measure import NUMBER, ComplaintError, Measure
from mod_translator.unit_check.reader import Reader
from mod_translator.unit_check.symbols import Symbol
from mod_translator.unit_check.words import UnreadableError


class Kinetic:
    """Reads what stands in KINETIC blocks only."""

    def __init__(self, reader: Reader, expressions: Expressions) -> None:
        self.reader = reader
        self.words = reader.words
        self.expressions = expressions
        self.again = False  # the second reading, which compares
        self.reactants: list[Symbol] = []

    def block(self, body: Callable[[], None]) -> None:
        """Read the statements of a KINETIC block."""
        if not self.reader.comparing:
            body()
            return
        start = self.words.at
        self.reader.on_outside, self.reader.on = self.reader.on, False
        self.again = False
        body()
        self.reader.on = self.reader.on_outside
        self.words.at, self.again = start, True
        body()
        for symbol in self.reader.symbols.known.values():
            if symbol.kind == "STATE":
                symbol.volume = None

    # ------------------------------------------------------------------------------------------- sizes, diffusion

    def compartment(self) -> None:
        """Read a COMPARTMENT statement after its keyword."""
        self._sizes(self._volume)

    def diffusion(self) -> None:
        """Read a LONGITUDINAL_DIFFUSION statement after its keyword."""
        self._sizes(self._diffused)

    def _sizes(self, each: Callable[[Symbol, Measure], None]) -> None:
        indexed = self.words.peek().kind == "NAME" and self.words.peek(1).text == ","
        if indexed:
            name = self.words.next().text
            self.words.next()
            if not self.reader.comparing:
                self.reader.symbols.push(name)
        size = self.expressions.read()
        self.words.expect("{")
        while not self.words.accept("}"):
            name = self.words.take("NAME").text
            if self.reader.comparing and not self.again:
                each(self.reader.symbols.known[name], size)
        if indexed and not self.reader.comparing:
            self.reader.symbols.pop()

    def _volume(self, state: Symbol, size: Measure) -> None:
        if state.volume is not None:
            raise ComplaintError(f"{state.name} stands in an earlier COMPARTMENT already")
        state.volume = size.rounded()

    def _diffused(self, state: Symbol, size: Measure) -> None:
        if state.volume is None:
            raise ComplaintError(f"{state.name} stands in no earlier COMPARTMENT")
        if not self.reader.on_outside:
            self.reader.on = False
            return
        text = self.reader.names.text
        if not size.same(self.reader.symbols.unit("micron4/ms")):
            raise ComplaintError(f"area times diffusion constant must be (micron2 micron2/ms), and is {text(size)}")
        if not state.volume.same(self.reader.symbols.unit("micron2")):
            raise ComplaintError(f"where it diffuses, the COMPARTMENT must be (micron2), and is {text(state.volume)}")
        self.reader.on = False

    # -------------------------------------------------------------------------------------------------- reactions

    def reaction(self) -> None:
        """Read a reaction after its ~."""
        self.reactants = []
        left = self._side()
        rates: list[tuple[str, Measure, Measure]] = []
        if self.words.accept("<->"):
            right = self._side()
            self.words.expect("(")
            rates.append(("forward", self.expressions.read(), left))
            self.words.expect(",")
            rates.append(("backward", self.expressions.read(), right))
        elif self.words.accept("-"):
            self.words.expect(">")
            self.words.expect("(")
            rates.append(("forward", self.expressions.read(), left))
        elif self.words.accept("<"):
            self.words.expect("<")
            self.words.expect("(")
            rates.append(("", self.expressions.read(), left))
        else:
            raise UnreadableError("a reaction expected")
        self.words.expect(")")
        if self.reader.comparing and self.again:
            self._compare(rates)

    def _side(self) -> Measure:
        product = self._reactant()
        while self.words.accept("+"):
            product = product.times(self._reactant())
        return product

    def _reactant(self) -> Measure:
        count = self.words.next() if self.words.peek().kind == "INTEGER" else None
        symbol = self.reader.symbol(self.expressions.variable())
        if not self.reader.comparing:
            return NUMBER
        if self.again:
            self.reactants.append(symbol)
        found = self.reader.symbols.measured(symbol)
        return found if count is None else found.to_power(int(count.text))

    def _compare(self, rates: list[tuple[str, Measure, Measure]]) -> None:
        text = self.reader.names.text
        quantity = NUMBER
        for symbol in self.reactants:
            size = self.reader.symbols.measured(symbol)
            size = size if symbol.volume is None else size.times(symbol.volume)
            if not self._equal(quantity, size):
                raise ComplaintError(
                    f"{symbol.name} is measured in {text(size)}, the first reactant in {text(quantity)}: "
                    "a COMPARTMENT may be missing"
                )
            quantity = size if quantity.number else quantity
        flux = quantity.times(self.reader.symbols.unit(self.reader.symbols.time), -1)
        for name in ("f_flux", "b_flux"):
            self.reader.symbols.known[name].measured = flux.rounded()
        for which, rate, reactants in rates:
            wanted = flux.times(reactants, -1) if which else flux
            if not self._equal(rate, wanted):
                what = f"the {which} rate" if which else "the flux"
                raise ComplaintError(f"{what} is measured in {text(rate)}, and must be in {text(wanted)}")

    @staticmethod
    def _equal(first: Measure, second: Measure) -> bool:
        return first.number or second.number or first.same(second)

    def conserve(self) -> None:
        """Read a CONSERVE statement after its keyword."""
        total = self._conserved()
        while self.words.accept("+"):
            more = self._conserved()
            if self.reader.comparing:
                total = self.reader.conform(total, more)
        self.words.expect("=")
        right = self.expressions.read()
        if self.reader.comparing:
            self.reader.conform(total, right)

    def _conserved(self) -> Measure:
        if self.words.peek().kind == "INTEGER":
            self.words.next()
        symbol = self.reader.symbol(self.expressions.variable())
        if not self.reader.comparing:
            return NUMBER
        found = self.reader.symbols.measured(symbol)
        return found if symbol.volume is None else found.times(symbol.volume)
