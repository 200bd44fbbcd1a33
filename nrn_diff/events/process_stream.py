"""NEURON's one stream of random numbers for all mechanisms of a process: scop_random, exprand, normrand, poisrand."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

_FACTOR, _STEP, _RANGE = 2147437301, 453816981, 2**32


@dataclass
class ProcessStream:
    """The generator of src/oc/scoprand.cpp. value: where it stands. drawn: whether anything was drawn or seeded."""

    value: int = 1
    drawn: bool = False

    def scop_random(self) -> float:
        """The next uniform number."""
        self.drawn = True
        self.value = (_FACTOR * self.value + _STEP) % _RANGE
        return self.value / float(_RANGE - 1)

    def exprand(self, mean: float) -> float:
        """src/scopmath/exprand.cpp."""
        return -mean * math.log(self.scop_random())

    def normrand(self, mean: float, deviation: float) -> float:
        """src/scopmath/normrand.cpp."""
        while True:
            v1, v2 = 2.0 * self.scop_random() - 1.0, 2.0 * self.scop_random() - 1.0
            s = v1 * v1 + v2 * v2
            if s < 1.0:
                return v1 * math.sqrt(-2.0 * math.log(s) / s) * deviation + mean

    def poisrand(self, mean: float) -> float:
        """src/scopmath/poisrand.cpp."""
        n, s, q = 0, math.exp(-mean), 1.0
        while q >= s:
            q *= self.scop_random()
            n += 1
        return float(n - 1)

    def set_seed(self, seed: float) -> float:
        """Start anew."""
        self.drawn = True
        self.value = int(seed) % _RANGE
        return 0.0

    @classmethod
    def before(cls, drawn: float) -> ProcessStream:
        """The stream as it was before it gave a number."""
        after = round(drawn * (_RANGE - 1))
        return cls((after - _STEP) * pow(_FACTOR, -1, _RANGE) % _RANGE)


DRAWS: dict[str, tuple[Callable[..., float], int]] = {
    "random_of_process_scop_random": (ProcessStream.scop_random, 0),
    "random_of_process_exprand": (ProcessStream.exprand, 1),
    "random_of_process_normrand": (ProcessStream.normrand, 2),
    "random_of_process_poisrand": (ProcessStream.poisrand, 1),
    "random_of_process_set_seed": (ProcessStream.set_seed, 1),
}
