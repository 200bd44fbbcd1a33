"""From the numbers of a model to the state before the first step (nrn_finitialize in src/nrnoc/fadvance.cpp)."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from mod_translator import ir
from nrn_diff.runtime import nernst
from nrn_diff.solver.currents import assemble
from nrn_diff.solver.deliver import deliver
from nrn_diff.solver.moment import Moment, ion_field, replace_rows
from nrn_diff.solver.record import sample
from nrn_diff.solver.structure import MechanismStructure, Structure
from nrn_diff.solver.values import Array, Fixed, IonState, State, Values


def initialise(structure: Structure, values: Values, events: dict[str, Array]) -> tuple[Fixed, State, Array]:
    """Run every INITIAL at v_init, deliver the events of t = 0, and take the first sample."""
    now = Moment(
        structure,
        _fixed(structure, values),
        jnp.full(len(structure.row_of_node), values.v_init),
        jnp.zeros(()),
        {m.name: _start_variables(m, values) for m in structure.mechanisms},
        {ion.name: _start_ion(ion, values) for ion in structure.ions},
        dict(values.weights),
    )
    for mechanism in structure.mechanisms:
        if "initial" in mechanism.blocks:
            results = now.call(mechanism, "initial")
            now.store(mechanism, results)
            _reversal_after_write(now, mechanism, results)
            _store_globals(now, mechanism, results)
    deliver(now, events)
    assemble(now)
    constant = {
        m.name: {name: x for name, x in now.mechanisms[m.name].items() if name not in m.state}
        for m in structure.mechanisms
    }
    return now.fixed._replace(mechanisms=constant), now.state(), sample(now)


def _fixed(structure: Structure, values: Values) -> Fixed:
    """Coefficients of the tree and TABLEs."""
    cable, parent = values.cable, structure.tree.parent
    has_parent = parent.target >= 0
    ri = jnp.where(has_parent, cable.unit_ri * structure.row_section.gather(cable.Ra), 1.0)
    b = jnp.where(has_parent, -100.0 / (ri * cable.area), 0.0)
    a = jnp.where(has_parent, -100.0 / (ri * jnp.where(has_parent, parent.gather(cable.area), 1.0)), 0.0)
    cj = (2.0 if structure.secondorder else 1.0) / structure.dt
    capacitive = structure.segment_row.sum(0.001 * cj * cable.cm)
    tables = {m.name: _tables(structure, m, values) for m in structure.mechanisms}
    return Fixed(values, {}, values.globals_, tables, a, b, capacitive - b - parent.sum(a))


def _tables(structure: Structure, mechanism: MechanismStructure, values: Values) -> dict[str, Any]:
    """TABLE contents by the name under which the blocks take them; None where usetable_<suffix> is 0."""
    tables: dict[str, Any] = {}
    for table in mechanism.tables:
        if not mechanism.use_table:
            tables[table.name] = None
            continue
        scalars = {name: _table_input(structure, mechanism, values, name) for name in table.inputs}
        tables[table.name] = mechanism.make_table(table, scalars)
    return tables


def _table_input(structure: Structure, mechanism: MechanismStructure, values: Values, name: str) -> Any:
    """NEURON fills a table from the globals and from the variables of the first instance."""
    match mechanism.ir.symbols[name].role:
        case ir.Role.GLOBAL:
            return values.globals_[mechanism.name][name]
        case ir.Role.INSTANCE:
            return values.mechanisms[mechanism.name][name][..., 0]
    return {"celsius": values.celsius, "dt": structure.dt}[name]


def _start_variables(mechanism: MechanismStructure, values: Values) -> dict[str, Array]:
    given = values.mechanisms[mechanism.name]
    start = {}
    for symbol in mechanism.ir.symbols.values():
        if symbol.role is ir.Role.INSTANCE:
            shape = (symbol.length, mechanism.count) if symbol.length else (mechanism.count,)
            start[symbol.name] = given[symbol.name] if symbol.name in given else jnp.zeros(shape)
    return start


def _start_ion(ion: Any, values: Values) -> IonState:
    """ion_init in src/nrnoc/eion.cpp."""
    given = values.ions[ion.name]
    inside = replace_rows(
        ion.initialise_concentration, jnp.broadcast_to(given.inside0, given.inside.shape), given.inside
    )
    outside = replace_rows(
        ion.initialise_concentration, jnp.broadcast_to(given.outside0, given.outside.shape), given.outside
    )
    potential = nernst(inside, outside, ion.charge, values.celsius)
    return IonState(
        inside, outside, replace_rows(ion.nernst_at_start, potential, given.erev), jnp.zeros_like(given.erev)
    )


def _reversal_after_write(now: Moment, mechanism: MechanismStructure, written: dict[str, Array]) -> None:
    """nrn_wrote_conc: an INITIAL that sets a concentration sets the reversal potential of the same place."""
    for name in written:
        species = mechanism.ion_of.get(name)
        if species is None or ion_field(species, name) not in ("inside", "outside"):
            continue
        ion, state = now.structure.ion(species), now.ions[species]
        potential = nernst(state.inside, state.outside, ion.charge, now.fixed.values.celsius)
        here = ion.nernst_at_start & (mechanism.ion[species].last.target >= 0)
        now.ions[species] = state._replace(erev=replace_rows(here, potential, state.erev))


def _store_globals(now: Moment, mechanism: MechanismStructure, results: dict[str, Array]) -> None:
    """A GLOBAL that INITIAL assigns keeps what the last instance gave it."""
    changed = {}
    for name, value in results.items():
        if mechanism.ir.symbols[name].role is ir.Role.GLOBAL:
            changed[name] = value[..., -1] if np.ndim(value) > bool(mechanism.ir.symbols[name].length) else value
    if changed:
        mine = {**now.fixed.globals_[mechanism.name], **changed}
        now.fixed = now.fixed._replace(globals_={**now.fixed.globals_, mechanism.name: mine})
