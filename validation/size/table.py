"""How the results are shown in docs/validation.md and README.md."""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]


def table(document: Document) -> str:
    """Two tables."""
    lines = [
        "| segments | NEURON, us per step | here, us per step | here, ns per step and segment | NEURON / here | "
        "largest voltage difference (mV) |",
        "|---|---|---|---|---|---|",
    ]
    for row in document["sizes"]:
        theirs, ours = row["neuron_us_per_step"], row["here_us_per_step"]
        lines.append(
            f"| {row['segments']} | {theirs:.1f} | {ours:.1f} | {1e3 * ours / row['segments']:.1f} | "
            f"{theirs / ours:.2f} | {row['max_dv_mV']:.1e} |"
        )
    lines += [
        "",
        "| model | segments | instances at once | NEURON, us per step | here, us per step and instance | "
        "NEURON / here |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in document["together"].items():
        theirs, ours = row["neuron_us_per_step"], row["here_us_per_step"]
        lines.append(
            f"| {name} | {row['segments']} | {row['instances']} | {theirs:.1f} | {ours:.1f} | {theirs / ours:.2f} |"
        )
    return "\n".join(lines)


def summary(document: Document) -> list[str]:
    """For README.md."""
    per_segment = [1e3 * row["here_us_per_step"] / row["segments"] for row in document["sizes"]]
    first, last = document["sizes"][0]["segments"], document["sizes"][-1]["segments"]
    gains = [row["neuron_us_per_step"] / row["here_us_per_step"] for row in document["together"].values()]
    most = max(row["instances"] for row in document["together"].values())
    return [
        f"from {first} to {last} segments {min(per_segment):.0f} to {max(per_segment):.0f} ns per step and segment",
        f"{most} parameter sets at once: {min(gains):.2f} to {max(gains):.2f} times NEURON's throughput",
    ]
