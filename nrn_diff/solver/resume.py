"""Steps from any state on, some at a time: what `nrn_diff.enable()` runs between two looks at NEURON's event queue.

Here nothing depends on the number of steps or on when events arrive, so that one compiled program serves every run of
a model: the state, the clock and the events of a chunk are arguments.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.interpreters import partial_eval

from mod_translator.passes.effects import Analysis
from mod_translator.passes.walk import blocks as routines_by_block
from nrn_diff.snapshot import Capture, Events, Play, Record, SpikeRecord, Train
from nrn_diff.solver.build import DURING, build_structure
from nrn_diff.solver.build_events import find_sources
from nrn_diff.solver.build_plays import refuse_refilled
from nrn_diff.solver.initialise import Live, from_live, initialise
from nrn_diff.solver.moment import Moment
from nrn_diff.solver.play import Drives
from nrn_diff.solver.record import recorded, values_of
from nrn_diff.solver.sampled import check_sampled
from nrn_diff.solver.samples import columns_of
from nrn_diff.solver.step import Clock, step
from nrn_diff.solver.structure import MechanismStructure, Structure
from nrn_diff.solver.values import Array, Fixed, IonState, State, Values

_NOT_IN_EVERY_STEP = ("net_receive", "watch")


class Arriving(NamedTuple):
    """NetCon events of a chunk, of one mechanism. connection, time (ms) [n]; early, late [n_steps, n_rounds, width]."""

    connection: Array
    time: Array
    early: Array
    late: Array


class Chunk(NamedTuple):
    """samples [capacity, width]: `Sample.recorded` of each step; crossed [capacity, n_sources]: spikes sent at the
    start of each step. sent: net_events of each step that are asked for, by mechanism, [capacity, n, instances] (ms),
    inf for none.
    """

    samples: Array
    crossed: Array
    sent: dict[str, Array]


def live_capture(
    capture: Capture, sources: tuple[tuple[int | Record, float], ...], senders: tuple[str, ...] = ()
) -> Capture:
    """A snapshot whose NetCons take their events from outside, but for those between point processes, and in which
    `sources` (node or other variable, threshold) are watched. senders: mechanisms whose net_events are asked for.
    """
    # The delays of events from outside have passed when they come.
    connections = tuple(
        c if c.source else dataclasses.replace(c, train=0, source_node=-1, delay=0.0) for c in capture.connections
    )
    spikes = tuple(
        SpikeRecord(f"source {k}", -1, threshold, watched=watched)
        if isinstance(watched, Record)
        else SpikeRecord(f"source {k}", watched, threshold)
        for k, (watched, threshold) in enumerate(sources)
    )
    spikes += tuple(SpikeRecord(f"events of {name}", -1, 0.0, sender=name) for name in senders)
    empty = Events(np.zeros(0), np.zeros(0, int))
    trains = (Train("", np.zeros(0)),)
    return dataclasses.replace(
        capture,
        connections=connections,
        trains=trains,
        events=empty,
        spikes=spikes,
        tstop=capture.dt,
        own_init=None,
        plays=tuple(_shown(p) for p in capture.plays),
        records=_shown_records(capture.records),
    )


def _shown_records(records: Sequence[Record]) -> tuple[Record, ...]:
    """What is compiled of Vectors that record: not when they do, but which of them do at the same times."""
    kinds: dict[float | str, int] = {}

    def interval(r: Record) -> float:
        return 0.0 if r.every_step else 1.0 + kinds.setdefault(r.interval or r.vector, len(kinds))

    return tuple(dataclasses.replace(r, interval=interval(r), times=()) for r in records)


def _shown(play: Play) -> Play:
    """What is compiled of a played Vector: not when it acts, and not from which samples."""
    values, times = (np.zeros(2), np.array([0.0, 1.0])) if play.continuous else (np.zeros(1), np.zeros(1))
    return dataclasses.replace(
        play, values=values, times=times, interval=0.0, has_breaks=False, breaks=np.zeros(0, dtype=int)
    )


def live_structure(capture: Capture) -> Structure:
    """The structure of a `live_capture`, with a state that holds all that a step changes, for NEURON to see."""
    # Names of Vectors are new in each model that a script builds, which is no reason to compile again.
    records = tuple(dataclasses.replace(r, label=str(k), vector="") for k, r in enumerate(capture.records))
    structure = build_structure(dataclasses.replace(capture, records=records))
    check_sampled(capture, structure.mechanisms)
    refuse_refilled(capture, structure.mechanisms)
    mechanisms = tuple(_live(m) for m in structure.mechanisms)
    ions = tuple(dataclasses.replace(i, state=IonState._fields) for i in structure.ions)
    digest = hashlib.sha256(f"live {structure.digest} {find_sources(capture)}".encode()).hexdigest()
    return dataclasses.replace(structure, mechanisms=mechanisms, ions=ions, digest=digest, keeps_membrane=True)


def _live(mechanism: MechanismStructure) -> MechanismStructure:
    agenda = mechanism.agenda and dataclasses.replace(mechanism.agenda, ordered=True)
    state = tuple(dict.fromkeys((*mechanism.state, *changed(mechanism))))
    return dataclasses.replace(mechanism, state=state, agenda=agenda)


def changed(mechanism: MechanismStructure) -> tuple[str, ...]:
    """Variables of the instances that a step changes."""
    during = [mechanism.blocks[b] for b in DURING if b in mechanism.blocks]
    written = {name for block in during for name in block.outputs}
    symbols = mechanism.ir.symbols.values()
    return tuple(
        s.name for s in symbols if s.name in written and (s.role.name == "INSTANCE" or s.name in mechanism.own_currents)
    )


def needed_at_start(mechanism: MechanismStructure) -> set[str]:
    """INSTANCE variables whose value before a step matters to it."""
    needed: set[str] = set()
    set_before: set[str] = set()  # by blocks that run in every step, on all of their paths that matter
    for name in DURING:
        if name in mechanism.blocks:
            block = mechanism.blocks[name]
            needed |= set(block.inputs) - set_before
            set_before |= set(block.outputs) if name not in _NOT_IN_EVERY_STEP else set()
    analysis = Analysis(mechanism.ir)
    # What a block sets on some of its paths only, and reads on no other, is among its inputs and matters to nothing.
    routines = (r for name, r in routines_by_block(mechanism.ir).items() if name in DURING)
    used = {name for r in routines for name in analysis.exposed(r)}
    symbols = mechanism.ir.symbols
    return {n for n in needed & used if n in symbols and symbols[n].role.name == "INSTANCE"}


@partial(jax.jit, static_argnums=0)
def from_start(
    structure: Structure, values: Values, start: Live, given: dict[str, dict[str, Array]]
) -> tuple[Fixed, State]:
    """The state in which NEURON is now.

    given: mechanism -> variables that HOC cannot read, as a run before left them; others are those of INITIAL.
    """
    hidden = {
        m.name: sorted(n for n in needed_at_start(m) if n not in values.mechanisms[m.name])
        for m in structure.mechanisms
    }
    known = {name: dict(mine) for name, mine in given.items()}
    if any(set(names) - set(known.get(m, {})) for m, names in hidden.items()):
        fixed, state, _ = initialise(structure, values, {})
        for m, names in hidden.items():
            mine = {**fixed.mechanisms[m], **state.mechanisms[m]}
            known[m] = {**{n: mine[n] for n in names if n in mine}, **known.get(m, {})}
    return from_live(structure, values, start, known)


@partial(jax.jit, static_argnums=0)
def initial_variables(structure: Structure, values: Values) -> dict[str, dict[str, Array]]:
    """INSTANCE variables after the translated INITIAL blocks, to be compared with NEURON's."""
    fixed, state, _ = initialise(structure, values, {})
    return {m.name: {**fixed.mechanisms[m.name], **state.mechanisms[m.name]} for m in structure.mechanisms}


def follows_from_nothing(structure: Structure, values: Values, wanted: Mapping[str, Sequence[str]]) -> bool:
    """Whether what INITIAL leaves in these variables (mechanism -> names) depends on none of the values."""

    def left(given: Values) -> list[Array]:
        made = initial_variables(structure, given)
        return [made[m][name] for m, names in wanted.items() for name in names if name in made[m]]

    program = jax.make_jaxpr(left)(values).jaxpr
    _, used = partial_eval.dce_jaxpr(program, [True] * len(program.outvars))
    return not any(used)


@partial(jax.jit, static_argnums=0)
def start_samples(structure: Structure, fixed: Fixed, state: State, t: Array) -> Array:
    """What is recorded, before the first step, [n_recorded]."""
    return recorded(Moment.of(structure, fixed, state, t))


def watched_values(structure: Structure, fixed: Fixed, state: State, t: float) -> np.ndarray:
    """What NetCons watch: voltages (mV), then other variables, [n_sources]."""
    voltages = np.asarray(state.v)[structure.spike_sources.row]
    others = structure.spike_sources.watched
    return np.concatenate([voltages, _watched(structure, fixed, state, jnp.asarray(t))]) if others else voltages


@partial(jax.jit, static_argnums=0)
def _watched(structure: Structure, fixed: Fixed, state: State, t: Array) -> Array:
    return values_of(Moment.of(structure, fixed, state, t), structure.spike_sources.watched)


def sample_width(structure: Structure, asked: Mapping[str, Array | np.ndarray]) -> int:
    """Length of `Sample.recorded`."""
    among = columns_of(structure.samples.groups)
    return len(structure.recorded) + sum(x.shape[1] for x in asked.values()) * len(among)


@partial(jax.jit, static_argnums=0, donate_argnums=2)
def run_chunk(
    structure: Structure,
    fixed: Fixed,
    state: State,
    grid: Array,
    n_steps: Array,
    arriving: dict[str, Arriving],
    played: Drives,
    asked: dict[str, Array],
) -> tuple[State, Chunk]:
    """The first `n_steps` of `capacity` steps; grid [2 * capacity + 1] (ms), as `time_grid` gives it.

    played: what Vectors set in each of them; asked: when they sample what events change (`samples.asked`).
    """
    capacity = (grid.shape[0] - 1) // 2
    structure = dataclasses.replace(
        structure, mechanisms=tuple(_with_events(m, arriving.get(m.name)) for m in structure.mechanisms)
    )
    width, n_sources = sample_width(structure, asked), structure.spike_sources.count
    logged = {name: queue.log for name, queue in (state.queues or {}).items() if queue.log.shape[0]}
    sent = {name: jnp.full((capacity, *log.shape), jnp.inf) for name, log in logged.items()}
    chunk = Chunk(jnp.zeros((capacity, width)), jnp.zeros((capacity, n_sources), bool), sent)

    def one(k: Array, carry: tuple[State, Chunk]) -> tuple[State, Chunk]:
        state, chunk = carry
        early, late = ({name: getattr(x, p)[k] for name, x in arriving.items()} for p in ("early", "late"))
        driven: Drives = jax.tree.map(lambda x: x[k], played)
        due: dict[str, Array] = jax.tree.map(lambda x: x[k], asked)
        clock = Clock(k, grid[2 * k], grid[2 * k + 1], grid[2 * k + 2], early, late, {}, {}, driven, asked=due)
        state, sample = step(structure, fixed, state, clock)
        return state, jax.tree.map(
            lambda kept, new: kept.at[k].set(new), chunk, Chunk(sample.recorded, sample.crossed, sample.sent)
        )

    out: tuple[State, Chunk] = jax.lax.fori_loop(0, n_steps, one, (state, chunk))
    return out


def _with_events(mechanism: MechanismStructure, events: Arriving | None) -> MechanismStructure:
    if events is None or mechanism.deliveries is None:
        return mechanism
    # Being traced here, they are no part of what is compiled.
    deliveries = dataclasses.replace(mechanism.deliveries, connection=events.connection, time=events.time)  # type: ignore[arg-type]
    return dataclasses.replace(mechanism, deliveries=deliveries)
