"""Names and what they are measured in, and the scopes of locals. Source: NEURON's src/modlunit/symbol.cpp, declare.cpp.

Scopes are modlunit's: one for each argument of a FUNCTION, PROCEDURE or NET_RECEIVE, of which only the last is closed
at the end of the block; so the first of two arguments hides a variable of its name to the end of the file.
"""

from __future__ import annotations

from dataclasses import dataclass

from mod_translator.semantic.units import UnitError, UnitTable
from mod_translator.unit_check.measure import ComplaintError, Measure, measure

# Functions and variables that modlunit knows without a declaration (extdef.h), and the units of some (extargs.h).
_KNOWN = (
    "first_time error f_flux b_flux fabs sqrt sin cos tan acos asin atan atan2 sinh cosh tanh floor ceil fmod "
    "log10 log pow printf prterr exp threshold force deflate expfit derivs spline hyperbol revhyperbol sigmoid "
    "revsigmoid harmonic squarewave sawtooth revsawtooth ramp pulse perpulse step perstep erf exprand "
    "factorial gauss normrand poisrand poisson setseed scop_random boundary romberg legendre invert stepforce "
    "schedule set_seed nrn_pointing state_discontinuity net_send net_move net_event nrn_random_play at_time "
    "nrn_ghk random_negexp random_normal random_uniform random_setseq random_setids random_ipick "
)
_ARGUMENTS = {
    "at_time": ("", "ms"),
    "state_discontinuity": ("", "m9", "m9"),
    "net_send": ("", "ms", "m9"),
    "net_event": ("", "ms"),
    "net_move": ("", "ms"),
    "nrn_ghk": ("millicoulombs/cm3", "millivolt", "milli/liter", "milli/liter", ""),
}


@dataclass(slots=True)
class Symbol:
    """A name. kind: LOCAL, STATE, FUNCTION, EXTERNAL, ...; '' undeclared. unit: its text. arguments: their units.

    measured: what the last assignment to a local gave it. volume: of a state, by COMPARTMENT.
    """

    name: str
    kind: str = ""
    unit: str = ""
    arguments: tuple[str, ...] | None = None
    measured: Measure | None = None
    volume: Measure | None = None


class Symbols:
    """The names of one file."""

    def __init__(self, table: UnitTable, names: set[str]) -> None:
        self.table = table
        self.known = {n: Symbol(n) for n in names}
        self.scopes: list[dict[str, Symbol]] = []
        self.time = ""  # the unit of the independent variable
        self._read: dict[str, Measure] = {}
        for name in _KNOWN.split():
            unit, *arguments = _ARGUMENTS.get(name, ("",))
            self.known[name] = Symbol(name, "EXTERNAL", unit, tuple(arguments) if arguments else None)

    def unit(self, text: str) -> Measure:
        """Return what a unit text means.

        Raises ComplaintError if nobody knows it.
        """
        if text not in self._read:
            try:
                self._read[text] = measure(self.table.read(text))
            except UnitError as error:
                raise ComplaintError(f"{error}: define it in UNITS, as in (mV) = (millivolt)") from error
            except ZeroDivisionError as error:
                raise ComplaintError(f"({text}) divides by zero") from error
        return self._read[text]

    def define(self, name: str, text: str) -> None:
        """Make (name) mean (text), as a line of UNITS does.

        Raises ComplaintError if it means something already, or if nobody knows the text.
        """
        self.unit(text)
        if name in self.table.known:
            raise ComplaintError(f"({name}) is a unit already; modlunit does not let UNITS define it anew")
        self.table.define(name, text)
        self._read.clear()

    def declare(self, name: str, kind: str, unit: str = "", arguments: tuple[str, ...] | None = None) -> None:
        """Declare a name of the file.

        Raises ComplaintError for a second declaration.
        """
        symbol = self.known.setdefault(name, Symbol(name))
        if symbol.kind:
            raise ComplaintError(f"{name} is declared twice")
        symbol.kind, symbol.unit, symbol.arguments = kind, unit, arguments

    def declare_implied(self) -> None:
        """Declare t if nothing is the independent variable, derivatives and the start values of states."""
        if not any(s.kind == "INDEPENDENT" for s in self.known.values()):
            self.declare("t", "INDEPENDENT", "ms")
            self.time = "ms"
        for name, symbol in self.known.items():
            if symbol.kind:
                continue
            order = name.count("'")
            base = self.known.get(name[: len(name) - order] if order else name.removesuffix("0"))
            if base is None or base.kind != "STATE" or base is symbol:
                if order:
                    raise ComplaintError(f"{name} is used, but there is no such STATE")
            elif order:
                symbol.kind, symbol.unit = "ASSIGNED", f"{base.unit}/{self.time}{order if order > 1 else ''}"
            else:
                symbol.kind, symbol.unit = "PARAMETER", base.unit

    def measured(self, symbol: Symbol) -> Measure:
        """Return what a symbol is measured in."""
        return symbol.measured if symbol.measured is not None else self.unit(symbol.unit)

    def visible(self, name: str) -> Symbol:
        """Return the local that the name means here, or the file's own."""
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        return self.known.setdefault(name, Symbol(name))

    def push(self, *names: str, unit: str = "", kind: str = "LOCAL") -> None:
        """Open a scope of these names."""
        self.scopes.append({n: Symbol(n, kind, unit) for n in names})

    def pop(self) -> None:
        """Close the last scope."""
        if self.scopes:
            self.scopes.pop()
