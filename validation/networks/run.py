"""Run the networks, each in a fresh process, and write results.json."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from validation.measure import capture_and_compare, run_cases
from validation.networks.models import MODELS, MODS


def one(name: str) -> dict[str, Any]:
    """Build a network in this process and compare."""
    from neuron import h

    from nrn_diff.bridge.compile import compile_mods

    folder = Path(tempfile.gettempdir()) / "nrn-diff-validation-networks"
    folder.mkdir(exist_ok=True)
    for file, text in MODS.items():
        (folder / file).write_text(text)
    h.nrn_load_dll(str(compile_mods(folder)))
    h.load_file("stdrun.hoc")
    h.dt, h.steps_per_ms, h.tstop = 0.025, 40, 100
    keep = MODELS[name](h)
    result = capture_and_compare(h)
    del keep
    return result


if __name__ == "__main__":
    run_cases("validation.networks.run", Path(__file__).parent, tuple(MODELS), one)
