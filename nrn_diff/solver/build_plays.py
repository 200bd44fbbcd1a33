"""Structure of Vector.play, and what of it cannot be reproduced."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nrn_diff.errors import CaptureError, Refusal
from nrn_diff.events.time_grid import time_grid
from nrn_diff.events.waveforms import Course
from nrn_diff.snapshot import Capture, Play
from nrn_diff.solver.build_events import find_sources, find_watched
from nrn_diff.solver.fill_tables import is_refilled, why_not_refilled
from nrn_diff.solver.incidence import Incidence
from nrn_diff.solver.moment import ion_field
from nrn_diff.solver.play import course_of, wave_names, wave_vectors
from nrn_diff.solver.play_group import PlayGroup
from nrn_diff.solver.spikes import SEND_DELAY
from nrn_diff.solver.structure import MechanismStructure, Place, Structure
from nrn_diff.solver.turns import reached

# Blocks that events run, and what is looked at before them.
_BY_EVENTS = ("net_receive", "net_initial")
_EARLY = (*_BY_EVENTS, "watch")


def build_plays(
    capture: Capture,
    mechanisms: tuple[MechanismStructure, ...],
    row: np.ndarray,
    steps: int,
    written: frozenset[Place],
    watched: frozenset[Place],
) -> tuple[PlayGroup, ...]:
    """The plays of a snapshot, those of one variable together.

    written: what blocks write through POINTERs; watched: by NetCons. Raises CaptureError for what cannot be driven.
    """
    refusals = [refusal for p in capture.plays for refusal in _problems(capture, p, mechanisms, written)]
    if refusals:
        raise CaptureError(refusals)
    grid = time_grid(capture.dt, steps)
    names = {vector: name for name, vector in wave_vectors(capture).items()}
    sizes = {ion.name: len(ion.nodes) for ion in capture.ions} | {m.name: m.count for m in mechanisms}
    sizes |= {"v": len(row), "cm": len(capture.cable.cm)}
    sizes |= {"threshold": len(find_sources(capture)) + len(find_watched(capture))}
    if capture.extracellular is not None:
        sizes |= dict.fromkeys(("e_extracellular", "layer"), len(capture.extracellular.nodes))
    connections = {m.name: len(m.deliveries.row) for m in mechanisms if m.deliveries is not None}
    courses: dict[tuple[object, ...], Course] = {}
    groups: dict[Place, list[Play]] = {}
    for p in capture.plays:
        groups.setdefault(_place(capture, p), []).append(p)
    built = []
    for place, members in groups.items():
        source, owner, variable, element = place
        size = connections[owner] if source == "weight" else sizes.get(source, sizes.get(owner, 1))
        of_row = np.full(1 if source == "start" else size, -1)
        of_row[[_row(capture, p, row) for p in members]] = np.arange(len(members))
        mine = []
        for p in members:
            key = (p.times.tobytes(), p.interval, p.continuous, p.has_breaks, p.breaks.tobytes(), len(p.values))
            if key not in courses:
                courses[key] = course_of(p, grid)
            mine.append(courses[key])
        changing = source == "v" or _is_written(source, owner, variable, mechanisms)
        at = Incidence(of_row, len(members))
        in_events = any(_reads(m, place, _BY_EVENTS) for m in mechanisms) or source == "weight"
        early = in_events or place in watched or source == "threshold"
        early |= any(_reads(m, place, _EARLY) or is_refilled(m, place) for m in mechanisms)
        waves_of = tuple(names[p.vector] for p in members)
        built.append(PlayGroup(source, owner, variable, element, at, waves_of, tuple(mine), changing, early, in_events))
    tied = [r for group in built if group.in_events for r in _ties(group, mechanisms, grid)]
    if tied:
        raise CaptureError(tied)
    return tuple(built)


def _place(capture: Capture, play: Play) -> Place:
    target = play.target
    if target.kind == "weight":
        return Place("weight", _target_of(capture, play)[0], "", target.element)
    return Place(target.kind, target.owner, target.variable, target.element)


def _target_of(capture: Capture, play: Play) -> tuple[str, int]:
    """Mechanism of a NetCon, and its number among the connections to it."""
    position = next(k for k, c in enumerate(capture.connections) if c.index == play.target.index)
    target = capture.connections[position].target
    return target, sum(c.target == target for c in capture.connections[:position])


def _row(capture: Capture, play: Play, row: np.ndarray) -> int:
    match play.target.kind:
        case "v":
            return int(row[play.target.index])
        case "weight":
            return _target_of(capture, play)[1]
        case "threshold":
            return _sources_at(capture, play.target.index)[0]
    return play.target.index


def _sources_at(capture: Capture, node: int) -> list[int]:
    """Numbers of the sources of spikes that watch the voltage of a node."""
    return [k for k, (watched, _) in enumerate(find_sources(capture)) if watched == node]


def _is_written(source: str, owner: str, variable: str, mechanisms: tuple[MechanismStructure, ...]) -> bool:
    """Whether the model itself changes the variable during a run."""
    for m in mechanisms:
        written = {n for key in ("current", "advance", "net_receive") if key in m.blocks for n in m.blocks[key].outputs}
        if source == "ion":
            written = {ion_field(owner, n) for n in written if m.ion_of.get(n) == owner}
        elif m.name != owner:
            continue
        if variable in written:
            return True
    return False


def _reads(m: MechanismStructure, place: Place, blocks: tuple[str, ...]) -> bool:
    """Whether some blocks of a mechanism read a variable under its own name."""
    names = {n for key in blocks if key in m.blocks for n in m.blocks[key].inputs}
    match place.source:
        case "celsius" | "v":
            return place.source in names
        case "mechanism" | "global":
            return place.owner == m.name and place.variable in names
    return False


def _problems(
    capture: Capture, play: Play, mechanisms: tuple[MechanismStructure, ...], written: frozenset[Place]
) -> Iterator[Refusal]:
    target = play.target
    what = f"{play.vector} is played into {target.label}"
    if target.kind == "weight" and target.index not in {c.index for c in capture.connections}:
        why = "its target is an artificial cell (whose events are made before the equations are solved), or is nothing"
        yield Refusal(what, target.label, why, "drive a NetCon to a point process in a section")
        return
    if target.kind == "threshold" and len(_sources_at(capture, target.index)) != 1:
        why = (
            "none of the NetCons that watch this voltage delivers or records anything, or they have several thresholds"
        )
        yield Refusal(what, target.label, why, "stop it with play_remove()")
        return
    place = _place(capture, play)
    if place in written:
        yield Refusal(what, target.label, "it is also written through a POINTER; not supported yet", "drive another")
    name = target.kind if target.kind == "celsius" else target.variable
    for m in mechanisms:
        where = f"mechanism {m.name}, {m.ir.file}"
        if is_refilled(m, place) and (why := why_not_refilled(m, place)):
            yield Refusal(what, where, why, f"h.usetable_{m.name} = 0")
        block = m.blocks.get("net_receive")
        if block is None:
            continue
        followed = {n for n in block.inputs for link in m.pointers.get(n, ()) if link.place == place}
        if followed:
            why = f"its NET_RECEIVE reads it through the POINTER {min(followed)}, so that the order of the two matters"
            yield Refusal(what, where, f"{why}; not supported yet", "read it in another block")
        given = block.args[place.element] if place.source == "weight" and m.name == place.owner else name
        changed = given in block.outputs or any(given in names for names in _of_others(m, place.element))
        if changed and ((place.source == "weight" and m.name == place.owner) or _reads(m, place, _EARLY)):
            why = "its NET_RECEIVE changes it, so that the order of the two within a step matters; not supported yet"
            yield Refusal(what, where, why, "drive a variable that events do not change")
        elif place.source == "v" and _reads(m, place, ("net_receive",)):
            why = "its NET_RECEIVE reads v, so that the order of the two within a step matters; not supported yet"
            yield Refusal(what, where, why, "use a SEClamp with a small rs")


def _of_others(m: MechanismStructure, element: int) -> list[tuple[str, ...]]:
    """What NET_RECEIVE assigns of the NetCons in a FOR_NETCONS, by NetCon; those names are not the arguments' own."""
    names = () if m.agenda is None else m.agenda.netcon_args
    outputs = m.blocks["net_receive"].outputs
    return [(m.blocks["net_receive"].args[element],) for mine in names if element >= 0 and mine[element] in outputs]


def refuse_refilled(capture: Capture, mechanisms: tuple[MechanismStructure, ...]) -> None:
    """Raise CaptureError for plays into what a TABLE reads, in runs from the state in which NEURON is."""
    refusals = [
        Refusal(
            f"{p.vector} is played into {p.target.label}",
            f"mechanism {m.name}, {m.ir.file}",
            "a TABLE depends on it: continuerun() and psolve() fill it anew at different times, and what is in it now "
            "cannot be read",
            f"h.usetable_{m.name} = 0, or use nrn_diff.capture() and Model.simulate()",
        )
        for p in capture.plays
        for m in mechanisms
        if is_refilled(m, _place(capture, p))
    ]
    if refusals:
        raise CaptureError(refusals)


def turning_points(
    structure: Structure, plays: tuple[Play, ...], grid: np.ndarray
) -> dict[str, list[tuple[np.ndarray, np.ndarray]]]:
    """Mechanism -> connections whose events read what a Vector drives, and when (ms) that acts; of all such Vectors.

    plays: of a run from the middle, with the Vectors as they are now. grid (ms): `time_grid` of the run.
    """
    due = {p.vector: course_of(p, grid).due for p in plays}
    names = wave_names(plays)
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for group in (g for g in structure.plays if g.in_events):
        for m in structure.mechanisms:
            of_waves = zip(group.waves, reached(group, m), strict=True)
            found.setdefault(m.name, []).extend((at, due[names[wave]]) for wave, at in of_waves if len(at))
    return found


def tie(what: str, where: str, t: float) -> Refusal:
    """An event that reads what a Vector drives at the moment at which the Vector acts."""
    return Refusal(
        f"{what} at t = {t:g} ms",
        where,
        "an event that reads it arrives at the same time, and which of the two comes first depends on what else waits "
        "in NEURON's queue",
        "let the Vector act a little earlier or later, or give the NetCon another delay",
    )


def _ties(group: PlayGroup, mechanisms: tuple[MechanismStructure, ...], grid: np.ndarray) -> Iterator[Refusal]:
    """Events that are due when one of the plays acts: which of them comes first only NEURON's queue knows."""
    starts = grid[0:-1:2] + SEND_DELAY
    for m in mechanisms:
        d = m.deliveries
        if d is None:
            continue
        lines = (d.early_lines, d.late_lines)
        for course, connections in zip(group.courses, reached(group, m), strict=True):
            due = course.due[course.phase > 0]
            times = [d.time[np.isin(d.connection, connections)]]
            for delay in np.unique(np.concatenate([x.delay[np.isin(x.connection, connections)] for x in lines])):
                times.append(starts + delay)
            tied = np.intersect1d(due, np.concatenate(times))
            if len(tied):
                name = ".".join(filter(None, (group.owner, group.variable or group.source)))
                yield tie(f"a Vector is played into {name}", f"mechanism {m.name}, {m.ir.file}", float(tied[0]))
