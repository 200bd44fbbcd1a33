"""What a search knows at one moment: all that its checkpoint holds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class State:
    """points, found: of the global stage; z, value (loss), optimizer, history, best of the descents."""

    points: Array
    found: Array
    z: Array | None = None
    value: Array = field(default_factory=lambda: np.zeros(0))
    optimizer: tuple[Array, ...] = ()
    history: Array = field(default_factory=lambda: np.zeros((0, 0)))
    best_z: Array = field(default_factory=lambda: np.zeros((0, 0)))
    best: Array = field(default_factory=lambda: np.zeros(0))
    seconds: float = 0.0

    def with_row(self, points: Array, found: Array) -> State:
        """One generation or one round of draws more; points [..., size], found [...]."""
        rows = np.concatenate([self.points.reshape(-1, *points.shape), points[None]])
        return replace(self, points=rows, found=np.concatenate([self.found.reshape(-1, *found.shape), found[None]]))

    @staticmethod
    def spread(points: Array, going: Array, starts: int) -> Array:
        """Points of the starts `going` in their places, NaN elsewhere, [starts, draws, size]."""
        everywhere = np.full((starts, *points.shape[1:]), np.nan)
        everywhere[going] = points
        return everywhere


def after_move(state: State, going: Array, values: Array, at: Array, z: Array, leaves: tuple[Array, ...]) -> State:
    """The state after the starts `going` have moved: their losses, the z that have them, and where they go on."""
    assert state.z is not None

    def put(old: Array, new: Array) -> Array:
        out = np.array(old)
        out[going] = new
        return out

    row = put(np.full(len(state.best), np.nan), values)
    better = row < state.best
    return replace(
        state,
        best=np.where(better, row, state.best),
        best_z=np.where(better[:, None], put(state.z, at), state.best_z),
        history=np.concatenate([state.history, row[None]]),
        z=put(state.z, z),
        value=put(state.value, values),
        optimizer=tuple(put(a, b) for a, b in zip(state.optimizer, leaves, strict=True)),
    )
