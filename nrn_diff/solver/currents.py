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
    """Outward current (mA/cm2) and its conductance dI/dv (S/cm2), [n] each; the ions' share goes to the ions."""
    results, slopes = _with_hints(now, mechanism) if mechanism.ir.conductances else _with_difference(now, mechanism)
    now.store(mechanism, results)
    # Point processes have nA, the matrix mA/cm2.
    scale = 100.0 / now.read(mechanism, "area") if mechanism.is_point else 1.0
    for current in mechanism.ir.currents:
        if current.ion is not None:
            slope = slopes.get(current.name, jnp.zeros(()))
            now.add_ion_current(mechanism, current.ion, results[current.name] * scale, slope * scale)
    sign = -scale if any(current.electrode for current in mechanism.ir.currents) else scale
    total = sum((results[current.name] for current in mechanism.ir.currents), jnp.zeros(mechanism.count))
    return total * sign, slopes[""] * sign


def _with_difference(now: Moment, mechanism: MechanismStructure) -> tuple[dict[str, Array], dict[str, Array]]:
    """NEURON's (I(v + 0.001) - I(v)) / 0.001, for each current by name and for their sum under ''."""
    inputs = mechanism.blocks["current"].inputs
    v = now.read(mechanism, "v") if "v" in inputs else jnp.zeros(())
    shifted = now.call(mechanism, "current", {"v": v + DELTA_V})
    # What the evaluation at v + 0.001 leaves in a variable is what the one at v finds there.
    left = {name: value for name, value in shifted.items() if name in inputs}
    results = now.call(mechanism, "current", {**left, "v": v})
    names, zero = [current.name for current in mechanism.ir.currents], jnp.zeros(mechanism.count)
    slopes = {name: (shifted[name] - results[name]) / DELTA_V for name in names}
    slopes[""] = (sum((shifted[n] for n in names), zero) - sum((results[n] for n in names), zero)) / DELTA_V
    return results, slopes


def _with_hints(now: Moment, mechanism: MechanismStructure) -> tuple[dict[str, Array], dict[str, Array]]:
    """CONDUCTANCE statements: one evaluation, and the conductances that the author names."""
    results = now.call(mechanism, "current")
    hints = mechanism.ir.conductances
    of_ion = {c.name: results[h.name] for h in hints for c in mechanism.ir.currents if h.ion and c.ion == h.ion}
    return results, {**of_ion, "": sum((results[hint.name] for hint in hints), jnp.zeros(mechanism.count))}


def second_order_currents(now: Moment, dv: Array) -> None:
    """With secondorder = 2, ion currents at the middle of the step (second_order_cur in src/nrnoc/eion.cpp)."""
    if now.structure.secondorder == 2:
        for ion in now.structure.ions:
            state = now.ions[ion.name]
            change = now.ion_slopes[ion.name] * ion.node.gather(dv)
            now.ions[ion.name] = state._replace(current=state.current + change)
