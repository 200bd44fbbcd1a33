"""What events find in variables that Vectors drive: each sees the plays that are due before it, within half a step."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from nrn_diff.solver.moment import Moment
from nrn_diff.solver.play_group import PlayGroup
from nrn_diff.solver.structure import MechanismStructure
from nrn_diff.solver.values import Array


class Turn(NamedTuple):
    """The plays of one variable in half a step: value, due (ms) [n_events, n_plays]. play [rows]: its play, or -1."""

    play: Array
    value: Array
    due: Array

    def at(self, held: Array, row: Array, time: Array) -> Array:
        """What events at `time` [n] find in rows of the variable that held something at the start of this half."""
        play = self.play[row]
        for due, value in zip(self.due, self.value, strict=True):
            held = jnp.where((play >= 0) & (due[play] < time), value[play], held)
        return held

    def tied(self, row: Array, time: Array) -> Array:
        """Whether an event at `time` [n] comes together with a play."""
        play = self.play[row]
        return (play >= 0) & (self.due[:, play] == time).any(axis=0)


class Turns(NamedTuple):
    """variables: by the names that NET_RECEIVE reads, by instance. weights: element -> by connection."""

    variables: dict[str, Turn]
    weights: dict[int, Turn]

    def tied(self, connection: Array, time: Array) -> Array:
        """Whether the event of each instance [n] comes together with a play that it reads; connection: -1 for none."""
        found = jnp.zeros(time.shape, bool)
        for turn in self.variables.values():
            found = found | turn.tied(jnp.arange(time.shape[0]), time)
        for turn in self.weights.values():
            found = found | (turn.tied(jnp.maximum(connection, 0), time) & (connection >= 0))
        return found


def turns(now: Moment, mechanism: MechanismStructure, inputs: tuple[str, ...]) -> Turns:
    """Of the half of a step that has begun, for a block that reads `inputs`."""
    found = Turns({}, {})
    for number, driven in now.within.items():
        group = now.structure.plays[number]
        assert driven.due is not None
        if group.source == "weight":
            if group.owner == mechanism.name:
                found.weights[group.element] = Turn(jnp.asarray(group.place.target), driven.value, driven.due)
        elif group.source == "celsius" and "celsius" in inputs:
            found.variables["celsius"] = Turn(jnp.zeros(mechanism.count, int), driven.value, driven.due)
        elif group.owner == mechanism.name and group.variable in inputs:
            play = np.zeros(mechanism.count, int) if group.source == "global" else group.place.target
            found.variables[group.variable] = Turn(jnp.asarray(play), driven.value, driven.due)
    return found


def reached(group: PlayGroup, mechanism: MechanismStructure) -> list[np.ndarray]:
    """For each play of a group, the connections of a mechanism whose events read what it drives."""
    nothing = np.zeros(0, int)
    deliveries, block = mechanism.deliveries, mechanism.blocks.get("net_receive")
    if deliveries is None or block is None:
        return [nothing for _ in group.waves]
    if group.source == "weight":
        mine = group.place.target if group.owner == mechanism.name else np.zeros(0, int)
        found = [np.flatnonzero(mine == k) for k in range(len(group.waves))]
        if mechanism.agenda is not None and mechanism.agenda.netcon_present:  # FOR_NETCONS: all of the same instance
            found = [np.flatnonzero(np.isin(deliveries.row, deliveries.row[k])) for k in found]
        return found
    name = "celsius" if group.source == "celsius" else group.variable
    if name not in block.inputs or (group.source != "celsius" and group.owner != mechanism.name):
        return [nothing for _ in group.waves]
    if group.source in ("celsius", "global"):
        return [np.arange(len(deliveries.row)) for _ in group.waves]
    return [np.flatnonzero(group.place.target[deliveries.row] == k) for k in range(len(group.waves))]
