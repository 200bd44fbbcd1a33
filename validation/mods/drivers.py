"""Small mechanisms of our own that move an ion when the mechanism under test only reads it."""

from __future__ import annotations

import re

from mod_translator import ir

# Names whose valence NEURON knows (nrn_ion_init in src/nrnoc/eion.cpp).
KNOWN_IONS = ("na", "k", "ca")

_CURRENT = """TITLE a leak that carries {ion}
NEURON {{
    SUFFIX drvi_{ion}
    USEION {ion} WRITE i{ion}{valence}
    RANGE g, e
}}
UNITS {{ (mV) = (millivolt) (mA) = (milliamp) (S) = (siemens) }}
PARAMETER {{ g = 1.3e-5 (S/cm2)  e = 41 (mV) }}
ASSIGNED {{ v (mV)  i{ion} (mA/cm2) }}
BREAKPOINT {{ i{ion} = g*(v - e) }}
"""

_POOL = """TITLE a pool of {ion} that follows the voltage
NEURON {{
    SUFFIX drvc_{ion}
    USEION {ion} {read}WRITE {written}{valence}
    RANGE rest_in, rest_out, tau
}}
UNITS {{ (mV) = (millivolt) (mM) = (milli/liter) }}
PARAMETER {{ rest_in = 1 (mM)  rest_out = 1 (mM)  tau = 4 (ms) }}
ASSIGNED {{ v (mV) }}
STATE {{ {states} }}
BREAKPOINT {{ SOLVE follow METHOD cnexp }}
DERIVATIVE follow {{
{equations}}}
"""


def valence_of(name: str) -> int:
    """A guess for an ion whose mechanism leaves its valence open."""
    return 2 if name.startswith("ca") else 1


def needed(mechanism: ir.Mechanism) -> dict[str, str]:
    """Mechanism name -> NMODL text of what moves the ions that the mechanism reads and does not move itself."""
    found = {}
    for use in mechanism.ions:
        if not re.fullmatch(r"\w+", use.name):
            continue
        declare = use.name not in KNOWN_IONS and use.valence is None
        valence = f" VALENCE {valence_of(use.name)}" if declare else ""
        # Also beside a current that the mechanism writes: what it sees of the ion's current must then be right.
        if f"i{use.name}" in (*use.reads, *use.writes):
            found[f"drvi_{use.name}"] = _CURRENT.format(ion=use.name, valence=valence)
        pool = [c for c in (f"{use.name}i", f"{use.name}o") if c in use.reads and not use.writes_concentration]
        if pool:
            found[f"drvc_{use.name}"] = _pool(use.name, pool, valence)
    return found


def _pool(ion: str, written: list[str], valence: str) -> str:
    rest = {f"{ion}i": "rest_in", f"{ion}o": "rest_out"}
    return _POOL.format(
        ion=ion,
        read=f"READ {', '.join(written)} ",
        written=", ".join(written),
        valence=valence,
        states="  ".join(f"{c} (mM)" for c in written),
        equations="".join(f"    {c}' = ({rest[c]}*exp((v + 65)/100) - {c})/tau\n" for c in written),
    )
