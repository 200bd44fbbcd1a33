"""Ion species: where they exist, their style and live values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from neuron import h

from mod_translator import ir
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.mechanisms import Located
from nrn_diff.bridge.topology import Topology
from nrn_diff.snapshot import Ion

_USER_BITS = 0o177  # the style proper; 0200 and 0400 only mark that a model writes the concentration


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


def _point_uses(
    name: str, points: Sequence[Located], lowered: Mapping[str, ir.Mechanism], n_segments: int
) -> dict[int, tuple[ir.IonUse, ...]]:
    """Segment -> what its point processes ask of the ion; only those that could change its style there."""
    found: dict[int, tuple[ir.IonUse, ...]] = {}
    for located in points:
        for use in lowered[located.type.name].ions if located.type.name in lowered else ():
            if use.name == name and promoted_style([use]):
                for segment in located.segments:
                    found[int(segment)] = (*found.get(int(segment), ()), use)
    return found


def _styles(
    located: Located,
    topology: Topology,
    density: Sequence[Located],
    points: Sequence[Located],
    lowered: Mapping[str, ir.Mechanism],
    findings: Findings,
) -> np.ndarray:
    """The style at each segment.

    HOC only tells that of a section's first node; within a section only a point process can make a difference.
    """
    ion_name = located.type.name
    name = ion_name.removesuffix("_ion")
    by_section: dict[int, int] = {}
    styles = np.zeros(len(located.segments), dtype=int)
    at_points = _point_uses(name, points, lowered, len(topology.segment_x))
    held = {d.type.name: set(d.segments.tolist()) for d in density}
    for row, segment in enumerate(located.segments):
        i = int(topology.segment_section[segment])
        section = topology.sections[i]
        if i not in by_section:
            by_section[i] = int(h.ion_style(ion_name, sec=section))
        styles[row] = by_section[i]
        first = int(topology.section_segment[i])
        end = first + int(section.nseg)
        if not any(s in at_points for s in range(first, end)):
            continue
        uses = [
            use
            for mech, segments in held.items()
            if segment in segments and mech in lowered
            for use in lowered[mech].ions
            if use.name == name
        ]
        start = first if not topology.orientation[i] else end - 1
        known = promoted_style([*uses, *at_points.get(start, ())])
        if known != by_section[i] & _USER_BITS:
            findings.refuse(
                f"ion_style of {ion_name}",
                section.name(),
                "it was set by hand where a point process uses the ion, and NEURON does not tell the style of each segment",
                "put the point process into a section of its own (nseg = 1)",
            )
        styles[row] = promoted_style([*uses, *at_points.get(int(segment), ())])
    return styles


def capture_ion(
    located: Located,
    topology: Topology,
    density: Sequence[Located],
    points: Sequence[Located],
    lowered: Mapping[str, ir.Mechanism],
    findings: Findings,
) -> Ion:
    """One species wherever it exists. density, points: what is inserted; lowered: their IR by name."""
    ion_name = located.type.name
    name = ion_name.removesuffix("_ion")

    def live(variable: str) -> np.ndarray:
        values = np.array([getattr(segment, variable) for segment in located.owners], dtype=float)
        for i in np.flatnonzero(~np.isfinite(values)):
            findings.finite(values[i], variable, f"{located.places[i]}, mechanism {ion_name}")
        return values

    inside0, outside0 = (float(getattr(h, f"{name}{side}0_{ion_name}")) for side in "io")
    findings.finite(inside0, f"{name}i0_{ion_name}", f"mechanism {ion_name}")
    findings.finite(outside0, f"{name}o0_{ion_name}", f"mechanism {ion_name}")
    return Ion(
        name=name,
        charge=float(h.ion_charge(ion_name)),
        nodes=located.nodes,
        style=_styles(located, topology, density, points, lowered, findings),
        inside=live(f"{name}i"),
        outside=live(f"{name}o"),
        erev=live(f"e{name}"),
        inside0=inside0,
        outside0=outside0,
    )
