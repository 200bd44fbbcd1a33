"""Measure sizes and batches, each in a fresh process on one core, and write results.json."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from validation.measure import write_document

BRANCHES = (10, 31, 100, 310, 1000, 3000)
BATCHES = ("tree", "sscx")
INSTANCES = 64
_ONE_CORE = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


def size(branches: int) -> dict[str, Any]:
    """Microseconds per step of a tree, by NEURON and here, and the largest voltage difference (mV)."""
    import jax

    import nrn_diff
    from nrn_diff.speed.engines import Neuron
    from nrn_diff.speed.tree import Tree

    parents = tuple((k - 1) // 2 if k else -1 for k in range(branches))
    segments = 10 * branches
    steps = min(max(400_000 // segments, 100), 2000)
    tree = Tree(parents, tstop=steps * 0.025)
    theirs = Neuron(tree)
    model = nrn_diff.capture()
    label = next(name for name in model.recorded if name.endswith(".v"))
    run = jax.jit(lambda theta: model.simulate(theta)[label])
    theta = model.parameters("gnabar_hh")
    neuron, here = in_turn(theirs.forward(), lambda: jax.block_until_ready(run(theta)), 7)
    off = float(np.abs(np.array(theirs.vectors[0]) - np.asarray(run(theta))).max())
    each = {"neuron_us_per_step": neuron / steps * 1e6, "here_us_per_step": here / steps * 1e6}
    return {"segments": segments, "steps": steps, "max_dv_mV": off, **each}


def batch(name: str) -> dict[str, Any]:
    """Microseconds per step and instance, one after the other by NEURON, and INSTANCES at once here."""
    import jax
    import jax.numpy as jnp

    import nrn_diff

    with tempfile.TemporaryDirectory(prefix="nrn-diff-size-") as folder:
        run_neuron, keep = _built(name, Path(folder))
        model = nrn_diff.capture()
        chosen = "gnabar_hh" if name == "tree" else "g_pas"
        label = next(r for r in model.recorded if r.endswith(".v"))
        theta = model.parameters(chosen)
        factors = jnp.linspace(0.8, 1.2, INSTANCES)
        sets = {k: factors[:, None] * jnp.atleast_1d(x)[None, :] for k, x in theta.items()}
        run = jax.jit(jax.vmap(lambda th: model.simulate(th)[label]))
        neuron, here = in_turn(run_neuron, lambda: jax.block_until_ready(run(sets)), 3)
        steps = model.structure.n_steps
        del keep
    each = {"neuron_us_per_step": neuron / steps * 1e6, "here_us_per_step": here / steps / INSTANCES * 1e6}
    segments = len(model.capture.cable.segment_node)
    return {"segments": segments, "steps": steps, "instances": INSTANCES, **each}


def _built(name: str, folder: Path) -> tuple[Callable[[], Any], Any]:
    from neuron import h

    if name == "tree":
        from nrn_diff.speed.engines import Neuron
        from nrn_diff.speed.tree import binary_tree

        tree = Neuron(binary_tree(5, tstop=25.0))
        return tree.forward(), tree
    from nrn_diff.bridge.compile import compile_mods
    from validation.emodelrunner import cells

    h.nrn_load_dll(str(compile_mods(cells.mod_folder(name))))
    keep = cells.build(h, name, folder)
    h.tstop = 50.0
    return h.run, keep


def in_turn(one: Callable[[], Any], other: Callable[[], Any], times: int) -> tuple[float, float]:
    """The least seconds of processor time of each, run in turn after one run that does not count."""
    least = [float("inf")] * 2
    for turn in range(times + 1):
        for k, run in enumerate((one, other)):
            start = time.process_time()
            run()
            if turn:
                least[k] = min(least[k], time.process_time() - start)
    return least[0], least[1]


def _in_process(what: str, name: str) -> dict[str, Any]:
    environment = {
        **os.environ,
        "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {_ONE_CORE}".strip(),
        "OMP_NUM_THREADS": "1",
        "JAX_ENABLE_X64": "1",
        "JAX_PLATFORMS": "cpu",
        "NEURON_MODULE_OPTIONS": "-nogui",
    }
    command = [sys.executable, "-m", "validation.size.run", what, name]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{what} {name} ended with status {done.returncode}:\n{done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(what, name, found, flush=True)
    return found


def main() -> None:
    """Everything; or one measurement, as JSON."""
    if len(sys.argv) > 1:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        print(json.dumps(size(int(sys.argv[2])) if sys.argv[1] == "size" else batch(sys.argv[2])))
        return
    sizes = [_in_process("size", str(n)) for n in BRANCHES]
    together = {name: _in_process("batch", name) for name in BATCHES}
    print(write_document(Path(__file__).parent, {"sizes": sizes, "together": together}, ("EModelRunner",)))


if __name__ == "__main__":
    main()
