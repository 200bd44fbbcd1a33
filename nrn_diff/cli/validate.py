"""Run a script in NEURON, run its model on JAX as well, and compare everything that the script records."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from nrn_diff.cli.script import ScriptError, configure_script, run_script
from nrn_diff.cli.table import text_table

if TYPE_CHECKING:
    import numpy as np

    from nrn_diff.bridge.judge import Difference

SUMMARY = "prove on a script of yours that nrn-diff and NEURON give the same numbers"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    configure_script(parser)
    parser.add_argument("--tstop", type=float, metavar="MS", help="default: what the script has set")
    parser.add_argument(
        "--tolerance", type=float, default=1e-6, metavar="X", help="mV, or share of the range (default: %(default)s)"
    )
    parser.add_argument("--report", metavar="FILE", help="write an HTML report with the traces")


def run(args: argparse.Namespace) -> int:
    """Print a table of differences; exit status 1 if one is beyond the tolerance."""
    import numpy as np

    import nrn_diff

    run_script(args.script, args.mods)
    from neuron import h

    from nrn_diff.bridge.judge import differences, neuron_traces

    h.load_file("stdrun.hoc")
    model = nrn_diff.capture(args.tstop)
    if not model.recorded and not model.capture.spikes:
        raise ScriptError(f"{args.script} records nothing. Record what you want compared with Vector.record.")
    begin = time.perf_counter()
    theirs = neuron_traces(model.capture)
    middle = time.perf_counter()
    recording = model.simulate()
    ours = {label: np.asarray(x) for label, x in recording.items()}
    ours |= {label: recording.spike_times(label) for label in recording.crossed}
    end = time.perf_counter()
    spikes = {s.label for s in model.capture.spikes}
    for label in sorted(spikes):
        if len(theirs[label]) != len(ours[label]):
            print(f"{label}: NEURON has {len(theirs[label])} spikes, nrn-diff {len(ours[label])}")
            return 1
    found = differences(model.capture, theirs, ours, model.t)
    print(_table(found, args.tolerance))
    good = all(d.within(args.tolerance) for d in found)
    print(f"NEURON {middle - begin:.2f} s, nrn-diff {end - middle:.2f} s with compiling")
    print("Same." if good else f"Not the same: see the lines marked DIFFERS (tolerance {args.tolerance:g}).")
    if args.report:
        traces = {label: theirs[label] for label in theirs if label != "t" and label not in spikes}
        print(f"report: {_write(args, found, traces, ours, model.t)}")
    return 0 if good else 1


def _rows(found: list[Difference], tolerance: float) -> list[tuple[str, ...]]:
    return [
        (d.label, f"{d.worst:.2e}", d.unit, f"{d.at:g}", f"{d.span:.4g}", "" if d.within(tolerance) else "DIFFERS")
        for d in found
    ]


_HEADER = ("recorded", "largest difference", "unit", "at (ms)", "range", "")


def _table(found: list[Difference], tolerance: float) -> str:
    return text_table(_HEADER, _rows(found, tolerance), right=(1, 3, 4))


def _write(
    args: argparse.Namespace,
    found: list[Difference],
    theirs: dict[str, np.ndarray],
    ours: dict[str, np.ndarray],
    t: np.ndarray,
) -> str:
    from nrn_diff.report import Chart, Curve, Section, Table, write_report

    charts = []
    units = {d.label: d.unit for d in found}
    for label, trace in theirs.items():
        pair = [Curve("NEURON", t, trace, "broad"), Curve("nrn-diff", t, ours[label], colour=0)]
        charts.append(Chart(pair, title=label, y_label=units[label]))
        charts.append(Chart([Curve("nrn-diff \N{MINUS SIGN} NEURON", t, ours[label] - trace, colour=1)], height=90))
    table = Table(_HEADER, _rows(found, args.tolerance))
    sections = [Section("Differences", [table]), Section("Traces", charts)]
    return str(write_report(args.report, f"{args.script} against NEURON", sections))
