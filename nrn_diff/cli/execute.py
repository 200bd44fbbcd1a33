"""Execute a script as its own interpreter would: arguments, tracebacks and exit status are its own."""

from __future__ import annotations

import argparse
import platform
import runpy
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from nrn_diff.cli.script import check_script, load_library, load_mods

# What a Python script made lives as long as its variables do.
_kept: list[dict[str, Any]] = []


def prepare(script: str, mods: str | None) -> None:
    """Load mechanisms: those of a folder of mods, else what nrnivmodl left beside the script.

    Raises ScriptError, ModCompileError.
    """
    check_script(script)
    if mods is not None:
        load_mods(mods)
    elif library := compiled_beside(Path(script)):
        load_library(library)


def compiled_beside(script: Path) -> Path | None:
    """The library in the folder of the script; None if there is none or NEURON loads it by itself."""
    folder = script.resolve().parent
    if folder == Path.cwd().resolve():
        return None
    machine = platform.machine()
    found = [*folder.glob(f"{machine}/libnrnmech.*"), *folder.glob(f"{machine}/.libs/libnrnmech.*")]
    return next((p for p in sorted(found) if p.suffix in (".so", ".dylib")), None)


def execute(script: str, arguments: Sequence[str] = (), then: str = "") -> int:
    """Run it in this process and return its exit status. A failing script has its own traceback on the terminal.

    then: a HOC statement to be executed after it.
    """
    path = Path(script)
    status = _python(path, arguments) if path.suffix == ".py" else _hoc(path)
    return status or (execute_then(then) if then else 0)


def add_then(parser: argparse.ArgumentParser) -> None:
    """Add the argument that stands for a button of the script."""
    parser.add_argument(
        "--then", default="", metavar="HOC", help="HOC to execute after the script, such as what a button of it calls"
    )


def execute_then(text: str) -> int:
    """Execute a HOC statement and return the exit status; NEURON prints what is wrong with it."""
    from neuron import h

    try:
        return 0 if h(text) else 1
    except RuntimeError:
        return 1


def _hoc(path: Path) -> int:
    from neuron import h

    try:
        loaded = h.load_file(1, str(path.resolve()))
    except RuntimeError:
        return 1  # NEURON has printed file, line and reason
    return 0 if loaded else 1


def _python(path: Path, arguments: Sequence[str]) -> int:
    before = sys.argv, list(sys.path)
    sys.argv = [str(path), *arguments]
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        _kept.append(runpy.run_path(str(path), run_name="__main__"))
    except SystemExit as stop:
        if stop.code is None or isinstance(stop.code, int):
            return stop.code or 0
        print(stop.code, file=sys.stderr)
        return 1
    except Exception as error:
        traceback.print_exception(type(error), error, _own(error.__traceback__, path))
        return 1
    finally:
        sys.argv, sys.path[:] = before
    return 0


def _own(trace: TracebackType | None, path: Path) -> TracebackType | None:
    """The traceback from the script's own first line on."""
    at = trace
    while at is not None and at.tb_frame.f_code.co_filename != str(path):
        at = at.tb_next
    return at
