"""Ion species: where they exist, their style and live values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from neuron import h

from mod_translator import ir
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.inventory import Inventory, Located
from nrn_diff.snapshot import Ion

# Bits of the style (eion.cpp). 0200 and 0400 only mark that a model writes the concentration.
_STYLE_BITS = 0o177
_INIT_CONCENTRATION = 0o4
_INIT_REVERSAL = 0o40


def promoted_style(uses: Sequence[ir.IonUse]) -> int:
    """The style that the mechanisms of one segment give an ion, in their order (nrn_promote in eion.cpp)."""
    concentration = reversal = style = 0
    for use in uses:
        written = {n for n in use.writes if n in (f"{use.name}i", f"{use.name}o")}
        read = {n for n in use.reads if n in (f"{use.name}i", f"{use.name}o")}
        erev = f"e{use.name}"
        # nocmodl: 3 STATE (written), 1 CONST (read); reading e asks for 1, writing it for 3.
        concentration = max(concentration, 3 if written else 1 if read else 0)
        reversal = max(reversal, 3 if erev in use.writes else 1 if erev in use.reads else 0)
        if concentration > 0 and reversal < 2:
            reversal = 2
        style = concentration + 0o10 * reversal
        if concentration == 3:
            style += 0o4 + (0o100 if reversal == 2 else 0)
        if concentration > 0 and reversal == 2:
            style += 0o40
    return style


class Styles:
    """The style of an ion at each segment.

    HOC only tells that of a section's first node; within a section only a point process can make a difference.
    """

    def __init__(self, inventory: Inventory, lowered: Mapping[str, ir.Mechanism], findings: Findings) -> None:
        self._topology = inventory.topology
        self._findings = findings
        self._density = [
            (set(d.segments.tolist()), lowered[d.type.name].ions) for d in inventory.density if d.type.name in lowered
        ]
        self._points = [(d, lowered[d.type.name].ions) for d in inventory.points if d.type.name in lowered]

    def read(self, located: Located) -> np.ndarray:
        """The style at each of the ion's segments. Refuses what NEURON does not tell."""
        topology, ion_name = self._topology, located.type.name
        at_points = self._point_uses(ion_name.removesuffix("_ion"))
        sections = topology.segment_section[located.segments]
        known = {i: int(h.ion_style(ion_name, sec=topology.sections[i])) for i in dict.fromkeys(sections.tolist())}
        styles = np.array([known[i] for i in sections.tolist()], dtype=int)
        for i in {int(topology.segment_section[s]) for s in at_points if s >= 0} & known.keys():
            mine = np.flatnonzero(sections == i)
            styles[mine] = self._within(ion_name, i, known[i], located.segments[mine], at_points)
        return styles

    def _within(
        self, ion_name: str, section: int, known: int, segments: np.ndarray, at_points: Mapping[int, list[ir.IonUse]]
    ) -> list[int]:
        """Styles of the segments of a section where point processes use the ion; `known` is that of the first node."""
        name = ion_name.removesuffix("_ion")
        uses = [u for held, ions in self._density if int(segments[0]) in held for u in ions if u.name == name]
        styles = [promoted_style([*uses, *at_points.get(int(s), [])]) for s in segments]
        first = -1 if self._topology.orientation[section] else 0
        if styles[first] != known & _STYLE_BITS:
            self._findings.refuse(
                f"ion_style of {ion_name}",
                self._topology.names[section],
                "it was set by hand where a point process uses the ion; NEURON does not tell it for each segment",
                "put the point process into a section of its own (nseg = 1)",
            )
        return styles

    def _point_uses(self, name: str) -> dict[int, list[ir.IonUse]]:
        """Segment -> what its point processes ask of the ion; only those that could change its style there."""
        found: dict[int, list[ir.IonUse]] = {}
        for located, ions in self._points:
            for use in ions:
                if use.name != name:
                    continue
                for segment, place in zip(located.segments.tolist(), located.places, strict=True):
                    if segment < 0:
                        self._findings.refuse(
                            f"USEION {name} at the end of a section",
                            place,
                            "a zero-area node has no ions of its own here",
                            "move the point process into a segment, for example to x = 0.5",
                        )
                    elif promoted_style([use]):
                        found.setdefault(segment, []).append(use)
        return found


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
