"""Run ModelDB models in NEURON and here: python -m validation.modeldb.run FOLDER [ID ...].

FOLDER holds one folder for each ModelDB id. Each model runs in a fresh process on a temporary copy; results.json is
written after each.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from validation.measure import compare, write_results
from validation.modeldb.models import MODELS, Entry

TIME_LIMIT = 420.0
HERE = Path(__file__).parent


def one(entry: Entry) -> dict[str, Any]:
    """Load a model in this process, whose current folder is the model's, and compare."""
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    if not h.load_file(1, str(Path(entry.script).resolve())):
        return {"failed": f"NEURON cannot load {entry.script}"}
    if entry.then and not h(entry.then):
        return {"failed": f"NEURON cannot execute {entry.then}"}
    if not list(h.allsec()):
        return {"failed": "the script builds no section"}
    if h.CVode().active():
        h.CVode().active(0)
        h.dt, h.steps_per_ms = 0.025, 40
    h.tstop = min(h.tstop, entry.tstop)
    sections = list(h.allsec())
    keep = [h.Vector().record(s(0.5)._ref_v) for s in {sections[0], sections[len(sections) // 2], sections[-1]}]
    try:
        result = compare(nrn_diff.capture(), h)
    except nrn_diff.CaptureError as error:
        result = {"refused": [f"{r.what} ({r.where}): {r.why}"[:300] for r in error.refusals]}
    del keep
    return result


def in_fresh_process(entry: Entry, root: Path) -> dict[str, Any]:
    """The result of one model; whatever ends its process is a result too."""
    from nrn_diff.bridge.compile import ModCompileError, compile_mods

    source = root / entry.id
    try:
        library = str(compile_mods(source / entry.mods))
    except ModCompileError as error:
        return {"failed": f"its mods do not compile in NEURON 9: {error}"[:300]}
    with tempfile.TemporaryDirectory(prefix="nrn-diff-modeldb-") as scratch:
        copy = Path(scratch) / entry.id
        shutil.copytree(source, copy)
        job = json.dumps({**asdict(entry), "library": library})
        try:
            done = subprocess.run(
                [sys.executable, "-m", "validation.modeldb.run", "--one", job],
                cwd=copy / entry.folder,
                env={**os.environ, "PYTHONPATH": str(HERE.parent.parent), "NEURON_MODULE_OPTIONS": "-nogui"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=TIME_LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return {"failed": f"not done after {TIME_LIMIT:g} s"}
    lines = done.stdout.strip().splitlines()
    if done.returncode == 0 and lines and lines[-1].startswith("{"):
        found: dict[str, Any] = json.loads(lines[-1])
        return found
    said = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    return {"failed": f"exit status {done.returncode}: {' | '.join(said[-4:])}"[-300:]}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("ids", nargs="*")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        from neuron import h

        job = json.loads(given.one)
        h.nrn_load_dll(job.pop("library"))
        print(json.dumps(one(Entry(**job))))
        return
    path = HERE / "results.json"
    cases = json.loads(path.read_text())["cases"] if path.exists() else {}
    for entry in MODELS:
        if given.ids and entry.id not in given.ids:
            continue
        cases[entry.id] = in_fresh_process(entry, given.folder)
        write_results(HERE, cases)
        case = cases[entry.id]
        shown = case.get("failed") or case.get("refused") or f"max |dV| {case['max_dv_mV']:.1e} mV"
        print(f"{entry.id}: {shown}", flush=True)


if __name__ == "__main__":
    main()
