"""What the demo found, as sections of a report."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

import nrn_diff
from nrn_diff.demo.stages import CONDUCTANCES, Comparison, Fit, Gradient, voltages
from nrn_diff.report import Chart, Code, Curve, Fact, Facts, Section, Table, Text

if TYPE_CHECKING:
    from nrn_diff.demo.run import Line

Array = np.ndarray
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, eq=False)
class Results:
    """Everything that the stages found.

    original: the unperturbed model. gradient: with usetable_nat = 0. truth: factors that undo the change.
    target: label -> [n] of the fit's window, at t_fit [n] (ms). before, after: NEURON's run with perturbed and with
    fitted conductances, label -> [n_samples] at original.t.
    """

    original: Comparison
    gradient: Gradient
    fit: Fit
    truth: dict[str, float]
    target: dict[str, Array]
    before: dict[str, Array]
    after: dict[str, Array]
    t_fit: Array

    @property
    def worst_recovery(self) -> float:
        """Largest relative error of a fitted conductance."""
        return max(abs(float(self.fit.fine.theta[k]) / factor - 1) for k, factor in self.truth.items())

    @property
    def rerun_mv(self) -> float:
        """Largest |dV| (mV) between NEURON's run with the fitted values and its first run."""
        return max(float(np.abs(self.after[k] - self.original.theirs[k]).max()) for k in voltages(self.after))


def sections(
    results: Results, lines: Sequence[Line], seconds: Mapping[str, float], model: nrn_diff.Model
) -> list[Section]:
    """The report."""
    return [
        Section("In short", [_facts(results), Table(("result", "value", "must be"), _short(lines)), _what(model)]),
        Section("The same numbers", _same(results.original)),
        Section("The exact gradient", _gradients(results)),
        Section("The fit", _fit(results)),
        Section("Time", [_times(results, seconds), Code(_machine())]),
    ]


def _short(lines: Sequence[Line]) -> list[tuple[str, str, str]]:
    return [(line.what, line.value, line.limit) for line in lines]


def _facts(results: Results) -> Facts:
    first, last = results.fit.losses[0], results.fit.fine.loss
    mv, slope = results.original.worst_mv, results.gradient.worst
    return Facts(
        [
            Fact("max |dV| against NEURON", f"{mv:.1e} mV", f"{results.original.spikes} spikes", mv <= 1e-6),
            Fact("worst gradient error", f"{slope:.1e}", f"relative, {len(CONDUCTANCES)} conductances", slope <= 1e-5),
            Fact("loss of the fit", f"{last:.1e}", f"mV\N{SUPERSCRIPT TWO}, from {first:.1f}", last <= first / 1e4),
            Fact("conductances recovered to", f"{results.worst_recovery:.1e}", "worst relative error"),
        ]
    )


def _what(model: nrn_diff.Model) -> Text:
    cable, mechanisms = model.capture.cable, model.capture.mechanisms
    return Text(
        f"A model in the way such files are written: a HOC template with {len(cable.section_names)} sections and "
        f"{len(cable.segment_x)} segments, mod files, an IClamp, an Exp2Syn driven by a NetStim. NEURON ran its "
        "run.hoc; the live model was captured, and its mechanisms "
        f"({', '.join(m.name for m in mechanisms)}) were translated from the NMODL text that NEURON carries. "
        "Nothing was rewritten by hand."
    )


def _same(run: Comparison) -> list[Any]:
    blocks: list[Any] = []
    labels = voltages(run.theirs)
    for k, label in enumerate(labels):
        pair = [
            Curve("NEURON", run.t, run.theirs[label], "broad"),
            Curve("nrn_diff", run.t, run.ours[label], colour=0),
        ]
        blocks.append(Chart(pair, y_label="v (mV)", title=label, height=220 if k == 0 else 130))
        if k == 0:
            off = run.ours[label] - run.theirs[label]
            blocks.append(
                Chart([Curve(f"nrn_diff {MINUS} NEURON", run.t, off, colour=1)], y_label="dV (mV)", height=110)
            )
            v = run.theirs[label]
            peak = float(run.t[int(np.argmax(v))])
            blocks.append(
                Chart(
                    [pair[0], Curve("nrn_diff", run.t, run.ours[label], "dashed", colour=0)],
                    y_label="v (mV)",
                    title="The tallest spike",
                    height=180,
                    x_range=(peak - 2, peak + 4),
                )
            )
    rows = [(d.label, f"{d.worst:.1e}", d.unit, f"{d.at:g}", f"{d.span:.4g}") for d in run.found]
    header = ("recorded", "largest difference", "unit", "at (ms)", "range")
    return [*blocks, Table(header, rows, "Every Vector of run.hoc, over the whole run")]


def _gradients(results: Results) -> list[Any]:
    text = (
        "The loss is the mean squared difference of the recorded voltages between the perturbed and the original "
        "model. NEURON has no gradient, but it can be asked: each conductance is changed up and down in NEURON itself, "
        "and the differences of the loss are extrapolated to a change of nothing. A TABLE makes NEURON's own voltage a "
        "function with kinks of its parameters, which differences cannot see through, so the check is made with "
        "usetable_nat = 0; the fit below uses the TABLE, with the slopes that NEURON's interpolation has."
    )
    header = ("conductance", "nrn_diff", "NEURON, differences", "relative error", "uncertainty of NEURON's")
    rows = [
        (s.label, f"{s.ours:.8g}", f"{s.neuron:.8g}", f"{s.error:.1e}", f"{s.uncertainty / abs(s.neuron):.1e}")
        for s in results.gradient.slopes
    ]
    caption = "Derivative of the loss (mV\N{SUPERSCRIPT TWO}) by the factor of a conductance"
    return [Text(text), Table(header, rows, caption)]


def _fit(results: Results) -> list[Any]:
    losses = results.fit.losses
    n = len(results.fit.coarse.losses)
    steps = np.arange(len(losses), dtype=float)
    label = voltages(results.after)[0]
    t, original = results.original.t, results.original.theirs[label]
    rows = []
    for conductance in CONDUCTANCES:
        true, got = results.truth[conductance.label], float(results.fit.fine.theta[conductance.label])
        rows.append(
            (conductance.label, conductance.name, f"{1 / true:.4f}", f"{got / true:.6f}", f"{abs(got / true - 1):.1e}")
        )
    return [
        Text(
            "The target is what NEURON recorded before the perturbation, over the first "
            f"{results.t_fit[-1]:g} ms. Adam brings the spikes about right; Gauss-Newton, which needs the derivative "
            "of every sample by every conductance, goes to the bottom."
        ),
        Chart(
            [
                Curve("Adam", steps[:n], losses[:n], "line", colour=1),
                Curve("Gauss-Newton", steps[n - 1 :], losses[n - 1 :], "line", colour=0),
            ],
            x_label="update",
            y_label="loss (mV\N{SUPERSCRIPT TWO})",
            log_y=True,
        ),
        Table(("conductance", "in NEURON", "perturbed / original", "fitted / original", "relative error"), rows),
        Chart(
            [
                Curve("NEURON, original", t, original, "broad"),
                Curve("NEURON, perturbed", t, results.before[label], "dashed", colour=1),
                Curve("NEURON, fitted values written back", t, results.after[label], colour=0),
            ],
            y_label="v (mV)",
            title=label,
            height=260,
            caption=f"Only the first {results.t_fit[-1]:g} ms were fitted.",
        ),
    ]


def _times(results: Results, seconds: Mapping[str, float]) -> Table:
    run, gradient = results.original, results.gradient
    rows = [(name, f"{s:.1f}") for name, s in seconds.items()]
    rows += [
        (f"one run of {run.t[-1]:g} ms in NEURON", f"{run.seconds_neuron:.3f}"),
        (f"one run of {run.t[-1]:g} ms in nrn_diff, compiled", f"{run.seconds:.3f}"),
        (f"one loss over {results.t_fit[-1]:g} ms, compiled", f"{gradient.seconds_forward:.3f}"),
        (f"one loss with its gradient over {results.t_fit[-1]:g} ms, compiled", f"{gradient.seconds:.3f}"),
    ]
    return Table(("step", "seconds"), rows)


def _machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("neuron", "jax", "optax", "numpy"))
    return f"nrn_diff {nrn_diff.__version__}, {packages}\nPython {platform.python_version()}, {platform.platform()}"
