"""Steps that a script's own init() makes before the run, with a dt of their own."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import partial

import jax.numpy as jnp
import numpy as np

from nrn_diff.adjoint import AbstractAdjoint
from nrn_diff.events.time_grid import time_grid
from nrn_diff.own_init import Steps
from nrn_diff.solver.fill_tables import fill_tables, is_refilled
from nrn_diff.solver.initialise import coefficients, split
from nrn_diff.solver.moment import Moment
from nrn_diff.solver.play import no_drives
from nrn_diff.solver.resume import changed
from nrn_diff.solver.step import Clock, step
from nrn_diff.solver.structure import Place, Structure
from nrn_diff.solver.values import Array, Fixed, IonState, State


def settle(now: Moment, steps: Steps, t: float, adjoint: AbstractAdjoint) -> tuple[Moment, Array]:
    """The moment after the steps, and whether a voltage that NetCons watch has crossed its threshold: what that sends
    is not delivered. t (ms): when they begin.

    No events are due in them, and nothing is played (build_own_init.py).
    """
    structure = now.structure
    settling = _with_dt(structure, steps.dt)
    _change_dt(now, settling)
    fixed, state = split(now)
    grid = time_grid(steps.dt, steps.n, t)
    number, begin, middle, end = map(jnp.asarray, (np.arange(steps.n), grid[0:-1:2], grid[1::2], grid[2::2]))
    clocks = Clock(number, begin, middle, end, {}, {}, {}, {}, no_drives())
    last, crossed = adjoint.scan(partial(_step, settling, fixed), state, clocks, steps.n)
    after = Moment.of(settling, fixed, last, jnp.asarray(grid[-1]))
    _change_dt(after, structure)
    return after, crossed.any()


def _step(structure: Structure, fixed: Fixed, state: State, clock: Clock) -> tuple[State, Array]:
    state, sample = step(structure, fixed, state, clock)
    return state, sample.crossed


def _with_dt(structure: Structure, dt: float) -> Structure:
    """The same with another dt, and with a state that holds all that a step changes: anything may be read after it."""
    mechanisms = tuple(replace(m, state=tuple(dict.fromkeys((*m.state, *changed(m))))) for m in structure.mechanisms)
    ions = tuple(replace(i, state=IonState._fields) for i in structure.ions)
    digest = hashlib.sha256(f"settling {dt!r} {structure.digest}".encode()).hexdigest()
    return replace(structure, dt=dt, mechanisms=mechanisms, ions=ions, digest=digest)


def _change_dt(now: Moment, structure: Structure) -> None:
    """Go on with the dt of another structure."""
    matrix = coefficients(structure, now.fixed.values)
    now.structure, now.fixed = structure, matrix._replace(globals_=now.fixed.globals_, tables=now.fixed.tables)
    for mechanism in structure.mechanisms:
        if is_refilled(mechanism, Place("dt")):
            fill_tables(now, mechanism, leave=False)
