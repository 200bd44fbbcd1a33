"""One run of a script in a process of its own, for `nrn-diff validate`: by NEURON or here, with what it recorded."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nrn_diff.cli.script import ScriptError

_TAIL = 25


@dataclass(frozen=True)
class Job:
    """script, arguments, mods, then: as for `nrn-diff run`. here: on JAX. gradients: of how many parameters. sections:
    see `Watch`. cvode: the absolute tolerance of NEURON's variable step, whose voltages are sampled each dt; 0: none.
    nudge (mV): added to every voltage that a run starts from.
    """

    script: str
    arguments: list[str]
    mods: str | None
    here: bool
    dt: float | None = None
    tstop: float | None = None
    gradients: int = 0
    then: str = ""
    sections: int = 0
    cvode: float = 0.0
    nudge: float = 0.0


@dataclass
class Outcome:
    """traces: label -> values; units: label -> unit; dt (ms); seconds: of the script. runs: made on JAX.
    refused: why it was not run.
    """

    traces: dict[str, np.ndarray]
    units: dict[str, str]
    dt: float
    seconds: float
    runs: int = 0
    segments: int = 0
    refused: str = ""
    slopes: list[dict[str, Any]] = field(default_factory=list)
    no_slopes: str = ""


def run_child(job: Job) -> Outcome:
    """Run it. Raises ScriptError with the end of the script's own output if it fails."""
    with tempfile.TemporaryDirectory(prefix="nrn-diff-") as name:
        folder = Path(name)
        (folder / "job.json").write_text(json.dumps(asdict(job)))
        code = "import sys; from nrn_diff.cli.child import main; sys.exit(main(sys.argv[1]))"
        with (folder / "output").open("w") as output:
            ran = subprocess.run(
                [sys.executable, "-c", code, name],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "JAX_ENABLE_X64": "1", "NEURON_MODULE_OPTIONS": "-nogui"},
                check=False,
            )
        if not (folder / "result.json").exists():
            text = (folder / "output").read_text(errors="replace").strip().splitlines()[-_TAIL:]
            hint = (
                "" if job.mods else " If it needs mechanisms of its own, say where their .mod files are: --mods FOLDER."
            )
            engine = "with nrn-diff" if job.here else "in NEURON"
            last = "\n".join(text)
            raise ScriptError(f"{job.script} does not run {engine} (exit status {ran.returncode}).{hint}\n{last}")
        found = json.loads((folder / "result.json").read_text())
        with np.load(folder / "traces.npz") as arrays:
            traces = {label: arrays[f"a{k}"] for k, label in enumerate(found["units"])}
        return Outcome(traces=traces, **found)


def main(name: str) -> int:
    """In the child: run the job that is described in the folder."""
    folder = Path(name)
    job = Job(**json.loads((folder / "job.json").read_text()))
    from neuron import h

    from nrn_diff.bridge.live import times_initialised
    from nrn_diff.bridge.watch import Watch
    from nrn_diff.cli.execute import execute, prepare
    from nrn_diff.errors import CaptureError

    prepare(job.script, job.mods)
    h.load_file("stdrun.hoc")
    watch = Watch(job.dt, job.tstop, job.sections, variable=job.cvode)
    watch.start()
    handler = h.FInitializeHandler(1, partial(_nudge, job.nudge)) if job.nudge else None
    # NEURON's side needs no JAX.
    plugin = importlib.import_module("nrn_diff.plugin") if job.here else None
    if plugin is not None:
        plugin.enable()
    begin, refused = time.perf_counter(), ""
    before = times_initialised()
    status = execute(job.script, job.arguments, job.then)
    if not list(h.allsec()) and not status:
        hint = "" if job.then else ". If a button of it builds the model, say what the button calls: --then 'HOC'"
        print(f"the script leaves no section in NEURON: there is no model{hint}", flush=True)
        return 1
    if not status and (times_initialised() == before or h.t <= 0):
        try:
            h.run()  # the script builds a model and leaves the run to its reader
        except RuntimeError:
            status = 1
    seconds = time.perf_counter() - begin
    if status and plugin is not None and isinstance(error := plugin.last_error(), CaptureError):
        refused = str(error)
    elif status:
        return status
    elif h.t <= 0:
        print(f"no step was made: tstop = {h.tstop:g} ms", flush=True)
        return 1
    elif plugin is not None and (text := plugin.summary()):
        refused = text
    del handler
    traces = watch.traces()
    segments = sum(section.nseg for section in h.allsec())
    runs = plugin.runs_made() if plugin is not None else 0
    outcome = Outcome({}, {t.label: t.unit for t in traces}, float(h.dt), seconds, runs, segments, refused)
    if plugin is not None and job.gradients and not refused:
        from nrn_diff.cli.slopes import check_slopes

        plugin.disable()
        watch.stop()
        outcome.slopes, outcome.no_slopes = check_slopes([t.label for t in traces if t.unit == "mV"], job.gradients)
    np.savez(folder / "traces.npz", **{f"a{k}": t.values for k, t in enumerate(traces)})  # type: ignore[arg-type]
    described = asdict(outcome)
    del described["traces"]
    (folder / "result.json").write_text(json.dumps(described))
    return 0


def _nudge(by: float) -> None:
    from neuron import h

    for section in h.allsec():
        for segment in section:
            segment.v += by
