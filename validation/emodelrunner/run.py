"""Run the cells, each in a fresh process, and write results.json."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from validation.emodelrunner import cells
from validation.measure import capture_and_compare, run_cases


def one(name: str) -> dict[str, Any]:
    """Build a cell in this process and compare."""
    from neuron import h

    from nrn_diff.bridge.compile import compile_mods

    h.nrn_load_dll(str(compile_mods(cells.mod_folder(name))))
    with tempfile.TemporaryDirectory(prefix="nrn-diff-emodelrunner-") as folder:
        keep = cells.build(h, name, Path(folder))
        result = capture_and_compare(h)
        del keep
    return result


if __name__ == "__main__":
    run_cases("validation.emodelrunner.run", Path(__file__).parent, (*cells.CELLS, cells.PAIR), one)
