"""Units as modlunit compares them. Source: NEURON's src/modlunit/units.cpp."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mod_translator.semantic.units import Quantity, UnitTable

_PRIMITIVES = tuple("abcdefghij")  # as the units table names them
_ANY = 9  # this power of the first primitive unit conforms to everything
_TOLERANCE = 1e-5


class ComplaintError(Exception):
    """Units that do not conform, or that nobody knows. Its text is for the user."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What an expression is measured in: a factor and the powers of the ten primitive units.

    number: it is made of plain numbers only, which take any unit.
    """

    factor: float = 1.0
    powers: tuple[int, ...] = (0,) * len(_PRIMITIVES)
    number: bool = False

    @property
    def anything(self) -> bool:
        """True if it conforms to every unit."""
        return self.powers[0] == _ANY

    @property
    def dimensionless(self) -> bool:
        """True if no unit is left but a factor."""
        return not any(self.powers)

    def times(self, other: Measure, sign: int = 1) -> Measure:
        """Return the product, or the quotient with sign -1."""
        powers = tuple(a + sign * b for a, b in zip(self.powers, other.powers, strict=True))
        factor = self.factor * other.factor if sign > 0 else self.factor / (other.factor or 1.0)
        return Measure(factor, powers, self.number and other.number)

    def to_power(self, exponent: int) -> Measure:
        """Return the power by a whole number that is not negative; the factor as modlunit multiplies it."""
        try:
            factor = self.factor ** max(exponent, 1)
        except OverflowError:
            factor = float("inf")
        return Measure(factor, tuple(p * exponent for p in self.powers), self.number)

    def rounded(self) -> Measure:
        """Return it as it comes back from modlunit's text of it, which has six digits and knows no plain numbers."""
        return replace(self, factor=float(f"{self.factor:g}") or 1.0, number=False)

    def same(self, other: Measure) -> bool:
        """Return whether powers and factors are the same, or one of the two conforms to everything."""
        return self.anything or other.anything or (self.powers == other.powers and self.close(other))

    def close(self, other: Measure) -> bool:
        """Return whether the factors are the same but for modlunit's tolerance."""
        return self.factor != 0 and abs(other.factor / self.factor - 1) <= _TOLERANCE


PURE = Measure()
NUMBER = Measure(number=True)


def measure(quantity: Quantity) -> Measure:
    """Return a quantity of the units table as a measure."""
    powers = dict(quantity.dims)
    return Measure(quantity.factor, tuple(powers.get(p, 0) for p in _PRIMITIVES))


class Names:
    """The names of the primitive units, for messages: the first unit of the table that is one of them."""

    def __init__(self, table: UnitTable) -> None:
        self.names = list(_PRIMITIVES)
        for name, quantity in table.known.items():
            if quantity.factor == 1 and len(quantity.dims) == 1 and quantity.dims[0][1] == 1:
                at = _PRIMITIVES.index(quantity.dims[0][0])
                if self.names[at] == _PRIMITIVES[at] and not name.startswith("*"):
                    self.names[at] = name

    def text(self, unit: Measure) -> str:
        """Return a unit as modlunit prints it: '(0.001 m2-kg/sec2-coul)'."""
        if unit.dimensionless:
            return f"({unit.factor:g})"
        above = "-".join(self._power(i, p) for i, p in enumerate(unit.powers) if p > 0)
        below = "-".join(self._power(i, -p) for i, p in enumerate(unit.powers) if p < 0)
        return f"({unit.factor:g} {above}{'/' + below if below else ''})"

    def _power(self, at: int, power: int) -> str:
        return self.names[at] + (str(power) if power > 1 else "")
