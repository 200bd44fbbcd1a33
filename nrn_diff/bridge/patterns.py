"""PatternStim: which spikes it sends for which gids. Its C code keeps them where HOC does not see them."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from nrn_diff.bridge.dparam import held, properties, slot_of
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.forked import ChildFailedError, in_copy
from nrn_diff.bridge.inventory import Inventory
from nrn_diff.bridge.native import neuron_library, read_word
from nrn_diff.bridge.own_texts import PATTERN
from nrn_diff.bridge.threads import how_many
from nrn_diff.events.artificial import ArtificialCell
from nrn_diff.events.pattern import Pattern

# struct Info (src/nrnoc/pattern.mod): size, tvec, gidvec, index.
_POINTER = "ptr"
_TIMES, _GIDS, _INDEX = 8, 16, 24


@dataclass(frozen=True)
class Played:
    """What a PatternStim was given: times [n] (ms), gids [n]. index: how many it has sent. given: play was called."""

    times: tuple[float, ...]
    gids: tuple[int, ...]
    index: int
    given: bool


def has_patterns(inventory: Inventory) -> bool:
    """Whether there is a PatternStim."""
    return any(kind.name == PATTERN for kind, _ in inventory.artificial.values())


def pattern_labels(inventory: Inventory) -> list[str]:
    """HOC names of all PatternStims, in the order of creation."""
    return [label for label, (kind, _) in inventory.artificial.items() if kind.name == PATTERN]


def with_patterns(
    cells: Sequence[ArtificialCell], gids: Sequence[int], inventory: Inventory, findings: Findings, first: int = 0
) -> list[ArtificialCell]:
    """The cells, of which PatternStims get what they send. gids: of the given trains from number `first` on.

    Refuses what cannot be read.
    """
    labels = [cell.label for cell in cells if cell.ir.name == PATTERN]
    if not labels:
        return list(cells)
    if how_many() > 1:
        why = "NEURON then hands its spikes on to the threads at times of its own"
        findings.refuse("PatternStim with several threads", labels[0], why, "call ParallelContext.nthread(1)")
        return list(cells)
    played = read_patterns(inventory)
    if played is None:
        why = "this build of NEURON does not show what it was given (its memory is laid out in another way)"
        findings.refuse("PatternStim", labels[0], why, "give each gid that it drives a VecStim in place of it")
        return list(cells)
    number = {gid: k for k, gid in enumerate(gids, first)}
    for label in labels:
        if not all(map(math.isfinite, played[label].times)):
            findings.refuse(f"times of {label}", label, "one is not finite", "give finite times (ms)")
    return [replace(c, pattern=_pattern(played[c.label], number)) if c.ir.name == PATTERN else c for c in cells]


def _pattern(played: Played, number: Mapping[int, int]) -> Pattern:
    return Pattern(played.times, tuple(number.get(gid, -1) for gid in played.gids), played.index, played.given)


def read_patterns(inventory: Inventory) -> Mapping[str, Played] | None:
    """What each PatternStim was given, by its HOC name; None if this build of NEURON does not show it."""
    if neuron_library() is None:
        return None
    try:
        found: dict[str, list[Any]] = in_copy(partial(_read, inventory))
    except ChildFailedError:
        return None
    return {label: Played(tuple(t), tuple(g), k, given) for label, (t, g, k, given) in found.items()}


def put_position(label: str, inventory: Inventory, index: int) -> None:
    """How many spikes a PatternStim has sent. `read_patterns` went before."""
    ctypes.c_int.from_address(_places(inventory)[label] + _INDEX).value = index


def _read(inventory: Inventory) -> dict[str, list[Any]]:
    out = {}
    for label, place in _places(inventory).items():
        size = ctypes.c_int.from_address(place).value
        times, gids = read_word(place + _TIMES), read_word(place + _GIDS)
        out[label] = [
            list((ctypes.c_double * size).from_address(times)) if size else [],
            list((ctypes.c_int * size).from_address(gids)) if size else [],
            ctypes.c_int.from_address(place + _INDEX).value,
            bool(times),
        ]
    return out


def _places(inventory: Inventory) -> dict[str, int]:
    """Address of the Info of each PatternStim."""
    kinds = [(kind, live) for kind, live in inventory.artificial.values() if kind.name == PATTERN]
    slot = slot_of(kinds[0][0], _POINTER)
    props = properties(kinds[0][0], [live for _, live in kinds])
    return dict(zip(pattern_labels(inventory), (held(prop, slot) for prop in props), strict=True))
