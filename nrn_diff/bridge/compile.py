"""Compile a folder of mod files with NEURON's nrnivmodl, once for each content, outside of the user's folders."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from nrn_diff.cache import cache_dir
from nrn_diff.errors import NrnDiffError
from nrn_diff.missing import HOW_TO_COMPILE

_INCLUDE = re.compile(rb'^\s*INCLUDE\s+"([^"]+)"', re.MULTILINE)
_ABANDONED_S = 24 * 3600
# What compilers and make say of a disk that takes no more.
_NO_ROOM = (*map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)), "File size limit exceeded")


class ModCompileError(NrnDiffError):
    """nrnivmodl is missing or rejects the mod files; the message holds the end of its output."""


def compile_mods(folder: str | os.PathLike[str]) -> Path:
    """The shared library made from every .mod file of `folder`; load it with `h.nrn_load_dll(str(path))`.

    Compiled once for each content (mods and the files they INCLUDE), NEURON version and place of the folder. Nothing is
    written into `folder`. Several processes may call this at once, and a killed one leaves the cache usable: the work
    is done in a temporary folder that is renamed into place when complete.

    Raises ModCompileError.
    """
    mods = Path(folder).resolve()
    if not mods.is_dir():
        raise ModCompileError(f"{folder} is not a folder. Give the folder that holds the .mod files.")
    files = sorted(p for p in mods.iterdir() if p.suffix == ".mod" and p.is_file())
    if not files:
        raise ModCompileError(f"{mods} holds no .mod file. Give the folder that holds the .mod files.")
    cache = cache_dir("mods")
    done = cache / _key(mods, files)
    if not done.is_dir():
        _clear_abandoned(cache)
        _build_into(done, mods, files)
    return _library(done)


def _key(folder: Path, files: list[Path]) -> str:
    # The folder's place is part of the key because NEURON remembers it, and error messages name the user's own file.
    digest = hashlib.sha256(repr((importlib.metadata.version("neuron"), platform.platform(), str(folder))).encode())
    for path in [*files, *_included(files)]:
        digest.update(f"\n{path}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:32]


def _included(files: list[Path]) -> list[Path]:
    found: dict[Path, None] = {}
    queue = list(files)
    while queue:
        path = queue.pop()
        for name in _INCLUDE.findall(path.read_bytes()):
            target = (path.parent / os.fsdecode(name)).resolve()
            if target.is_file() and target not in found:
                found[target] = None
                queue.append(target)
    return sorted(found)


def _build_into(done: Path, mods: Path, files: list[Path]) -> None:
    work = Path(tempfile.mkdtemp(prefix=".building-", dir=done.parent))
    try:
        # make, which nrnivmodl uses, cannot handle a space in a path
        source = mods
        if " " in str(mods):
            source = work / "mods"
            source.mkdir()
            for path in [*files, *_included(files)]:
                target = source / os.path.relpath(path, mods)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target)
        _nrnivmodl(source, work)
        _library(work)
        with contextlib.suppress(OSError):  # another process was first, and what it made is the same
            work.rename(done)
        if not done.is_dir():
            raise ModCompileError(f"cannot write {done}. Set NRN_DIFF_CACHE to a folder that can be written to.")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _nrnivmodl(source: Path, work: Path) -> None:
    # nrnivmodl looks for a python by itself: the one that runs now, with its NEURON, must come first
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    program = shutil.which("nrnivmodl", path=path)
    if program is None:
        raise ModCompileError("nrnivmodl is not on the PATH. It comes with NEURON: pip install neuron")
    try:
        ran = subprocess.run(
            [program, str(source)],
            cwd=work,
            env={**os.environ, "PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise ModCompileError(f"cannot start {program}: {error}") from error
    if ran.returncode != 0:
        full = next((line for line in ran.stdout.splitlines() if any(text in line for text in _NO_ROOM)), "")
        if full:
            raise ModCompileError(
                f"what nrnivmodl makes of {source} cannot be written into {work.parent}: {full.strip()}\n"
                "Make room there and in the folder for temporary files, or set NRN_DIFF_CACHE and TMPDIR."
            )
        if lacking := _lacking(path):
            raise ModCompileError(
                f"{source} cannot be compiled: nrnivmodl needs {' and '.join(lacking)}, which the PATH does not have "
                f"({HOW_TO_COMPILE})."
            )
        tail = "\n".join(_interesting(ran.stdout))
        raise ModCompileError(
            f"nrnivmodl cannot compile {source}:\n{tail}\n"
            "This is NEURON's own message: correct the mod file until NEURON takes it."
        )


def _lacking(path: str) -> list[str]:
    """Of what nrnivmodl calls, what is not there."""
    compilers = (os.environ["CXX"].split()[0],) if os.environ.get("CXX", "").strip() else ("g++", "c++", "clang++")
    found = {"make": ("make",), f"a C++ compiler ({', '.join(compilers)})": compilers}
    return [what for what, names in found.items() if not any(shutil.which(name, path=path) for name in names)]


def _interesting(output: str) -> Iterator[str]:
    """The lines from the first complaint on, without make's chatter and terminal colours, at most 30 of them."""
    text, _, _ = output.partition("Traceback (most recent call last):")  # of nrnivmodl's own wrapper
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in text.splitlines()]
    lines = [line for line in lines if line.strip() and not line.lstrip().startswith(("->", "=>", "make"))]
    complaint = re.compile(r"error|can't|cannot|illegal|undefined", re.IGNORECASE)
    first = next((i for i, line in enumerate(lines) if complaint.search(line)), 0)
    yield from lines[first:][:30]


def _library(folder: Path) -> Path:
    found = sorted([*folder.glob("*/libnrnmech.*"), *folder.glob("*/.libs/libnrnmech.*")])
    if not found:
        raise ModCompileError(f"nrnivmodl left no library under {folder}. Delete that folder and try again.")
    return found[0]


def _clear_abandoned(cache: Path) -> None:
    """Remove what a killed process left more than a day ago."""
    for path in cache.glob(".building-*"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _ABANDONED_S:
                shutil.rmtree(path, ignore_errors=True)
