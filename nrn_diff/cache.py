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
