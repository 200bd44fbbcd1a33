"""From the numbers of a model to the state before the first step (nrn_finitialize in src/nrnoc/fadvance.cpp)."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from mod_translator import ir
from nrn_diff.runtime import nernst
from nrn_diff.solver.circuits import circuit_matrix, start_circuits
from nrn_diff.solver.currents import assemble
from nrn_diff.solver.deliver import deliver, initialise_connections
from nrn_diff.solver.dispatch import deliver_due, empty_queues, send_from_initial
from nrn_diff.solver.fill_tables import fill_tables
from nrn_diff.solver.layers import layer_matrix
from nrn_diff.solver.moment import Moment, ion_field, replace_rows, transfer
from nrn_diff.solver.play import start_values
from nrn_diff.solver.record import recorded
from nrn_diff.solver.spikes import no_spikes
from nrn_diff.solver.structure import IonStructure, MechanismStructure, Structure
from nrn_diff.solver.values import Array, Fixed, IonState, Queue, State, Values
from nrn_diff.solver.voltage import start_membrane_currents


class Live(NamedTuple):
    """The state of NEURON beside the model's numbers. v [rows] (mV), t (ms); above [n_sources]: watched voltages above
    threshold; membrane: currents through it by their names in NEURON, [rows] (mA/cm2; i_membrane_: nA); vext
    [layered rows, layers] (mV): None without extracellular layers. queues: the events that wait for the instances of a
    mechanism, from themselves or from others of them, and their WATCHes.
    """

    v: Array
    t: Array
    above: Array
    membrane: dict[str, Array]
    vext: Array | None = None
    queues: dict[str, Queue] = {}  # noqa: RUF012


def initialise(structure: Structure, values: Values, events: dict[str, Array]) -> tuple[Fixed, State, Array]:
    """What `finitialize` leaves, and the first sample."""
    now = finitialize(structure, values, events)
    fixed, state = split(now)
    return fixed, state, recorded(now)


def finitialize(structure: Structure, values: Values, events: dict[str, Array]) -> Moment:
    """Run every INITIAL at v_init, deliver the events of t = 0, and take the currents."""
    now = after_initial(structure, values)
    for name, changed in (values.start or {}).items():
        now.mechanisms[name].update(changed)
    deliver(now, events)
    deliver_due(now, now.t)
    start_membrane_currents(now, assemble(now))
    now.run_everywhere("before_step")
    return now


def after_initial(structure: Structure, values: Values) -> Moment:
    """The moment after every INITIAL block, before the events of t = 0 (where FInitializeHandlers of type 1 run)."""
    before, values = values, start_values(structure, values)
    everywhere = jnp.full(len(structure.row_of_node), values.v_init)
    now = Moment(
        structure,
        coefficients(structure, values),
        everywhere if values.start_v is None else values.start_v,
        jnp.zeros(()),
        {m.name: _start_variables(m, values) for m in structure.mechanisms},
        {ion.name: _start_ion(ion, values) for ion in structure.ions},
        dict(values.weights),
        no_spikes(structure),
        vext=_left_layers(structure, values),
        e_extracellular=None if values.extracellular is None else values.extracellular.e_extracellular,
        queues=empty_queues(structure),
        circuit=None if structure.circuits is None else start_circuits(structure.circuits, values),
    )
    transfer(now)
    now.vext = _start_layers(structure)
    # NEURON looks at these TABLEs before the first samples of Vectors that are played.
    now.fixed = now.fixed._replace(values=before, globals_=before.globals_)
    for mechanism in structure.mechanisms:
        if mechanism.ir.thread_safe:
            fill_tables(now, mechanism)
    now.fixed = now.fixed._replace(values=values, globals_=values.globals_)
    started, now.ions = now.ions, {ion.name: _live_ion(ion, values) for ion in structure.ions}
    now.run_everywhere("before_initial")
    now.ions = started
    for mechanism in structure.mechanisms:
        if not mechanism.ir.thread_safe:
            fill_tables(now, mechanism)
        if "initial" in mechanism.blocks:
            results = now.call(mechanism, "initial")
            written = {n: x for n, x in results.items() if n in mechanism.ir.symbols}
            now.store(mechanism, written)
            _reversal_after_write(now, mechanism, written)
            send_from_initial(now, mechanism, results)
    initialise_connections(now)
    now.run_everywhere("after_initial")
    return now


def from_live(
    structure: Structure, values: Values, start: Live, hidden: dict[str, dict[str, Array]]
) -> tuple[Fixed, State]:
    """The state that the live numbers stand for; no INITIAL is run. hidden: variables that HOC cannot read."""
    now = live_moment(structure, values, start, hidden)
    for mechanism in structure.mechanisms:
        fill_tables(now, mechanism, leave=False)
    return split(now)


def live_moment(structure: Structure, values: Values, start: Live, hidden: dict[str, dict[str, Array]]) -> Moment:
    """As `from_live`; TABLEs are still empty."""
    variables = {}
    for m in structure.mechanisms:
        given = values.mechanisms[m.name]
        own = {name: given[name] for name in m.own_currents if name in given}
        variables[m.name] = {**_start_variables(m, values), **own, **hidden.get(m.name, {})}
    live = {ion.name: _live_ion(ion, values) for ion in structure.ions}
    return Moment(
        structure,
        coefficients(structure, values),
        start.v,
        start.t,
        variables,
        live,
        dict(values.weights),
        no_spikes(structure)._replace(above=start.above),
        vext=start.vext,
        e_extracellular=None if values.extracellular is None else values.extracellular.e_extracellular,
        membrane=dict(start.membrane),
        queues=dict(start.queues),
        circuit=None if structure.circuits is None else start_circuits(structure.circuits, values),
    )


def before_any(structure: Structure, values: Values) -> Moment:
    """The live numbers, before a script's own init() does anything: voltages are those of `start_v`."""
    above, v = jnp.zeros(structure.spike_sources.count, bool), values.start_v
    assert v is not None
    left = Live(v, jnp.zeros(()), above, {}, _left_layers(structure, values), empty_queues(structure))
    return live_moment(structure, values, left, {})


def split(now: Moment) -> tuple[Fixed, State]:
    """What no step changes, and what each step hands to the next."""
    constant = {
        m.name: {name: x for name, x in now.mechanisms[m.name].items() if name not in m.state}
        for m in now.structure.mechanisms
    }
    return now.fixed._replace(mechanisms=constant, ions=dict(now.ions)), now.state()


def coefficients(structure: Structure, values: Values) -> Fixed:
    """Coefficients of the tree; TABLEs are still empty, which makes a block compute them exactly."""
    cable, parent = values.cable, structure.tree.parent
    has_parent = parent.target >= 0
    ri = jnp.where(has_parent, cable.unit_ri * structure.row_section.gather(cable.Ra), 1.0)
    area_above = jnp.where(has_parent, parent.gather(cable.area), 1.0)
    if cable.rounding is None:
        b = jnp.where(has_parent, -100.0 / (ri * cable.area), 0.0)
        a = jnp.where(has_parent, -100.0 / (ri * area_above), 0.0)
        if structure.branches is not None:
            a = a * structure.branches
    else:
        b, a = _as_neuron_rounds(structure, ri + cable.rounding, cable.area, area_above)
    cj = structure.cj
    capacitive = structure.segment_row.sum(0.001 * cj * cable.cm)
    tables = {m.name: {table.name: None for table in m.tables} for m in structure.mechanisms}
    layers = (
        None
        if structure.extracellular is None
        else layer_matrix(structure.extracellular, values, cj, structure.branches)
    )
    circuits = None if structure.circuits is None else circuit_matrix(structure.circuits, values, cj)
    diagonal = capacitive if structure.tree.siblings else capacitive - b - parent.sum(a)
    return Fixed(values, {}, {}, values.globals_, tables, a, b, diagonal, capacitive, layers, circuits)


def _as_neuron_rounds(structure: Structure, ri: Array, area: Array, area_above: Array) -> tuple[Array, Array]:
    """b and a to the last bit (connection_coef in src/nrnoc/treeset.cpp); XLA would bring quotients of quotients
    together."""
    has_parent = structure.tree.parent.target >= 0
    conductance = jax.lax.optimization_barrier(1.0 / ri)
    times = 1.0 if structure.branches is None else structure.branches
    above = jax.lax.optimization_barrier(-100.0 * times * conductance)
    own = jax.lax.optimization_barrier(-100.0 * conductance)
    return jnp.where(has_parent, own / area, 0.0), jnp.where(has_parent, above / area_above, 0.0)


def _left_layers(structure: Structure, values: Values) -> Array | None:
    """vext before NEURON initialises it, of which the first layer is needed."""
    at_zero = _start_layers(structure)
    return (
        at_zero if values.extracellular is None or at_zero is None else at_zero.at[:, 0].set(values.extracellular.left)
    )


def _start_layers(structure: Structure) -> Array | None:
    """extcell_init in src/nrnoc/extcelln.cpp."""
    layers = structure.extracellular
    return None if layers is None else jnp.zeros((layers.row.n_sources, layers.tree.layers))


def _start_variables(mechanism: MechanismStructure, values: Values) -> dict[str, Array]:
    given, common = values.mechanisms[mechanism.name], values.globals_[mechanism.name]
    start = {name: jnp.zeros(mechanism.count) for name in mechanism.own_currents}
    for symbol in mechanism.ir.symbols.values():
        if symbol.role is ir.Role.INSTANCE:
            shape = (symbol.length, mechanism.count) if symbol.length else (mechanism.count,)
            start[symbol.name] = given[symbol.name] if symbol.name in given else jnp.zeros(shape)
            if symbol.name in mechanism.ir.shared and symbol.name in common:
                live = common[symbol.name]
                start[symbol.name] = jnp.broadcast_to(live[:, None] if symbol.length else live, shape)
    return start


def _live_ion(ion: IonStructure, values: Values) -> IonState:
    """As the run before has left it."""
    given = values.ions[ion.name]
    return IonState(given.inside, given.outside, given.erev, given.current)


def _start_ion(ion: IonStructure, values: Values) -> IonState:
    """ion_init in src/nrnoc/eion.cpp."""
    given = values.ions[ion.name]
    inside = replace_rows(
        ion.initialise_concentration, jnp.broadcast_to(given.inside0, given.inside.shape), given.inside
    )
    outside = replace_rows(
        ion.initialise_concentration, jnp.broadcast_to(given.outside0, given.outside.shape), given.outside
    )
    potential = nernst(inside, outside, ion.charge, values.celsius)
    return IonState(inside, outside, replace_rows(ion.nernst_at_start, potential, given.erev), given.current)


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
