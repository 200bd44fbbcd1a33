"""Take the shipped model through the whole path: capture, simulate, compare, gradient, fit, write back, report."""

from __future__ import annotations

import argparse

SUMMARY = "the whole path on the model that comes with nrn-diff"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--report", default="out/nrn-diff-demo.html", metavar="FILE", help="default: %(default)s")
    parser.add_argument("--tstop", type=float, default=200.0, metavar="MS", help="of the comparison (default: 200)")
    parser.add_argument(
        "--steps",
        type=int,
        nargs=2,
        default=(40, 25),
        metavar=("ADAM", "NEWTON"),
        help="most updates of the two parts of the fit (default: 40 25)",
    )


def run(args: argparse.Namespace) -> int:
    """Run the demo; exit status 1 if a number is not as good as it must be."""
    from nrn_diff.demo.run import run_demo

    return run_demo(report=args.report, tstop=args.tstop, fit_steps=tuple(args.steps))
