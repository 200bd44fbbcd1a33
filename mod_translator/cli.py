"""The command `mod-translator`.

    mod-translator FILE.mod -o FILE.py            translate
    mod-translator FILE.mod --dump-passes         show the IR after every pass
    mod-translator FILE.nml --id NAME -o FILE.py  a channel, pool or synapse of a NeuroML 2 or ChannelML file
    mod-translator check PATH... [--json]         report what stands in the way, files or folders

Exit status: 0 all translates, 1 something is refused, 2 the command itself cannot be run.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from mod_translator import neuroml
from mod_translator.api import Translation, check, lower, translate
from mod_translator.emit import emit
from mod_translator.errors import MissingNeuronError, Place, TranslationError
from mod_translator.ir import Mechanism
from mod_translator.printer import text
from mod_translator.report import Report
from mod_translator.syntax.source import decode

REFUSED = 1
UNUSABLE = 2


class UsageError(Exception):
    """The command cannot be run as given."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status; messages go to standard error, never a traceback."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    # NEURON's parser is inside the neuron package, which opens a display and loads mechanisms unless told not to.
    os.environ.setdefault("NEURON_MODULE_OPTIONS", "-nogui")
    try:
        if arguments and arguments[0] == "check":
            return _check(_check_parser().parse_args(arguments[1:]))
        return _translate(_translate_parser().parse_args(arguments))
    except (UsageError, MissingNeuronError) as error:
        print(f"mod-translator: {error}", file=sys.stderr)
        return UNUSABLE
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNUSABLE


def _translate_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mod-translator", description="Translate an NMODL file to a JAX module.")
    parser.add_argument("--id", default="", help="of a NeuroML file with several mechanisms: which one")
    parser.add_argument(
        "file", type=Path, help="the .mod or NeuroML file ('check' instead: see mod-translator check --help)"
    )
    parser.add_argument("-o", "--output", type=Path, help="the Python file to write (default: standard output)")
    parser.add_argument("--dump-passes", action="store_true", help="print the IR after every pass instead")
    _include_option(parser)
    return parser


def _check_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mod-translator check", description="Report what can be translated.")
    parser.add_argument("paths", type=Path, nargs="+", metavar="PATH", help=".mod files, or folders to search")
    parser.add_argument("--json", action="store_true", help="print the reports as JSON")
    _include_option(parser)
    return parser


def _include_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-I", "--include-dir", type=Path, action="append", default=[], help="where to look for INCLUDE files as well"
    )


def _read(path: Path) -> str:
    try:
        return decode(path.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error


def _is_neuroml(path: Path) -> bool:
    return path.suffix in (".nml", ".xml")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error


def _neuroml(path: Path, name: str) -> Translation:
    mechanism, report = neuroml.one(_bytes(path), str(path), name)
    return Translation(mechanism.name, mechanism.kind.value, emit(mechanism), report, mechanism)


def _translate(options: argparse.Namespace) -> int:
    if options.dump_passes:
        return _dump(options)
    if options.output is not None and options.output.exists() and options.output.samefile(options.file):
        raise UsageError(f"{options.output} is the input itself; give another name after -o")
    try:
        if _is_neuroml(options.file):
            translation = _neuroml(options.file, options.id)
        else:
            translation = translate(_read(options.file), options.include_dir, str(options.file))
    except TranslationError as error:
        print(error, file=sys.stderr)
        return REFUSED
    for note in translation.report.notes:
        print(note, file=sys.stderr)
    if options.output is None:
        print(translation.source, end="")
        return 0
    try:
        options.output.write_text(translation.source, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {options.output}: {error.strerror}") from error
    return 0


def _dump(options: argparse.Namespace) -> int:
    def show(name: str, mechanism: Mechanism) -> None:
        print(f"================ after {name}\n{text(mechanism)}")

    if _is_neuroml(options.file):
        reports = [report for _, report in neuroml.lower(_bytes(options.file), str(options.file), dump=show)]
    else:
        reports = [lower(_read(options.file), options.include_dir, str(options.file), dump=show)[1]]
    for report in reports:
        if not report.ok:
            print(report, file=sys.stderr)
    return 0 if all(report.ok for report in reports) else REFUSED


def _check(options: argparse.Namespace) -> int:
    reports = [report for path in _files(options.paths) for report in _checked(path, options.include_dir)]
    if options.json:
        print(json.dumps([r.to_json() for r in reports], indent=2))
    else:
        for report in reports:
            print(report)
        print(f"{sum(r.ok for r in reports)} of {len(reports)} translate")
    return 0 if all(r.ok for r in reports) else REFUSED


def _checked(path: Path, include_dirs: Sequence[Path]) -> list[Report]:
    if not path.is_file():  # a link to nowhere or a pipe among others in a folder, which are still to be checked
        missing = TranslationError("no file that can be read", code="N105", place=Place(str(path)))
        return [Report(str(path), "", "", (missing,), ())]
    if _is_neuroml(path):
        return [report for _, report in neuroml.lower(_bytes(path), str(path))]
    return [check(_read(path), include_dirs, str(path))]


def _files(paths: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path} does not exist")
        found_here = sorted([*path.rglob("*.mod"), *path.rglob("*.nml")]) if path.is_dir() else [path]
        inside = [file for file in found_here if not file.is_dir()]
        if not inside:
            raise UsageError(f"{path} holds no .mod file")
        found += inside
    return found


if __name__ == "__main__":
    sys.exit(main())
