"""Collects every reason to refuse a model, so that the user sees all of them at once."""

from __future__ import annotations

import numpy as np

from nrn_diff.errors import CaptureError, Refusal

# The way out of whatever a capture cannot follow.
AS_IT_IS = "or run the script as it is, with nrn-diff run or nrn_diff.enable(), which let NEURON execute it"


class Findings:
    """Refusals and notes of one capture, in the order found, each once."""

    def __init__(self) -> None:
        self._refusals: dict[Refusal, None] = {}
        self._notes: dict[str, None] = {}

    def refuse(self, what: str, where: str, why: str, remedy: str = "") -> None:
        """Add a reason to refuse (see `Refusal`)."""
        self._refusals.setdefault(Refusal(what, where, why, remedy))

    def note(self, text: str) -> None:
        """Add a remark that does not stop the capture."""
        self._notes.setdefault(text)

    def add(self, other: Findings) -> None:
        """Everything that was found elsewhere."""
        self._refusals |= other._refusals
        self._notes |= other._notes

    def finite(self, value: float | np.ndarray, variable: str, where: str) -> None:
        """Refuse `value` if any element is NaN or infinite."""
        if not np.all(np.isfinite(value)):
            shown = np.asarray(value)[~np.isfinite(value)].ravel()[0]
            self.refuse(f"{variable} = {shown}", where, "the value is not a finite number", f"set {variable} there")

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """Every reason to refuse, in the order found."""
        return tuple(self._refusals)

    @property
    def notes(self) -> tuple[str, ...]:
        """Every remark, in the order found."""
        return tuple(self._notes)

    def raise_if_refused(self) -> None:
        """Raise one CaptureError with everything found, if anything was."""
        if self._refusals:
            raise CaptureError(self.refusals)
