"""Ion species: where they exist, their style and live values."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
from neuron import h

from mod_translator import ir
from nrn_diff.bridge.dparam import held, properties
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.forked import ChildFailedError, in_copy
from nrn_diff.bridge.inventory import Inventory, Located
from nrn_diff.snapshot import Ion

# Bits of the style (eion.cpp).
_INIT_CONCENTRATION = 0o4
_INIT_REVERSAL = 0o40
_INT = 0xFFFFFFFF


class Styles:
    """The style of an ion at each segment.

    HOC only tells that of a section's first node. Within a section only a point process can make a difference; there
    it is read from where NEURON keeps it, the first pointer of the ion in a segment (eion.cpp).
    """

    def __init__(self, inventory: Inventory, lowered: Mapping[str, ir.Mechanism], findings: Findings) -> None:
        self._topology = inventory.topology
        self._findings = findings
        self._points = [(d, lowered[d.type.name].ions) for d in inventory.points if d.type.name in lowered]

    def read(self, located: Located) -> np.ndarray:
        """The style at each of the ion's segments. Refuses what NEURON does not tell."""
        topology, ion_name = self._topology, located.type.name
        sections = topology.segment_section[located.segments]
        known = {i: int(h.ion_style(ion_name, sec=topology.sections[i])) for i in dict.fromkeys(sections.tolist())}
        styles = np.array([known[i] for i in sections.tolist()], dtype=int)
        used = self._segments_of_points(ion_name.removesuffix("_ion"))
        mixed = {int(topology.segment_section[s]) for s in used} & known.keys()
        if not mixed:
            return styles
        read = self._in_memory(located, known, sections)
        if read is None:
            for i in sorted(mixed):
                self._findings.refuse(
                    f"ion_style of {ion_name}",
                    topology.names[i],
                    "a point process uses the ion, and this build of NEURON does not show the style of each segment",
                    "put the point process into a section of its own (nseg = 1)",
                )
            return styles
        return np.where(np.isin(sections, list(mixed)), read, styles)

    def _in_memory(self, located: Located, known: Mapping[int, int], sections: np.ndarray) -> np.ndarray | None:
        """None where it is not what HOC tells of the first nodes: then memory is laid out in another way."""
        try:
            found = np.array(in_copy(partial(_styles, located)), dtype=int)
        except ChildFailedError:
            return None
        for i, style in known.items():
            mine = found[sections == i]
            if mine[-1 if self._topology.orientation[i] else 0] != style:
                return None
        return found

    def _segments_of_points(self, name: str) -> set[int]:
        """Segments with a point process that uses the ion."""
        found = set()
        for located, ions in self._points:
            if any(use.name == name for use in ions):
                for segment, place in zip(located.segments.tolist(), located.places, strict=True):
                    if segment < 0:
                        self._findings.refuse(
                            f"USEION {name} at the end of a section",
                            place,
                            "a zero-area node has no ions of its own here",
                            "move the point process into a segment, for example to x = 0.5",
                        )
                    else:
                        found.add(segment)
        return found


def _styles(located: Located) -> list[int]:
    return [held(prop, 0) & _INT for prop in properties(located.type, located.owners)]


def capture_ion(located: Located, styles: Styles, findings: Findings) -> Ion:
    """One species wherever it exists. Refuses NaN and infinity, except where finitialize sets the value anew."""
    ion_name = located.type.name
    name = ion_name.removesuffix("_ion")
    style = styles.read(located)

    def live(variable: str, initialised: int) -> np.ndarray:
        values = np.array([getattr(segment, variable) for segment in located.owners], dtype=float)
        for i in np.flatnonzero(~np.isfinite(values) & (style & initialised == 0)):
            findings.finite(values[i], variable, f"{located.places[i]}, mechanism {ion_name}")
        return values

    inside0, outside0 = (float(getattr(h, f"{name}{side}0_{ion_name}")) for side in "io")
    findings.finite(inside0, f"{name}i0_{ion_name}", f"mechanism {ion_name}")
    findings.finite(outside0, f"{name}o0_{ion_name}", f"mechanism {ion_name}")
    return Ion(
        name=name,
        charge=float(h.ion_charge(ion_name)),
        nodes=located.nodes,
        style=style,
        inside=live(f"{name}i", _INIT_CONCENTRATION),
        outside=live(f"{name}o", _INIT_CONCENTRATION),
        erev=live(f"e{name}", _INIT_REVERSAL),
        inside0=inside0,
        outside0=outside0,
        current=np.array([getattr(segment, f"i{name}") for segment in located.owners], dtype=float),
    )
