"""Time one engine in a process of its own: `python -m nrn_diff.speed.measure ENGINE LEVELS REPEATS`, JSON on stdout."""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from nrn_diff.errors import NrnDiffError
from nrn_diff.speed.tree import Tree, binary_tree


class SpeedError(NrnDiffError):
    """An engine could not be measured; the message holds the end of its output."""


def available() -> list[str]:
    """Engines that are installed."""
    return ["neuron", "nrn_diff", *(["jaxley"] if importlib.util.find_spec("jaxley") else [])]


def measure(engine: str, levels: int, repeats: int) -> dict[str, Any]:
    """Figures of one engine, from a fresh process on one core. Raises SpeedError."""
    one_thread = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    environment = {
        **os.environ,
        "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {one_thread}".strip(),
        "OMP_NUM_THREADS": "1",
        "JAX_ENABLE_X64": "1",
        "JAX_PLATFORMS": "cpu",
        "NEURON_MODULE_OPTIONS": "-nogui",
    }
    command = [sys.executable, "-m", "nrn_diff.speed.measure", engine, str(levels), str(repeats)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SpeedError(f"{engine} could not be measured:\n{done.stderr[-2000:]}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _one(name: str, tree: Tree, repeats: int) -> dict[str, Any]:
    from nrn_diff.speed.engines import ENGINES

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    start = time.perf_counter()
    engine = ENGINES[name](tree)
    figures: dict[str, Any] = {"build_s": time.perf_counter() - start}
    for what, run in (("forward", engine.forward()), ("gradient", engine.gradient())):
        if run is not None:
            first, each = _time(run, repeats)
            figures[f"{what}_first_s"] = first
            figures[f"{what}_us_per_step"] = each / tree.n_steps * 1e6
    # Kilobytes on Linux, bytes on macOS.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    figures["peak_MiB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    return figures


def _time(run: Callable[[], Any], repeats: int) -> tuple[float, float]:
    """Seconds of the first call, and the median of the others."""
    seconds = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return seconds[0], statistics.median(seconds[1:])


if __name__ == "__main__":
    print(json.dumps(_one(sys.argv[1], binary_tree(int(sys.argv[2])), int(sys.argv[3]))))
