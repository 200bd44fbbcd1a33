"""The other side: BluePyOpt's IBEA with the settings of the published comparison, simulating with NEURON."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from validation.l5pc import task

Array = np.ndarray
Report = Callable[[dict[str, Any]], None]

OFFSPRING, GENERATIONS = 10, 10


class Setter:
    """Writes values of the free numbers into the live cell."""

    def __init__(self, cell: task.Cell) -> None:
        self._places = []
        for p in task.FREE:
            segments = [segment for section in cell.regions[p.region] for segment in section if has(segment, p.name)]
            own = [getattr(segment, p.name) for segment in segments]
            self._places.append((p, segments, own))

    def __call__(self, values: Any) -> None:
        for (p, segments, own), value in zip(self._places, values, strict=True):
            for segment, x in zip(segments, own, strict=True):
                setattr(segment, p.name, value * x if p.relative else value)


def has(segment: Any, name: str) -> bool:
    """Whether the segment has this range variable."""
    return segment.sec.has_membrane(name.split("_", 1)[1])


def run(h: Any, cell: task.Cell, starts: int, budget: float, report: Report) -> None:
    """One run of the algorithm for each seed; `report` gets what is known, after every generation.

    The cell is built once and values are set in it, which is faster than BluePyOpt's own evaluator: to its advantage.
    """
    import bluepyopt
    from bluepyopt.parameters import Parameter

    h.run()
    target = task.moments(np.array(cell.v))
    setter = Setter(cell)
    begin = time.perf_counter()
    runs: list[list[dict[str, Any]]] = []
    first = time.perf_counter()

    class Evaluator(bluepyopt.evaluators.Evaluator):  # type: ignore[misc]
        """The published loss of one set of values."""

        def __init__(self) -> None:
            super().__init__(
                objectives=["loss"], params=[Parameter(p.label, bounds=[p.low, p.high]) for p in task.FREE]
            )

        def init_simulator_and_evaluate_with_lists(self, values: Any) -> list[float]:
            """BluePyOpt's name for it."""
            setter(values)
            h.run()
            return [task.published_loss(task.moments(np.array(cell.v)), target)]

    def generation(evaluate: Any, individuals: Any) -> list[Any]:
        individuals = list(individuals)
        losses = [evaluate(values) for values in individuals]
        runs[-1].append({
            "simulations": len(losses),
            "seconds": time.perf_counter() - first,
            "best": min(loss[0] for loss in losses),
        })  # fmt: skip
        report({"runs": runs, "seconds": time.perf_counter() - begin})
        return losses

    for seed in range(starts):
        if time.perf_counter() - begin > budget:
            break
        runs.append([])
        random.seed(seed)
        first = time.perf_counter()
        optimisation = bluepyopt.deapext.optimisations.IBEADEAPOptimisation(
            Evaluator(), offspring_size=OFFSPRING, map_function=generation, seed=seed, eta=10, mutpb=1.0, cxpb=1.0
        )
        optimisation.run(max_ngen=GENERATIONS)
