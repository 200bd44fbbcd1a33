"""Support report of the live model: what is in it, and everything that stands in the way of a capture."""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict, dataclass
from typing import Any

from nrn_diff import show
from nrn_diff.bridge.capture import examine
from nrn_diff.errors import Refusal
from nrn_diff.quantities import names


@dataclass(frozen=True)
class Inspection:
    """What `inspect` found. `supported` is True if `capture` would succeed; print it, or take `to_json()`.

    mechanisms, point_processes, ions, artificial_cells: name -> number of instances. recordings: label -> Vector.
    parameters: names of what can be differentiated (`Model.parameters`).
    """

    sections: int
    segments: int
    mechanisms: dict[str, int]
    point_processes: dict[str, int]
    ions: dict[str, int]
    artificial_cells: dict[str, int]
    connections: int
    recordings: dict[str, str]
    refusals: tuple[Refusal, ...]
    notes: tuple[str, ...]
    parameters: tuple[str, ...] = ()

    @property
    def supported(self) -> bool:
        """True if nothing is refused."""
        return not self.refusals

    def to_json(self) -> str:
        """The report as JSON, with `supported`."""
        data: dict[str, Any] = {"supported": self.supported, **asdict(self)}
        return json.dumps(data, indent=2)

    def _repr_html_(self) -> str:
        found = {**self.mechanisms, **self.ions, **self.point_processes, **self.artificial_cells}
        rows = [("not supported", str(refusal)) for refusal in self.refusals]  # first, as long tables are cut
        rows += [("sections, segments", f"{self.sections}, {self.segments}")]
        rows += [(name, f"{count} instances") for name, count in found.items()]
        rows += [("connections", str(self.connections)), ("recordings", ", ".join(self.recordings) or "none")]
        rows += [("can be differentiated", ", ".join(self.parameters) or "nothing")]
        rows += [("note", note) for note in self.notes]
        return show.table(("", ""), rows, "Everything is supported" if self.supported else "Not supported")

    def __str__(self) -> str:
        lines = [f"{self.sections} sections, {self.segments} segments"]
        for title, counts in (
            ("mechanisms", self.mechanisms),
            ("ions", self.ions),
            ("point processes", self.point_processes),
            ("artificial cells", self.artificial_cells),
        ):
            if counts:
                lines += _wrapped(f"{title}: {', '.join(f'{name} ({count})' for name, count in counts.items())}")
        lines.append(f"connections: {self.connections}")
        lines.append(f"recordings: {', '.join(self.recordings) or 'none'}")
        if self.parameters:
            lines += _wrapped(f"can be differentiated: {', '.join(self.parameters)}")
        lines += [f"note: {note}" for note in self.notes]
        if self.supported:
            lines.append("Everything is supported.")
        else:
            many = len(self.refusals) > 1
            lines.append(f"{len(self.refusals)} things are not supported:" if many else "Not supported:")
            lines += [f"- {refusal}" for refusal in self.refusals]
        return "\n".join(lines)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 100, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def inspect(tstop: float | None = None, dt: float | None = None) -> Inspection:
    """Look at the live model as `capture` would, and report instead of raising. NEURON stays untouched."""
    examined = examine(tstop, dt)
    inventory, capture, findings = examined.inventory, examined.capture, examined.findings
    counts: dict[str, int] = {}
    for kind, _ in inventory.artificial.values() if inventory else ():
        counts[kind.name] = counts.get(kind.name, 0) + 1
    return Inspection(
        sections=len(inventory.topology.sections) if inventory else 0,
        segments=len(inventory.topology.segment_x) if inventory else 0,
        mechanisms={d.type.name: len(d.owners) for d in inventory.density} if inventory else {},
        point_processes={d.type.name: len(d.owners) for d in inventory.points} if inventory else {},
        ions={d.type.name: len(d.owners) for d in inventory.ions} if inventory else {},
        artificial_cells=counts,
        connections=len(capture.connections) if capture else 0,
        recordings={f"{r.label} ({r.vector})": r.vector for r in capture.records} if capture else {},
        refusals=findings.refusals,
        notes=findings.notes,
        parameters=tuple(names(capture)) if capture else (),
    )
