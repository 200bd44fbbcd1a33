"""Prove that a script gives the same numbers here as in NEURON: both run it, in processes of their own."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nrn_diff.cli.execute import add_then
from nrn_diff.cli.table import text_table
from nrn_diff.cli.variable_step import approach, print_approach

if TYPE_CHECKING:
    from nrn_diff.cli.child import Job, Outcome
    from nrn_diff.cli.variable_step import Approach
    from nrn_diff.compare import Comparison

# By how much the voltages that a run starts from are moved (mV): what rounding errors of thousands of steps add up to.
_HAIR = 1e-12
_MOVES = 1.0  # mV
SUMMARY = "prove on a script of yours that nrn-diff and NEURON give the same numbers"
_HEADER = (
    "recorded", "largest difference", "unit", "at (ms)", "range", "RMS below", "spikes", "spike times", "dt/2", "",
)  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "--mods", "--mod", metavar="FOLDER", help="compile the .mod files of FOLDER (into a cache) and load them first"
    )
    parser.add_argument("--tstop", type=float, metavar="MS", help="default: what the script has set")
    parser.add_argument("--dt", type=float, metavar="MS", help="force the fixed step, also where CVODE is switched on")
    parser.add_argument(
        "--tolerance", type=float, default=1e-6, metavar="X", help="mV, or share of the range (default: %(default)s)"
    )
    parser.add_argument(
        "--gradients", type=int, default=3, metavar="N", help="check the gradient of N parameters (default: 3)"
    )
    parser.add_argument("--no-convergence", action="store_true", help="do not run NEURON with half the step as well")
    parser.add_argument(
        "--cvode",
        type=float,
        metavar="ATOL",
        help="compare the fixed step with the variable one at this absolute tolerance too, and find a step near enough",
    )
    parser.add_argument(
        "--within",
        type=float,
        default=0.1,
        metavar="MS",
        help="with --cvode: spike times must agree to this (default: %(default)s)",
    )
    parser.add_argument(
        "--sections",
        type=int,
        default=0,
        metavar="N",
        help="compare the voltage in N sections more, spread over the model",
    )
    add_then(parser)
    parser.add_argument("--report", metavar="FILE", help="write an HTML report with the traces")
    parser.add_argument("--json", metavar="FILE", help="write all figures as JSON")
    parser.add_argument("script", metavar="SCRIPT", help="your own .hoc or .py file, run as it is")
    parser.add_argument(
        "--args", dest="arguments", nargs=argparse.REMAINDER, default=[], help="all that follows: of the script"
    )


def run(args: argparse.Namespace) -> int:
    """Print a table of differences; exit status 1 if one is beyond the tolerance, or the script cannot be run here."""
    from nrn_diff.cli.child import Job, run_child
    from nrn_diff.cli.script import check_script
    from nrn_diff.compare import compare_all
    from nrn_diff.errors import NrnDiffError

    check_script(args.script)
    job = Job(
        args.script,
        args.arguments,
        args.mods,
        here=False,
        dt=args.dt,
        tstop=args.tstop,
        then=args.then,
        sections=args.sections,
    )
    theirs = run_child(job)
    ours = run_child(replace(job, here=True, gradients=args.gradients))
    if ours.refused:
        if args.json:
            Path(args.json).write_text(json.dumps({"script": args.script, "refused": ours.refused}, indent=1) + "\n")
        raise NrnDiffError(ours.refused)
    finer = None
    if not args.no_convergence:
        finer = run_child(replace(job, dt=theirs.dt / 2)).traces
    found = compare_all(theirs.traces, ours.traces, theirs.units, args.tolerance, theirs.dt, finer)
    print(text_table(_HEADER, _rows(found), right=(1, 3, 4, 5, 7, 8)))
    for c in found:
        if c.note:
            print(f"{c.label}: {c.note}")
    moved = {} if all(c.same for c in found) else _moved_by_a_hair(job, run_child, theirs)
    for c in found:
        if not c.same and c.label in moved:
            said = "explain" if moved[c.label] >= c.worst / 10 else "do not explain"
            print(
                f"{c.label}: NEURON's own run moves by {moved[c.label]:.2e} {c.unit} where all voltages start "
                f"{_HAIR:g} mV higher or lower, so rounding errors {said} the difference"
            )
    good = all(c.same for c in found) and set(ours.traces) == set(theirs.traces)
    good &= _print_slopes(ours)
    nearer = approach(job, run_child, theirs, args.cvode, args.within) if args.cvode else None
    if nearer is not None:
        print_approach(nearer, args.cvode, args.within)
    print(f"NEURON {theirs.seconds:.2f} s, nrn-diff {ours.seconds:.2f} s with compiling")
    print("Same." if good else f"Not the same: see the lines marked DIFFERS (tolerance {args.tolerance:g}).")
    if good and is_idle(found):
        print(
            f"But no voltage moves by as much as {_MOVES:g} mV, so this proves little: a longer --tstop? If a button "
            "of the script sets the stimulus, say what it calls: --then 'HOC'"
        )
    if args.json:
        Path(args.json).write_text(
            json.dumps(_document(args, found, theirs, ours, good, nearer, moved), indent=1) + "\n"
        )
        print(f"figures: {Path(args.json).resolve()}")
    if args.report:
        print(f"report: {_write(args, found, theirs, ours)}")
    return 0 if good else 1


def is_idle(found: list[Comparison]) -> bool:
    """Whether no voltage of the run moves, as where the stimulus would come later."""
    spans = [c.span for c in found if c.spikes is not None]
    return bool(spans) and max(spans) < _MOVES


def _moved_by_a_hair(job: Job, run_child: Callable[[Job], Outcome], theirs: Outcome) -> dict[str, float]:
    """How far each of NEURON's own traces moves when all voltages start a little higher, or lower."""
    import numpy as np

    others = [run_child(replace(job, nudge=by)).traces for by in (_HAIR, -_HAIR)]
    moved: dict[str, float] = {}
    for label, trace in theirs.traces.items():
        alike = [o[label] for o in others if label in o and o[label].shape == trace.shape]
        if alike:
            moved[label] = max(float(np.max(np.abs(other - trace), initial=0.0)) for other in alike)
    return moved


def _rows(found: list[Comparison]) -> list[tuple[str, ...]]:
    return [
        (
            c.label,
            f"{c.worst:.2e}",
            c.unit,
            f"{c.at:g}",
            f"{c.span:.4g}",
            _number(c.rms_below),
            "" if c.spikes is None else f"{c.spikes[0]}/{c.spikes[1]}",
            _number(c.spike_time),
            _number(c.discretisation),
            "" if c.same else f"DIFFERS from {c.first_beyond:g} ms on",
        )
        for c in found
    ]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1e}"


def _slope_rows(ours: Outcome) -> list[tuple[str, ...]]:
    return [
        (s["name"], f"{s['ours']:.6e}", f"{s['neuron']:.6e}", f"{s['uncertainty']:.0e}", _said_of(s))
        for s in ours.slopes
    ]


def _said_of(slope: dict[str, Any]) -> str:
    if not slope["converged"]:
        return "not compared: NEURON's differences with smaller steps disagree with one another"
    return "" if slope["good"] else "DIFFERS"


_SLOPES = ("gradient (TABLEs off)", "nrn-diff", "NEURON, differences", "uncertain by", "")


def _print_slopes(ours: Outcome) -> bool:
    if ours.slopes:
        print(text_table(_SLOPES, _slope_rows(ours), right=(1, 2, 3)))
    elif ours.no_slopes:
        print(f"gradients not checked: {ours.no_slopes}")
    return all(s["good"] for s in ours.slopes)


def _document(
    args: argparse.Namespace,
    found: list[Comparison],
    theirs: Outcome,
    ours: Outcome,
    good: bool,
    nearer: Approach | None,
    moved: dict[str, float],
) -> dict[str, Any]:
    from importlib.metadata import version

    return {
        "script": args.script,
        "same": good,
        "tolerance": args.tolerance,
        "dt_ms": theirs.dt,
        "recorded": [c.to_dict() for c in found],
        **({"neuron_moved_by": moved, "start_moved_by_mv": _HAIR} if moved else {}),
        **({} if nearer is None else {"against_cvode": nearer.to_dict()}),
        "gradients": ours.slopes,
        "gradients_not_checked": ours.no_slopes,
        "segments": theirs.segments,
        "runs": ours.runs,
        "seconds": {"neuron": theirs.seconds, "nrn_diff": ours.seconds},
        "versions": {name: version(name) for name in ("neuron", "jax", "numpy")},
    }


def _write(args: argparse.Namespace, found: list[Comparison], theirs: Outcome, ours: Outcome) -> str:
    import numpy as np

    from nrn_diff.report import Chart, Curve, Section, Table, write_report

    charts = []
    for c in found:
        trace, other = theirs.traces[c.label], ours.traces.get(c.label)
        if c.unit == "ms" or other is None or len(other) != len(trace) or not len(trace):
            continue
        t = theirs.dt * np.arange(len(trace))
        pair = [Curve("NEURON", t, trace, "broad"), Curve("nrn-diff", t, other, colour=0)]
        charts.append(Chart(pair, title=c.label, y_label=c.unit))
        charts.append(Chart([Curve("nrn-diff \N{MINUS SIGN} NEURON", t, other - trace, colour=1)], height=90))
    sections = [Section("Differences", [Table(_HEADER, _rows(found))])]
    if ours.slopes:
        sections.append(Section("Gradients", [Table(_SLOPES, _slope_rows(ours))]))
    if charts:
        sections.append(Section("Traces", charts))
    return str(write_report(args.report, f"{args.script} against NEURON", sections))
