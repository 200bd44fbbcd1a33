"""One run on JAX from the state in which NEURON is to the state in which NEURON would be afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from neuron import h

from nrn_diff.bridge.callbacks import places_of_sources, recorded_now
from nrn_diff.bridge.capture import FromNow, examine
from nrn_diff.bridge.clock import refuse_late_secondorder
from nrn_diff.bridge.common_delays import CommonDelays, common_delays
from nrn_diff.bridge.connections import watched_of
from nrn_diff.bridge.elements import vector_and_index
from nrn_diff.bridge.extracellular import layer_potential
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.forked import ChildFailedError
from nrn_diff.bridge.generators import Generators
from nrn_diff.bridge.gid_sources import gid_label
from nrn_diff.bridge.hoc_events import HocEvent
from nrn_diff.bridge.inventory import Inventory, hoc_objects
from nrn_diff.bridge.live import (
    Wiring,
    places_of_processes,
    read_wiring,
    structure_changes,
    times_initialised,
)
from nrn_diff.bridge.own_events import OwnEvents
from nrn_diff.bridge.own_mods import Count, record_of_count, vectors_of_counts
from nrn_diff.bridge.plays import find_numbered_plays, once_each
from nrn_diff.bridge.queue_state import read_queue, several_movable
from nrn_diff.bridge.random123 import NeuronRandom
from nrn_diff.bridge.records import not_recorded_yet
from nrn_diff.bridge.sampling import intervals_of_records
from nrn_diff.bridge.save_state import SavedState, save_state
from nrn_diff.bridge.sources import Sources, find_sources
from nrn_diff.bridge.threads import how_many
from nrn_diff.bridge.translate import Translator
from nrn_diff.errors import CaptureError, NrnDiffError
from nrn_diff.events.live import LiveNetwork
from nrn_diff.events.time_grid import time_grid
from nrn_diff.plugin.agenda import NoRoomError, enlarged, read_agendas, room_for, start_queues
from nrn_diff.plugin.chunks import Stepper
from nrn_diff.plugin.guard import guards, unguarded
from nrn_diff.plugin.hidden import Hidden, hidden_at_start, left_behind, lost
from nrn_diff.plugin.membrane import membrane_currents
from nrn_diff.plugin.progress import Progress
from nrn_diff.plugin.put import Finished, layered_in_order, put
from nrn_diff.plugin.spike_vectors import numbers_of_senders, spike_vectors
from nrn_diff.plugin.statements import Piece, check_ties, steps_until, take_statements
from nrn_diff.plugin.ties import TieCheck
from nrn_diff.plugin.timed import Timed, apart, asked_of, has_plays, has_timed_records, read_timed
from nrn_diff.snapshot import ELEMENTS, Capture, EventCapacity, Play, Record
from nrn_diff.solver.build import build_values
from nrn_diff.solver.build_plays import turning_points
from nrn_diff.solver.initialise import Live
from nrn_diff.solver.play import Drives, live_drives, no_drives
from nrn_diff.solver.resume import (
    from_start,
    live_capture,
    live_structure,
    start_samples,
)
from nrn_diff.solver.structure import Structure
from nrn_diff.solver.values import Fixed, State, Values


@dataclass(frozen=True)
class Known:
    """What is found out once for each topology. key: changes when it must be found out again.

    intervals (ms): of the Vectors that record at intervals, in NEURON's order. Nothing here refers to an object of
    NEURON: the user's last reference to one must stay the last.
    """

    key: tuple[Any, ...]
    records: tuple[Record, ...]
    sources: Sources
    intervals: tuple[float, ...]


@dataclass(frozen=True)
class Prepared:
    """All that a run needs, read from NEURON; nothing in NEURON has changed yet.

    capture: what it records last are the counts of `counts`, of which no Vector takes the samples. grid
    [2 * n_steps + 1] (ms): `time_grid` of the run. driven, drives: the Vectors that are played. statements: what
    CVode.event has queued, by its place in the queue of `saved`. numbers: source (an artificial cell or point process)
    -> the Vector that takes a number when it fires, and the number. drawn: whether a Random is played.
    """

    inventory: Inventory
    capture: Capture
    structure: Structure
    values: Values
    wiring: Wiring
    saved: SavedState
    known: Known
    network: LiveNetwork
    generators: Generators
    random: NeuronRandom
    fixed: Fixed
    state: State
    grid: np.ndarray
    timed: Timed
    drives: Drives
    driven: tuple[Play, ...]
    counts: tuple[Count, ...]
    agendas: dict[str, OwnEvents]
    common: CommonDelays | None
    places: tuple[int, ...]
    statements: dict[int, HocEvent]
    numbers: dict[int, tuple[str, int]]
    ties: TieCheck
    drawn: bool


def _read_state() -> SavedState:
    try:
        return save_state()
    except ChildFailedError as error:
        raise NrnDiffError(
            f"NEURON cannot save its state ({error}), by which a run is handed over. Its disk is full (free some "
            f"space, or set TMPDIR to another folder than {tempfile.gettempdir()}), or NEURON itself crashes, "
            "because an event is on its way along a NetCon, or to a process, that was deleted (call finitialize "
            "before the run), or because an ARTIFICIAL_CELL has an array (use nrn_diff.capture() and Model.simulate())."
        ) from error
    except OSError as error:
        raise NrnDiffError(
            f"NEURON's state cannot be written to the temporary folder {tempfile.gettempdir()} ({error}). "
            "If its disk is full, free some space or set TMPDIR to another folder."
        ) from error


@dataclass
class Session:
    """Runs in this process, one after the other.

    disordered: the `times_initialised` since which NEURON's queue may hold events of one time in another order.
    """

    known: Known | None = None
    hidden: Hidden | None = None
    structures: dict[str, Structure] = field(default_factory=dict)
    capacity: EventCapacity = field(default_factory=EventCapacity)
    disordered: tuple[int | None] | None = None

    def prepare(self, n_steps: int, progress: Progress, *, stops: bool = False) -> Prepared:
        """Read the state of NEURON. Raises CaptureError with everything that cannot be reproduced.

        stops: whether an event without a statement ends the run. Fewer than n_steps are made if one does, or if
        something is to be executed between two of them.
        """
        saved, refused = _read_state(), Findings()
        statements = take_statements(saved, refused)
        with unguarded(saved), common_delays() as common:
            grid = time_grid(float(h.dt), n_steps, float(h.t))
            grid = grid[: 2 * steps_until(statements.values(), grid[::2], stops=stops) + 1]
            return self._prepare(saved, statements, refused, grid, common, progress)

    def _prepare(
        self,
        saved: SavedState,
        statements: dict[int, HocEvent],
        refused: Findings,
        grid: np.ndarray,
        common: CommonDelays | None,
        progress: Progress,
    ) -> Prepared:
        key = self._key(saved)
        known = self._known(key, progress)
        found: dict[str, Any] = {}

        def connections(inventory: Inventory, translator: Translator, findings: Findings) -> tuple[Any, ...]:
            wiring = read_wiring(inventory, saved, translator, common, findings)
            found.update(wiring=wiring, generators=translator.generators)
            return wiring.connections

        def plays(inventory: Inventory, findings: Findings) -> tuple[Play, ...]:
            found["plays"] = numbered = _numbered_plays(saved, inventory, findings)
            return once_each(play for _, play in numbered)

        # When a Vector records is part of its record, and may be changed in a Vector.
        records = known.records if known and not has_timed_records(saved) else None
        now = FromNow(connections, plays, grid[1::2], records)
        examined = examine(float(h.dt), float(h.dt), now)
        findings, capture, inventory = examined.findings, examined.capture, examined.inventory
        findings.add(refused)
        if inventory is None or capture is None or "wiring" not in found:
            findings.raise_if_refused()
            raise CaptureError(findings.refusals)
        wiring: Wiring = found["wiring"]
        if known is None:
            known = _find_out(key, saved, wiring, inventory, capture.records, findings)
            capture = replace(capture, records=known.records)
        known = replace(known, records=capture.records)
        _refuse_elements_that_record(capture, wiring, findings)
        timed = _read_timed(saved, found["plays"], known, float(grid[-1]), findings)
        places = _places(wiring, inventory, known.sources)
        queue, own = read_queue(saved, wiring, inventory, places, common, findings)
        numbers = numbers_of_senders(wiring, findings)
        for refusal in several_movable(queue, wiring):
            findings.refuse(refusal.what, refusal.where, refusal.why, refusal.remedy)
        refuse_late_secondorder(findings)
        counts = _counts(inventory, capture, wiring, findings)
        findings.raise_if_refused()
        self.known = known
        capture = replace(capture, records=(*apart(capture.records, timed), *map(record_of_count, counts)))
        driven, self.capacity = capture.plays, room_for(own, self.capacity)
        capture = replace(live_capture(capture, wiring.outside, wiring.heard), event_capacity=self.capacity)
        structure = self._structure(capture, progress)
        v = jnp.asarray(capture.cable.v[structure.tree.order])
        values = build_values(capture, structure)._replace(start_v=v)
        hidden = hidden_at_start(self.hidden, structure, values, findings)
        agendas = read_agendas(structure, inventory, findings)
        watched = watched_of(capture.records, wiring.models, findings)
        ties = TieCheck.of(structure, wiring, self._disordered(bool(found["plays"]), known, common, wiring))
        check_ties(statements.values(), findings, known=not ties.others)
        findings.raise_if_refused()
        start = Live(
            v,
            jnp.asarray(float(h.t)),
            jnp.array(known.sources.above(saved), bool),
            membrane_currents(inventory, structure),
            _outside(capture, inventory, structure),
            start_queues(structure, own, agendas, wiring, float(h.t)),
        )
        fixed, state = from_start(structure, values, start, hidden)
        drives = live_drives(structure, values, driven, grid, timed.over) if driven else no_drives()
        random = NeuronRandom()
        network = LiveNetwork(
            wiring.models,
            wiring.all_connections,
            wiring.first_sender + len(wiring.senders),
            random,
            None if common is None else [common.now[k] if k >= 0 else None for k in places],
            watched,
        )
        network.wait(queue)
        return Prepared(
            inventory,
            capture,
            structure,
            values,
            wiring,
            saved,
            known,
            network,
            found["generators"],
            random,
            fixed,
            state,
            grid,
            timed,
            drives,
            driven,
            counts,
            agendas,
            common,
            tuple(places),
            statements,
            numbers,
            ties,
            len(driven) > len(once_each(play for _, play in found["plays"])),
        )

    def run(self, n_steps: int, progress: Progress, *, stops: bool = False) -> Piece:
        """Make the steps and leave NEURON as it would be after them. Raises CaptureError, which leaves NEURON alone.

        Returns how many were made and what NEURON would execute then. stops: see `prepare`.
        """
        while True:
            ready = self.prepare(n_steps, progress, stops=stops)
            try:
                return self._run(ready, progress)
            except NoRoomError as error:
                self.capacity = enlarged(self.capacity, error, ready.structure)

    def _run(self, ready: Prepared, progress: Progress) -> Piece:
        """Raises NoRoomError, or CaptureError for events whose order is not known; NEURON is then as it was before."""
        checked = np.array(ready.known.sources.order, dtype=int)
        turning = turning_points(ready.structure, ready.driven, ready.grid)
        due = asked_of(ready.structure, ready.timed, ready.capture.records, ready.grid)
        stepper = Stepper(
            ready.structure, ready.fixed, ready.wiring, ready.network, ready.drives, due, ready.ties, checked, turning
        )
        now = start_samples(ready.structure, ready.fixed, ready.state, ready.grid[0]) if ready.timed.sampled else None
        state, samples, fired = stepper.run(ready.state, ready.grid, progress)
        tied = ready.ties.waiting(ready.wiring, ready.network.waiting())
        end = float(ready.grid[-1])
        done = Finished(
            end,
            state,
            samples,
            fired,
            ready.grid[0:-1:2],
            now,
            tuple(guards(lost(ready.structure, ready.values), tied, end)),
        )
        try:
            put(ready, done)
        except OSError as error:
            raise NrnDiffError(
                f"the result cannot be given to NEURON by way of the temporary folder {tempfile.gettempdir()} "
                f"({error.strerror}); NEURON is as it was before the run. Free some space or set TMPDIR."
            ) from error
        self.hidden = left_behind(ready.structure, ready.values, ready.fixed, state, done.t)
        if tied:
            self.disordered = (times_initialised(),)
        return Piece(
            len(done.starts), tuple(ready.statements[k] for k in ready.network.passed() if k in ready.statements)
        )

    def _disordered(self, plays: bool, known: Known, common: CommonDelays | None, wiring: Wiring) -> bool:
        """Whether events of one time may wait in NEURON's queue in another order than here."""
        vectors = plays or not all(r.every_step for r in known.records)
        unknown = common is None or not wiring.ordered
        return vectors or how_many() > 1 or unknown or self.disordered == (times_initialised(),)

    def _known(self, key: tuple[Any, ...], progress: Progress) -> Known | None:
        if self.known is not None and self.known.key == key:
            return self.known
        progress.say("reading the model")
        return None

    def _key(self, saved: SavedState) -> tuple[Any, ...]:
        names = tuple(n.hname() for n in hoc_objects("NetCon"))
        kinds = tuple(kind for kind, _ in saved.plays)
        return (
            *structure_changes(),
            places_of_processes(),
            how_many(),
            names,
            len(hoc_objects("Vector")),
            len(hoc_objects("LinearMechanism")),
            kinds,
            len(saved.sources),
            recorded_now(),
        )

    def _structure(self, capture: Capture, progress: Progress) -> Structure:
        made = live_structure(capture)
        if made.digest not in self.structures:
            progress.say("compiling")
        return self.structures.setdefault(made.digest, made)


def _find_out(
    key: tuple[Any, ...],
    saved: SavedState,
    wiring: Wiring,
    inventory: Inventory,
    records: tuple[Record, ...],
    findings: Findings,
) -> Known:
    vectors = {r.vector for r in records} | set(spike_vectors(wiring)) | {s.vector for s in wiring.gid_sources}
    sources = find_sources(wiring, inventory, vectors, findings)
    if late := not_recorded_yet(records):
        records = tuple(r for r in records if r.vector not in late)
        key = (object(),)  # finitialize makes them record
    return Known(key, records, sources, intervals_of_records(saved))


def _refuse_elements_that_record(capture: Capture, wiring: Wiring, findings: Findings) -> None:
    """POINTERs to what a run itself appends to."""
    growing = {r.vector for r in capture.records} | set(spike_vectors(wiring))
    for label in (label for m in capture.mechanisms if m.ir.name == ELEMENTS for label in m.labels):
        if vector_and_index(label)[0] in growing:
            findings.refuse(f"POINTERs to {label}", label, "something is recorded into this Vector as well")


def _numbered_plays(saved: SavedState, inventory: Inventory, findings: Findings) -> Sequence[tuple[int, Play]]:
    return find_numbered_plays(inventory, findings) if has_plays(saved) else ()


def _read_timed(
    saved: SavedState, plays: Sequence[tuple[int, Play]], known: Known, until: float, findings: Findings
) -> Timed:
    records = [r for r in known.records if not r.every_step]
    sizes = {v.hname(): int(v.size()) for v in hoc_objects("Vector")} if records else {}
    sized = [(r, sizes[r.vector]) for r in records]
    return read_timed(saved, plays, sized, known.intervals, until, findings)


def _counts(inventory: Inventory, capture: Capture, wiring: Wiring, findings: Findings) -> tuple[Count, ...]:
    """Vectors of APCounts."""
    counts = vectors_of_counts(inventory, findings)
    taken = {r.vector for r in capture.records} | set(spike_vectors(wiring))
    for count in (c for c in counts if c.vector in taken):
        findings.refuse("APCount.record", count.vector, "something else is recorded into this Vector as well")
    return counts


def _outside(capture: Capture, inventory: Inventory, structure: Structure) -> jax.Array | None:
    """vext (mV), [layered rows, layers]."""
    if capture.extracellular is None:
        return None
    nodes = layered_in_order(capture, structure)
    count = capture.extracellular.xraxial.shape[1]
    places = [inventory.topology.node_place(node) for node in nodes]
    return jnp.asarray([[layer_potential(section, x, k) for k in range(count)] for section, x in places])


def _places(wiring: Wiring, inventory: Inventory, sources: Sources) -> list[int]:
    """Place in the file of each source, -1 where it is not known: cells, voltages, the silent one, gids, senders."""
    of_netcon = places_of_sources()
    names = [s.cell or s.sender or (gid_label(s.gid) if s.gid >= 0 else "") for s in wiring.sources]
    place = {name: k for name, k in zip(names, of_netcon or (), strict=bool(of_netcon)) if name}
    senders = [name for name in dict.fromkeys(s.sender for s in wiring.sources) if name in inventory.instances]
    cells = [c.live.hname() for c in wiring.cells]
    behind = [place.get(s, -1) for s in (*map(gid_label, wiring.gids), *senders)]
    return [*(place.get(c, -1) for c in cells), *sources.place, -1, *behind]
