"""nrn_diff: a scientist's existing NEURON model, unchanged, as an exact, fast, differentiable program.

model = nrn_diff.capture()
theta = model.parameters("gnabar_hh", "g_pas")
jax.value_and_grad(lambda th: loss(model.simulate(th)))(theta)
"""

from __future__ import annotations

import importlib
from contextlib import AbstractContextManager
from os import PathLike
from typing import TYPE_CHECKING

from nrn_diff.errors import (
    CaptureError,
    EventCapacityError,
    NrnDiffError,
    OwnInitError,
    ParameterError,
    PrecisionError,
    Refusal,
    SavedModelError,
    WriteBackError,
)
from nrn_diff.missing import MissingPackageError, missing_packages_named

if TYPE_CHECKING:
    from nrn_diff import adjoint, lfp, spike_derivative
    from nrn_diff.bridge.inspect import Inspection
    from nrn_diff.fitting import FitResult, fit
    from nrn_diff.fitting.identifiability import identifiability
    from nrn_diff.model import Model
    from nrn_diff.params import Param, Parameters
    from nrn_diff.plugin import Fallback
    from nrn_diff.recording import Recording
    from nrn_diff.snapshot import EventCapacity

__version__ = "0.1.0"

__all__ = [
    "CaptureError",
    "EventCapacity",
    "EventCapacityError",
    "FitResult",
    "MissingPackageError",
    "Model",
    "NrnDiffError",
    "OwnInitError",
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
    "disable",
    "enable",
    "enabled",
    "fit",
    "identifiability",
    "inspect",
    "lfp",
    "load",
    "spike_derivative",
]


# Imported when asked for: a command that needs neither JAX nor an optimiser starts without.
_FROM = {
    "EventCapacity": "snapshot",
    "FitResult": "fitting",
    "Model": "model",
    "Param": "params",
    "Parameters": "params",
    "Recording": "recording",
    "fit": "fitting",
    "identifiability": "fitting",
}
_MODULES = ("adjoint", "lfp", "spike_derivative")


@missing_packages_named()
def __getattr__(name: str) -> object:
    if name in _MODULES:
        return importlib.import_module(f"nrn_diff.{name}")
    if name not in _FROM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"nrn_diff.{_FROM[name]}"), name)
    return value


@missing_packages_named()
def capture(tstop: float | None = None, dt: float | None = None) -> Model:
    """The live NEURON model as a differentiable program; NEURON's state is not changed.

    tstop, dt (ms): by default what h.run() would use. Raises CaptureError listing everything that cannot be reproduced,
    PrecisionError if JAX is in float32.
    """
    from nrn_diff.bridge import capture_snapshot
    from nrn_diff.model import Model, require_float64

    require_float64()
    model = Model(capture_snapshot(tstop, dt))
    _ = model.structure  # what the solver cannot do is refused now, not at the first run
    return model


@missing_packages_named()
def load(path: str | PathLike[str]) -> Model:
    """A model written by `Model.save`; needs no NEURON. Raises SavedModelError for any other file."""
    from nrn_diff.io.saved import load as read
    from nrn_diff.model import Model

    return Model(read(path))


@missing_packages_named()
def inspect() -> Inspection:
    """Support report of the live model: what is in it, and everything that stands in the way of a capture."""
    from nrn_diff.bridge.inspect import inspect as look

    return look()


@missing_packages_named()
def enable(fallback: Fallback | str | None = None) -> None:
    """From now on h.run(), h.continuerun() (also from HOC) and pc.psolve() (from Python) run on JAX.

    The user's Vectors are filled; states, t and the event queue are left as NEURON would leave them. fallback: what
    happens with a run that cannot be reproduced: None, a CaptureError (through HOC a RuntimeError with its text);
    'neuron', NEURON runs it and says so; or an object of nrn_diff.plugin.Fallback. Sets JAX to float64.
    """
    from nrn_diff.plugin import enable as switch_on

    switch_on(fallback)


@missing_packages_named()
def disable() -> None:
    """Give the run commands back to NEURON."""
    from nrn_diff.plugin import disable as switch_off

    switch_off()


@missing_packages_named()
def enabled(fallback: Fallback | str | None = None) -> AbstractContextManager[None]:
    """`enable` for the block of a with statement."""
    from nrn_diff.plugin import enabled as switched_on

    return switched_on(fallback)
