"""NEURON's own scripts by NEURON and by `nrn-diff run`: python -m validation.scripts.run FOLDER [PART OF A NAME ...].

FOLDER is NEURON's source tree. results.json is written after each script.
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
from pathlib import Path
from typing import Any

import numpy as np

from validation.measure import write_results
from validation.scripts.compare import Ran, outcome, printed
from validation.scripts.sets import DEMO, Script, find_scripts

TIME_LIMIT = 600.0
HERE = Path(__file__).parent


def ran(script: Script, root: Path, *, here: bool) -> Ran:
    """Run it in a copy of its folder."""
    mods = str((root / script.folder / script.mods).resolve()) if script.mods else None
    with tempfile.TemporaryDirectory(prefix="nrn-diff-scripts-") as name:
        scratch, copy = Path(name), Path(name) / "copy"
        shutil.copytree(root / script.folder, copy)
        job = {"script": script.path, "arguments": script.arguments, "then": script.then, "mods": mods, "here": here}
        (scratch / "job.json").write_text(json.dumps(job))
        settings = {
            "PYTHONPATH": str(HERE.parent.parent),
            "JAX_ENABLE_X64": "1",
            "NEURON_MODULE_OPTIONS": "-nogui",
            "NRNDEMO": f"{copy}/" if script.folder == DEMO else "",
        }
        try:
            done = subprocess.run(
                [sys.executable, "-m", "validation.scripts.child", name],
                cwd=copy,
                env={**os.environ, **settings},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=TIME_LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Ran(None, [])
        lines = printed(done.stdout.replace(f"{copy}/", ""))
        if not (scratch / "result.json").exists():
            return Ran(done.returncode, lines)
        found = json.loads((scratch / "result.json").read_text())
        with np.load(scratch / "traces.npz") as arrays:
            traces = {label: arrays[f"a{k}"] for k, label in enumerate(found["units"])}
        return Ran(done.returncode, lines, found, traces)


def examine(script: Script, root: Path) -> dict[str, Any]:
    """Both runs, compared."""
    return outcome(ran(script, root, here=False), ran(script, root, here=True))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("parts", nargs="*")
    parser.add_argument("--jobs", type=int, default=1, help="so many scripts side by side")
    given = parser.parse_args()
    path = HERE / "results.json"
    scripts = find_scripts(given.folder)
    cases = json.loads(path.read_text())["scripts"] if path.exists() else {}
    wanted = [s for s in scripts if not given.parts or any(part in s.name for part in given.parts)]
    with ThreadPoolExecutor(given.jobs) as pool:
        running = {pool.submit(examine, script, given.folder): script for script in wanted}
        for done in as_completed(running):
            script, case = running[done], done.result()
            cases[script.name] = case
            write_results(HERE, {s.name: cases[s.name] for s in scripts if s.name in cases}, "scripts")
            shown = case.get("differs") or case.get("refused") or case.get("failed")
            if shown is None:
                shown = f"same, {case['recorded']} recorded, {case['runs']} runs, t = {case['t']}"
            print(f"{script.name}: {shown}", flush=True)


if __name__ == "__main__":
    main()
