"""NEURON's own Random123 generator, for the interpreter of artificial cells."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from mod_translator import ir
from nrn_diff.bridge.forked import in_copy
from nrn_diff.bridge.native import neuron_library
from nrn_diff.events.errors import EventError
from nrn_diff.events.process_stream import ProcessStream
from nrn_diff.events.random_stream import Generator

if TYPE_CHECKING:
    from nrn_diff.bridge.inventory import Located

_MAX_SEQ = float(0xFFFFFFFFFF)


class NeuronStream:
    """A RANDOM variable's stream, drawn from an h.Random with the same identifiers.

    Random.uniform(0, 1) returns nrnran123_dblpick itself (src/gnu/NrnRandom123RNG.hpp, Uniform.cpp).
    """

    kept: float | None = None  # the normal number that the next draw takes, before scaling

    def __init__(self, id1: int, id2: int, id3: int, seq: float) -> None:
        from neuron import h

        self._random: Any = h.Random()
        self._ids = (id1, id2, id3)
        self._stale = True
        self.set_seq(seq)

    def dpick(self) -> float:
        """The next uniform number in (0, 1). Raises RuntimeError after set_ids without set_seq."""
        if self._stale:
            # NEURON would still return picks of the old stream until its block of four is used up.
            raise RuntimeError("random_setids without random_setseq before the next pick")
        return float(self._random.repick())

    def set_seq(self, seq: float) -> None:
        """Go to seq = 4 * counter + pick; out of range is 0 (nrnran123_setseq(state, double))."""
        clipped = seq if 0.0 <= seq <= _MAX_SEQ else 0.0
        self._random.Random123(*self._ids)
        # uniform() chooses the distribution and draws once, so the place in the stream is set after it.
        self._random.uniform(0, 1)
        self._random.seq(float(int(clipped) & 0x3FFFFFFFF))
        self._stale = False

    def pick(self) -> float:
        """As dpick: the distribution is uniform."""
        return self.dpick()

    def place(self) -> float:
        """Where the stream stands: seq of the next pick."""
        return float(self._random.seq())

    def set_ids(self, id1: float, id2: float, id3: float) -> None:
        """Use another stream from the next set_seq on."""
        self._ids = (int(id1), int(id2), int(id3))
        self._stale = True


_SCOP_RANDOM, _SET_SEED = "_Z11scop_randomv", "_Z8set_seedd"
_OF_HOC = {"Uniform": "uniform", "NegativeExpntl": "negexp", "Normal": "normal", "DiscreteUniform": "discunif"}


class NeuronPicks(NeuronStream):
    """A HOC Random that draws what another one would draw."""

    def __init__(self, found: Generator) -> None:
        from neuron import h

        self._random = h.Random()
        self.kept, self._arguments, self._stale = found.kept, found.arguments, False
        if found.name == "MCellRan4":
            self._random.MCellRan4(1, found.ids[0])
        else:
            self._ids = found.ids
            self._random.Random123(*found.ids)
        getattr(self._random, _OF_HOC[found.distribution])(*found.arguments)
        self._random.seq(found.place)  # after the draw that chooses the distribution

    def pick(self) -> float:
        """The next number of the distribution."""
        if self.kept is not None:
            kept, self.kept = self.kept, None
            return kept * math.sqrt(self._arguments[1]) + self._arguments[0]
        return float(self._random.repick())


class NeuronRandom:
    """RandomProvider backed by the NEURON of this process, with its Random123_globalindex."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Generator, NeuronStream]] = {}
        self._process: ProcessStream | None = None

    def process_stream(self) -> ProcessStream:
        """NEURON's own for all mechanisms, where it stands now.

        Raises EventError: HOC has chosen use_mcell_ran4(1), whose place in the stream NEURON does not show.
        """
        if self._process is None:
            from neuron import h

            library = neuron_library()
            if h.use_mcell_ran4() or library is None or not hasattr(library, _SCOP_RANDOM):
                why = "with use_mcell_ran4(1), or in this build of NEURON, the place of scop_random is not shown"
                raise EventError(f"{why}: call use_mcell_ran4(0), or draw from a RANDOM variable")
            draw = library[_SCOP_RANDOM]
            draw.restype = ctypes.c_double
            self._process = ProcessStream.before(float(in_copy(draw)))
        return self._process

    @property
    def process_drawn(self) -> bool:
        """Whether that stream was used."""
        return self._process is not None and self._process.drawn

    def put(self) -> None:
        """Let NEURON's one stream go on where this has come to."""
        if self._process is not None and self._process.drawn:
            put_process_stream(float(self._process.value))

    def generator(self, found: Generator) -> NeuronStream:
        """The generator behind a POINTER; the same stream for the same address."""
        if found.address not in self._known:
            state = found.kind == "state"
            stream = self.stream(*found.ids, found.place) if state else NeuronPicks(found)
            self._known[found.address] = (found, stream)
        return self._known[found.address][1]

    def drawn_from(self) -> list[tuple[Generator, NeuronStream]]:
        """The generators behind POINTERs, as they were, and what draws in their place."""
        return list(self._known.values())

    def stream(self, id1: int, id2: int, id3: int, seq: float) -> NeuronStream:
        """The stream with these identifiers, at `seq` = 4 * counter + pick."""
        return NeuronStream(id1, id2, id3, seq)


def read_streams(located: Located, mechanism: ir.Mechanism) -> dict[str, np.ndarray]:
    """The RANDOM variables of a mechanism in the equations: name -> [n, 5], as passes/streams.py has a stream."""
    names = [s.name for s in mechanism.symbols.values() if s.block == "RANDOM"]
    if not names:
        return {}
    from neuron import h

    index = float(h.Random().Random123_globalindex())
    point = located.type.point
    holders = located.owners if point else [getattr(owner, located.type.name) for owner in located.owners]
    found = {}
    for name in names:
        rows = [getattr(holder, name) for holder in holders]
        found[name] = np.array([[r.get_seq(), *r.get_ids(), index] for r in rows], dtype=float)
    return found


def put_process_stream(place: float) -> None:
    """Let NEURON's one stream go on from there."""
    library = neuron_library()
    assert library is not None
    seed = library[_SET_SEED]
    seed.argtypes, seed.restype = [ctypes.c_double], ctypes.c_double
    seed(place)


def put_streams(located: Located, mechanism: ir.Mechanism, left: Mapping[str, Any]) -> None:
    """Let NEURON draw on from where a run has left its streams. left: variables of the instances, [5, n] or [n]."""
    point = located.type.point
    for name in (s.name for s in mechanism.symbols.values() if s.block == "RANDOM" and s.name in left):
        for owner, place in zip(located.owners, np.asarray(left[name])[0].tolist(), strict=True):
            getattr(owner if point else getattr(owner, located.type.name), name).set_seq(place)
    if mechanism.process_stream and mechanism.process_stream in left:
        put_process_stream(float(np.asarray(left[mechanism.process_stream])[-1]))


def read_process_stream(mechanism: ir.Mechanism, count: int) -> dict[str, np.ndarray]:
    """Where NEURON's one stream stands, [n] for the n instances of a mechanism that draws from it; {} for others.

    Raises EventError: see NeuronRandom.process_stream.
    """
    if not mechanism.process_stream:
        return {}
    return {mechanism.process_stream: np.full(count, float(NeuronRandom().process_stream().value))}


def streams_of(point_process: Any, names: tuple[str, ...]) -> dict[str, tuple[int, int, int, float]]:
    """Identifiers and place of the RANDOM variables `names` of a live point process or artificial cell.

    Returns name -> (id1, id2, id3, seq). seq is where the stream stands now; an INITIAL that seeds goes back.
    """
    found: dict[str, tuple[int, int, int, float]] = {}
    for name in names:
        variable = getattr(point_process, name)
        id1, id2, id3 = (int(i) for i in variable.get_ids())
        found[name] = (id1, id2, id3, float(variable.get_seq()))
    return found
