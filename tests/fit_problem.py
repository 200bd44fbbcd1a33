"""A small model without NEURON, the charging of a leaky membrane, for tests of fits; as a script, one resumable fit.

python fit_problem.py CHECKPOINT OUT.json SECONDS_PER_STEP KILL_AFTER
"""

from __future__ import annotations

import os
import signal
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np

from nrn_diff.fitting import fit, trace_mse

jax.config.update("jax_enable_x64", True)

TRUE = {"g": np.array([3e-4, 2e-3]), "e": np.array(-62.0)}
START = {"g": np.array([1e-3, 5e-4]), "e": np.array(-70.0)}
BOUNDS = {"g": (1e-5, 1e-1), "e": (-90.0, -40.0)}
STEPS = 30


class Membrane:
    """v of two compartments with conductances g (S/cm2) to e (mV), 1 uF/cm2, from -80 mV, under a small current."""

    t = np.arange(0.0, 20.0, 0.5)

    def __init__(self) -> None:
        self.traces = 0

    def simulate(self, theta):
        self.traces += 1
        tau = 1e-3 / theta["g"]
        steady = theta["e"] + 1e-3 / theta["g"]
        v = steady[:, None] + (-80.0 - steady[:, None]) * jnp.exp(-self.t / tau[:, None])
        return {"soma(0.5).v": v[0], "dend(0.5).v": v[1]}


def target_loss(truth=TRUE):
    recording = Membrane().simulate({k: jnp.asarray(v) for k, v in truth.items()})
    return trace_mse(list(recording), recording, scale=5.0)


def main(checkpoint: str, out: str, delay: float, kill_after: int) -> None:
    def callback(info):
        time.sleep(delay)
        if info.step == kill_after:
            os.kill(os.getpid(), signal.SIGKILL)

    result = fit(
        Membrane(),
        START,
        target_loss(),
        steps=STEPS,
        bounds=BOUNDS,
        checkpoint=checkpoint,
        checkpoint_every=1 if delay else 4,
        callbacks=[callback],
    )
    result.to_json(out)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))
