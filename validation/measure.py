"""What every case does: one model in a fresh process, under NEURON and here, compared sample by sample."""

from __future__ import annotations

import datetime
import json
import platform
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


def write_results(folder: Path, cases: dict[str, Any]) -> Path:
    """results.json of a case, with what it was measured on."""
    document = {
        "date": datetime.date.today().isoformat(),
        "machine": f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}",
        "versions": {name: version(name) for name in ("neuron", "jax", "numpy")},
        "cases": cases,
    }
    path = folder / "results.json"
    path.write_text(json.dumps(document, indent=1) + "\n")
    return path
