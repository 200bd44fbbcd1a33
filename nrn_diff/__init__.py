"""nrn_diff: a scientist's existing NEURON model, unchanged, as an exact, fast, differentiable program.

model = nrn_diff.capture()
theta = model.parameters("gnabar_hh", "g_pas")
jax.value_and_grad(lambda th: loss(model.simulate(th)))(theta)
"""

from __future__ import annotations

from os import PathLike

from nrn_diff import adjoint, lfp, spike_derivative
from nrn_diff.errors import (
    CaptureError,
    NrnDiffError,
    ParameterError,
    PrecisionError,
    Refusal,
    SavedModelError,
    WriteBackError,
)
from nrn_diff.fitting import FitResult, fit
from nrn_diff.model import Model, require_float64
from nrn_diff.params import Param, Parameters
from nrn_diff.recording import Recording

__version__ = "0.1.0"

__all__ = [
    "CaptureError",
    "FitResult",
    "Model",
    "NrnDiffError",
    "Param",
    "ParameterError",
    "Parameters",
    "PrecisionError",
    "Recording",
    "Refusal",
    "SavedModelError",
    "WriteBackError",
    "adjoint",
    "capture",
    "fit",
    "inspect",
    "lfp",
    "load",
    "spike_derivative",
]


def capture(tstop: float | None = None, dt: float | None = None) -> Model:
    """The live NEURON model as a differentiable program; NEURON's state is not changed.

    tstop, dt (ms): by default what h.run() would use. Raises CaptureError listing everything that cannot be reproduced,
    PrecisionError if JAX is in float32.
    """
    from nrn_diff.bridge import capture_snapshot

    require_float64()
    model = Model(capture_snapshot(tstop, dt))
    _ = model.structure  # what the solver cannot do is refused now, not at the first run
    return model


def load(path: str | PathLike[str]) -> Model:
    """A model written by `Model.save`; needs no NEURON. Raises SavedModelError for any other file."""
    from nrn_diff.io.saved import load as read

    return Model(read(path))


def inspect() -> object:
    """Support report of the live model: what is in it, and everything that stands in the way of a capture."""
    from nrn_diff.bridge.inspect import inspect as look

    return look()
