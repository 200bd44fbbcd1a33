"""Where compiled things are kept between processes."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from nrn_diff.errors import NrnDiffError

# Folders of the cache that cannot be written to, and the temporary ones in their place.
_replaced: dict[Path, Path] = {}


class CacheError(NrnDiffError):
    """No folder can be written to."""


def cache_root() -> Path:
    """$NRN_DIFF_CACHE, else nrn_diff in the user's cache folder. Everything in it can be deleted at any time."""
    if chosen := os.environ.get("NRN_DIFF_CACHE"):
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "nrn_diff"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nrn_diff"


def cache_dir(kind: str) -> Path:
    """A writable folder for one kind of compiled thing: in the cache, or a private temporary one where that fails.

    Says so once if it fails. Raises CacheError if there is no temporary folder either.
    """
    folder = cache_root() / kind
    try:
        return _writable(folder)
    except OSError as error:
        reason = error
    if folder not in _replaced:
        try:
            _replaced[folder] = _writable(Path(tempfile.mkdtemp(prefix=f"nrn_diff-{kind}-")))
        except OSError as error:
            raise CacheError(
                f"nothing can be written, neither to {folder} ({reason.strerror}) nor to a temporary folder "
                f"({error.strerror}). Free some space, or set NRN_DIFF_CACHE and TMPDIR to other folders."
            ) from error
        print(
            f"nrn_diff: {folder} cannot be written to ({reason.strerror}); what is compiled is kept in a temporary "
            "folder, for this process only. Set NRN_DIFF_CACHE to a folder that can be written to.",
            file=sys.stderr,
        )
    return _replaced[folder]


def _writable(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"x" * 4096)  # a full disk shows in what is written
    return folder


def keep_compiled_programs() -> None:
    """Let JAX keep what it compiles in the cache, so that the next process need not; a folder of the user's stays.

    JAX writes each program into a file of its own and renames it into place: processes may share the folder.
    """
    import jax

    if getattr(jax.config, "jax_compilation_cache_dir") is None:  # noqa: B009  unknown to its type
        jax.config.update("jax_compilation_cache_dir", str(cache_dir("programs")))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
