"""The command line `nrn-diff`."""

from nrn_diff.cli.main import main

__all__ = ["main"]
