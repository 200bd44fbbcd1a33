"""A variable of the model set from outside between two phases of a start, with what NEURON makes of it."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from nrn_diff.solver.fill_tables import fill_tables, is_refilled
from nrn_diff.solver.initialise import coefficients
from nrn_diff.solver.layers import layer_matrix
from nrn_diff.solver.moment import Moment
from nrn_diff.solver.structure import Place
from nrn_diff.solver.values import Array

# What can be set; beside these, what `Moment.at` reads.
SETTABLE = frozenset(
    (
        "v",
        "v_init",
        "cm",
        "celsius",
        "mechanism",
        "ion",
        "global",
        "weight",
        "vext",
        "e_extracellular",
        "layer",
        "start",
    )
)


def assign(now: Moment, place: Place, rows: np.ndarray, value: Array) -> None:
    """Set the rows [n] of a variable to the value, [n] or scalar; TABLEs that depend on it are filled anew.

    What follows from it in NEURON by a block only (a reversal potential from a concentration) is left to that block.
    """
    if place.source == "v_init":
        now.fixed = now.fixed._replace(values=now.fixed.values._replace(v_init=value.reshape(())))
        return
    _set(now, place, now.at(place).at[rows].set(value))
    for mechanism in now.structure.mechanisms:
        filled = any(table is not None for table in now.fixed.tables[mechanism.name].values())
        if filled and is_refilled(mechanism, place):
            fill_tables(now, mechanism, leave=False)


def _set(now: Moment, place: Place, new: Array) -> None:
    """Replace all rows."""
    values = now.fixed.values
    match place.source:
        case "cm":
            values = values._replace(cable=values.cable._replace(cm=new))
            matrix = coefficients(now.structure, values)
            now.fixed = now.fixed._replace(values=values, diagonal=matrix.diagonal, capacity=matrix.capacity)
        case "celsius":
            now.fixed = now.fixed._replace(values=values._replace(celsius=new[0]))
        case "start":
            ion = values.ions[place.owner]._replace(**{place.variable: new[0]})
            now.fixed = now.fixed._replace(values=values._replace(ions={**values.ions, place.owner: ion}))
        case "layer" if values.extracellular is not None and now.structure.extracellular is not None:
            column = getattr(values.extracellular, place.variable).at[:, place.element].set(new)
            values = values._replace(extracellular=values.extracellular._replace(**{place.variable: column}))
            layers = layer_matrix(now.structure.extracellular, values, now.structure.cj, now.structure.branches)
            now.fixed = now.fixed._replace(values=values, layers=layers)
        case "e_extracellular" if values.extracellular is not None:
            now.e_extracellular = new
            extracellular = values.extracellular._replace(e_extracellular=new)
            now.fixed = now.fixed._replace(values=values._replace(extracellular=extracellular))
        case "vext" if now.vext is not None:
            now.vext = now.vext.at[:, place.element].set(new)
        case "weight":
            now.weights[place.owner] = now.weights[place.owner].at[:, place.element].set(new)
        case "global":
            _set_global(now, place, new[0])
        case _:
            now.put(place, new)


def _set_global(now: Moment, place: Place, new: Array) -> None:
    """The number of the mechanism, and the copy of each instance where blocks assign it."""
    owner, name = place.owner, place.variable
    common, own = now.fixed.globals_[owner], now.mechanisms[owner]
    if name in common:
        changed = {**common, name: new if place.element < 0 else common[name].at[place.element].set(new)}
        now.fixed = now.fixed._replace(globals_={**now.fixed.globals_, owner: changed})
    if name in own:
        whole = own[name] if place.element < 0 else own[name][place.element]
        now.put(place, jnp.broadcast_to(new, whole.shape))
