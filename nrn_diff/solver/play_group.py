"""Which variables Vectors are played into, and when."""

from __future__ import annotations

from dataclasses import dataclass

from nrn_diff.events.waveforms import Course
from nrn_diff.solver.incidence import Incidence


@dataclass(frozen=True, eq=False)
class PlayGroup:
    """Vectors that are played into one variable of several owners.

    source, owner, variable, element: as of `Recorded`. place: row of the variable -> play. waves, courses [n_plays]:
    the name of the samples, and when they act. changing: the model itself changes the variable during a run.
    read_early: it is read at the start of a step, by events (in_events) or as what a NetCon watches.
    """

    source: str
    owner: str
    variable: str
    element: int
    place: Incidence
    waves: tuple[str, ...]
    courses: tuple[Course, ...]
    changing: bool
    read_early: bool = False
    in_events: bool = False
