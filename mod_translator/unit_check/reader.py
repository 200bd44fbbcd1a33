"""What the readers of one file share: the words, the symbols, the phase, and where a complaint would be."""

from __future__ import annotations

import enum

from mod_translator.unit_check.measure import NUMBER, ComplaintError, Measure, Names
from mod_translator.unit_check.symbols import Symbol, Symbols
from mod_translator.unit_check.words import Word, Words


class Phase(enum.Enum):
    """modlunit reads the whole file three times."""

    DECLARE = 1  # names, scopes and units of the file
    KNOW = 2  # every unit text is known, NEURON's own variables have their units
    COMPARE = 3  # expressions conform


class Reader:
    """State of one reading. last: the last word that modlunit's grammar accepted, where it would complain."""

    def __init__(self, words: Words, symbols: Symbols, names: Names) -> None:
        self.words = words
        self.symbols = symbols
        self.names = names
        self.phase = Phase.DECLARE
        self.on = True  # UNITSON
        self.on_outside = True  # the same, where a KINETIC block is read for its COMPARTMENTs only
        self.last = words.peek()
        self.meant: dict[int, Symbol] = {}  # which symbol the word at a place means
        self.block = ""
        self.current_lists: dict[str, list[str]] = {"current": [], "concentration": [], "potential": []}
        self.point_process = False
        self.hinted = False  # CONDUCTANCE
        self.breakpoint_locals = False

    @property
    def comparing(self) -> bool:
        """True in the last phase."""
        return self.phase is Phase.COMPARE

    def units(self) -> str | None:
        """Read a unit text, if one comes next."""
        found = self.words.unit()
        if found is None:
            return None
        text, self.last = found
        if self.phase is Phase.KNOW:
            self.symbols.unit(text)
        return text

    def number(self) -> Word:
        """Read a number with or without a sign."""
        self.words.accept("-")
        found = self.words.integer()
        self.last = found[0] if found else self.words.take("REAL")
        return self.last

    def symbol(self, word: Word) -> Symbol:
        """Return what a word means, with the scopes as they were when it was first read."""
        if word.at not in self.meant:
            name = word.text
            self.meant[word.at] = self.symbols.known[name] if word.kind == "PRIME" else self.symbols.visible(name)
        return self.meant[word.at]

    def conform(self, first: Measure, second: Measure) -> Measure:
        """Return what two terms that must have the same unit are measured in.

        Raises ComplaintError if they do not have it.
        """
        if second.number:
            return first
        if first.number:
            return second
        if self.on and not first.anything and not second.anything:
            if first.powers != second.powers:
                raise ComplaintError(f"the units {self.names.text(first)} and {self.names.text(second)} do not conform")
            if not first.close(second):
                factor = second.factor / (first.factor or 1)
                raise ComplaintError(f"the term in {self.names.text(second)} lacks the conversion factor ({factor:g})")
        return first

    def pure(self, found: Measure) -> None:
        """Take what must be a pure number.

        Raises ComplaintError if it has a unit.
        """
        if not self.on or found.anything:
            return
        if not found.dimensionless:
            raise ComplaintError(f"the expression is measured in {self.names.text(found)}, and must be dimensionless")
        if not NUMBER.close(found):
            raise ComplaintError(f"the expression lacks the conversion factor ({1 / (found.factor or 1):g})")
