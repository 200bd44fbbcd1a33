"""Run a script in NEURON and say what is in its model and whether all of it can be captured."""

from __future__ import annotations

import argparse

from nrn_diff.cli.execute import add_then, execute_then
from nrn_diff.cli.script import ScriptError, configure_script, run_script

SUMMARY = "what is in the model of a script, and what stands in the way of a capture"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    configure_script(parser)
    add_then(parser)
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(args: argparse.Namespace) -> int:
    """Print the support report; exit status 1 if the model cannot be captured."""
    import nrn_diff

    run_script(args.script, args.mods)
    if args.then and execute_then(args.then):
        raise ScriptError(f"--then {args.then!r} does not run in NEURON, for the reason printed above.")
    report = nrn_diff.inspect()
    print(report.to_json() if args.json else report)
    return 0 if report.supported else 1
