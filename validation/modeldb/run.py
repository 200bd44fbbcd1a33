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
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import Any

from validation.measure import write_results
from validation.modeldb.models import MODELS, Entry

TIME_LIMIT = 420.0
HERE = Path(__file__).parent


def one(entry: Entry, here: bool, result: Path) -> dict[str, Any]:
    """Load a model in this process, whose current folder is the model's, run it, and save what its Vectors hold.

    here: the run is made by nrn_diff (enable()), else by NEURON.
    """
    import numpy as np
    from neuron import h

    from nrn_diff.errors import CaptureError
    from nrn_diff.plugin import switch

    h.load_file("stdrun.hoc")
    if not h.load_file(1, str(Path(entry.script).resolve())):
        return {"failed": f"NEURON cannot load {entry.script}"}
    if entry.then and not h(entry.then):
        return {"failed": f"NEURON cannot execute {entry.then}"}
    sections = list(h.allsec())
    if not sections:
        return {"failed": "the script builds no section"}
    if h.CVode().active() or h.using_cvode_:
        h.cvode_active(0)
        h.dt, h.steps_per_ms = 0.025, 40
    places = dict.fromkeys((sections[0], sections[len(sections) // 2], sections[-1]))
    keep = [h.Vector().record(section(0.5)._ref_v) for section in places]
    if here:
        import jax

        import nrn_diff

        jax.config.update("jax_enable_x64", True)
        nrn_diff.enable()
    try:
        h.stdinit()
        # Some models settle in init(), so that t is not 0 here.
        h.continuerun(min(h.tstop, h.t + entry.tstop) if h.tstop > h.t else h.t + entry.tstop)
    except Exception:
        error = switch.last_error()
        if not isinstance(error, CaptureError):
            raise
        return {"refused": [f"{r.what} ({r.where}): {r.why}".splitlines()[0][:300] for r in error.refusals]}
    if here and not switch.runs_made():
        return {"refused": ["the model runs by procedures of its own, which NEURON executes"]}
    vectors = {v.hname(): np.array(v) for v in h.List("Vector")}
    np.savez(result, **vectors)
    return {
        "segments": sum(s.nseg for s in h.allsec()),
        "ms": float(h.t),
        "voltages": {section.name(): v.hname() for section, v in zip(places, keep, strict=True)},
    }


def in_fresh_process(entry: Entry, library: str, here: bool, root: Path, result: Path) -> dict[str, Any]:
    """What `one` returns; whatever ends its process is a result too."""
    with tempfile.TemporaryDirectory(prefix="nrn-diff-modeldb-") as scratch:
        copy = Path(scratch) / entry.id
        shutil.copytree(root / entry.id, copy)
        job = json.dumps({"entry": asdict(entry), "library": library, "here": here, "result": str(result)})
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
    if (outcome := result.with_suffix(".json")).exists():
        found: dict[str, Any] = json.loads(outcome.read_text())
        return found
    said = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    return {"failed": f"exit status {done.returncode}: {' | '.join(said[-4:])}"[-300:]}


def examine(entry: Entry, root: Path) -> dict[str, Any]:
    """NEURON's run and ours of one model, compared over every Vector."""
    import numpy as np

    from nrn_diff.bridge.compile import ModCompileError, compile_mods

    try:
        library = str(compile_mods(root / entry.id / entry.mods)) if entry.mods else ""
    except ModCompileError as error:
        return {"failed": f"its mods do not compile in NEURON 9: {error}"[:300]}
    with tempfile.TemporaryDirectory() as folder:
        theirs, ours = Path(folder) / "neuron.npz", Path(folder) / "here.npz"
        reference = in_fresh_process(entry, library, False, root, theirs)
        if "failed" in reference:
            return reference
        found = in_fresh_process(entry, library, True, root, ours)
        if "failed" in found or "refused" in found:
            return found
        with np.load(theirs) as a, np.load(ours) as b:
            return {**found, **differences({n: a[n] for n in a}, {n: b[n] for n in b}, found["voltages"])}


def differences(theirs: dict[str, Any], ours: dict[str, Any], voltages: dict[str, str]) -> dict[str, Any]:
    """Largest difference of the voltages (mV), and over all Vectors relative to their range; spikes above -20 mV."""
    import numpy as np

    relative, spikes = {}, {}
    for name, reference in theirs.items():
        other = ours.get(name, np.zeros(0))
        if other.shape != reference.shape:
            relative[name] = float("inf")
        elif reference.size:
            off = np.where(reference == other, 0.0, np.abs(reference - other))
            relative[name] = float(np.nan_to_num(off, nan=np.inf).max() / (np.ptp(reference) or 1.0))
    if any(theirs[name].shape != ours[name].shape for name in voltages.values()):
        pairs = {place: [len(theirs[name]), len(ours[name])] for place, name in voltages.items()}
        return {"failed": f"differs: numbers of samples in NEURON and here {pairs}"}
    for place, name in voltages.items():
        spikes[place] = [int(np.sum((x[1:] > -20) & (x[:-1] <= -20))) for x in (theirs[name], ours[name])]
    worst = max(relative, key=lambda name: relative[name])
    return {
        "max_dv_mV": max(float(np.abs(theirs[v] - ours[v]).max()) for v in voltages.values()),
        "vectors": len(relative),
        "largest_relative_difference": relative[worst],
        "worst_vector": worst,
        "spikes_neuron_and_here": spikes,
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("ids", nargs="*")
    parser.add_argument("--jobs", type=int, default=1, help="models at a time")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        from neuron import h

        job = json.loads(given.one)
        if job["library"]:
            h.nrn_load_dll(job["library"])
        outcome = one(Entry(**job["entry"]), job["here"], Path(job["result"]))
        Path(job["result"]).with_suffix(".json").write_text(json.dumps(outcome))
        return
    path = HERE / "results.json"
    cases = json.loads(path.read_text())["cases"] if path.exists() else {}
    due = [entry for entry in MODELS if not given.ids or entry.id in given.ids]
    with ThreadPoolExecutor(given.jobs) as pool:
        running = {pool.submit(examine, entry, given.folder): entry.id for entry in due}
        for done in as_completed(running):
            name = running[done]
            case = cases[name] = done.result()
            write_results(HERE, dict(sorted(cases.items(), key=lambda item: int(item[0]))))
            shown = case.get("failed") or case.get("refused") or f"max |dV| {case['max_dv_mV']:.1e} mV"
            print(f"{name}: {shown}", flush=True)


if __name__ == "__main__":
    main()
