"""Linear circuits that are solved together with the cells (LinearMechanism: src/nrniv/nrndae.cpp, linmod.cpp).

All circuits together are one: c y' + g y = b, where y holds the potentials of what they touch in the cells, then their
own unknowns. Few are touched, so the matrix of the cells keeps its pattern: it is solved for the right-hand side and
for a unit current into each of them, and a small dense system couples the answers.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from nrn_diff.solver import linear_solve
from nrn_diff.solver.linear_solve import AbstractPattern, Coefficients
from nrn_diff.solver.moment import Moment
from nrn_diff.solver.structure import CircuitStructure
from nrn_diff.solver.values import Array, CircuitMatrix, Values


def circuit_matrix(circuits: CircuitStructure, values: Values, steps_per_ms: float) -> CircuitMatrix:
    """The circuits as one. steps_per_ms: NEURON's cj."""
    size = circuits.size
    g, left, b = jnp.zeros((size, size)), jnp.zeros((size, size)), jnp.zeros(size)
    for name, own in (values.circuits or {}).items():
        at = circuits.place[name]
        g = g.at[at[:, None], at].add(own.g)
        left = left.at[at[:, None], at].add(own.c * steps_per_ms + own.g)
        b = b.at[at].add(own.b)
    return CircuitMatrix(g, left, b)


def start_circuits(circuits: CircuitStructure, values: Values) -> Array:
    """The circuits' own unknowns before the first step."""
    y = jnp.zeros(circuits.size)
    for name, own in (values.circuits or {}).items():
        y = y.at[circuits.place[name]].set(own.y0)
    return y[len(circuits.touched) :]


def currents(now: Moment) -> Array:
    """b - g y: what flows from the circuits into the unknowns that they touch, and the residuals of their own."""
    matrix = now.fixed.circuits
    assert matrix is not None
    return matrix.b - matrix.g @ now.of_circuits


def solve_with_circuits(
    now: Moment, pattern: AbstractPattern, coefficients: Coefficients, rhs: Array
) -> tuple[Array, Array]:
    """Change of the unknowns of the cells and of the circuits' own. rhs: with the currents of the circuits."""
    circuits, matrix = now.structure.circuits, now.fixed.circuits
    assert circuits is not None
    assert matrix is not None
    touched, m = circuits.touched, len(circuits.touched)
    unit = jnp.zeros((m, len(rhs))).at[jnp.arange(m), touched].set(1.0)
    answers = jax.vmap(lambda right: linear_solve.solve(pattern, coefficients, right))(
        jnp.concatenate([rhs[None], unit])
    )
    alone, response = answers[0], answers[1:].T
    # The currents that flow because the potentials change: left[:m] @ change, which the cells answer to.
    coupled = jnp.concatenate([response[touched] @ matrix.left[:m], matrix.left[m:]])
    known = jnp.concatenate([alone[touched], currents(now)[m:]])
    change = jnp.linalg.solve(coupled + jnp.eye(circuits.size).at[m:].set(0.0), known)
    return alone - response @ (matrix.left[:m] @ change), change[m:]
