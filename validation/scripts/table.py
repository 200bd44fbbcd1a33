"""The scripts of NEURON in the docs: one row for each, and why where it is not the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_FOLDERS = ("test/nmodl/transpiler/usecases/", "share/examples/nrniv/", "share/demo/")


def verdict(case: Mapping[str, Any]) -> str:
    """One of 'differs', 'refused', 'fails in NEURON', 'no step', 'steps of NEURON', 'same'."""
    for key, name in (("differs", "differs"), ("refused", "refused"), ("failed", "fails in NEURON")):
        if key in case:
            return name
    if case.get("runs"):
        return "same"
    return "steps of NEURON" if case.get("in_neuron") else "no step"


def counts(document: Mapping[str, Any]) -> str:
    """How many scripts there are of each kind."""
    found = [verdict(case) for case in document["scripts"].values()]
    shown = {
        "same": "same with runs made here",
        "steps of NEURON": "same with steps by NEURON",
        "no step": "same without a step",
        "fails in NEURON": "fail in NEURON too",
        "refused": "refused",
        "differs": "differ",
    }
    return f"{len(found)} scripts: " + ", ".join(f"{found.count(k)} {text}" for k, text in shown.items() if k in found)


def table(document: Mapping[str, Any]) -> str:
    """Counts, a row for each script, and the reason of each exception."""
    lines = [
        f"{counts(document)}.",
        "",
        "`runs`: how many were made on JAX. `steps of NEURON`: the script steps with `fadvance()` itself, outside of a "
        "run, or in one with an `advance()` of its own, which is left to NEURON and said. "
        "`no step`: it builds, computes or draws without a step of time. "
        "`lines`: printed. `recorded`: quantities in Vectors; t and all voltages at the end are compared as well.",
        "",
        "| script | | lines | recorded | runs | largest relative difference |",
        "|---|---|---|---|---|---|",
    ]
    exceptions = []
    for name, case in document["scripts"].items():
        what, short = verdict(case), _short(name)
        difference = f"{case['largest_relative_difference']:.1e}" if "largest_relative_difference" in case else ""
        lines.append(
            f"| {short} | {what} | {case['lines']} | {case.get('recorded', '')} | {case['runs'] or ''} | {difference} |"
        )
        reasons = case.get("differs") or case.get("refused") or ([case["failed"]] if "failed" in case else [])
        if reasons:
            exceptions.append(f"- {short}, {what}: {'; '.join(map(_cell, reasons[:4]))}")
    return "\n".join([*lines, "", "Exceptions:", "", *exceptions])


def _short(name: str) -> str:
    for folder in _FOLDERS:
        if name.startswith(folder):
            return f"`{folder.rstrip('/').split('/')[-1]}/{name.removeprefix(folder)}`"
    return f"`{name}`"


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text.split("\n", maxsplit=1)[0]).replace("|", "/").replace("<", "&lt;").strip()
