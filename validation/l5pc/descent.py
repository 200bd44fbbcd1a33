"""Our side: the public interface, as a user would write it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from validation.l5pc import task

Array = np.ndarray
Report = Callable[[dict[str, Any]], None]

# Points that a start draws in a round, and rounds; starts in one batch; most moves of a start.
DRAWS, ROUNDS, BATCH, STEPS = 16, 12, 1, 20


def run(h: Any, cell: task.Cell, goal: float, starts: int, budget: float, report: Report) -> None:
    """Fit from `starts` random starts until each has a loss below `goal`; `report` gets what is known, step by step."""
    import jax

    import nrn_diff
    from nrn_diff.fitting import AbsoluteZScores, Mean, MinimumNorm, Spread, Target, search

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_enable_compilation_cache", False)  # compiling counts
    begin = time.perf_counter()
    model = nrn_diff.capture()
    captured = time.perf_counter() - begin
    truth = model.parameters(
        *(
            nrn_diff.Param(
                p.name, where=cell.regions[p.region], share="all", relative=p.relative, bounds=(p.low, p.high),
                label=p.label,
            )
            for p in task.FREE
        )
    )  # fmt: skip
    h.run()
    target = task.moments(np.array(cell.v))
    (label,) = (record.label for record in model.capture.records)
    features = [kind(label, a - task.DT / 2, b - task.DT / 2) for a, b in task.WINDOWS for kind in (Mean, Spread)]
    scales = task.SCALES * len(task.WINDOWS)
    loss = AbsoluteZScores([Target(f, m, s) for f, m, s in zip(features, target, scales, strict=True)])

    moves = MinimumNorm()
    settings = {"capture_s": captured, "draws": DRAWS, "simulations_of_a_move": moves.simulations}
    best = np.full(starts, np.inf)
    timeline: list[dict[str, Any]] = []

    def after(progress: Any) -> bool:
        np.fmin(best, progress.losses, out=best)
        seconds = time.perf_counter() - begin
        known = [float(x) if np.isfinite(x) else 1e9 for x in best]
        going = int(np.sum(~np.isnan(progress.losses)))
        timeline.append({"stage": progress.stage, "seconds": seconds, "going": going, "best": known})
        report({"timeline": timeline, "seconds": seconds, **settings})
        return seconds > budget

    found = search(
        model, truth, loss, seed=0, starts=starts, enough=starts, draws=DRAWS, rounds=ROUNDS, batch=BATCH, steps=STEPS,
        optimizer=moves, goal=np.nextafter(goal, 0), progress=False, callbacks=[after],
    )  # fmt: skip
    document = {
        "timeline": timeline,
        **settings,
        "compile_s": found.compiling,
        "seconds": timeline[-1]["seconds"],
        "simulations": found.simulations,
        "gradients": found.gradients,
        "stopped_because": found.stopped_because,
    }
    report(document)
    # The judge: NEURON, with the values written into its live objects.
    checks = []
    for ours, theta in found.fame:
        model.write_back(theta)
        h.run()
        checks.append([ours, task.published_loss(task.moments(np.array(cell.v)), target)])
    model.write_back(truth)
    report(document | {"loss_here_and_in_neuron": checks})
