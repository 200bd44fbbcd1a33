"""Where compiled things are kept between processes."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path


def cache_root() -> Path:
    """$NRN_DIFF_CACHE, else nrn_diff in the user's cache folder. Everything in it can be deleted at any time."""
    if chosen := os.environ.get("NRN_DIFF_CACHE"):
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "nrn_diff"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nrn_diff"


def cache_dir(kind: str) -> Path:
    """A writable folder for one kind of compiled thing: in the cache, or a private temporary one where that fails."""
    folder = cache_root() / kind
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return Path(tempfile.mkdtemp(prefix=f"nrn_diff-{kind}-"))


def keep_compiled_programs() -> None:
    """Let JAX keep what it compiles in the cache, so that the next process need not; a folder of the user's stays.

    JAX writes each program into a file of its own and renames it into place: processes may share the folder.
    """
    import jax

    if getattr(jax.config, "jax_compilation_cache_dir") is None:  # noqa: B009  unknown to its type
        jax.config.update("jax_compilation_cache_dir", str(cache_dir("programs")))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
