"""Check that this machine has what nrn-diff needs: NEURON, JAX in float64, a compiler for mod files, a cache folder."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from nrn_diff.missing import HOW_TO_COMPILE, require

SUMMARY = "check NEURON, JAX and the compiler on this machine"

_MOD = """NEURON { SUFFIX nrndiffdoctor NONSPECIFIC_CURRENT i RANGE g }
PARAMETER { g = 0.001 }
ASSIGNED { v i }
BREAKPOINT { i = g*(v + 70) }
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """No arguments."""


def run(args: argparse.Namespace) -> int:
    """Print one line for each check; exit status 1 if one fails."""
    good = True
    for name, check in CHECKS.items():
        try:
            print(f"  ok    {name}: {check()}")
        except Exception as error:
            good = False
            print(f"  FAIL  {name}: {error}")
    print("All is well." if good else "Correct the lines marked FAIL.")
    return 0 if good else 1


def _python() -> str:
    return f"{platform.python_version()} on {platform.platform()}"


def _neuron() -> str:
    require("neuron")
    # Asked in a process of its own: importing NEURON here would print its own warnings between the lines.
    code = "from neuron import h; h.load_file('stdrun.hoc'); h.tstop = 0.1; h.run(); print(h.nrnversion(0))"
    return _child(code)


def _jax() -> str:
    require("jax")
    import jax
    import jax.numpy as jnp

    if jnp.zeros(1, jnp.float64).dtype != jnp.float64:
        raise RuntimeError("JAX stays in float32; unset JAX_ENABLE_X64=0")
    devices = ", ".join(sorted({d.device_kind for d in jax.devices()}))
    return f"{importlib.metadata.version('jax')}, float64, on {devices}"


def _cache() -> str:
    from nrn_diff.cache import cache_dir

    folder = cache_dir("mods")
    if folder.name != "mods":
        raise RuntimeError("no folder can be written to; set NRN_DIFF_CACHE to one that can")
    return str(folder.parent)


def _numbers() -> str:
    require("jax")
    # Where there is a GPU, also its float64 is what NEURON's numbers need.
    import jax
    import jax.numpy as jnp

    slow = []
    for device in jax.devices():
        x = jax.device_put(jnp.asarray(1.0 / 3.0), device)
        if float(x + x + x - 1.0) != 0.0 or x.dtype != jnp.float64:
            slow.append(str(device))
    if slow:
        raise RuntimeError(f"float64 is not IEEE double on {', '.join(slow)}")
    return f"1/3 + 1/3 + 1/3 is 1 on {len(jax.devices())} device(s)"


def _kernel() -> str:
    require("jax")
    from nrn_diff.native import library

    if not library.available():
        why = "" if library.compiler() else f": there is no C++ compiler ({HOW_TO_COMPILE})"
        return f"not available{why}; the portable solver is used, which is slower on a CPU"
    return "compiled"


def _programs() -> str:
    from nrn_diff.cache import cache_dir

    folder = cache_dir("programs")
    files = [p for p in folder.rglob("*") if p.is_file()]
    return f"{len(files)} files, {sum(p.stat().st_size for p in files) / 2**20:.0f} MiB in {folder}"


def _mods() -> str:
    require("neuron")
    from nrn_diff.bridge.compile import compile_mods

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "doctor.mod").write_text(_MOD)
        # A cache of its own: the answer must not come from an earlier check.
        os.environ["NRN_DIFF_CACHE"], before = str(folder / "cache"), os.environ.get("NRN_DIFF_CACHE")
        try:
            library = compile_mods(folder)
        finally:
            del os.environ["NRN_DIFF_CACHE"]
            if before is not None:
                os.environ["NRN_DIFF_CACHE"] = before
        code = (
            f"from neuron import h; h.nrn_load_dll({str(library)!r}); s = h.Section(); "
            "s.insert('nrndiffdoctor'); print(s.g_nrndiffdoctor)"
        )
        if not _child(code).endswith("0.001"):
            raise RuntimeError("a compiled mechanism cannot be inserted")
    return "a mechanism compiles and loads"


def _child(code: str) -> str:
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise RuntimeError((ran.stderr.strip() or f"exit status {ran.returncode}").splitlines()[-1])
    return ran.stdout.strip().splitlines()[-1]


CHECKS: dict[str, Callable[[], str]] = {
    "Python": _python,
    "NEURON": _neuron,
    "JAX": _jax,
    "float64": _numbers,
    "native kernel": _kernel,
    "cache folder": _cache,
    "compiled programs": _programs,
    "nrnivmodl": _mods,
}
