"""Both sides in one run, ours once for each threshold, one after the other, each in a fresh process on one core.

results.json grows as they go.

python -m validation.l5pc.run [--starts 10] [--budget 700]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from validation.l5pc.summary import GENETIC, OURS
from validation.l5pc.thresholds import LOOSE, TIGHT
from validation.measure import write_document

FOLDER = Path(__file__).parent
SIDES = (OURS.format(TIGHT), OURS.format(LOOSE), GENETIC)


def write(document: dict[str, Any]) -> Path:
    """results.json as far as it goes."""
    return write_document(FOLDER, document, ("bluepyopt", "EModelRunner"))


def side(name: str, starts: int, budget: float) -> None:
    """One side in this process; a line of JSON on stdout whenever more is known."""
    from neuron import h

    from nrn_diff.bridge.compile import compile_mods
    from validation.emodelrunner import cells
    from validation.l5pc import descent, genetic, task

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    h.nrn_load_dll(str(compile_mods(cells.mod_folder("sscx"))))
    with tempfile.TemporaryDirectory(prefix="nrn-diff-l5pc-") as folder:
        cell = task.make_cell(h, Path(folder))
        report = lambda document: print(json.dumps(document), flush=True)
        if name == GENETIC:
            genetic.run(h, cell, starts, budget, report)
        else:
            goal = next(goal for goal in (TIGHT, LOOSE) if name == OURS.format(goal))
            descent.run(h, cell, goal, starts, budget, report)
        os.chdir("/")


def main() -> None:
    """All, or the one that is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--budget", type=float, default=700.0, help="seconds of each side, about")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.side:
        side(chosen.side, chosen.starts, chosen.budget)
        return
    document: dict[str, Any] = {"starts": chosen.starts, "finished": False, "sides": {}}
    options = ["--starts", str(chosen.starts), "--budget", str(chosen.budget)]
    for name in SIDES:
        command = [sys.executable, "-m", "validation.l5pc.run", "--side", name, *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("{"):
                    document["sides"][name] = json.loads(line)
                    write(document)
        if process.returncode != 0:
            raise SystemExit(f"{name} ended with status {process.returncode}; what it reached is in results.json")
        print(f"{name}: {document['sides'][name]['seconds']:.0f} s", flush=True)
    print(write(document | {"finished": True}))


if __name__ == "__main__":
    main()
