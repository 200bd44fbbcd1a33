"""Vector.play: variables that given samples drive, set where NEURON sets them within the step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np

from nrn_diff.events.waveforms import Course, Samples, continuous_course, step_course
from nrn_diff.snapshot import Capture, Play
from nrn_diff.solver.layers import layer_matrix
from nrn_diff.solver.moment import Moment
from nrn_diff.solver.play_group import PlayGroup
from nrn_diff.solver.structure import Structure
from nrn_diff.solver.values import Array, Fixed, PerMechanism, Values

PHASES = ("begin", "early", "middle", "end", "late")
# Of what events within half a step read: the plays of that half one by one.
HALVES = ("in_early", "in_late")


@dataclass(frozen=True)
class Driven:
    """What a group is set to in one phase of every step: value [n_steps, n_plays], and where it is set at all.

    Of half a step both are [n_steps, n_events, n_plays], in the order of their times due (ms), which is inf for none.
    """

    value: Array
    present: Array
    due: Array | None = None


jax.tree_util.register_dataclass(Driven, ["value", "present", "due"], [])

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


def course_of(play: Play, grid: np.ndarray, over: float | None = None) -> Course:
    """When a Vector acts on the times of `grid` (ms, as of `time_grid`).

    over (ms): events due by then are no more to come; None: those due at the start.
    """
    if play.continuous:
        return continuous_course(play.times, play.breaks if play.has_breaks else None, grid, over)
    return step_course(len(play.values), play.times, play.interval, grid, over)


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
            case "threshold":
                values = values._replace(thresholds=_replaced(group, values.thresholds, driven))
            case "cm":
                values = values._replace(cable=values.cable._replace(cm=_replaced(group, values.cable.cm, driven)))
            case "layer":
                values = _with_layers(values, group, driven)
            case "weight":
                values = values._replace(weights=_with_weights(values.weights, group, driven))
            case "start":
                values = _with_start(values, group, driven)
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
    return {phase: {} for phase in (*PHASES, *HALVES)}


def drives(structure: Structure, values: Values) -> Drives:
    """Everything that plays set during a run, computed before it; nothing for a phase in which nothing is set."""
    found = no_drives()
    for number, group in enumerate(structure.plays):
        for phase in _phases_of(group):
            if any(_samples(group, course, phase).present.any() for course in group.courses):
                found[phase][number] = _driven(group, values, phase)
        for half in HALVES if group.in_events else ():
            if any(len(_within(course, half)) for course in group.courses):
                found[half][number] = _one_by_one(group, values, half)
    return found


def live_drives(
    structure: Structure, values: Values, plays: tuple[Play, ...], grid: np.ndarray, over: Mapping[str, float]
) -> dict[str, dict[int, Driven]]:
    """As `drives`, of a run that starts at grid[0] (ms); its program is one for all courses, so no phase is left out.

    plays: those of the snapshot, with the Vectors as they are now. over (ms): by when their events are no more to come;
    where that is not said, by the start.
    """
    of_vector = {p.vector: course_of(p, grid, over.get(p.vector)) for p in plays}
    samples = {p.vector: p.values for p in plays}
    names = wave_names(plays)
    values = values._replace(plays={name: jnp.asarray(samples[vector]) for name, vector in names.items()})
    found = no_drives()
    for number, group in enumerate(structure.plays):
        courses = tuple(of_vector[names[wave]] for wave in group.waves)
        live = replace(group, courses=courses)
        for phase in _phases_of(group):
            found[phase][number] = _driven(live, values, phase)
        for half in HALVES if group.in_events else ():
            found[half][number] = _one_by_one(live, values, half)
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
            case "threshold":
                values = now.fixed.values
                new = _replaced(group, values.thresholds, given)
                now.fixed = now.fixed._replace(values=values._replace(thresholds=new))
            case "cm":
                now.fixed = _with_capacity(now, group, given)
            case "layer":
                values = _with_layers(now.fixed.values, group, given)
                assert now.structure.extracellular is not None
                matrix = layer_matrix(now.structure.extracellular, values, now.structure.cj, now.structure.branches)
                now.fixed = now.fixed._replace(values=values, layers=matrix)
            case "start":
                now.fixed = now.fixed._replace(values=_with_start(now.fixed.values, group, given))
            case "weight":
                now.weights = _with_weights(now.weights, group, given)
            case "ion":
                state = now.ions[group.owner]
                new = _replaced(group, getattr(state, group.variable), given)
                now.ions[group.owner] = state._replace(**{group.variable: new})
            case "global" if group.variable not in now.mechanisms[group.owner]:
                now.fixed = now.fixed._replace(globals_=_set(now.fixed.globals_, group, given))
            case _:
                now.mechanisms = _set(now.mechanisms, group, given)


def _with_capacity(now: Moment, group: PlayGroup, given: Driven) -> Fixed:
    fixed, values = now.fixed, now.fixed.values
    cm = _replaced(group, values.cable.cm, given)
    capacity = now.structure.segment_row.sum(0.001 * now.structure.cj * cm)
    return fixed._replace(
        values=values._replace(cable=values.cable._replace(cm=cm)),
        diagonal=fixed.diagonal + (capacity - fixed.capacity),
        capacity=capacity,
    )


def _with_layers(values: Values, group: PlayGroup, given: Driven) -> Values:
    assert values.extracellular is not None
    new = _with_column(getattr(values.extracellular, group.variable), group, given)
    return values._replace(extracellular=values.extracellular._replace(**{group.variable: new}))


def _with_start(values: Values, group: PlayGroup, given: Driven) -> Values:
    ion = values.ions[group.owner]
    new = _replaced(group, getattr(ion, group.variable), given)
    return values._replace(ions={**values.ions, group.owner: ion._replace(**{group.variable: new})})


def _with_weights(weights: dict[str, Array], group: PlayGroup, given: Driven) -> dict[str, Array]:
    return {**weights, group.owner: _with_column(weights[group.owner], group, given)}


def _with_column(old: Array, group: PlayGroup, given: Driven) -> Array:
    """`old` [n, elements] with one of its columns driven."""
    column = _replaced(replace(group, element=-1), old[:, group.element], given)
    return old.at[:, group.element].set(column)


def _phases_of(group: PlayGroup) -> tuple[str, ...]:
    if group.changing:
        return PHASES[1:]
    return ("begin", "middle", "end") if group.read_early else ("middle", "end")


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


def _within(course: Course, half: str) -> np.ndarray:
    """Numbers of the events that are due in such a half of any step."""
    during = course.phase[course.phase > 0]
    return len(course.phase) - len(during) + np.flatnonzero(during % 2 == (half == "in_early"))


def _one_by_one(group: PlayGroup, values: Values, half: str) -> Driven:
    """The events in one half of every step."""
    steps = len(group.courses[0].middle.before)
    parts, due = [], []
    numbers = [_within(course, half) for course in group.courses]
    in_step = [(c.phase[n] - 1) // 2 for c, n in zip(group.courses, numbers, strict=True)]
    inside = [(k[k < steps], n[k < steps]) for k, n in zip(in_step, numbers, strict=True)]
    most = max([1, *(int(np.bincount(k).max(initial=0)) for k, _ in inside)])
    for wave, course, (step, number) in zip(group.waves, group.courses, inside, strict=True):
        y = values.plays[wave]
        place = np.arange(len(step)) - np.searchsorted(step, step)
        which, when = np.zeros((steps, most), int), np.full((steps, most), np.inf)
        which[step, place], when[step, place] = number, course.due[number]
        low = y[course.each.before]
        held = low + (y[course.each.after] - low) * course.each.fraction
        parts.append(held[which] if len(course.due) else jnp.zeros((steps, most)))
        due.append(when)
    times = np.stack(due, axis=-1)
    return Driven(jnp.stack(parts, axis=-1), jnp.asarray(np.isfinite(times)), jnp.asarray(times))


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
