"""Membrane currents and the matrix of one step (nrn_rhs and nrn_lhs in src/nrnoc/treeset.cpp)."""

from __future__ import annotations

import jax.numpy as jnp

from nrn_diff.runtime import nernst
from nrn_diff.solver.incidence import Incidence
from nrn_diff.solver.moment import Moment, replace_rows
from nrn_diff.solver.structure import MechanismStructure
from nrn_diff.solver.values import Array

# The voltage step of NEURON's numerical conductance (mV).
DELTA_V = 0.001


def assemble(now: Moment) -> tuple[Array, Array]:
    """rhs (mA/cm2) and diagonal d of the tree's matrix at the present voltage, [rows] each."""
    start_ion_currents(now)
    by_nodes: dict[int, tuple[Incidence, Array, Array]] = {}
    for mechanism in now.structure.mechanisms:
        if "current" in mechanism.blocks and mechanism.ir.currents:
            i, g = membrane_current(now, mechanism)
            # Mechanisms on the same nodes are summed before they are spread over the tree.
            _, i_before, g_before = by_nodes.get(id(mechanism.node), (None, 0.0, 0.0))
            by_nodes[id(mechanism.node)] = (mechanism.node, i_before + i, g_before + g)
    rhs, d = jnp.zeros_like(now.v), now.fixed.diagonal
    for node, i, g in by_nodes.values():
        rhs = rhs - node.sum(i)
        d = d + node.sum(g)
    parent = now.structure.tree.parent
    drop = parent.gather(now.v) - now.v
    return rhs - now.fixed.b * drop + parent.sum(now.fixed.a * drop), d


def start_ion_currents(now: Moment) -> None:
    """Zero the current of every species and take its reversal potential (ion_cur in src/nrnoc/eion.cpp)."""
    for ion in now.structure.ions:
        state = now.ions[ion.name]
        potential = nernst(state.inside, state.outside, ion.charge, now.fixed.values.celsius)
        erev = replace_rows(ion.nernst_every_step, potential, state.erev)
        now.ions[ion.name] = state._replace(erev=erev, current=jnp.zeros_like(state.current))
        now.ion_slopes[ion.name] = jnp.zeros_like(state.current)


def membrane_current(now: Moment, mechanism: MechanismStructure) -> tuple[Array, Array]:
    """Outward current (mA/cm2) and its numerical conductance (S/cm2), [n] each; the ions' share goes to the ions."""
    inputs = mechanism.blocks["current"].inputs
    v = now.read(mechanism, "v") if "v" in inputs else jnp.zeros(())
    shifted = now.call(mechanism, "current", {"v": v + DELTA_V})
    # What the evaluation at v + 0.001 leaves in a variable is what the one at v finds there.
    left = {name: value for name, value in shifted.items() if name in inputs}
    results = now.call(mechanism, "current", {**left, "v": v})
    now.store(mechanism, results)
    # Point processes have nA, the matrix mA/cm2.
    scale = 100.0 / now.read(mechanism, "area") if mechanism.is_point else 1.0
    total, total_shifted = jnp.zeros(mechanism.count), jnp.zeros(mechanism.count)
    for current in mechanism.ir.currents:
        i, i_shifted = results[current.name], shifted[current.name]
        total, total_shifted = total + i, total_shifted + i_shifted
        if current.ion is not None:
            now.add_ion_current(mechanism, current.ion, i * scale, (i_shifted - i) / DELTA_V * scale)
    sign = -scale if any(current.electrode for current in mechanism.ir.currents) else scale
    return total * sign, (total_shifted - total) / DELTA_V * sign


def second_order_currents(now: Moment, dv: Array) -> None:
    """With secondorder = 2 ion currents are those at the middle of the step (second_order_cur in src/nrnoc/eion.cpp)."""
    if now.structure.secondorder == 2:
        for ion in now.structure.ions:
            state = now.ions[ion.name]
            change = now.ion_slopes[ion.name] * ion.node.gather(dv)
            now.ions[ion.name] = state._replace(current=state.current + change)
