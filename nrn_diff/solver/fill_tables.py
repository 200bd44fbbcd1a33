"""TABLEs are filled before INITIAL; the instance that fills one keeps what the filling leaves in its variables."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from mod_translator import ir
from mod_translator.emit import TableParameter
from nrn_diff.runtime.table import Table
from nrn_diff.solver.moment import Moment, ion_field, replace_rows
from nrn_diff.solver.structure import MechanismStructure, Place
from nrn_diff.solver.values import Array


def fill_tables(now: Moment, mechanism: MechanismStructure, *, leave: bool = True) -> None:
    """TABLE contents, from the globals and from the variables of the first instance, as NEURON takes them.

    NEURON fills the tables of a file that is not thread-safe at their first look-up, so what INITIAL has assigned by
    then (a temperature factor) is in them. leave: also store what the filling leaves in other variables.
    """
    if not mechanism.use_table:
        return
    by_initial: dict[str, Array] = {}
    initial = mechanism.blocks.get("initial")
    if initial and any(name in initial.outputs for table in mechanism.tables for name in _taken(table)):
        by_initial = now.call(mechanism, "initial")
    for table in mechanism.tables:
        routine = mechanism.ir.routines[table.routine]
        inputs = {
            name: now.read(mechanism, name)
            if mechanism.ir.thread_safe or name in routine.writes
            else by_initial.get(name, now.read(mechanism, name))
            for name in _taken(table)
        }
        assert routine.table is not None
        of_each = {n: inputs[n] for n in inputs if mechanism.is_per_instance(n) and jnp.ndim(inputs[n])}
        if routine.table.of_filler and mechanism.count:
            of_each |= _of_fillers(mechanism, routine.table, now, of_each)
        of_first = {n: x[..., mechanism.first] for n, x in of_each.items()}
        common = {n: x for n, x in inputs.items() if n not in of_each}
        mine = of_each if mechanism.is_per_instance(table.name) else of_first
        if leave:
            _leave(now, mechanism, table, common, mine)
        if mechanism.is_per_instance(table.name):
            filled = _tables_of_instances(mechanism, table, common, of_each)
        else:
            given = {**common, **of_first}
            filled = mechanism.make_table(table, {n: given[n] for n in table.inputs})
        tables = {**now.fixed.tables[mechanism.name], table.name: filled}
        now.fixed = now.fixed._replace(tables={**now.fixed.tables, mechanism.name: tables})


def is_refilled(mechanism: MechanismStructure, place: Place) -> bool:
    """Whether a TABLE of a mechanism depends on a variable that a Vector drives, or that is set from outside."""
    driven = _names(mechanism, place)
    return mechanism.use_table and any(driven & set(table.inputs) for table in mechanism.tables)


def why_not_refilled(mechanism: MechanismStructure, place: Place) -> str:
    """Why the TABLEs of `is_refilled` cannot be filled anew here; '' if they can."""
    driven = _names(mechanism, place)
    for table in mechanism.tables:  # all are filled together
        statement = mechanism.ir.routines[table.routine].table
        assert statement is not None
        if driven & set(table.inputs) and not driven & set(statement.depend):
            return f"the TABLE of {table.routine} depends on it, and DEPEND does not name it: it is filled only once"
        initial = mechanism.blocks["initial"].outputs if "initial" in mechanism.blocks else ()
        own = any(mechanism.is_per_instance(n) for n in _taken(table)) or statement.of_filler or statement.forgotten
        if own or table.leaves or set(_taken(table)) & set(initial):
            return (
                f"a TABLE depends on it, and that of {table.routine} on what instances or INITIAL assign; not supported"
            )
    return ""


def refill(now: Moment, *, thread_safe: bool) -> None:
    """Fill anew the TABLEs that depend on what Vectors drive: in each step, as NEURON looks whether DEPEND has changed.

    For files that are thread-safe it does so at the start of a step, for others at every look-up.
    """
    driven = [Place(g.source, g.owner, g.variable, g.element) for g in now.structure.plays]
    for mechanism in now.structure.mechanisms:
        if mechanism.ir.thread_safe == thread_safe and any(is_refilled(mechanism, place) for place in driven):
            fill_tables(now, mechanism, leave=False)


def _names(mechanism: MechanismStructure, place: Place) -> set[str]:
    """What the file calls a variable that is driven."""
    match place.source:
        case "celsius" | "dt":
            return {place.source}
        case "ion":
            mine = (n for n, ion in mechanism.ion_of.items() if ion == place.owner)
            return {n for n in mine if ion_field(place.owner, n) == place.variable}
        case "global" | "mechanism" if place.owner == mechanism.name:
            return {place.variable}
    return set()


def _taken(table: TableParameter) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*table.inputs, *table.leaves_inputs)))


def _tables_of_instances(
    mechanism: MechanismStructure, table: TableParameter, common: dict[str, Array], of_each: dict[str, Array]
) -> Table:
    shared = {n: x for n, x in common.items() if n in table.inputs}
    whole = {n: jnp.broadcast_to(x, (*x.shape[:-1], mechanism.count)) for n, x in of_each.items() if n in table.inputs}
    own = {n: jnp.moveaxis(x, -1, 0) for n, x in whole.items()}
    tables = jax.vmap(lambda mine: mechanism.make_table(table, {**shared, **mine}))(own)
    return jax.tree.map(lambda x: jnp.moveaxis(x, 0, -1), tables)


def _leave(
    now: Moment, mechanism: MechanismStructure, table: TableParameter, common: dict[str, Array], mine: dict[str, Array]
) -> None:
    """Store what the last row leaves, in the instances that fill the table.

    Where each instance may fill it anew, those do that find another value in DEPEND than the one before had.
    """
    if not table.leaves or not mechanism.count:
        return
    left = mechanism.left_by_table(table, {n: x for n, x in {**common, **mine}.items() if n in table.leaves_inputs})
    filling = np.arange(mechanism.count) == mechanism.first
    variables = now.mechanisms[mechanism.name]
    if mechanism.is_per_instance(table.name):
        routine = mechanism.ir.routines[table.routine]
        assert routine.table is not None
        anew = filling | _finds_another(now, mechanism, routine.table)
        for name, value in left.items():
            variables[name] = jnp.where(anew, value, variables[name])
        return
    for name, value in left.items():
        whole = value[..., None] if jnp.ndim(value) == variables[name].ndim - 1 else value
        variables[name] = replace_rows(filling, jnp.broadcast_to(whole, variables[name].shape), variables[name])


def _finds_another(now: Moment, mechanism: MechanismStructure, table: ir.Table) -> Array:
    """Whether each instance has another value in DEPEND than the one that NEURON comes to before it, [n]."""
    before = np.empty(mechanism.count, dtype=int)
    before[mechanism.order] = np.roll(mechanism.order, 1)
    anew = jnp.zeros(mechanism.count, dtype=bool)
    for value in (now.read(mechanism, n) for n in table.depend if mechanism.is_per_instance(n)):
        anew = anew | (value != value[before])
    return anew


def _of_fillers(
    mechanism: MechanismStructure, table: ir.Table, now: Moment, of_each: dict[str, Array]
) -> dict[str, Array]:
    """What each instance finds in its table of variables that are not in DEPEND: those of the instance that filled it.

    The first instances in NEURON's order look up what the last ones have filled, if DEPEND is the same there: in the
    first pass, which is INITIAL, they fill it themselves. Where that is not the same all of theirs is NaN.
    """
    anew = _finds_another(now, mechanism, table)[mechanism.order]
    place = jnp.arange(mechanism.count)
    filler = jax.lax.cummax(jnp.where(anew, place, -1))
    first = jnp.where(filler < 0, 0, filler)
    later = jnp.where((filler < 0) & anew.any(), filler[-1], first)
    found = {}
    for name in table.of_filler:
        if name not in of_each:
            continue
        ordered = jnp.broadcast_to(of_each[name], (*of_each[name].shape[:-1], mechanism.count))[..., mechanism.order]
        both = jnp.where(ordered[..., first] == ordered[..., later], ordered[..., first], jnp.nan)
        found[name] = both[..., np.argsort(mechanism.order)]
    return found
