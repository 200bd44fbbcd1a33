"""Vector.play: variables that given samples drive, set where NEURON sets them within the step."""

from __future__ import annotations

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np

from mod_translator import emit
from nrn_diff.errors import CaptureError, Refusal
from nrn_diff.events.time_grid import time_grid
from nrn_diff.events.waveforms import Course, Samples, continuous_course, step_course
from nrn_diff.snapshot import Capture, Play
from nrn_diff.solver.incidence import Incidence
from nrn_diff.solver.moment import Moment, ion_field
from nrn_diff.solver.structure import MechanismStructure, Place, PlayGroup, Structure
from nrn_diff.solver.values import Array, PerMechanism, Values

PHASES = ("early", "middle", "end", "late")


@dataclass(frozen=True)
class Driven:
    """What a group is set to in one phase of every step: value [n_steps, n_plays], and where it is set at all."""

    value: Array
    present: Array


jax.tree_util.register_dataclass(Driven, ["value", "present"], [])

# phase -> number of the group -> what it is set to
Drives = dict[str, dict[int, Driven]]


def waves(capture: Capture) -> dict[str, np.ndarray]:
    """The samples of each played Vector once, by the name that they have as a parameter: 'play[0]', ..."""
    by_vector = {p.vector: p.values for p in capture.plays}
    return {name: by_vector[vector] for name, vector in wave_vectors(capture).items()}


def wave_names(plays: tuple[Play, ...]) -> dict[str, str]:
    """Name of the samples -> HOC name of the Vector that holds them."""
    return {f"play[{k}]": vector for k, vector in enumerate(dict.fromkeys(p.vector for p in plays))}


def wave_vectors(capture: Capture) -> dict[str, str]:
    """Name of the samples -> HOC name of the Vector that holds them."""
    return wave_names(capture.plays)


def build_plays(
    capture: Capture,
    mechanisms: tuple[MechanismStructure, ...],
    row: np.ndarray,
    steps: int,
    written: frozenset[Place],
) -> tuple[PlayGroup, ...]:
    """The plays of a snapshot, those of one variable together; written: what blocks write through POINTERs.

    Raises CaptureError for what cannot be driven.
    """
    refusals = [refusal for p in capture.plays for refusal in _problems(p, mechanisms, written)]
    if refusals:
        raise CaptureError(refusals)
    grid = time_grid(capture.dt, steps)
    names = {vector: name for name, vector in wave_vectors(capture).items()}
    sizes = {ion.name: len(ion.nodes) for ion in capture.ions} | {m.name: m.count for m in mechanisms}
    sizes |= {"v": len(row)}
    if capture.extracellular is not None:
        sizes |= {"e_extracellular": len(capture.extracellular.nodes)}
    courses: dict[tuple[object, ...], Course] = {}
    groups: dict[tuple[str, str, str, int], list[Play]] = {}
    for p in capture.plays:
        groups.setdefault((p.target.kind, p.target.owner, p.target.variable, p.target.element), []).append(p)
    built = []
    for (source, owner, variable, element), members in groups.items():
        rows = [row[p.target.index] if source == "v" else p.target.index for p in members]
        place = np.full(sizes.get(source, sizes.get(owner, 1)), -1)
        place[rows] = np.arange(len(members))
        mine = []
        for p in members:
            key = (p.times.tobytes(), p.interval, p.continuous, p.has_breaks, p.breaks.tobytes(), len(p.values))
            mine.append(courses.setdefault(key, courses[key] if key in courses else course_of(p, grid)))
        changing = source == "v" or _is_written(source, owner, variable, mechanisms)
        waves_of = tuple(names[p.vector] for p in members)
        at = Incidence(place, len(members))
        built.append(PlayGroup(source, owner, variable, element, at, waves_of, tuple(mine), changing))
    return tuple(built)


def course_of(play: Play, grid: np.ndarray) -> Course:
    """When a Vector acts on the times of `grid` (ms, as of `time_grid`)."""
    if play.continuous:
        return continuous_course(play.times, play.breaks if play.has_breaks else None, grid)
    return step_course(len(play.values), play.times, play.interval, grid)


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


def _problems(play: Play, mechanisms: tuple[MechanismStructure, ...], written: frozenset[Place]) -> list[Refusal]:
    target, found = play.target, []
    what = f"{play.vector} is played into {target.label}"
    if Place(target.kind, target.owner, target.variable, target.element) in written:
        found.append(Refusal(what, target.label, "it is also written through a POINTER; not supported yet"))
    for m in mechanisms:
        mine = {"mechanism": m.name == target.owner, "global": m.name == target.owner, "celsius": True}
        name = target.kind if target.kind == "celsius" else target.variable
        if not mine.get(target.kind, False):
            continue
        tables = [t.routine for t in emit.tables(m.ir) if m.use_table and name in t.inputs]
        if tables:
            found.append(
                Refusal(
                    what,
                    f"mechanism {m.name}, {m.ir.file}",
                    f"the TABLE of {tables[0]} depends on it, and would be filled anew during the run",
                    f"h.usetable_{m.name} = 0",
                )
            )
        received = {
            n for key in ("net_receive", "net_initial", "watch") if key in m.blocks for n in m.blocks[key].inputs
        }
        if name in received:
            found.append(
                Refusal(
                    what,
                    f"mechanism {m.name}, {m.ir.file}",
                    "its NET_RECEIVE reads it, so the order of the two within a step matters; not supported yet",
                )
            )
    return found


def start_values(structure: Structure, values: Values) -> Values:
    """The numbers after the plays of finitialize, which come before v_init and every INITIAL."""
    for group in structure.plays:
        if group.source == "v" or not any(course.start.present.any() for course in group.courses):
            continue
        driven = jax.tree.map(lambda x: x[0], _driven(group, values, "start"))
        match group.source:
            case "e_extracellular" if values.extracellular is not None:
                new = _replaced(group, values.extracellular.e_extracellular, driven)
                values = values._replace(extracellular=values.extracellular._replace(e_extracellular=new))
            case "celsius":
                values = values._replace(celsius=_replaced(group, values.celsius, driven))
            case "global":
                values = values._replace(globals_=_set(values.globals_, group, driven))
            case "mechanism":
                values = values._replace(mechanisms=_set(values.mechanisms, group, driven))
            case "ion":
                ion = values.ions[group.owner]
                new = _replaced(group, getattr(ion, group.variable), driven)
                values = values._replace(ions={**values.ions, group.owner: ion._replace(**{group.variable: new})})
    return values


def no_drives() -> Drives:
    """Of a run in which no Vector is played."""
    return {phase: {} for phase in PHASES}


def drives(structure: Structure, values: Values) -> Drives:
    """Everything that plays set during a run, computed before it; nothing for a phase in which nothing is set."""
    found = no_drives()
    for number, group in enumerate(structure.plays):
        for phase in _phases_of(group):
            if any(_samples(group, course, phase).present.any() for course in group.courses):
                found[phase][number] = _driven(group, values, phase)
    return found


def live_drives(
    structure: Structure, values: Values, plays: tuple[Play, ...], grid: np.ndarray
) -> dict[str, dict[int, Driven]]:
    """As `drives`, of a run that starts at grid[0] (ms); its program is one for all courses, so no phase is left out.

    plays: those of the snapshot, with the Vectors as they are now.
    """
    of_vector, samples = {p.vector: course_of(p, grid) for p in plays}, {p.vector: p.values for p in plays}
    names = wave_names(plays)
    values = values._replace(plays={name: jnp.asarray(samples[vector]) for name, vector in names.items()})
    found = no_drives()
    for number, group in enumerate(structure.plays):
        courses = tuple(of_vector[names[wave]] for wave in group.waves)
        for phase in _phases_of(group):
            found[phase][number] = _driven(replace(group, courses=courses), values, phase)
    return found


def play(now: Moment, driven: dict[int, Driven]) -> None:
    """Set the variables of one phase. driven: of `drives`, at one step."""
    for number, given in driven.items():
        group = now.structure.plays[number]
        match group.source:
            case "v":
                now.v = _replaced(group, now.v, given)
            case "e_extracellular" if now.e_extracellular is not None:
                now.e_extracellular = _replaced(group, now.e_extracellular, given)
            case "celsius":
                values = now.fixed.values
                new = _replaced(group, values.celsius, given)
                now.fixed = now.fixed._replace(values=values._replace(celsius=new))
            case "ion":
                state = now.ions[group.owner]
                new = _replaced(group, getattr(state, group.variable), given)
                now.ions[group.owner] = state._replace(**{group.variable: new})
            case "global" if group.variable not in now.mechanisms[group.owner]:
                now.fixed = now.fixed._replace(globals_=_set(now.fixed.globals_, group, given))
            case _:
                now.mechanisms = _set(now.mechanisms, group, given)


def _phases_of(group: PlayGroup) -> tuple[str, ...]:
    return PHASES if group.changing else ("middle", "end")


def _samples(group: PlayGroup, course: Course, phase: str) -> Samples:
    samples: Samples = getattr(course, phase)
    if group.changing and not course.continuous and phase in ("middle", "end"):
        # What a step form set is changed by the model since, and stays so until the next event.
        return replace(samples, present=np.zeros_like(samples.present))
    return samples


def _driven(group: PlayGroup, values: Values, phase: str) -> Driven:
    parts, present = [], []
    for wave, course in zip(group.waves, group.courses, strict=True):
        samples, y = _samples(group, course, phase), values.plays[wave]
        low = y[samples.before]
        parts.append(low + (y[samples.after] - low) * samples.fraction)
        present.append(samples.present)
    return Driven(jnp.stack(parts, axis=-1), jnp.asarray(np.stack(present, axis=-1)))


def _replaced(group: PlayGroup, old: Array, driven: Driven) -> Array:
    """`old` with the values of one moment in place."""
    if group.element >= 0:
        return old.at[group.element].set(_replaced(replace(group, element=-1), old[group.element], driven))
    if jnp.ndim(old) == 0 or group.source == "global":  # one variable, of which each instance may have a copy
        return jnp.where(driven.present[0], driven.value[0], old)
    hit = group.place.target >= 0
    present = hit & driven.present[np.maximum(group.place.target, 0)]
    return jnp.where(present, group.place.gather(driven.value), old)


def _set(held: PerMechanism, group: PlayGroup, driven: Driven) -> PerMechanism:
    mine = held[group.owner]
    return {**held, group.owner: {**mine, group.variable: _replaced(group, mine[group.variable], driven)}}
