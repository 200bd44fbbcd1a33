"""Membrane currents and the matrix of one step (nrn_rhs and nrn_lhs in src/nrnoc/treeset.cpp)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name

from mod_translator.semantic.names import DISCONTINUITY_ALLOWED
from nrn_diff.runtime import nernst
from nrn_diff.solver.in_turn import on_all
from nrn_diff.solver.incidence import Incidence, sum_all
from nrn_diff.solver.linear_solve import DIAGONAL
from nrn_diff.solver.moment import Moment, replace_rows
from nrn_diff.solver.structure import MechanismStructure
from nrn_diff.solver.values import Array

# The voltage step of NEURON's numerical conductance (mV).
DELTA_V = 0.001


class Balance(NamedTuple):
    """Current balance of each row at the present voltage, [rows] each.

    rhs (mA/cm2), d (S/cm2): right-hand side and diagonal of the tree's matrix. current (mA/cm2), conductance (S/cm2):
    of the membrane alone, electrodes left out (NEURON's sav_rhs and sav_d); the conductance with the capacitive part.
    """

    rhs: Array
    d: Array
    current: Array
    conductance: Array


def assemble(now: Moment) -> Balance:
    """Run the BREAKPOINTs of all mechanisms and sum what they give over the tree."""
    now.run_everywhere("before_breakpoint")
    start_ion_currents(now)
    by_nodes: dict[tuple[int, bool], tuple[Incidence, Array, Array]] = {}
    for mechanism in now.structure.mechanisms:
        if "current" in mechanism.blocks and mechanism.ir.currents:
            i, g = membrane_current(now, mechanism)
            # Mechanisms on the same nodes are summed before they are spread over the tree.
            key = id(mechanism.node), mechanism.injects
            _, i_before, g_before = by_nodes.get(key, (None, 0.0, 0.0))
            by_nodes[key] = (mechanism.node, i_before + i, g_before + g)
    current, conductance = _over_tree(now, by_nodes, injects=False)
    injected, less_steep = _over_tree(now, by_nodes, injects=True)
    steeper = now.fixed.diagonal - less_steep
    inside, parent = now.inside, now.structure.tree.parent
    drop = parent.gather(inside) - inside
    rhs = injected - current - now.fixed.b * drop + parent.sum(now.fixed.a * drop)
    diagonal = checkpoint_name(_with_axial(now, steeper + conductance), DIAGONAL)
    return Balance(rhs, diagonal, current, now.fixed.capacity + conductance)


def _with_axial(now: Moment, diagonal: Array) -> Array:
    """The axial conductances added one by one, where the order of the sums matters; else they are there already."""
    siblings = now.structure.tree.siblings
    if siblings:
        diagonal = diagonal - now.fixed.b
        for children in siblings:
            diagonal = diagonal - children.sum(now.fixed.a)
    return diagonal


def _over_tree(
    now: Moment, by_nodes: dict[tuple[int, bool], tuple[Incidence, Array, Array]], *, injects: bool
) -> tuple[Array, Array]:
    """Sums of the currents and of their slopes, [rows] each."""
    chosen = [
        (node, i, g) for (_, electrode), (node, i, g) in by_nodes.items() if electrode == injects and node.n_sources
    ]
    if not chosen:
        return jnp.zeros_like(now.v), jnp.zeros_like(now.v)
    nodes, currents, slopes = zip(*chosen, strict=True)
    current, slope = sum_all([currents, slopes], nodes)
    return current, slope


def start_ion_currents(now: Moment) -> None:
    """Zero the current of every species and take its reversal potential (ion_cur in src/nrnoc/eion.cpp)."""
    for ion in now.structure.ions:
        state = now.ions[ion.name]
        potential = nernst(state.inside, state.outside, ion.charge, now.fixed.values.celsius)
        erev = replace_rows(ion.nernst_every_step, potential, state.erev)
        now.ions[ion.name] = state._replace(erev=erev, current=jnp.zeros_like(state.current))
        now.ion_slopes[ion.name] = jnp.zeros_like(state.current)


def membrane_current(now: Moment, mechanism: MechanismStructure) -> tuple[Array, Array]:
    """Current (mA/cm2, outward, that of an electrode inward) and its slope dI/dv (S/cm2), [n]; ions get their share."""
    results, slopes = _with_hints(now, mechanism) if mechanism.ir.conductances else _with_difference(now, mechanism)
    now.store(mechanism, results)
    # Point processes have nA, the matrix mA/cm2.
    scale = 100.0 / now.read(mechanism, "area") if mechanism.is_point else 1.0
    for current in mechanism.ir.currents:
        if current.ion is not None:
            slope = slopes.get(current.name, jnp.zeros(()))
            now.add_ion_current(mechanism, current.ion, results[current.name] * scale, slope * scale)
    total = sum((results[current.name] for current in mechanism.ir.currents), jnp.zeros(mechanism.count))
    return total * scale, slopes[""] * scale


def _with_difference(now: Moment, mechanism: MechanismStructure) -> tuple[dict[str, Array], dict[str, Array]]:
    """NEURON's (I(v + 0.001) - I(v)) / 0.001, for each current by name and for their sum under ''."""

    def evaluate(inputs: Mapping[str, Any]) -> tuple[dict[str, Array], dict[str, Array]]:
        moved = {"v": inputs["v"] + DELTA_V} if "v" in inputs else {}
        shifted = mechanism.run("current", {**inputs, **moved})
        # What the evaluation at v + 0.001 leaves in a variable is what the one at v finds there.
        left = {name: value for name, value in shifted.items() if name in inputs}
        again = {DISCONTINUITY_ALLOWED: jnp.zeros(())} if DISCONTINUITY_ALLOWED in inputs else {}
        return shifted, mechanism.run("current", {**inputs, **left, **again})

    shifted, results = on_all(mechanism, now.inputs(mechanism, "current"), evaluate)
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
