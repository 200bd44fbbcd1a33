"""Whether someone sees the progress of a fit."""

import sys


def is_watched() -> bool:
    """Whether what is written to stderr is seen at once and can be written over: a terminal, or a notebook."""
    return sys.stderr.isatty() or type(sys.stderr).__module__.split(".")[0] == "ipykernel"
