"""LONGITUDINAL_DIFFUSION: one implicit step of each diffusing state (stagger in src/nrnoc/ldifus.cpp)."""

from __future__ import annotations

import jax.numpy as jnp

from mod_translator import ir
from nrn_diff.solver import tree_solve
from nrn_diff.solver.moment import Moment
from nrn_diff.solver.structure import DiffusionStructure, MechanismStructure


def diffuse(now: Moment) -> None:
    """Let the states diffuse over dt, after the state update of all mechanisms."""
    for mechanism in now.structure.mechanisms:
        if mechanism.diffusion is not None:
            for diffusion in mechanism.ir.diffusions:
                _diffuse(now, mechanism, mechanism.diffusion, diffusion)


def _diffuse(now: Moment, mechanism: MechanismStructure, where: DiffusionStructure, what: ir.Diffusion) -> None:
    rows, parent = where.instance, where.tree.parent
    has_parent = parent.target >= 0
    coefficient, volume = (rows.gather(now.mechanisms[mechanism.name][n]) for n in (what.coefficient, what.volume))
    whole = now.read(mechanism, what.state)
    state = whole if what.element < 0 else whole[what.element]
    mean = (coefficient + parent.gather(coefficient)) / 2.0
    a = -jnp.asarray(where.above) * mean / jnp.where(has_parent, parent.gather(volume), 1.0)
    b = -jnp.asarray(where.below) * mean / volume
    steps_per_ms = 1.0 / now.structure.dt
    rhs = rows.gather(state) * steps_per_ms
    new = rows.sum(tree_solve.solve(where.tree, a, b, steps_per_ms - b - parent.sum(a), rhs))
    now.store(mechanism, {what.state: new if what.element < 0 else whole.at[what.element].set(new)})
