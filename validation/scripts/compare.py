"""Two runs of a script: what each printed, recorded and left, and where they are not the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nrn_diff.compare import compare_all

_IN_NEURON = ("nothing was run on JAX", "runs made by NEURON itself")
TOLERANCE = 1e-6  # mV, or of the range
_ADDRESS = re.compile(r"0x[0-9a-f]+")


@dataclass(frozen=True)
class Ran:
    """One run. status: exit status, None if it was not done in time. lines: what it printed. found: result.json of
    the child ({} if the script ended the process itself). traces: label -> values.
    """

    status: int | None
    lines: list[str]
    found: dict[str, Any] = field(default_factory=dict)
    traces: Mapping[str, np.ndarray] = field(default_factory=dict)


def printed(text: str) -> list[str]:
    """Lines without what no two processes have in common."""
    lines = [_ADDRESS.sub("0x...", line.rstrip()) for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("nrn_diff: ")]


def outcome(theirs: Ran, ours: Ran) -> dict[str, Any]:
    """What results.json says of a script; 'differs' only where something is not the same and nothing was refused."""
    known = {"exit_status": [theirs.status, ours.status], "lines": len(theirs.lines), "runs": ours.found.get("runs", 0)}
    if refused := ours.found.get("refused") or _refused(ours.lines):
        return {**known, "refused": refused}
    if theirs.status is None:
        return {**known, "failed": "not done in time"}
    if theirs.status and theirs.status == ours.status and not theirs.found and not ours.found:
        return {**known, "failed": "NEURON's own compiler does not take its mod files, or the process ended in NEURON"}
    differs = []
    if theirs.status != ours.status:
        differs.append(f"exit status {theirs.status} in NEURON, {ours.status} here")
    if theirs.lines != ours.lines:
        k = next(
            (k for k, (a, b) in enumerate(zip(theirs.lines, ours.lines, strict=False)) if a != b),
            min(len(theirs.lines), len(ours.lines)),
        )
        differs.append(f"prints, NEURON: {_line(theirs.lines, k)} here: {_line(ours.lines, k)}")
    compared = compare_all(theirs.traces, ours.traces, theirs.found.get("units", {}), TOLERANCE, 1.0)
    differs += [f"{c.label}: {c.worst:.2g} {c.unit} {c.note}".strip() for c in compared if not c.same]
    differs += [f"{label}: not in NEURON" for label in ours.traces.keys() - theirs.traces.keys()]
    return {
        **known,
        "recorded": max(len(theirs.traces) - 2, 0),
        "t": float(theirs.traces["t at the end"][0]) if theirs.traces else None,
        "largest_relative_difference": max((c.worst / (c.span or 1.0) for c in compared), default=0.0),
        **({"differs": differs[:6]} if differs else {}),
        **({"failed": _error(theirs.lines)} if theirs.status and not differs else {}),
        **({"in_neuron": True} if any(text in ours.found.get("said", "") for text in _IN_NEURON) else {}),
    }


def _refused(lines: list[str]) -> list[str]:
    """Reasons from what is printed, if the script ended the process itself."""
    if not any("cannot be captured" in line for line in lines):
        return []
    return [line.removeprefix("- ") for line in lines if line.startswith("- ")][:6]


def _error(lines: list[str]) -> str:
    """What NEURON or Python says first of an error."""
    said = [line for line in lines if line.startswith("NEURON: ") or re.match(r"\w+Error\b", line)]
    return (said or lines[-1:] or [""])[0]


def _line(lines: list[str], k: int) -> str:
    return lines[k][:100] if k < len(lines) else "(nothing)"
