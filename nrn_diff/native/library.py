"""Compile the native kernels once for each machine setup, and register them with XLA."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

import jax

from nrn_diff.cache import cache_dir

FOLDER = Path(__file__).parent
SOURCES = ("hines.cc", "layered.cc", "incidence.cc", "functions.cc")
TREE_SOLVE, LAYERED_SOLVE = "nrn_diff_tree_solve", "nrn_diff_layered_solve"
SUM, GATHER = "nrn_diff_sum", "nrn_diff_gather"
EXP, LOG = "nrn_diff_exp", "nrn_diff_log"
KERNELS = (TREE_SOLVE, LAYERED_SOLVE, SUM, GATHER, EXP, LOG)
# Extracellular layers that the kernel is compiled for.
MOST_LAYERS = 3
# Without contraction to fused multiply-add the sums round as they do in NEURON. No code waits for traps of the
# processor, so that selections become vector code.
FLAGS = ("-O3", "-std=c++17", "-shared", "-fPIC", "-ffp-contract=off", "-fno-trapping-math", "-w")


def compiler() -> str | None:
    """The C++ compiler that is used: CXX in the environment, or what is on the PATH."""
    return os.environ.get("CXX") or shutil.which("g++") or shutil.which("c++")


@functools.cache
def available() -> bool:
    """Whether the kernels are registered; compiles them on the first call.

    False without a C++ compiler, or with NRN_DIFF_NATIVE=0 in the environment: then XLA's own operations are used, with
    the same results to rounding.
    """
    program = compiler()
    if os.environ.get("NRN_DIFF_NATIVE") == "0" or program is None:
        return False
    try:
        library = ctypes.CDLL(str(_compiled(program)))
    except (OSError, subprocess.SubprocessError):
        return False
    for name in KERNELS:
        jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(library[name]), platform="cpu")
    return True


def _compiled(program: str) -> Path:
    """The shared library, from the cache or new; complete or absent whatever happens to the process."""
    texts = tuple((FOLDER / name).read_text() for name in ("rows.h", *SOURCES))
    content = (texts, jax.__version__, program, FLAGS, platform.machine(), platform.system())
    name = f"kernels-{hashlib.sha256(repr(content).encode()).hexdigest()[:24]}.so"
    target = cache_dir("native") / name
    if not target.exists():
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            made = Path(scratch) / name
            sources = [str(FOLDER / name) for name in SOURCES]
            command = [program, *FLAGS, f"-I{jax.ffi.include_dir()}", *sources, "-o", str(made)]
            subprocess.run(command, check=True, capture_output=True, timeout=300)
            os.replace(made, target)
    return target
