"""Unit factors such as `FARADAY = (faraday) (coulomb)`, computed as nocmodl computes them, to the last bit.

Follows NEURON's src/modlunit/units.cpp and reads the units table that NEURON ships (share/nrn/lib/nrnunits.lib): the SI
constants of 2019.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from pathlib import Path

from mod_translator.errors import MissingNeuronError

_PREFIXES = (
    ("atto", 1e-18),
    ("femto", 1e-15),
    ("pico", 1e-12),
    ("nano", 1e-9),
    ("micro", 1e-6),
    ("milli", 1e-3),
    ("centi", 1e-2),
    ("deci", 1e-1),
    ("deka", 1e1),
    ("hecta", 1e2),
    ("hecto", 1e2),
    ("kilo", 1e3),
    ("mega", 1e6),
    ("meg", 1e6),
    ("giga", 1e9),
    ("tera", 1e12),
)


class UnitError(ValueError):
    """A unit that the table does not know, or two units that do not measure the same quantity."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number and the powers of the primitive units (by name)."""

    factor: float
    dims: tuple[tuple[str, int], ...] = ()


@dataclass
class UnitTable:
    """Known units by name."""

    known: dict[str, Quantity] = field(default_factory=dict)

    def copy(self) -> UnitTable:
        """Return a table that can be added to."""
        return UnitTable(dict(self.known))

    def define(self, name: str, definition: str) -> None:
        """Make `name` mean `definition`; a name that is known keeps its meaning."""
        if name not in self.known:
            self.known[name] = self.read(definition)

    def read(self, text: str) -> Quantity:
        """Return the quantity that a unit text such as '2 mA/cm2' means.

        Raises UnitError for an unknown unit.
        """
        factor, rest = _number(text)
        dims: dict[str, int] = {}
        factor = factor or 1.0
        name, inverse = "", False
        for char in rest + "\n":
            if char not in "123456789-/ \t\n":
                name += char
                continue
            if name:
                quantity, scale = self._lookup(name)
                power = int(char) if char in "23456789" else 1
                for _ in range(power):
                    factor = factor / (quantity.factor * scale) if inverse else factor * (quantity.factor * scale)
                    for base, count in quantity.dims:
                        dims[base] = dims.get(base, 0) + (-count if inverse else count)
                name = ""
            inverse = inverse or char == "/"
        return Quantity(factor, tuple(sorted((b, n) for b, n in dims.items() if n)))

    def _lookup(self, name: str) -> tuple[Quantity, float]:
        scale, wanted = 1.0, name
        while True:
            if name in self.known:
                return self.known[name], scale
            for prefix, value in _PREFIXES:
                if name.startswith(prefix):
                    scale *= value
                    name = name[len(prefix) :]
                    break
            else:
                if len(name) > 1 and name.endswith("s"):
                    name = name[:-1]
                else:
                    raise UnitError(f"unknown unit ({wanted})")

    def ratio(self, numerator: str, denominator: str) -> float:
        """Return the quotient of two units as a number, as nocmodl prints it (it does not compare dimensions)."""
        return self.read(numerator).factor / self.read(denominator).factor


def _number(text: str) -> tuple[float, str]:
    """Split the number that starts a definition ('1.6-19', '1|6') from the rest."""
    text = text.lstrip(" \t")
    end = 0
    while end < len(text) and (text[end].isdigit() or text[end] == "."):
        end += 1
    digits = text[:end]
    if end < len(text) and text[end] in "+-":
        start = end
        end += 1
        while end < len(text) and text[end].isdigit():
            end += 1
        digits += "e" + text[start:end]
    try:
        value = float(digits)
    except ValueError:
        value = _leading_float(digits)
    if text[end : end + 1] == "|":
        other, rest = _number(text[end + 1 :])
        return value / other, rest
    return value, text[end:]


def _leading_float(digits: str) -> float:
    """Return what C's atof makes of the text: the longest number it starts with, or 0."""
    for end in range(len(digits), 0, -1):
        try:
            return float(digits[:end])
        except ValueError:
            continue
    return 0.0


@functools.cache
def standard_units() -> UnitTable:
    """Return NEURON's own units table.

    Raises UnitError if the installed NEURON does not hold it, MissingNeuronError without NEURON.
    """
    try:
        import neuron
    except ModuleNotFoundError as error:
        raise MissingNeuronError from error

    root = Path(neuron.__file__).resolve().parent
    path = next(
        (p for p in (root / ".data/share/nrn/lib/nrnunits.lib", *root.rglob("nrnunits.lib")) if p.is_file()), None
    )
    if path is None:
        raise UnitError("NEURON's units table (nrnunits.lib) is missing from the installed NEURON")
    table = UnitTable({f"*{c}*": Quantity(1.0, ((c, 1),)) for c in "abcdefghij"})
    table.known[""] = Quantity(1.0)  # so that a prefix alone is a number: (milli/liter)
    for line in path.read_text(encoding="latin-1").splitlines():
        if line.startswith("/") or not line.strip():
            continue
        name, *definition = line.split(maxsplit=1)
        table.define(name, definition[0] if definition else "")
    return table
