"""Current balance of the extracellular layers (nrn_rhs_ext, nrn_setup_ext, ext_con_coef in src/nrnoc/extcelln.cpp)."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from nrn_diff.solver.currents import Balance
from nrn_diff.solver.layered_solve import LayeredTree
from nrn_diff.solver.linear_solve import Coefficients
from nrn_diff.solver.moment import Moment
from nrn_diff.solver.structure import ExtracellularStructure
from nrn_diff.solver.values import Array, LayerMatrix, Values


def layer_matrix(
    layers: ExtracellularStructure, values: Values, steps_per_ms: float, branches: np.ndarray | None
) -> LayerMatrix:
    """What a step does not change. steps_per_ms: NEURON's cj. branches: see `Structure`."""
    given, area = values.extracellular, layers.row.gather(values.cable.area)[:, None]
    assert given is not None
    half = given.xraxial * given.half_length[:, None]
    has_parent = (layers.parent.target >= 0)[:, None]
    r = jnp.where(has_parent, layers.segment.gather(half) + layers.before.gather(half), 1.0)
    b = jnp.where(has_parent, -100.0 / (r * area), 0.0)
    a = jnp.where(has_parent, -100.0 / (r * jnp.where(has_parent, layers.parent.gather(area), 1.0)), 0.0)
    if branches is not None:
        a = a * layers.row.gather(jnp.asarray(branches))[:, None]
    xg = layers.segment.gather(given.xg)
    radial = xg + layers.segment.gather(given.xc) * (0.001 * steps_per_ms)
    diagonal = radial - b - layers.parent.sum(a)
    return LayerMatrix(a, b, diagonal.at[:, 1:].add(radial[:, :-1]), radial, xg)


def layered_system(now: Moment, balance: Balance) -> tuple[LayeredTree, Coefficients, Array]:
    """Pattern, coefficients and right-hand side of the cells with their layers."""
    layers, fixed, vext, battery = now.structure.extracellular, now.fixed.layers, now.vext, now.e_extracellular
    assert layers is not None
    assert fixed is not None
    assert vext is not None
    assert battery is not None
    drop = layers.parent.gather(vext) - vext
    outside = jnp.concatenate([vext[:, 1:], layers.segment.gather(battery)[:, None]], axis=1)
    outward = fixed.xg * (vext - outside)
    rhs = layers.parent.sum(fixed.a * drop) - fixed.b * drop - outward
    rhs = rhs.at[:, 1:].add(outward[:, :-1]).at[:, 0].add(layers.row.gather(balance.current))
    membrane = layers.row.gather(balance.conductance)
    d = fixed.diagonal.at[:, 0].add(membrane)
    inward = -jnp.concatenate([membrane[:, None], fixed.radial[:, :-1]], axis=1)
    join = lambda tree, outer: jnp.concatenate([tree, outer.reshape(-1)])  # noqa: E731
    a, b = join(now.fixed.a, fixed.a), join(now.fixed.b, fixed.b)
    return layers.tree, (a, b, join(balance.d, d), inward.reshape(-1)), join(balance.rhs, rhs)
