"""Run a script that never heard of nrn-diff: its h.run(), h.continuerun() and pc.psolve() run on JAX."""

from __future__ import annotations

import argparse
import sys

from nrn_diff.cli.execute import add_then

SUMMARY = "run a script of yours as it is, with its simulations on JAX"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "--mods", "--mod", metavar="FOLDER", help="compile the .mod files of FOLDER (into a cache) and load them first"
    )
    parser.add_argument(
        "--fallback", choices=["neuron"], help="what cannot be reproduced is run by NEURON, which is said"
    )
    add_then(parser)
    parser.add_argument("script", metavar="SCRIPT", help="your own .hoc or .py file")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="arguments of the script (sys.argv)")


def run(args: argparse.Namespace) -> int:
    """Run it; the exit status is the script's, 1 if it fails."""
    from nrn_diff.cli.execute import execute, prepare
    from nrn_diff.plugin import enable, summary

    prepare(args.script, args.mods)
    enable(args.fallback)
    status = execute(args.script, args.arguments, args.then)
    if text := summary():
        print(f"nrn_diff: {text}", file=sys.stderr)
    return status
