"""What every case does: one model in a fresh process, under NEURON and here, compared sample by sample."""

from __future__ import annotations

import datetime
import json
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np


def compare(model: Any, h: Any) -> dict[str, Any]:
    """Run `model` here and h.run() in NEURON; per recorded quantity the largest difference, with spikes and seconds."""
    import time

    import jax

    jax.block_until_ready(model.simulate())
    start = time.perf_counter()
    recording = jax.block_until_ready(model.simulate())
    ours = time.perf_counter() - start
    start = time.perf_counter()
    h.run()
    theirs = time.perf_counter() - start
    vectors = {vector.hname(): vector for vector in h.List("Vector")}
    worst, spikes = {}, {}
    for record in model.capture.records:
        reference, here = np.array(vectors[record.vector]), np.asarray(recording[record.label])
        worst[record.label] = float(np.abs(reference - here).max())
        if record.kind == "v":
            spikes[record.label] = [int(np.sum((x[1:] > -20) & (x[:-1] <= -20))) for x in (reference, here)]
    return {
        "segments": len(model.capture.cable.segment_node),
        "mechanisms": [data.name for data in model.capture.mechanisms],
        "largest_difference": worst,
        "max_dv_mV": max(worst[r.label] for r in model.capture.records if r.kind == "v"),
        "spikes_neuron_and_here": spikes,
        "seconds_neuron": theirs,
        "seconds_here": ours,
    }


def capture_and_compare(h: Any) -> dict[str, Any]:
    """`compare` of the live model; a refusal is a result too."""
    import jax

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    try:
        return compare(nrn_diff.capture(), h)
    except nrn_diff.CaptureError as error:
        return {"refused": [f"{r.what}: {r.why}" for r in error.refusals]}


def run_cases(module: str, folder: Path, names: Sequence[str], one: Callable[[str], dict[str, Any]]) -> None:
    """`python -m module` runs every case in a fresh process and writes results.json; with a name: that one, as JSON."""
    if len(sys.argv) > 1:
        print(json.dumps(one(sys.argv[1])))
        return
    cases = {}
    for name in names:
        done = subprocess.run([sys.executable, "-m", module, name], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{name} ended with status {done.returncode}:\n{done.stderr[-3000:]}")
        cases[name] = json.loads(done.stdout.splitlines()[-1])
        shown = cases[name].get("refused") or f"max |dV| {cases[name]['max_dv_mV']:.1e} mV"
        print(f"{name}: {shown}", flush=True)
    print(write_results(folder, cases))


def write_results(folder: Path, cases: dict[str, Any], key: str = "cases") -> Path:
    """results.json of a case, with what it was measured on. key: which shape of a table it gets (tables.py)."""
    return write_document(folder, {key: cases})


def write_document(folder: Path, content: dict[str, Any], packages: Sequence[str] = ()) -> Path:
    """results.json with `content`, and what it was measured on; replaced as a whole, so that a kill leaves a file."""
    document = {
        "date": datetime.date.today().isoformat(),
        "machine": f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}",
        "versions": {name: version(name) for name in ("neuron", "jax", "numpy", *packages)},
        **content,
    }
    path, whole = folder / "results.json", folder / "results.json.new"
    whole.write_text(json.dumps(document, indent=1) + "\n")
    return whole.replace(path)
