"""The times of NEURON's fixed step and how many steps a run takes, to the bit."""

from __future__ import annotations

import math

import numpy as np

Array = np.ndarray

# HOC compares with this slack: t < ts means t < ts - float_epsilon (src/oc/code.cpp, hoc_lt).
HOC_EPSILON = 1e-11


def time_grid(dt: float, steps: int, t0: float = 0.0, moved: int = 0) -> Array:
    """t (ms) at the start, in the middle and at the end of every step: [2 * steps + 1], grid[2 * i] starts step i.

    NEURON adds dt/2 twice in each step (nrn_fixed_step_thread and nrn_fixed_step_lastpart, src/nrnoc/fadvance.cpp), so
    t is not a multiple of dt. moved: instances with a DISCRETE block, each of which adds dt in every step: the times
    after each of them follow that at the end, [(2 + moved) * steps + 1]. Raises ValueError for dt <= 0 or steps < 0.
    """
    _check_dt(dt)
    if steps < 0:
        raise ValueError(f"the number of steps is {steps}; it must not be negative")
    of_step = np.r_[0.5 * dt, 0.5 * dt, np.full(moved, dt)]
    # cumsum adds one after the other, as the loop in NEURON does.
    return np.cumsum(np.r_[t0, np.tile(of_step, steps)])


def n_steps(
    tstop: float,
    dt: float,
    *,
    t0: float = 0.0,
    nstep_steprun: int = 1,
    float_epsilon: float = HOC_EPSILON,
    moved: int = 0,
) -> int:
    """How often h.continuerun(tstop) from stdrun.hoc calls fadvance: while (t < tstop - dt/2) step().

    One step() is nstep_steprun calls of fadvance (see `stdrun_step`). moved: as of `time_grid`. Raises ValueError for
    dt <= 0 or a tstop that is not finite.
    """
    _check_dt(dt)
    if not math.isfinite(tstop):
        raise ValueError(f"tstop = {tstop} ms is not finite")
    return steps_before(
        tstop - dt / 2, dt, t0=t0, nstep_steprun=nstep_steprun, float_epsilon=float_epsilon, moved=moved
    )


def steps_before(
    end: float, dt: float, *, t0: float, nstep_steprun: int = 1, float_epsilon: float = HOC_EPSILON, moved: int = 0
) -> int:
    """How often `while (t < end) step()` calls fadvance from t0 on."""
    _check_dt(dt)
    end -= float_epsilon
    if not t0 < end:
        return 0
    guess = int((end - t0) / dt * (1 + 1e-6)) + 2 * nstep_steprun + 1
    starts = time_grid(dt, guess, t0, moved)[:: (2 + moved) * nstep_steprun]
    return int(np.searchsorted(starts, end, side="left")) * nstep_steprun


def n_steps_psolve(tstop: float, dt: float, *, t0: float = 0.0) -> int:
    """How many fixed steps pc.psolve(tstop) makes if there are no gap junctions (ncs2nrn_integrate, netcvode.cpp).

    Raises ValueError for dt <= 0 or a tstop that is not finite.
    """
    _check_dt(dt)
    if not math.isfinite(tstop):
        raise ValueError(f"tstop = {tstop} ms is not finite")
    stop = tstop * (1.0 + 1e-11)
    count = int((stop - t0) / dt + 1e-9)
    if count > 3:
        return count
    return n_steps_one_by_one(tstop, dt, t0=t0)


def n_steps_one_by_one(tstop: float, dt: float, *, t0: float) -> int:
    """How many fixed steps pc.psolve(tstop) makes where it makes them one by one, which it does where they are few."""
    stop = tstop * (1.0 + 1e-11)
    t, done = t0, 0
    while t <= stop - dt:
        t = (t + 0.5 * dt) + 0.5 * dt
        done += 1
    return done


def stdrun_step(dt: float, steps_per_ms: float) -> tuple[float, int]:
    """(dt, nstep_steprun) after setdt() of stdrun.hoc, which h.run() and h.stdinit() call: dt may change there.

    Raises ValueError for dt <= 0 or steps_per_ms <= 0.
    """
    _check_dt(dt)
    if not steps_per_ms > 0:
        raise ValueError(f"steps_per_ms = {steps_per_ms} must be positive")
    plot_step = 1 / steps_per_ms
    nstep = max(int(plot_step / dt + HOC_EPSILON), 1)
    if abs(dt * nstep * steps_per_ms - 1) > 1e-6:
        dt = plot_step / nstep
    return dt, nstep


def _check_dt(dt: float) -> None:
    if not (math.isfinite(dt) and dt > 0):
        raise ValueError(f"dt = {dt} ms must be positive and finite")
