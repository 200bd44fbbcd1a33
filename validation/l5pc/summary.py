"""What the results say: successes, gradients, simulations and seconds at a threshold, counted alike for both sides.

A run ends when its loss is below the threshold; what runs without success have spent counts in full. Our starts go
together, in a search of its own for each threshold; the genetic algorithm's runs, which have no goal, are cut off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from validation.l5pc.thresholds import LOOSE, TIGHT

THRESHOLDS = (TIGHT, LOOSE)
OURS, GENETIC = "nrn_diff, loss below {}", "genetic algorithm"


@dataclass(frozen=True)
class Outcome:
    """At one threshold. seconds: of all starts together; simulations, gradients: likewise."""

    successes: int
    starts: int
    simulations: int
    gradients: int
    seconds: float

    @property
    def seconds_per_success(self) -> float:
        """Infinite without success."""
        return self.seconds / self.successes if self.successes else float("inf")


def ours(side: Mapping[str, Any], threshold: float) -> Outcome:
    """Of a search for this threshold: all that it did, compiling and capture included."""
    line = side["timeline"]
    drawn = sum(event["going"] for event in line if event["stage"] == "global")
    moved = sum(event["going"] for event in line if event["stage"] == "local")
    best = line[-1]["best"]
    return Outcome(
        successes=sum(loss < threshold for loss in best),
        starts=len(best),
        simulations=drawn * side["draws"] + moved * side["simulations_of_a_move"],
        gradients=moved,
        seconds=line[-1]["seconds"],
    )


def genetic(side: Mapping[str, Any], threshold: float) -> Outcome:
    """Of the genetic algorithm: each run up to the generation with the first success."""
    successes, simulations, seconds = 0, 0, 0.0
    for run in side["runs"]:
        reached = [k for k, generation in enumerate(run) if generation["best"] < threshold]
        counted = run[: reached[0] + 1] if reached else run
        successes += bool(reached)
        simulations += sum(generation["simulations"] for generation in counted)
        seconds += counted[-1]["seconds"]
    return Outcome(successes, len(side["runs"]), simulations, 0, seconds)


def outcomes(document: Mapping[str, Any]) -> dict[tuple[str, float], Outcome]:
    """(side, threshold) -> what it took, of the sides that have results."""
    found, sides = {}, document["sides"]
    for threshold in THRESHOLDS:
        if OURS.format(threshold) in sides:
            found["nrn_diff", threshold] = ours(sides[OURS.format(threshold)], threshold)
        if GENETIC in sides:
            found[GENETIC, threshold] = genetic(sides[GENETIC], threshold)
    return found
