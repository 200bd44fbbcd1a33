"""What the interpreter needs of a stream of random numbers, and the distributions that NMODL's RANDOM has.

Formulas and their order of operations are those of src/gnu/nrnran123.cpp, so that the numbers are NEURON's to the bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from .process_stream import ProcessStream


@dataclass(frozen=True)
class Generator:
    """What the POINTER of one instance leads to that C code draws from.

    kind: 'state' (nrnran123_State), 'Random' (a HOC Random) or 'other'. address: two with the same are one generator.
    name: 'Random123' or 'MCellRan4'. place, ids: seq and the three identifiers, or highindex and (lowindex as it was
    given, lowindex in use, 0). distribution, arguments: of a Random, its class in src/gnu and what HOC gave it. kept:
    the normal number that the next draw takes, before scaling.
    """

    kind: str
    address: int
    name: str = "Random123"
    place: float = 0.0
    ids: tuple[int, int, int] = (0, 0, 0)
    distribution: str = ""
    arguments: tuple[float, ...] = ()
    kept: float | None = None


class RandomStream(Protocol):
    """One Random123 stream, the value of a RANDOM variable of one instance."""

    def dpick(self) -> float:
        """The next uniform number in the open interval (0, 1)."""
        ...

    def set_seq(self, seq: float) -> None:
        """Go to a place in the stream: seq = 4 * counter + pick, as NMODLRandom.get_seq() returns it."""
        ...

    def place(self) -> float:
        """Where the stream stands (seq)."""
        ...

    def pick(self) -> float:
        """The next number of the distribution of a HOC Random (nrn_random_pick)."""
        ...

    def set_ids(self, id1: float, id2: float, id3: float) -> None:
        """Change to another stream; takes effect at the next set_seq, as in NEURON."""
        ...


class RandomProvider(Protocol):
    """Makes streams; `nrn_diff.bridge.random123.NeuronRandom` is the one that is NEURON itself."""

    def stream(self, id1: int, id2: int, id3: int, seq: float) -> RandomStream:
        """The stream with these identifiers, at `seq` = 4 * counter + pick."""
        ...

    def process_stream(self) -> ProcessStream:
        """The stream of scop_random, exprand and so on."""
        ...

    def generator(self, found: Generator) -> RandomStream:
        """The generator behind a POINTER; the same stream for the same address."""
        ...


def uniform(stream: RandomStream, low: float = 0.0, high: float = 1.0) -> float:
    """random_uniform(r) and random_uniform(r, low, high)."""
    return low + stream.dpick() * (high - low)


def negexp(stream: RandomStream, mean: float = 1.0) -> float:
    """random_negexp(r) and random_negexp(r, mean)."""
    return -math.log(stream.dpick()) * mean


def normal(stream: RandomStream, mean: float = 0.0, sigma: float = 1.0) -> float:
    """random_normal(r) and random_normal(r, mean, sigma), by the polar method without keeping the second number."""
    while True:
        u1 = 2.0 * stream.dpick() - 1.0
        u2 = 2.0 * stream.dpick() - 1.0
        w = u1 * u1 + u2 * u2
        if w <= 1:
            break
    return mean + u1 * math.sqrt((-2.0 * math.log(w)) / w) * sigma


def ipick(stream: RandomStream) -> float:
    """random_ipick(r): the 32-bit integer behind the next uniform number."""
    # dpick is (i + 1) / (2**32 + 1) in double precision, 53 bits, so i comes back exactly.
    return float(round(stream.dpick() * 4294967297.0) - 1)
