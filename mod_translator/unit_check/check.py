"""The three readings, and what comes of them."""

from __future__ import annotations

from mod_translator.report import Note
from mod_translator.semantic.units import UnitError, standard_units
from mod_translator.syntax.source import Source
from mod_translator.unit_check.measure import ComplaintError, Names
from mod_translator.unit_check.reader import Phase, Reader
from mod_translator.unit_check.statements import Statements
from mod_translator.unit_check.symbols import Symbols
from mod_translator.unit_check.words import UnreadableError, Words


def complaint(source: Source) -> Note | None:
    """Return what NEURON's modlunit says first about the units of a file, at the line where it says it.

    None: all units conform, or the file holds something that modlunit's grammar does not know.
    """
    try:
        table = standard_units()
    except UnitError:
        return None
    words = Words(source)
    symbols = Symbols(table.copy(), {w.text for w in words.words if w.kind in ("NAME", "PRIME")})
    reader = Reader(words, symbols, Names(table))
    statements = Statements(reader)
    try:
        for phase in Phase:
            statements.file(phase)
            if phase is Phase.DECLARE:
                reader.last = words.end
                symbols.declare_implied()
    except ComplaintError as found:
        return Note(f"units: {found}", source.place(reader.last.at))
    except UnreadableError:
        return None
    return None
