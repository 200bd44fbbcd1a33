"""Run the saved model on the device that JAX has, compare, and time single runs and batches; JSON on stdout."""

from __future__ import annotations

import datetime
import json
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np


def main(folder: Path) -> dict[str, Any]:
    """Figures of this device."""
    jax.config.update("jax_enable_x64", True)
    import nrn_diff
    from validation.device.make import loss, parameters

    model, reference = nrn_diff.load(folder / "model.nrndiff"), np.load(folder / "reference.npz")
    steps, theta = model.structure.n_steps, parameters(model)
    recording = model.simulate()
    voltages = {k[6:]: reference[k] for k in reference.files if k.startswith("trace ") and k.endswith(".v")}
    slope = jax.jit(jax.grad(lambda th: loss(model, th)))
    gradient = slope(theta)
    worst = 0.0
    for name, ours in gradient.items():
        theirs = reference[f"gradient {name}"]
        worst = max(worst, float(np.abs(np.asarray(ours) - theirs).max() / np.abs(theirs).max()))
    voltage = next(iter(voltages))
    figures: dict[str, Any] = {
        "date": datetime.date.today().isoformat(),
        "machine": f"{jax.devices()[0].device_kind}, {platform.system()}, Python {platform.python_version()}",
        "versions": {"jax": jax.__version__, "numpy": np.__version__},
        "segments": len(model.capture.cable.segment_node),
        "steps": steps,
        "max_dv_mV": max(float(np.abs(np.asarray(recording[k]) - v).max()) for k, v in voltages.items()),
        "gradient_relative_difference_from_cpu": worst,
        "single_forward_us_per_step": _seconds(lambda: model.simulate(theta)) / steps * 1e6,
        "single_gradient_us_per_step": _seconds(lambda: slope(theta)) / steps * 1e6,
        "batches": [],
    }
    forward = jax.jit(jax.vmap(lambda th: model.simulate(th)[voltage]))
    backward = jax.jit(jax.vmap(jax.grad(lambda th: loss(model, th))))
    for batch in (64, 512, 4096):
        noise = jax.random.normal(jax.random.key(0), (batch,))
        many = jax.tree.map(lambda x, z=noise: x[None] * (1 + 0.01 * z.reshape(-1, *(1,) * x.ndim)), theta)
        row = {
            "instances": batch,
            "forward_ns_per_step_and_instance": _seconds(lambda m=many: forward(m)) / steps / batch * 1e9,
        }
        if batch <= 512:
            row["gradient_ns_per_step_and_instance"] = _seconds(lambda m=many: backward(m)) / steps / batch * 1e9
        figures["batches"].append(row)
    return figures


def _seconds(run: Callable[[], Any], repeats: int = 3) -> float:
    """Median of several runs after one that compiles."""
    jax.block_until_ready(run())
    each = []
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(run())
        each.append(time.perf_counter() - start)
    return float(np.median(each))


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1])), indent=1))
