"""All variables of a model at one point of the step, while the step is being traced."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
import numpy as np

from mod_translator import ir
from mod_translator.semantic import names
from nrn_diff.solver.in_turn import on_all
from nrn_diff.solver.incidence import Incidence, gather_each
from nrn_diff.solver.structure import LinkStructure, MechanismStructure, Place, Structure
from nrn_diff.solver.values import Array, Fixed, IonState, Queue, Spikes, State

# Blocks that add the currents of a mechanism to those of the ions (around INITIAL that is lost before anyone reads it).
_ADDING = ("before_breakpoint", "after_solve", "before_step")


def ion_field(ion: str, name: str) -> str:
    """Which field of the ion a name of NMODL means: ena, ina, nai, nao (src/nrnoc/eion.cpp)."""
    return {f"e{ion}": "erev", f"i{ion}": "current", f"{ion}i": "inside", f"{ion}o": "outside"}[name]


def replace_rows(mask: np.ndarray, new: Array, old: Array) -> Array:
    """`new` where the static mask holds; nothing is traced for a mask that is all false."""
    if not mask.any():
        return old
    return new if mask.all() else jnp.where(mask, new, old)


@dataclass
class Moment:
    """v [rows] (mV), t (ms); every INSTANCE variable by its latest value; ions, their slopes dI/dv; NetCon weights.

    circuit: own unknowns of the LinearMechanisms, None without.
    vext [layered rows, layers], e_extracellular [segments with layers] (mV): None without such layers. membrane:
    currents through the whole membrane by their names in NEURON, if they are recorded. within: what Vectors that are
    played set in this half of a step, by the number of the group (see play.py). stepping: whether this is a
    step, not finitialize. moved: as in the clock, while states are advanced.
    """

    structure: Structure
    fixed: Fixed
    v: Array
    t: Array
    mechanisms: dict[str, dict[str, Array]]
    ions: dict[str, IonState]
    weights: dict[str, Array]
    spikes: Spikes
    ion_slopes: dict[str, Array] = field(default_factory=dict)
    vext: Array | None = None
    e_extracellular: Array | None = None
    membrane: dict[str, Array] = field(default_factory=dict)
    queues: dict[str, Queue] = field(default_factory=dict)
    circuit: Array | None = None
    gathered: dict[tuple[int, int], tuple[Array, Array]] = field(default_factory=dict)
    within: Mapping[int, Any] = field(default_factory=dict)
    stepping: bool = False
    moved: Array | None = None

    @classmethod
    def of(cls, structure: Structure, fixed: Fixed, state: State, t: Array) -> Moment:
        """The moment that a carried state stands for."""
        variables = {m.name: {**fixed.mechanisms[m.name], **state.mechanisms[m.name]} for m in structure.mechanisms}
        ions = {name: fixed.ions[name]._replace(**changed) for name, changed in state.ions.items()}
        layers = fixed.values.extracellular
        return cls(
            structure,
            fixed,
            state.v,
            t,
            variables,
            ions,
            dict(state.weights),
            state.spikes,
            vext=state.vext,
            e_extracellular=None if layers is None else layers.e_extracellular,
            membrane=dict(state.membrane or {}),
            queues=dict(state.queues or {}),
            circuit=state.circuit,
        )

    def state(self) -> State:
        """What the next step needs."""
        carried = {m.name: {n: self.mechanisms[m.name][n] for n in m.state} for m in self.structure.mechanisms}
        ions = {i.name: {f: getattr(self.ions[i.name], f) for f in i.state} for i in self.structure.ions}
        membrane = self.membrane if self.structure.keeps_membrane else None
        queues = self.queues or None
        return State(self.v, carried, ions, self.weights, self.spikes, self.vext, queues, self.circuit, membrane)

    @property
    def inside(self) -> Array:
        """Potential inside the cells against ground, [rows] (mV); v is that across the membrane."""
        layers = self.structure.extracellular
        return self.v if layers is None or self.vext is None else self.v + layers.row.sum(self.vext[:, 0])

    @property
    def of_circuits(self) -> Array:
        """Unknowns of the circuits: potentials of what they touch in the cells (mV), then their own."""
        circuits = self.structure.circuits
        assert circuits is not None
        assert self.circuit is not None
        cells = self.inside if self.vext is None else jnp.concatenate([self.inside, self.vext.reshape(-1)])
        return jnp.concatenate([cells[circuits.touched], self.circuit])

    def gather(self, incidence: Incidence, x: Array) -> Array:
        """`incidence.gather(x)`, once for all that read x, so that their cotangents are added before they go back."""
        nodes = self.structure.mechanism_nodes
        together = nodes if x is self.v and any(incidence is i for i in nodes) else (incidence,)
        # The array is kept with the result: one that is kept alive keeps its id.
        if (id(incidence), id(x)) not in self.gathered:
            for i, result in zip(together, gather_each(x, together), strict=True):
                self.gathered[id(i), id(x)] = x, result
        return self.gathered[id(incidence), id(x)][1]

    def read(self, mechanism: MechanismStructure, name: str) -> Any:
        """Value of a file-level name of a mechanism: [n], [length, n] or scalar."""
        symbol = mechanism.ir.symbols.get(name)
        if symbol is None:
            return self.fixed.tables[mechanism.name][name]
        match symbol.role:
            case ir.Role.GLOBAL:
                return self.fixed.globals_[mechanism.name][name]
            case ir.Role.ION if name not in mechanism.own_currents:
                ion = mechanism.ion_of[name]
                return self.gather(mechanism.ion[ion], getattr(self.ions[ion], ion_field(ion, name)))
            case ir.Role.TABLE:
                return self.fixed.values.tables[mechanism.name][name]
            case ir.Role.EXTERNAL:
                return self._external(mechanism, name)
            case ir.Role.POINTER:
                return follow(self, mechanism.pointers[name])
        return self.mechanisms[mechanism.name][name]

    def _external(self, mechanism: MechanismStructure, name: str) -> Array:
        match name:
            case "v":
                return self.gather(mechanism.node, self.inside if mechanism.injects else self.v)
            case "t":
                return self.t
            case "dt":
                return jnp.asarray(self.structure.dt)
            case "celsius":
                return self.fixed.values.celsius
            case "diam":
                return mechanism.segment.gather(self.fixed.values.cable.diam)
            case "area":
                return mechanism.node.gather(self.fixed.values.cable.area)
            case names.DISCONTINUITY_ALLOWED:
                return jnp.asarray(float(self.stepping))
        raise KeyError(f"{mechanism.name}: NEURON's variable {name!r} is not known to the solver")

    def call(self, mechanism: MechanismStructure, block: str) -> dict[str, Array]:
        """Run one block of a mechanism on all its instances."""
        return on_all(mechanism, self.inputs(mechanism, block), lambda each: (mechanism.run(block, each),))[0]

    def inputs(self, mechanism: MechanismStructure, block: str) -> dict[str, Array]:
        """What a block of a mechanism reads now; 0 for what it only adds something to."""
        read, added = mechanism.blocks[block].inputs, mechanism.blocks[block].gathers
        given = {n: jnp.zeros(mechanism.count) if n in added else self.read(mechanism, n) for n in read}
        if mechanism.half_steps and block == "advance" and "dt" in given:
            given["dt"] = 0.5 * given["dt"]
        if self.moved is not None and mechanism.ticks is not None and block == "advance" and "t" in given:
            given["t"] = self.moved[mechanism.ticks]
        return given

    def run_everywhere(self, block: str) -> None:
        """Run one kind of block in all mechanisms that have it."""
        for mechanism in self.structure.mechanisms:
            if block in mechanism.blocks:
                self.store(mechanism, self.call(mechanism, block), mechanism.blocks[block].gathers)
                if self.moved is not None and mechanism.ticks is not None and block == "advance":
                    self.t = self.moved[np.max(mechanism.ticks)]
                if block in _ADDING:
                    self._add_currents_again(mechanism)

    def _add_currents_again(self, mechanism: MechanismStructure) -> None:
        """What nocmodl's BEFORE and AFTER blocks end with."""
        scale = 100.0 / self.read(mechanism, "area") if mechanism.is_point else 1.0
        for current in mechanism.ir.currents:
            if current.ion is not None:
                self.add_ion_current(mechanism, current.ion, self.read(mechanism, current.name) * scale)

    def store(self, mechanism: MechanismStructure, results: Mapping[str, Array], gathers: Collection[str] = ()) -> None:
        """Keep what a block wrote: variables of the instances, and of ions (whose currents are summed elsewhere).

        gathers: names through which the instances add something, which is summed.
        """
        for name, value in results.items():
            symbol = mechanism.ir.symbols[name]
            own_current = symbol.role is ir.Role.ION and ion_field(mechanism.ion_of[name], name) == "current"
            if symbol.role is ir.Role.INSTANCE or own_current:
                shape = (symbol.length, mechanism.count) if symbol.length else (mechanism.count,)
                # An array variable that is the same for all instances comes without their axis, which is the last.
                whole = value[..., None] if symbol.length and jnp.ndim(value) == 1 else value
                if name in mechanism.ir.shared and jnp.shape(whole) == shape:
                    whole = whole[..., mechanism.last, None]
                self.mechanisms[mechanism.name][name] = jnp.broadcast_to(whole, shape)
                if symbol.block == ir.PROCESS:
                    self.go_on_from(mechanism)
            elif name in gathers:
                add_through(self, mechanism.pointers[name], jnp.broadcast_to(value, (mechanism.count,)))
            elif symbol.role is ir.Role.POINTER:
                write_through(self, mechanism.pointers[name], jnp.broadcast_to(value, (mechanism.count,)))
            elif symbol.role is ir.Role.ION:
                ion = mechanism.ion_of[name]
                self._store_ion(mechanism, ion, ion_field(ion, name), jnp.broadcast_to(value, (mechanism.count,)))

    def go_on_from(self, drawing: MechanismStructure) -> None:
        """Let all mechanisms go on in the random stream of the process where the last instance of one has stopped."""
        stream = drawing.ir.process_stream
        if stream and drawing.count:
            place = self.mechanisms[drawing.name][stream][drawing.last]
            for mechanism in self.structure.mechanisms:
                if mechanism.ir.process_stream:
                    here = jnp.broadcast_to(place, (mechanism.count,))
                    self.mechanisms[mechanism.name][mechanism.ir.process_stream] = here

    def _store_ion(self, mechanism: MechanismStructure, ion: str, which: str, value: Array) -> None:
        writer = mechanism.ion[ion].last
        state = self.ions[ion]
        new = replace_rows(writer.target >= 0, writer.gather(value), getattr(state, which))
        self.ions[ion] = state._replace(**{which: new})

    def at(self, place: Place) -> Array:
        """All rows of one variable."""
        match place.source:
            case "v" | "inside":
                return self.v if place.source == "v" else self.inside
            case "ion":
                of_ion: Array = getattr(self.ions[place.owner], place.variable)
                return of_ion
            case "circuit":
                return self.of_circuits
            case "membrane":
                return self.membrane[place.variable]
            case "cm":
                return self.fixed.values.cable.cm
            case "layer" if self.fixed.values.extracellular is not None:
                of_layer: Array = getattr(self.fixed.values.extracellular, place.variable)[:, place.element]
                return of_layer
            case "start":
                return jnp.reshape(getattr(self.fixed.values.ions[place.owner], place.variable), (1,))
            case "celsius":
                return jnp.reshape(self.fixed.values.celsius, (1,))
            case "weight":
                return self.weights[place.owner][:, place.element]
            case "global":
                return jnp.reshape(self._shared(place), (1,))
            case "vext" if self.vext is not None:
                return self.vext[:, place.element]
            case "e_extracellular" if self.e_extracellular is not None:
                return self.e_extracellular
        values = self.mechanisms[place.owner][place.variable]
        return values if place.element < 0 else values[place.element]

    def _shared(self, place: Place) -> Array:
        """A GLOBAL: the number of the mechanism, or what the instance that ran last left in it."""
        own = self.mechanisms[place.owner].get(place.variable)
        if own is None:
            own = self.fixed.globals_[place.owner][place.variable]
        else:
            own = own[..., self.structure.mechanism(place.owner).last]
        return own if place.element < 0 else own[place.element]

    def put(self, place: Place, new: Array) -> None:
        """Replace all rows of one variable."""
        match place.source:
            case "v":
                self.v = new
            case "ion":
                self.ions[place.owner] = self.ions[place.owner]._replace(**{place.variable: new})
            case _:
                values = self.mechanisms[place.owner]
                old = values[place.variable]
                values[place.variable] = new if place.element < 0 else old.at[place.element].set(new)

    def add_ion_current(
        self, mechanism: MechanismStructure, ion: str, current: Array, slope: Array | None = None
    ) -> None:
        """Add each instance's share (mA/cm2, S/cm2) to the ion's total."""
        rows, shape = mechanism.ion[ion], (mechanism.count,)
        state = self.ions[ion]
        total = state.current + rows.sum(jnp.broadcast_to(current, shape))
        self.ions[ion] = state._replace(current=total)
        if self.structure.secondorder == 2 and slope is not None:
            self.ion_slopes[ion] = self.ion_slopes[ion] + rows.sum(jnp.broadcast_to(slope, shape))


def follow(now: Moment, links: tuple[LinkStructure, ...]) -> Array:
    """The present values of what a variable of the instances leads to, [n]."""
    first, *others = (link.rows.gather(now.at(link.place)) for link in links)
    return sum(others, first)


def write_through(now: Moment, links: tuple[LinkStructure, ...], value: Array) -> None:
    """Write each instance's value [n] where its variable leads to; of several that lead there the last one stays."""
    for link in links:
        writer = link.rows.last
        now.put(link.place, replace_rows(writer.target >= 0, writer.gather(value), now.at(link.place)))


def add_through(now: Moment, links: tuple[LinkStructure, ...], value: Array) -> None:
    """Add each instance's value [n] to where its variable leads to."""
    for link in links:
        now.put(link.place, now.at(link.place) + link.rows.sum(value))


def transfer(now: Moment) -> None:
    """Copy every source_var of ParallelContext to its targets (thread_transfer in src/nrniv/partrans.cpp)."""
    copies = [
        (now.mechanisms[mechanism.name], name, link.rows, link.rows.gather(now.at(link.place)))
        for mechanism in now.structure.mechanisms
        for name, links in mechanism.transfers.items()
        for link in links
    ]
    for variables, name, rows, value in copies:
        variables[name] = replace_rows(rows.target >= 0, value, variables[name])
