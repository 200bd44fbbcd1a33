"""How the results are shown in docs/validation.md and README.md."""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]


def table(document: Document) -> str:
    """One row for each parameter of each cell."""
    lines = []
    for name, case in document["slopes"].items():
        lines += [
            f"{name}: {case['segments']} segments, loss of `{case['recorded']}`, {case['spikes']} spikes.",
            "",
            "| parameter | here | NEURON | uncertain | relative difference |",
            "|---|---|---|---|---|",
        ]
        for parameter, row in case["rows"].items():
            lines.append(
                f"| `{parameter}` | {row['ours']:.9g} | {row['neuron']:.9g} | {row['uncertain']:.1e} | "
                f"{_relative(row):.1e} |"
            )
        lines.append("")
    return "\n".join(lines[:-1])


def summary(document: Document) -> list[str]:
    """For README.md."""
    rows = [row for case in document["slopes"].values() for row in case["rows"].values()]
    # What NEURON's differences leave open is no difference.
    beyond = max(max(abs(r["ours"] - r["neuron"]) - r["uncertain"], 0.0) / abs(r["neuron"]) for r in rows)
    return [
        f"{len(rows)} derivatives of {len(document['slopes'])} cells; largest relative difference from NEURON's own "
        f"{max(map(_relative, rows)):.1e}, beyond the uncertainty of these {beyond:.1e}"
    ]


def _relative(row: dict[str, float]) -> float:
    return abs(row["ours"] - row["neuron"]) / abs(row["neuron"])
