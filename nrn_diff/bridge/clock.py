"""The time grid of the run that h.run() would make."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from neuron import h

from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.native import step_of_thread

_HOC_EPSILON = 1e-11  # HOC's comparison tolerance (hoc_epsilon in code.cpp)
_DEFAULT_V_INIT = -65.0  # finitialize without stdrun.hoc: the model's own default


@dataclass(frozen=True)
class Clock:
    """dt and tstop (ms), v_init (mV) and secondorder of the run."""

    dt: float
    tstop: float
    v_init: float
    secondorder: int


def stdrun_dt(dt: float, steps_per_ms: float) -> tuple[float, int]:
    """Return dt and the number of steps between two plots, as `setdt()` of stdrun.hoc chooses them."""
    interval = 1.0 / steps_per_ms
    steps = int(interval / dt) or 1
    if abs(dt * steps * steps_per_ms - 1) > 1e-6 + _HOC_EPSILON:
        dt = interval / steps
    return dt, steps


def last_time(dt: float, tstop: float, steps: int) -> float:
    """t after `continuerun(tstop)` of stdrun.hoc, which advances `steps` steps at a time."""
    t, end = 0.0, tstop - dt / 2
    while t < end - _HOC_EPSILON:
        for _ in range(steps):
            t = (t + dt / 2) + dt / 2  # fadvance adds dt/2 twice
    return t


def refuse_late_secondorder(findings: Findings) -> None:
    """NEURON looks at secondorder in finitialize and when dt changes; its steps would mix two methods until then."""
    found = step_of_thread()
    if found is not None and found[0] == h.dt and found[1] != (2.0 if h.secondorder else 1.0) / h.dt:
        findings.refuse(
            f"secondorder = {int(h.secondorder)}",
            "",
            "it was changed since finitialize, and NEURON goes on with the former method in one half of each step",
            "set it before the run is initialised",
        )


def read_clock(tstop: float | None, dt: float | None, findings: Findings) -> Clock:
    """Take what is not given from the live process. Refuses values that are not finite and positive."""
    stdrun = hasattr(h, "steps_per_ms") and hasattr(h, "tstop")
    if tstop is None and not stdrun:
        findings.refuse(
            "tstop is unknown", "", "stdrun.hoc is not loaded, so there is no h.tstop", "pass tstop=... (ms)"
        )
        tstop = 1.0
    end = float(h.tstop if tstop is None else tstop)
    step, grouped = float(h.dt if dt is None else dt), 1
    usable = True
    for name, value in (("tstop", end), ("dt", step)):
        if not np.isfinite(value) or value <= 0:
            findings.refuse(
                f"{name} = {value:g}", "", "it must be a positive number of ms", f"set h.{name} or pass {name}="
            )
            usable = False
    if usable and dt is None and stdrun:
        step, grouped = stdrun_dt(step, h.steps_per_ms)
        if step != h.dt:
            findings.note(
                f"h.run() would change dt from {h.dt:g} to {step:g} ms because steps_per_ms is {h.steps_per_ms:g}"
            )
    if usable and grouped > 1:
        reached = last_time(step, end, grouped)
        if reached - end > step / 2:
            findings.note(f"h.run() would stop at {reached:g} ms instead of {end:g}: it plots every {grouped} steps")
            end = reached
    v_init = float(h.v_init) if hasattr(h, "v_init") else _DEFAULT_V_INIT
    findings.finite(v_init, "v_init", "")
    findings.finite(h.celsius, "celsius", "")
    return Clock(step, end, v_init, int(h.secondorder))
