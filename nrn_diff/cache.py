"""Where compiled things are kept between processes."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def cache_dir(kind: str) -> Path:
    """A writable folder for one kind of compiled thing: $NRN_DIFF_CACHE, the user's cache folder, or a temporary one.

    Everything in it can be deleted at any time.
    """
    base = (
        os.environ.get("NRN_DIFF_CACHE")
        or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nrn_diff"
    )
    folder = Path(base) / kind
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return Path(tempfile.mkdtemp(prefix=f"nrn_diff-{kind}-"))
