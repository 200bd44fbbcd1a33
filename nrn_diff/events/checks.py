"""What an event network cannot be built of."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .errors import EventError

if TYPE_CHECKING:
    from .artificial import ArtificialConnection

Array = np.ndarray


def checked_train(train: Array, index: int) -> list[float]:
    """The times as numbers. Raises EventError unless they are finite and ascending."""
    times = np.asarray(train, dtype=np.float64)
    if times.ndim != 1 or not np.all(np.isfinite(times)) or np.any(np.diff(times) < 0):
        raise EventError(f"given train {index} must be one-dimensional, finite and ascending")
    return [float(t) for t in times]


def check_connection(connection: ArtificialConnection, index: int, n_cells: int, n_sources: int) -> None:
    """Raise EventError unless both ends exist and the delay is a number."""
    if not 0 <= connection.source < n_sources or not -1 <= connection.target < n_cells:
        raise EventError(f"connection {index}: no such source {connection.source} or target {connection.target}")
    if not (math.isfinite(connection.delay) and connection.delay >= 0):
        raise EventError(f"connection {index}: delay {connection.delay} ms must be finite and not negative")
