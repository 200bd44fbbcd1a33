"""The whole path, one stage after the other, with progress, a table and a report."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nrn_diff.bridge.compile import compile_mods
from nrn_diff.cli.table import text_table

if TYPE_CHECKING:
    from nrn_diff.demo.sections import Results

SEED = 2
# Factors by which the conductances are perturbed: exp(+-PERTURBATION), 16 % up or 14 % down.
PERTURBATION = 0.15
FIT_TSTOP = 60.0
STEPS = (40, 25)


@dataclass
class Clock:
    """Prints what is going on, and keeps how long each stage took."""

    total: int
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time one stage."""
        print(f"[{len(self.seconds) + 1}/{self.total}] {name}", flush=True)
        begin = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - begin
        self.say(f"{self.seconds[name]:.1f} s", end="\n")

    def say(self, text: str, end: str = "") -> None:
        """A line of progress; on a terminal the next one replaces it."""
        if sys.stdout.isatty():
            print(f"\r\x1b[2K      {text}", end=end, flush=True)
        elif end:
            print(f"      {text}", flush=True)


@dataclass(frozen=True)
class Line:
    """One line of the final table. good: None if there is nothing to judge."""

    what: str
    value: str
    limit: str = ""
    good: bool | None = None


def run_demo(report: str | Path, tstop: float = 200.0, fit_steps: tuple[int, int] = STEPS) -> int:
    """Run everything; returns 1 if a number is not as good as it must be, 0 otherwise.

    report: file. tstop (ms): of the comparison. fit_steps: most updates of Adam and of Gauss-Newton.
    """
    begin = time.perf_counter()
    clock = Clock(total=8)
    with clock.stage("compile the mod files (once; into the cache)"):
        library = compile_mods(_mods())

    from nrn_diff.demo import stages
    from nrn_diff.demo.cell import load
    from nrn_diff.demo.sections import Results, sections
    from nrn_diff.report import write_report

    with clock.stage("NEURON runs the model (run.hoc)"):
        h = load(library)
    import nrn_diff

    cell = h.cell
    with clock.stage("capture the live model, translate its mechanisms"):
        model = nrn_diff.capture(tstop)
    with clock.stage("simulate on JAX (first run compiles), compare with NEURON"):
        original = stages.compare(model)
        clock.say(f"{original.spikes} spikes, max |dV| = {original.worst_mv:.1e} mV", end="\n")
    with clock.stage("perturb the conductances; gradient of a trace loss, against differences of NEURON"):
        target = stages.neuron_traces(nrn_diff.capture(FIT_TSTOP).capture)
        truth = stages.perturb(cell, SEED, PERTURBATION)
        loss = stages.target_loss(target)
        perturbed = nrn_diff.capture(FIT_TSTOP)
        theta = perturbed.parameters(*(c.param(cell) for c in stages.CONDUCTANCES))
        # With a TABLE NEURON's voltage has kinks in its parameters, which differences cannot see through.
        h.usetable_nat = 0
        gradient = stages.check_gradient(nrn_diff.capture(FIT_TSTOP), theta, loss, cell, 1e-4, clock.say)
        h.usetable_nat = 1
        clock.say(f"worst relative error {gradient.worst:.1e}", end="\n")
    with clock.stage("fit the conductances back"):
        before = stages.neuron_traces(model.capture)
        fitted = stages.fit(perturbed, theta, loss, fit_steps, clock.say)
        clock.say(f"loss {fitted.losses[0]:.2e} -> {fitted.fine.loss:.2e} mV^2", end="\n")
    with clock.stage("write the fitted values back into NEURON, run NEURON again"):
        perturbed.write_back(fitted.fine.theta)
        after = stages.neuron_traces(model.capture)
    results = Results(original, gradient, fitted, truth, target, before, after, perturbed.t)
    lines = summary(results)
    with clock.stage("write the report"):
        path = write_report(
            report,
            "An existing NEURON model, differentiated",
            sections(results, lines, clock.seconds, model),
            subtitle="nrn-diff demo: the shipped pyramidal cell from NEURON to a fit and back",
        )
    rows = [(line.what, line.value, line.limit, {None: "", True: "ok", False: "NOT OK"}[line.good]) for line in lines]
    print("\n" + text_table(("result", "value", "must be", ""), rows))
    print("\n" + text_table(("step", "seconds"), [(k, f"{s:.1f}") for k, s in clock.seconds.items()], right=[1]))
    print(f"\ntotal {time.perf_counter() - begin:.0f} s\nreport: {path}")
    return 0 if all(line.good is not False for line in lines) else 1


def _mods() -> Path:
    from nrn_diff.demo.cell import model_folder

    return model_folder() / "mods"


def summary(results: Results) -> list[Line]:
    """The final table."""
    first, last = results.fit.losses[0], results.fit.fine.loss
    recovered = results.worst_recovery
    return [
        Line(
            f"max |dV| against NEURON, {results.original.t[-1]:g} ms, {results.original.spikes} spikes",
            f"{results.original.worst_mv:.1e} mV",
            "<= 1e-6",
            results.original.worst_mv <= 1e-6,
        ),
        Line(
            f"worst relative gradient error, {len(results.gradient.slopes)} conductances (usetable_nat = 0)",
            f"{results.gradient.worst:.1e}",
            "<= 1e-5",
            results.gradient.worst <= 1e-5,
        ),
        Line("loss before the fit", f"{first:.2e} mV^2"),
        Line("loss after the fit", f"{last:.2e} mV^2", f"<= {first / 1e4:.1e}", last <= first / 1e4),
        Line("conductances recovered, worst relative error", f"{recovered:.1e}", "<= 1e-2", recovered <= 1e-2),
        Line("max |dV| of NEURON re-run with the fitted values", f"{results.rerun_mv:.1e} mV"),
    ]
