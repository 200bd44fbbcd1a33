"""Run the user's own script in this process, so that its model is live in NEURON afterwards."""

from __future__ import annotations

import argparse
import runpy
import sys
from pathlib import Path
from typing import Any

from nrn_diff.errors import NrnDiffError

# What a Python script made lives as long as its variables do.
_kept: list[dict[str, Any]] = []


class ScriptError(NrnDiffError):
    """The user's script is missing, of a kind that NEURON does not read, or fails."""


def configure_script(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name a script."""
    parser.add_argument(
        "script", metavar="SCRIPT", help="your own .hoc or .py file, run as it is in the current folder"
    )
    parser.add_argument(
        "--mods", "--mod", metavar="FOLDER", help="compile the .mod files of FOLDER (into a cache) and load them first"
    )


def check_script(script: str) -> Path:
    """Its path. Raises ScriptError for what is no script of NEURON."""
    path = Path(script)
    if not path.is_file():
        raise ScriptError(f"{script} is not a file. Give the .hoc or .py file that you run your model with.")
    if path.suffix not in (".hoc", ".ses", ".py"):
        raise ScriptError(
            f"{script} is neither HOC nor Python. Give the .hoc or .py file that you run your model with."
        )
    return path


def run_script(script: str, mods: str | None = None) -> None:
    """Load the mods and run the script. Raises ScriptError, ModCompileError."""
    path = check_script(script)
    if mods is not None:
        load_mods(mods)
    if path.suffix == ".py":
        _run_python(path)
    else:
        _run_hoc(path, mods)


def _run_hoc(path: Path, mods: str | None) -> None:
    from neuron import h

    # NEURON has printed file, line and reason by itself; what it raises says less.
    hint = "" if mods else " If it needs mechanisms of its own, say where their .mod files are: --mods FOLDER."
    try:
        loaded = h.load_file(1, str(path.resolve()))
    except RuntimeError as error:
        raise ScriptError(f"{path} does not run in NEURON, for the reason printed above.{hint}") from error
    if not loaded:
        raise ScriptError(f"NEURON cannot load {path}.{hint}")


def load_mods(folder: str | Path) -> None:
    """Compile the mods of a folder and load them into this process. Raises ModCompileError, ScriptError."""
    from nrn_diff.bridge.compile import compile_mods

    load_library(compile_mods(folder))


def load_library(library: Path) -> None:
    """Load compiled mechanisms into this process. Raises ScriptError."""
    from neuron import h

    try:
        loaded = h.nrn_load_dll(str(library))
    except RuntimeError as error:
        raise ScriptError(f"NEURON cannot load the mechanisms of {library}: {error}") from error
    if not loaded:
        raise ScriptError(
            f"NEURON cannot load {library}, for the reason printed above. Where a symbol is undefined, C code of a mod "
            "file uses something that is defined nowhere, and NEURON itself does not run the model. Else compile the "
            "mods again, or delete that folder."
        )


def _run_python(path: Path) -> None:
    sys.path.insert(0, str(path.parent.resolve()))
    before, sys.argv = sys.argv, [str(path)]
    try:
        _kept.append(runpy.run_path(str(path), run_name="__main__"))
    except SystemExit as stop:
        if stop.code not in (None, 0):
            raise ScriptError(f"{path} ended with exit status {stop.code}") from stop
        raise ScriptError(
            f"{path} calls exit(), and its model is gone with its variables. "
            "Leave out that call, or call nrn_diff.capture() in the script."
        ) from stop
    except Exception as error:
        raise ScriptError(f"{path} fails by itself: {type(error).__name__}: {error}") from error
    finally:
        sys.argv = before
