"""The errors of nrn_diff, all under one base class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class NrnDiffError(Exception):
    """Base of every error that nrn_diff raises on purpose; the message says what is wrong and the way out."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing of the user's model that cannot be reproduced, found before anything runs.

    what: the feature or value. where: section, mechanism, Vector, file and line. why: one sentence. remedy: what the
    user can do.
    """

    what: str
    where: str
    why: str
    remedy: str = ""

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        remedy = f"\n    What to do: {self.remedy}" if self.remedy else ""
        return f"{self.what}{place}: {self.why}{remedy}"


class CaptureError(NrnDiffError):
    """The live model cannot be captured. `refusals` lists every reason, not only the first; NEURON is untouched."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        self.refusals = tuple(refusals)
        count = len(self.refusals)
        head = "This model cannot be captured" + (f", for {count} reasons:" if count > 1 else ":")
        super().__init__("\n".join([head, *(f"- {r}" for r in self.refusals)]))


class WriteBackError(NrnDiffError):
    """Values cannot be written into the live NEURON objects; nothing was written."""


class ParameterError(NrnDiffError):
    """A parameter name, selection, shape or value that does not fit the model."""


class EventCapacityError(NrnDiffError):
    """A run with more events, or other events, than there is room for; see `nrn_diff.EventCapacity`."""


class OwnInitError(NrnDiffError):
    """A run whose values send the script's own init() another way than it went at the capture."""


class PrecisionError(NrnDiffError):
    """JAX runs in float32; NEURON's numbers need float64."""


class SavedModelError(NrnDiffError):
    """A file that is not a saved model, is damaged, or was written by an incompatible version."""
