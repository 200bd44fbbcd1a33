"""Entry point: finds the subcommand, turns expected errors into one message and an exit status."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

COMMANDS = ("demo", "run", "validate", "fit", "inspect", "speed", "doctor")


def main(argv: Sequence[str] | None = None) -> int:
    """Run `nrn-diff`; returns the exit status: 0 good, 1 the command found trouble, 2 wrong usage, 130 interrupted."""
    # Both must be set before JAX and NEURON start.
    os.environ.setdefault("JAX_ENABLE_X64", "1")
    os.environ.setdefault("NEURON_MODULE_OPTIONS", "-nogui")
    args = _parser().parse_args(argv)
    from nrn_diff.errors import NrnDiffError
    from nrn_diff.missing import missing_packages_named, require

    try:
        if args.command != "doctor":
            require("neuron", "jax")  # said once, here: several commands start processes of their own
        _enable_float64()
        with missing_packages_named():
            return int(args.run(args))
    except NrnDiffError as error:
        print(f"nrn-diff {args.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"nrn-diff {args.command}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of a pipe, such as head, has left
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        return 1


def _enable_float64() -> None:
    # A JAX that is not there yet finds it in the environment; importing it takes longer than many a command.
    if (jax := sys.modules.get("jax")) is not None:
        jax.config.update("jax_enable_x64", True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nrn-diff",
        description="An existing NEURON model, unchanged, as an exact, fast, differentiable JAX program.",
    )
    parser.add_argument("--version", action="version", version=f"nrn-diff {_version()}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = importlib.import_module(f"nrn_diff.cli.{name}")
        command = commands.add_parser(name, help=module.SUMMARY, description=module.__doc__)
        module.configure(command)
        command.set_defaults(run=module.run)
    return parser


def _version() -> str:
    from nrn_diff import __version__

    return __version__
