"""One run of a script, by NEURON or here, in a process of its own: what it recorded, and the state at its end."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

T, V = "t at the end", "voltages at the end"


def main(folder: Path) -> int:
    """Run what job.json in `folder` describes; writes result.json and traces.npz there."""
    job = json.loads((folder / "job.json").read_text())
    from neuron import h

    from nrn_diff.bridge.watch import Watch
    from nrn_diff.cli.execute import execute, prepare
    from nrn_diff.errors import CaptureError

    prepare(job["script"], job["mods"])
    h.load_file("stdrun.hoc")
    watch = Watch(adds=False)
    watch.start()
    plugin = importlib.import_module("nrn_diff.plugin") if job["here"] else None
    if plugin is not None:
        plugin.enable()
    status = execute(job["script"], job["arguments"], job["then"])
    sys.stdout.flush()
    found: dict[str, Any] = {"status": status, "runs": 0, "refused": [], "said": ""}
    if plugin is not None:
        error = plugin.last_error()
        found |= {"runs": plugin.runs_made(), "said": plugin.summary()}
        if isinstance(error, CaptureError):
            found["refused"] = [f"{r.what}: {r.why}" for r in error.refusals]
    traces = [(t.label, t.unit, t.values) for t in watch.traces()]
    traces.append((T, "", np.array([float(h.t)])))
    traces.append((V, "mV", np.array([float(segment.v) for section in h.allsec() for segment in section])))
    np.savez(folder / "traces.npz", **{f"a{k}": values for k, (_, _, values) in enumerate(traces)})  # type: ignore[arg-type]
    found["units"] = {label: unit for label, unit, _ in traces}
    (folder / "result.json").write_text(json.dumps(found))
    return status


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
