"""The unit systems of ChannelML, as factors to NEURON's units."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mod_translator.neuroml.document import Element

# quantity -> NEURON's unit, and what 1 is in it in Physiological and in SI Units
_FACTORS: dict[str, tuple[float, float]] = {
    "none": (1.0, 1.0),
    "conductance density": (1e-3, 1e-4),  # mS/cm2, S/m2: S/cm2
    "conductance": (1e3, 1e6),  # mS, S: uS
    "voltage": (1.0, 1e3),  # mV
    "time": (1.0, 1e3),  # ms
    "rate": (1.0, 1e-3),  # /ms
    "length": (1e4, 1e6),  # um
    "concentration": (1e6, 1.0),  # mol/cm3, mol/m3: mM
    "per concentration": (1e-6, 1.0),
    "per voltage": (1.0, 1e-3),
}
_SYSTEMS = ("Physiological Units", "SI Units")


@dataclass(frozen=True)
class Units:
    """The unit system of one file. at: its column in the factors."""

    at: int

    def factor(self, quantity: str) -> float:
        """What one unit of the file is in NEURON's."""
        return _FACTORS[quantity][self.at]

    def number(self, element: Element, attribute: str, quantity: str = "none") -> float:
        """The value of an attribute in NEURON's unit. Raises UnsupportedConstruct for what is no finite number."""
        return plain(element, attribute) * self.factor(quantity)


def plain(element: Element, attribute: str) -> float:
    """The value of an attribute as it stands. Raises UnsupportedConstruct for what is no finite number."""
    text = element.get(attribute)
    try:
        value = float(text) if "_" not in text else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise element.refuse("N320", f'{attribute}="{text[:60]}" is no number', "write a finite number without a unit")
    return value


def units(root: Element) -> Units:
    """The unit system of a document. Raises UnsupportedConstruct."""
    name = root.get("units")
    if name not in _SYSTEMS:
        raise root.refuse("N350", f"units={name[:60]!r}", f"one of {', '.join(_SYSTEMS)}")
    return Units(_SYSTEMS.index(name))
