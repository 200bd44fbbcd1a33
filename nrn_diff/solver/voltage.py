"""The linear system of a step and what its solution changes (nrn_solve and nrn_update_voltage in NEURON)."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp

from nrn_diff.solver import linear_solve
from nrn_diff.solver.circuits import currents, solve_with_circuits
from nrn_diff.solver.currents import Balance
from nrn_diff.solver.layers import layered_system
from nrn_diff.solver.linear_solve import AbstractPattern, Coefficients
from nrn_diff.solver.moment import Moment
from nrn_diff.solver.tree_solve import Tree
from nrn_diff.solver.values import Array


class Change(NamedTuple):
    """Change of the potential inside the cells, [rows], of the layers, [layered rows, layers], and of the circuits."""

    inside: Array
    vext: Array | None = None
    circuit: Array | None = None


def system(now: Moment, balance: Balance) -> tuple[AbstractPattern, Coefficients, Array]:
    """Pattern, coefficients and right-hand side (mA/cm2) of the linear system of the cells."""
    pattern: AbstractPattern = Tree(now.structure.tree)
    coefficients: Coefficients = (now.fixed.a, now.fixed.b, balance.d)
    rhs = balance.rhs
    if now.structure.extracellular is not None:
        pattern, coefficients, rhs = layered_system(now, balance)
    if now.structure.circuits is not None:
        touched = now.structure.circuits.touched
        rhs = rhs.at[touched].add(currents(now)[: len(touched)])
    return pattern, coefficients, rhs


def solve_voltages(now: Moment, balance: Balance) -> Change:
    """Over dt; with secondorder, over half of it."""
    own = None
    if now.structure.circuits is None:
        cells = linear_solve.solve(*system(now, balance))
    else:
        cells, own = solve_with_circuits(now, *system(now, balance))
    n = len(now.v)
    return Change(cells[:n], None if now.vext is None else cells[n:].reshape(now.vext.shape), own)


def update_voltages(now: Moment, balance: Balance, change: Change) -> None:
    """Apply a change, and take the currents through the membrane that go with it."""
    now.v = now.v + (2.0 * change.inside if now.structure.secondorder else change.inside)
    across = change.inside
    if change.vext is not None and now.vext is not None and now.structure.extracellular is not None:
        # Not doubled with secondorder, as in NEURON (nrn_update_2d).
        outside = now.structure.extracellular.row.sum(change.vext[:, 0])
        now.vext, now.v, across = now.vext + change.vext, now.v - outside, across - outside
    if change.circuit is not None and now.circuit is not None:
        now.circuit = now.circuit + change.circuit
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
        total = _total(now, system(now, balance)[2][: len(now.v)] + balance.current)
        now.membrane = {**no_membrane_currents(now.v), "i_membrane_": total}


def no_membrane_currents(v: Array) -> dict[str, Array]:
    """All of them zero, [rows]."""
    zero = jnp.zeros_like(v)
    return {"i_membrane": zero, "i_membrane_": zero, "i_cap": zero}


def _total(now: Moment, density: Array) -> Array:
    """mA/cm2 -> nA."""
    return density * now.fixed.values.cable.area * 0.01
