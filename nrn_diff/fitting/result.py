"""What a fit returns and what it tells its callbacks."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nrn_diff import show

Array = np.ndarray


@dataclass(frozen=True)
class FitResult:
    """The outcome of a fit.

    theta: the parameters of the smallest loss, of the same type as the start. loss: that loss. losses [n]: the loss
    before each update, the start's first; if all steps ran, the loss after the last one as well. steps: updates made,
    those before a resume included. seconds: likewise. stopped_because: one sentence.
    """

    theta: Any
    loss: float
    losses: Array
    steps: int
    seconds: float
    stopped_because: str

    def _repr_html_(self) -> str:
        rows = [(name, show.values(value)) for name, value in dict(self.theta).items()]
        first = float(self.losses[0]) if len(self.losses) else float("nan")
        caption = (
            f"loss {first:.6g} -> {self.loss:.6g} in {self.steps} steps ({self.seconds:.1f} s): {self.stopped_because}"
        )
        return show.table(("parameter", "values"), rows, caption)

    def to_json(self, path: str | os.PathLike[str]) -> Path:
        """Write the result as JSON, numbers in full precision (NaN as null); returns the path."""
        data = {
            "theta": {name: np.asarray(value).tolist() for name, value in dict(self.theta).items()},
            "loss": self.loss,
            "losses": [float(x) if np.isfinite(x) else None for x in self.losses],
            "steps": self.steps,
            "seconds": self.seconds,
            "stopped_because": self.stopped_because,
        }
        target = Path(path)
        temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        temporary.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
        os.replace(temporary, target)
        return target


@dataclass(frozen=True)
class FitStep:
    """What a callback gets after each update: how many so far, the loss before this one, the best loss so far."""

    step: int
    loss: float
    best_loss: float
    get_theta: Callable[[], Mapping[str, Any]]

    @property
    def theta(self) -> Mapping[str, Any]:
        """The parameters whose loss this is."""
        return self.get_theta()
