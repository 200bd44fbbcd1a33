"""Errors of the events package."""

from __future__ import annotations

from nrn_diff.errors import NrnDiffError


class EventError(NrnDiffError, ValueError):
    """Event times cannot be had from this model; the message names the cell, the file and line, and a way out."""
