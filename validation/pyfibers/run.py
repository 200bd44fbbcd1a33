"""Run the fibres, each in a fresh process, and write results.json."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from validation.measure import compare, write_results
from validation.pyfibers import fibers


def one(name: str) -> dict[str, Any]:
    """Build a fibre in this process and compare; a refusal is a result too."""
    import jax
    from neuron import h

    import nrn_diff
    from nrn_diff.bridge.compile import compile_mods

    jax.config.update("jax_enable_x64", True)
    h.nrn_load_dll(str(compile_mods(fibers.mod_folder())))
    keep = fibers.build(h, name)
    try:
        result = compare(nrn_diff.capture(), h)
    except nrn_diff.CaptureError as error:
        result = {"refused": [f"{r.what}: {r.why}" for r in error.refusals]}
    del keep
    return result


def main() -> None:
    """All fibers."""
    cases = {}
    for name in fibers.CASES:
        done = subprocess.run(
            [sys.executable, "-m", "validation.pyfibers.run", name], capture_output=True, text=True, check=True
        )
        cases[name] = json.loads(done.stdout.splitlines()[-1])
        shown = cases[name].get("refused") or f"max |dV| {cases[name]['max_dv_mV']:.1e} mV"
        print(f"{name}: {shown}")
    print(write_results(Path(__file__).parent, cases))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(one(sys.argv[1])))
    else:
        main()
