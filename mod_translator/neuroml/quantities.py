"""Numbers with units, by their dimension in NeuroML 2 (NeuroMLCoreDimensions), as numbers in NEURON's units."""

from __future__ import annotations

import math
import re

from mod_translator.neuroml.document import Element

_NUMBER = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([A-Za-z_0-9]*)\s*\Z")

# dimension -> NEURON's unit, and what one of each unit is in it
UNITS: dict[str, tuple[str, dict[str, float]]] = {
    "none": ("", {"": 1.0}),
    "voltage": ("mV", {"V": 1e3, "mV": 1.0}),
    "time": ("ms", {"s": 1e3, "ms": 1.0}),
    "per_time": ("/ms", {"per_s": 1e-3, "per_ms": 1.0, "Hz": 1e-3}),
    "conductance": ("uS", {"S": 1e6, "mS": 1e3, "uS": 1.0, "nS": 1e-3, "pS": 1e-6}),
    "concentration": ("mM", {"mol_per_m3": 1.0, "mM": 1.0, "mol_per_cm3": 1e6, "M": 1e3}),
    "length": ("um", {"m": 1e6, "cm": 1e4, "um": 1.0}),
    "rho_factor": ("mM cm2/(mA ms)", {"mol_per_m_per_A_per_s": 0.01, "mol_per_cm_per_uA_per_ms": 1e9}),
}


def number(element: Element, attribute: str, dimension: str) -> float:
    """The value of an attribute in NEURON's unit. Raises UnsupportedConstruct for another dimension."""
    text = element.get(attribute)
    match = _NUMBER.match(text)
    _, factors = UNITS[dimension]
    if match is None or match[2] not in factors:
        known = ", ".join(u or "no unit" for u in factors)
        raise element.refuse("N320", f'{attribute}="{text[:60]}" is no {dimension}', f"a number in {known}")
    value = float(match[1]) * factors[match[2]]
    if not math.isfinite(value):
        raise element.refuse("N320", f'{attribute}="{text[:60]}" is not finite', "write a finite number")
    return value


def temperature(element: Element, attribute: str) -> float:
    """A temperature in degrees Celsius."""
    match = _NUMBER.match(element.get(attribute))
    if match is None or match[2] not in ("degC", "K"):
        raise element.refuse("N320", f"{attribute} is no temperature", "a number in degC or K")
    return float(match[1]) - (273.15 if match[2] == "K" else 0.0)
