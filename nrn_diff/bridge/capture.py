"""The live NEURON model as a `Capture`: the run that h.run() would make, from finitialize(v_init) to tstop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from neuron import h

from mod_translator import ir
from nrn_diff.bridge.circuits import malformed_circuits, read_circuits
from nrn_diff.bridge.clock import read_clock
from nrn_diff.bridge.connections import Wired, capture_connections, watched_voltages
from nrn_diff.bridge.elements import with_elements
from nrn_diff.bridge.extracellular import read_extracellular
from nrn_diff.bridge.fields import hidden_names, read_hidden
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.generators import read_generators
from nrn_diff.bridge.init_handlers import refuse_handlers
from nrn_diff.bridge.inventory import Inventory, take_inventory
from nrn_diff.bridge.ions import Styles, capture_ion
from nrn_diff.bridge.links import find_links
from nrn_diff.bridge.mechanisms import capture_mechanism, left_over
from nrn_diff.bridge.moved_time import Beside, refuse_beside_discrete
from nrn_diff.bridge.own_init.read import with_own_init
from nrn_diff.bridge.own_mods import note_vectors_of_counts
from nrn_diff.bridge.pasts import with_pasts
from nrn_diff.bridge.plays import find_plays
from nrn_diff.bridge.pointing import read_pointing
from nrn_diff.bridge.random_play import find_random_plays, moments_of_draws, refuse_twice_played
from nrn_diff.bridge.records import find_records, refuse_weights
from nrn_diff.bridge.refuse import check_process, check_threads
from nrn_diff.bridge.spike_records import capture_spikes
from nrn_diff.bridge.ties import refuse_doubtful
from nrn_diff.bridge.topology import mind_small_resistances, read_cable
from nrn_diff.bridge.translate import Translator, execution_rank
from nrn_diff.snapshot import Capture, Connection, Events, Play, Record, SpikeRecord


def capture_snapshot(tstop: float | None = None, dt: float | None = None) -> Capture:
    """Read the live NEURON model into plain arrays and the mechanisms' IR.

    tstop, dt (ms): of the run to capture; None: what h.run() would use (stdrun.hoc's setdt included). Nothing in NEURON
    changes, also if an error is raised. Raises CaptureError, which lists everything that cannot be reproduced.
    """
    examined = examine(tstop, dt)
    examined.findings.raise_if_refused()
    assert examined.capture is not None
    return examined.capture


@dataclass(frozen=True)
class Examined:
    """Everything that could be read, also of a model that is refused. inventory, capture: None without sections."""

    findings: Findings
    inventory: Inventory | None
    capture: Capture | None


@dataclass(frozen=True)
class FromNow:
    """For a run from the present state: what has been read already (None: not yet), how NetCons and plays are read.

    draws [n_steps] (ms): when NEURON draws for Random.play.
    """

    connections: Callable[[Inventory, Translator, Findings], tuple[Connection, ...]]
    plays: Callable[[Inventory, Findings], tuple[Play, ...]]
    draws: np.ndarray
    records: tuple[Record, ...] | None = None


def examine(tstop: float | None = None, dt: float | None = None, from_now: FromNow | None = None) -> Examined:
    """As `capture_snapshot`, but never raises because of the model: see `Examined.findings`."""
    findings = Findings()
    # NEURON ends on them as soon as it computes anything.
    inventory = None if malformed_circuits(findings) else take_inventory(findings)
    if inventory is None:
        return Examined(findings, None, None)
    return Examined(findings, inventory, _capture(inventory, tstop, dt, findings, from_now))


def _capture(
    inventory: Inventory, tstop: float | None, dt: float | None, findings: Findings, from_now: FromNow | None
) -> Capture | None:
    check_process(findings, from_now=from_now is not None)
    if from_now is None:
        refuse_handlers(inventory, findings)
    clock = read_clock(tstop, dt, findings)
    cable = read_cable(inventory.topology, findings)
    extracellular = read_extracellular(inventory, findings)
    circuits = read_circuits(inventory, clock.secondorder, findings, from_now=from_now is not None)
    generators = replace(read_generators(inventory, findings), pointing=read_pointing(inventory))
    translator = Translator(findings, generators, second_order=clock.secondorder > 0)
    lowered = translator.lower_all([d.type for d in inventory.mechanisms])
    check_threads(lowered, findings)
    rank = execution_rank([d.type for d in (*inventory.ions, *inventory.mechanisms)], lowered)
    styles = Styles(inventory, lowered, findings)
    ions = tuple(capture_ion(d, styles, findings) for d in inventory.ions)
    if from_now is None:
        note_vectors_of_counts(inventory, findings)
    links = find_links(inventory, lowered, findings)
    last = 1 + max(rank.values(), default=0)
    pointers, elements, places = with_elements(links.pointers, last)
    links = replace(links, pointers=pointers)
    hidden = _read_hidden(
        inventory, lowered, {n: (hidden_names if from_now else left_over)(m) for n, m in lowered.items()}
    )
    mechanisms = tuple(
        with_pasts(
            translator.completed(
                capture_mechanism(
                    d,
                    lowered[d.type.name],
                    rank[d.type.name],
                    links,
                    findings,
                    from_now=from_now is not None,
                    hidden=hidden.get(d.type.name),
                    generators=generators,
                )
            ),
            clock.dt,
            findings,
        )
        for d in sorted(inventory.mechanisms, key=lambda d: rank[d.type.name])
        if d.type.name in lowered
    )
    known = from_now.records if from_now else None
    records = known if known is not None else find_records(inventory, findings, places)
    spikes: tuple[SpikeRecord, ...] = ()
    if from_now is None:
        of_cells = [r for r in records if r.kind == "artificial"]
        wired = capture_connections(inventory, clock.tstop, last, translator, of_cells, findings)
        mechanisms += wired.cells
        records = tuple(wired.records[of_cells.index(r)] if r in of_cells else r for r in records)
        spikes = capture_spikes(inventory, mechanisms, wired.trains, findings)
    else:
        nothing = Events(np.zeros(0), np.zeros(0, int))
        wired = Wired(from_now.connections(inventory, translator, findings), (), nothing, (), (), (), ())
    refuse_weights(records, {c.index for c in wired.connections}, findings)
    if elements is not None:
        mechanisms += (elements,)
    _refuse_left_out(records, lowered, findings)
    drawn = find_random_plays(inventory, from_now.draws if from_now else moments_of_draws(clock), findings)
    if from_now is None:
        plays = (*drawn, *find_plays(inventory, findings))
        refuse_doubtful(wired.doubts, wired.connections, mechanisms, plays, records, findings)
    else:
        plays = (*drawn, *from_now.plays(inventory, findings))
    refuse_twice_played(drawn, plays, findings)
    beside = Beside(bool(wired.connections), plays, records, spikes, from_now is not None)
    refuse_beside_discrete(lowered, beside, findings)
    if cable is None:
        return None
    coupled = extracellular is not None or bool(circuits)
    captured = Capture(
        cable=mind_small_resistances(cable, inventory.topology, clock.dt, findings, coupled=coupled),
        ions=ions,
        mechanisms=mechanisms,
        connections=wired.connections,
        trains=wired.trains,
        events=wired.events,
        records=records,
        celsius=float(h.celsius),
        v_init=clock.v_init,
        dt=clock.dt,
        tstop=clock.tstop,
        secondorder=clock.secondorder,
        notes=findings.notes,
        spikes=spikes,
        extracellular=extracellular,
        circuits=circuits,
        plays=plays,
        voltages=watched_voltages(inventory) if from_now is None else (),
        courses=wired.courses,
    )
    return with_own_init(captured, inventory, lowered, clock, findings) if from_now is None else captured


def _refuse_left_out(records: Sequence[Record], lowered: Mapping[str, ir.Mechanism], findings: Findings) -> None:
    """What is recorded and stands in no snapshot.

    A GLOBAL that the translation has left out because it serves nothing in the equations; and NEURON's copy of an ion
    variable that a file declares RANGE and only READs: it is as old as the block of the file that ran last.
    """
    for record in records:
        mechanism = lowered.get(record.owner) if record.kind in ("global", "mechanism") else None
        if mechanism is None:
            continue
        symbol = mechanism.symbols.get(record.variable)
        if record.kind == "global" and symbol is None:
            findings.refuse(
                f"{record.vector} records {record.label}",
                record.vector,
                "no equation needs it, and it is left out",
                f"make {record.variable} RANGE and record it in an instance",
            )
        written = {current.name for current in mechanism.currents}
        if symbol is not None and symbol.role is ir.Role.ION and record.variable not in written:
            findings.refuse(
                f"{record.vector} records {record.label}",
                record.vector,
                f"this is {record.owner}'s copy of an ion variable that it only reads",
                f"record the ion's own variable: _ref_{record.variable} of the segment",
            )


def _read_hidden(
    inventory: Inventory, lowered: Mapping[str, ir.Mechanism], wanted: Mapping[str, list[str]]
) -> dict[str, dict[str, np.ndarray]]:
    """Mechanism -> the present values of what HOC cannot read and a run needs."""
    found = read_hidden(wanted, inventory.mechanisms)
    return {
        m: {n: x if lowered[m].symbols[n].length else x[:, 0] for n, x in values.items()} for m, values in found.items()
    }
