"""Run ModelDB models in NEURON and here: python -m validation.modeldb.run FOLDER [ID ...] [--jobs N].

FOLDER holds one folder for each ModelDB id. Each model is given to `nrn-diff validate` as it is, in a temporary copy;
results.json is written after each.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from validation.measure import write_results
from validation.modeldb.models import MODELS, Entry

TIME_LIMIT = 420.0
ROUNDING = 1e-9  # of an objective of order one, in a difference
MOVES = 1.0  # mV; a model none of whose voltages moves so far proves nothing
DERIVATIVES = 4
HERE = Path(__file__).parent


def options(entry: Entry, mods: str) -> list[str]:
    """The arguments of `nrn-diff validate`; mods: where the mod files are."""
    given = ["--dt", f"{entry.dt:g}", "--tstop", f"{entry.tstop:g}", "--sections", "3"]
    given += ["--gradients", str(DERIVATIVES), "--no-convergence"]
    if entry.mods:
        given += ["--mods", mods]
    if entry.then:
        given += ["--then", entry.then]
    return [*given, entry.script]


def examine(entry: Entry, root: Path) -> dict[str, Any]:
    """What `nrn-diff validate` says of one model; whatever ends its process is a result too."""
    shown = shlex.join(options(entry, os.path.relpath(entry.mods or ".", entry.folder)))
    case: dict[str, Any] = {"command": f"nrn-diff validate {shown}", "folder": entry.folder}
    # The mods where they are: a copy would be compiled anew each time.
    command = options(entry, str((root / entry.id / entry.mods).resolve()))
    with tempfile.TemporaryDirectory(prefix="nrn-diff-modeldb-") as scratch:
        copy, figures = Path(scratch) / entry.id, Path(scratch) / "figures.json"
        shutil.copytree(root / entry.id, copy)
        code = "import sys; from nrn_diff.cli import main; sys.exit(main(sys.argv[1:]))"
        try:
            done = subprocess.run(
                [sys.executable, "-c", code, "validate", "--json", str(figures), *command],
                cwd=copy / entry.folder,
                env={**os.environ, "PYTHONPATH": str(HERE.parent.parent)},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=TIME_LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return {**case, "failed": f"not done after {TIME_LIMIT:g} s"}
        places = (f"{(root / entry.id).resolve()}/", f"{copy}/")
        if not figures.exists():
            said = [line.strip() for line in without(places, done.stderr).splitlines() if line.strip()]
            return {**case, "failed": " | ".join([*said[:1], *said[1:][-3:]])[:400]}
        found = json.loads(without(places, figures.read_text()))
    return {**case, **summary(found)}


def without(places: tuple[str, ...], text: str) -> str:
    """A text without the folders of this machine; of other absolute paths the last name stays."""
    for place in places:
        text = text.replace(place, "")
    return re.sub(r"(?<![\w.])/(?:[\w.+-]+/)+", "", text)


def summary(found: dict[str, Any]) -> dict[str, Any]:
    """The figures of `nrn-diff validate --json` that the tables show."""
    if "refused" in found:
        lines = found["refused"].splitlines()
        reasons = [line.removeprefix("- ") for line in lines if line.startswith("- ")] or lines[:1]
        return {"refused": reasons[:6], "refusals": len(reasons)}
    recorded = found["recorded"]
    voltages = [r for r in recorded if r["spikes"] is not None]
    result = {
        "segments": found["segments"],
        "recorded": len(recorded),
        "runs": found["runs"],
        "max_dv_mV": max((r["worst"] for r in voltages), default=0.0),
        "largest_relative_difference": max(r["worst"] / (r["span"] or 1.0) for r in recorded),
        "range_mV": max((r["span"] for r in voltages), default=0.0),
        "spikes_neuron_and_here": {r["label"]: r["spikes"] for r in voltages if any(r["spikes"])},
        "seconds_neuron": found["seconds"]["neuron"],
        "seconds_here": found["seconds"]["nrn_diff"],
    }
    slopes = [slope for slope in found["gradients"] if slope["converged"]]
    if slopes:
        result["derivatives"] = {"compared": len(slopes), "largest_difference": max(map(beyond, slopes))}
    else:
        reason = found["gradients_not_checked"] or "NEURON's differences have no limit"
        lines = [line.removeprefix("- ") for line in reason.splitlines() if line.startswith("- ")] or [reason]
        result["no_derivatives"] = lines[0]
    if not found["same"]:
        worst = [r for r in recorded if not r["same"]]
        result["differs"] = [f"{r['label']}: {r['worst']:.2g} {r['unit']} {r['note']}".strip() for r in worst][:6]
        result["differs"] += [f"the derivative by {slope['name']}" for slope in slopes if not slope["good"]]
    elif result["range_mV"] < MOVES:
        result["idle"] = True
    return result


def beyond(slope: dict[str, Any]) -> float:
    """The relative difference of a derivative from NEURON's, less what the latter is uncertain by."""
    excess = max(0.0, abs(slope["ours"] - slope["neuron"]) - slope["uncertainty"])
    return float(excess / max(abs(slope["neuron"]), ROUNDING))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("ids", nargs="*")
    parser.add_argument("--jobs", type=int, default=1, help="models at a time")
    given = parser.parse_args()
    path = HERE / "results.json"
    cases = json.loads(path.read_text())["models"] if path.exists() else {}
    entries = {entry.id: entry for entry in MODELS}
    with ThreadPoolExecutor(given.jobs) as pool:
        running = {pool.submit(examine, entries[i], given.folder): i for i in given.ids or entries}
        for done in as_completed(running):
            name, case = running[done], done.result()
            cases[name] = case
            write_results(HERE, {i: cases[i] for i in sorted(cases, key=int)}, "models")
            shown = case.get("failed") or case.get("refused") or case.get("differs")
            idle = "; nothing happens" if case.get("idle") else ""
            print(f"{name}:", shown or f"max |dV| {case['max_dv_mV']:.1e} mV{idle}", flush=True)


if __name__ == "__main__":
    main()
