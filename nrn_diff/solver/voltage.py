"""The linear system of a step and what its solution changes (nrn_solve and nrn_update_voltage in NEURON)."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp

from nrn_diff.solver import tree_solve
from nrn_diff.solver.currents import Balance
from nrn_diff.solver.layers import solve_with_layers
from nrn_diff.solver.moment import Moment
from nrn_diff.solver.values import Array


class Change(NamedTuple):
    """Change of the potential inside the cells, [rows], and of the layers, [layered rows, layers] (mV)."""

    inside: Array
    vext: Array | None = None


def solve_voltages(now: Moment, balance: Balance) -> Change:
    """Over dt; with secondorder, over half of it."""
    if now.structure.extracellular is None:
        return Change(tree_solve.solve(now.structure.tree, now.fixed.a, now.fixed.b, balance.d, balance.rhs))
    return Change(*solve_with_layers(now, balance))


def update_voltages(now: Moment, balance: Balance, change: Change) -> None:
    """Apply a change, and take the currents through the membrane that go with it."""
    now.v = now.v + (2.0 * change.inside if now.structure.secondorder else change.inside)
    across = change.inside
    if change.vext is not None and now.vext is not None and now.structure.extracellular is not None:
        # Not doubled with secondorder, as in NEURON (nrn_update_2d).
        outside = now.structure.extracellular.row.sum(change.vext[:, 0])
        now.vext, now.v, across = now.vext + change.vext, now.v - outside, across - outside
    if now.structure.needs_membrane_current:
        density = balance.conductance * across + balance.current
        now.membrane = {
            "i_membrane": density,
            "i_membrane_": _total(now, density),
            "i_cap": now.fixed.capacity * across,
        }


def start_membrane_currents(now: Moment, balance: Balance) -> None:
    """As finitialize leaves them (nrn_calc_fast_imem_fixedstep_init): the axial and injected currents."""
    if now.structure.needs_membrane_current:
        zero = jnp.zeros_like(now.v)
        now.membrane = {
            "i_membrane": zero,
            "i_membrane_": _total(now, balance.rhs + balance.current),
            "i_cap": zero,
        }


def _total(now: Moment, density: Array) -> Array:
    """mA/cm2 -> nA."""
    return density * now.fixed.values.cable.area * 0.01
