"""Errors of the fitting package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nrn_diff.errors import NrnDiffError

if TYPE_CHECKING:
    from .result import FitResult


class FitError(NrnDiffError, ValueError):
    """The fit cannot start as asked; the message names the parameter, file or setting and a way out."""


class CheckpointError(FitError):
    """A checkpoint cannot be used: damaged, of another problem, or in use by another process."""


class DivergedError(NrnDiffError, ArithmeticError):
    """The loss or its gradient became NaN or infinite. `best` is the best FitResult before that, or None."""

    def __init__(self, message: str, best: FitResult | None) -> None:
        super().__init__(message)
        self.best = best
