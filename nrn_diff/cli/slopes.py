"""Gradients of a sample of parameters against finite differences of NEURON's own runs, in the process of the model."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np
from neuron import h

import nrn_diff
from nrn_diff.bridge.catalog import mechanism_types
from nrn_diff.bridge.forked import ChildFailedError, in_copy
from nrn_diff.errors import NrnDiffError
from nrn_diff.quantities import find
from nrn_diff.richardson import derivative

# What is varied, most telling first; whatever else a model has comes after.
_FIRST = ("g_pas", "gnabar_hh", "gkbar_hh", "gbar", "gmax", "Ra", "cm")
_TOLERANCE = 1e-3
_STEPS = (1e-3, 1e-5, 1e-7)  # of the factor that scales a parameter
_CERTAIN = 1e-2
_ROUNDING = 1e-12  # what differences of the objective, of order one, cannot tell from 0


def check_slopes(labels: list[str], count: int) -> tuple[list[dict[str, Any]], str]:
    """For `count` parameters that matter: our slope, NEURON's, and its uncertainty. Else why there are none.

    The objective is the mean of (v/100 mV)^2 over the run that h.run() makes; each parameter is scaled as a whole. Each
    run of NEURON is made in a copy of the process, from the state that our model has been read from: one that starts
    with what the run before has left (calcium, streams of random numbers) would measure that too.
    TABLEs are off meanwhile: through a table NEURON is not smooth, and differences have no limit.
    """
    tables = {f"usetable_{kind.name}" for kind in mechanism_types()}
    tables = {name for name in tables if getattr(h, name, 0)}
    for name in tables:
        setattr(h, name, 0)
    try:
        return _check(labels, count)
    finally:
        for name in tables:
            setattr(h, name, 1)


def _check(labels: list[str], count: int) -> tuple[list[dict[str, Any]], str]:
    try:
        model = nrn_diff.capture()
    except NrnDiffError as error:
        return [], str(error)
    label = next((x for x in labels if x in model.recorded), None)
    if label is None:
        return [], "no voltage is recorded when the script has ended"
    params = [nrn_diff.Param(n, share="all", relative=True, label=n) for n in _candidates(model)]
    theta = model.parameters(*params)

    def loss(th: Any) -> Any:
        return ((model.simulate(th)[label] / 100.0) ** 2).mean()

    ours = jax.device_get(jax.jit(jax.grad(loss))(theta))
    record = next(r for r in model.capture.records if r.label == label)
    vector = next(v for v in h.List("Vector") if v.hname() == record.vector)

    def objective() -> float:
        h.tstop = model.capture.tstop
        h.run()
        return float(((np.array(vector) / 100.0) ** 2).mean())

    def neuron(name: str, scale: float) -> float:
        model.write_back(theta.replace(**{name: scale}))  # here, as JAX does not work in a copy
        return float(in_copy(objective, timeout=3600.0))

    found = []
    chosen = sorted(theta, key=lambda n: -abs(float(ours[n])))[:count]
    try:
        for name in (n for n in chosen if float(ours[n]) != 0.0):
            found.append(
                {"name": name, "ours": float(ours[name]), **_compared(float(ours[name]), partial(neuron, name))}
            )
    except ChildFailedError as error:
        return [], f"NEURON does not run in a copy of this process: {error}"
    finally:
        model.write_back(theta)
    return found, "" if found else "no parameter changes the recorded voltage"


def _compared(ours: float, neuron: Callable[[float], float]) -> dict[str, Any]:
    """NEURON's slope, its uncertainty, whether ours agrees with it, and whether NEURON's has a limit at all.

    Before a disagreement is said, smaller steps are tried. Where a spike moves by more than its width within every
    step, the differences disagree with one another, and there is nothing to compare with.
    """
    slopes: list[float] = []
    for step in _STEPS:
        slope, uncertainty = derivative(neuron, 1.0, step, rtol=1e-5, restarts=1, rows=3)
        good = abs(ours - slope) <= max(_TOLERANCE * abs(slope), 10 * uncertainty, _ROUNDING)
        again = any(abs(slope - other) <= _CERTAIN * max(abs(slope), abs(other)) for other in slopes)
        if (good and uncertainty <= max(_CERTAIN * abs(slope), _ROUNDING)) or again:
            return {"neuron": slope, "uncertainty": uncertainty, "good": good, "converged": True}
        slopes.append(slope)
    return {"neuron": slopes[0], "uncertainty": float(np.ptp(slopes)), "good": True, "converged": False}


def _candidates(model: nrn_diff.Model) -> list[str]:
    # What a run starts from is NEURON's own business in h.run().
    own = model.capture.own_init
    varied = [n for n in model.parameter_names if own is None or n not in (*own.overwritten, *own.fixed)]
    names = [n for n in varied if find(model.capture, n).parts[0].path[0] not in ("start", "start_v")]
    conductances = [n for n in names if n.split(".")[-1].startswith("g")]
    wanted = [n for f in _FIRST for n in names if n == f or n.startswith(f + "_") or n.startswith(f + "bar")]
    return list(dict.fromkeys([*wanted, *conductances]))[:12]
