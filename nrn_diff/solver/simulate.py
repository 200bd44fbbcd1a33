"""A whole run as one pure function of the model's numbers."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from nrn_diff.adjoint import AbstractAdjoint, choose
from nrn_diff.events.time_grid import time_grid
from nrn_diff.solver.initialise import initialise
from nrn_diff.solver.step import Clock, step
from nrn_diff.solver.structure import Structure
from nrn_diff.solver.values import Array, Values


def simulate(structure: Structure, values: Values, adjoint: AbstractAdjoint | None = None) -> Array:
    """Samples of every recorded quantity, [n_steps + 1, n_recorded]; pure, differentiable, jit-able, vmap-able."""
    active = {m.name: m.deliveries for m in structure.mechanisms if m.deliveries is not None}
    fixed, state, first = initialise(structure, values, {n: jnp.asarray(d.initial) for n, d in active.items()})
    grid = time_grid(structure.dt, structure.n_steps)
    early, late = ({n: jnp.asarray(getattr(d, phase)) for n, d in active.items()} for phase in ("early", "late"))
    clocks = Clock(jnp.asarray(grid[0:-1:2]), jnp.asarray(grid[1::2]), jnp.asarray(grid[2::2]), early, late)
    adjoint = adjoint or choose(state_bytes(state), structure.n_steps)
    one = partial(step, structure, fixed)
    _, samples = adjoint.scan(one, state, clocks, structure.n_steps)
    return jnp.concatenate([first[None], samples])


def state_bytes(state: object) -> int:
    """Size of one carried state."""
    return sum(int(np.prod(x.shape)) * x.dtype.itemsize for x in jax.tree.leaves(state))
