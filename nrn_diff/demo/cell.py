"""The shipped model in NEURON: loading it, its conductances, changing them there by hand."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import nrn_diff
from nrn_diff.errors import NrnDiffError


class DemoError(NrnDiffError):
    """The shipped model does not load."""


@dataclass(frozen=True)
class Conductance:
    """A conductance (or permeability) that a region of the cell shares.

    label: for tables. name: as in NEURON. region: a SectionList of the template PyrCell.
    """

    label: str
    name: str
    region: str

    def param(self, cell: Any) -> nrn_diff.Param:
        """As one free number that multiplies the values of the whole region, between a third and three times."""
        where = list(getattr(cell, self.region))
        return nrn_diff.Param(self.name, where=where, share="all", relative=True, bounds=(1 / 3, 3.0), label=self.label)

    def values(self, cell: Any) -> list[float]:
        """The live value of each segment of the region."""
        return [getattr(segment, self.name) for section in getattr(cell, self.region) for segment in section]

    def setter(self, cell: Any) -> Callable[[float], None]:
        """A function of a factor that scales the values of now, in NEURON and by NEURON's own means."""
        segments = [segment for section in getattr(cell, self.region) for segment in section]
        own = self.values(cell)

        def scale(factor: float) -> None:
            for segment, value in zip(segments, own, strict=True):
                setattr(segment, self.name, factor * value)

        return scale


CONDUCTANCES = (
    Conductance("sodium, soma", "gbar_nat", "somatic"),
    Conductance("sodium, axon", "gbar_nat", "axonal"),
    Conductance("sodium, basal", "gbar_nat", "basal"),
    Conductance("sodium, apical", "gbar_nat", "apical"),
    Conductance("potassium, soma", "gbar_kdr", "somatic"),
    Conductance("potassium, axon", "gbar_kdr", "axonal"),
    Conductance("potassium, basal", "gbar_kdr", "basal"),
    Conductance("potassium, apical", "gbar_kdr", "apical"),
    Conductance("calcium, soma", "pbar_cal", "somatic"),
    Conductance("calcium, apical", "pbar_cal", "apical"),
    Conductance("K(Ca), soma", "gbar_kca", "somatic"),
    Conductance("K(Ca), apical", "gbar_kca", "apical"),
    Conductance("h, apical", "ghdbar_hd", "apical"),
    Conductance("leak, everywhere", "g_pas", "all"),
)


def model_folder() -> Path:
    """Where run.hoc, cell.hoc and mods/ are."""
    return Path(str(resources.files("nrn_diff.demo") / "model"))


def load(library: Path) -> Any:
    """Load the mods and run run.hoc as a user would; returns `h`. Raises DemoError."""
    from neuron import h

    with _silent():
        if not h.nrn_load_dll(str(library)):
            raise DemoError(f"NEURON cannot load {library}. Delete that folder and try again.")
        if not h.load_file(str(model_folder() / "run.hoc")):
            raise DemoError(f"NEURON cannot run {model_folder() / 'run.hoc'}. Is the installation complete?")
    return h


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """HOC prints the value of every statement at top level; that is not what the demo wants to show."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
