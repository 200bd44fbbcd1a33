"""The measured model: a binary tree of unbranched cables with Hodgkin-Huxley channels everywhere."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tree:
    """branches [(parent index or -1)], segments of each, and the run: dt and tstop (ms), current (nA) into branch 0."""

    parents: tuple[int, ...]
    nseg: int = 10
    length: float = 100.0
    diam: float = 2.0
    Ra: float = 100.0
    dt: float = 0.025
    tstop: float = 50.0
    current: float = 0.6

    @property
    def n_steps(self) -> int:
        """Steps of the run."""
        return round(self.tstop / self.dt)

    @property
    def n_segments(self) -> int:
        """Segments of the cell."""
        return self.nseg * len(self.parents)


def binary_tree(levels: int = 5, **settings: float) -> Tree:
    """2**levels - 1 branches; 310 segments by default."""
    return Tree(tuple((k - 1) // 2 if k else -1 for k in range(2**levels - 1)), **settings)  # type: ignore[arg-type]
