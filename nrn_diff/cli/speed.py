"""Measure NEURON, this and Jaxley (if installed) on one branched Hodgkin-Huxley cell, on one core, in one run."""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import platform
from pathlib import Path
from typing import Any

from nrn_diff.cli.table import text_table

SUMMARY = "measure speed and memory against NEURON and Jaxley"


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of `nrn-diff speed`."""
    parser.add_argument("--levels", type=int, default=5, help="levels of the tree; 5 gives 310 segments (default)")
    parser.add_argument("--repeats", type=int, default=7, help="timed runs of which the median counts (default 7)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE as JSON")


def run(args: argparse.Namespace) -> int:
    """Print a table; optionally write JSON."""
    from nrn_diff.speed.measure import available, measure
    from nrn_diff.speed.tree import binary_tree

    tree = binary_tree(args.levels)
    figures: dict[str, Any] = {}
    for engine in available():
        print(f"measuring {engine} ...", flush=True)
        figures[engine] = measure(engine, args.levels, args.repeats)
    print(f"\n{tree.n_segments} segments, {tree.n_steps} steps of {tree.dt} ms, one core, float64, hh without TABLE\n")
    print(_table(figures))
    if args.json:
        document = {
            "date": datetime.date.today().isoformat(),
            "machine": _machine(),
            "versions": {e: importlib.metadata.version(p) for e, p in _packages(figures).items()},
            "model": {"segments": tree.n_segments, "steps": tree.n_steps, "dt_ms": tree.dt, "repeats": args.repeats},
            "engines": figures,
            "ratios": _ratios(figures),
        }
        args.json.write_text(json.dumps(document, indent=1) + "\n")
        print(f"\nwritten to {args.json}")
    return 0


def _packages(figures: dict[str, Any]) -> dict[str, str]:
    return {"jax": "jax", **{engine: engine.replace("_", "-") for engine in figures}}


def _machine() -> str:
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line]
        cpu = names[0] if names else cpu
    return f"{cpu}, {platform.system()}, Python {platform.python_version()}"


def _ratios(figures: dict[str, Any]) -> dict[str, float]:
    ours = figures["nrn_diff"]
    ratios = {
        "forward of NEURON / forward": figures["neuron"]["forward_us_per_step"] / ours["forward_us_per_step"],
        "gradient / forward": ours["gradient_us_per_step"] / ours["forward_us_per_step"],
    }
    if "jaxley" in figures:
        for what in ("forward", "gradient"):
            ratios[f"{what} of Jaxley / {what}"] = (
                figures["jaxley"][f"{what}_us_per_step"] / ours[f"{what}_us_per_step"]
            )
    return ratios


def _table(figures: dict[str, Any]) -> str:
    header = ("", "forward us/step", "gradient us/step", "first forward s", "first gradient s", "peak MiB")
    keys = ("forward_us_per_step", "gradient_us_per_step", "forward_first_s", "gradient_first_s", "peak_MiB")
    rows = [(name, *(f"{f[k]:.1f}" if k in f else "-" for k in keys)) for name, f in figures.items()]
    ratios = "\n".join(f"{name}: {value:.2f}" for name, value in _ratios(figures).items())
    return f"{text_table(header, rows, right=range(1, len(header)))}\n\n{ratios}"
