"""In which order a source sends to its NetCons (PreSyn::dil_, netcon.h): not always that of h.List('NetCon').

ParallelContext.gid_connect, given a NetCon that exists, puts it behind those that its new source has already.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TypeVar

from neuron import h

from mod_translator.passes.outbox import loops_over_netcons
from nrn_diff.bridge.callbacks import addresses_of_sources
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.forked import ChildFailedError, in_copy
from nrn_diff.bridge.inventory import Inventory, hoc_objects
from nrn_diff.bridge.native import addresses, read_word
from nrn_diff.bridge.translate import Translator

_WORDS = 26  # of a PreSyn that are looked at
T = TypeVar("T")


def netcons_of_sources() -> list[list[int]] | None:
    """Of each source in NEURON's list, its NetCons in the order in which it sends to them.

    By place in h.List('NetCon'). None if this build of NEURON does not show it.
    """
    sources, netcons = addresses_of_sources(), addresses("NetCon")
    if sources is None or netcons is None:
        return None
    word = _place_of_list()
    if word is None:
        return None
    place = {at: k for k, at in enumerate(netcons)}
    lists = [_read_list(at, word) for at in sources]
    known = all(at in place for mine in lists for at in mine)
    return [[place[at] for at in mine] for mine in lists] if known else None


def ranks_of_netcons(count: int) -> list[int] | None:
    """Of each of the `count` NetCons the rank in NEURON's order, by source and then within it; last without a source.

    None if this build of NEURON does not show it.
    """
    known = netcons_of_sources()
    if known is None:
        return None
    rank = [count] * count
    for k, place in enumerate(place for mine in known for place in mine):
        rank[place] = k
    return rank


def of_each_source_in_order(items: Sequence[T], place_of: Callable[[T], int]) -> list[T]:
    """Those of one source change places among themselves. place_of: place in h.List('NetCon')."""
    out, at = list(items), {place_of(item): k for k, item in enumerate(items)}
    for mine in netcons_of_sources() or ():
        here = [place for place in mine if place in at]
        for slot, place in zip(sorted(at[p] for p in here), here, strict=True):
            out[slot] = items[at[place]]
    return out


def check_loops(inventory: Inventory, translator: Translator, findings: Findings) -> None:
    """FOR_NETCONS also runs over NetCons that are switched off, and not over those whose source is gone."""
    kinds = {label: found[0] for label, found in inventory.instances.items()}
    kinds |= {label: kind.name for label, (kind, _) in inventory.artificial.items()}
    looping = {d.name for d in translator.known() if d.name in kinds.values() and loops_over_netcons(d)}
    for netcon in hoc_objects("NetCon") if looping else ():
        target = netcon.syn()
        mechanism = kinds.get(target.hname(), "") if target is not None else ""
        if mechanism in looping and not netcon.active():
            findings.refuse(
                f"{netcon.hname()} is switched off and leads to {target.hname()}",
                netcon.hname(),
                "its FOR_NETCONS runs over this NetCon too",
                "switch it on with weight 0, or remove it",
            )
        elif mechanism in looping and not netcon.valid():
            findings.refuse(
                f"{netcon.hname()} leads to {target.hname()} and its source was deleted",
                netcon.hname(),
                "its FOR_NETCONS leaves this NetCon out",
                "remove it",
            )
    for mine in netcons_of_sources() or () if looping else ():
        if mine != sorted(mine):
            findings.refuse(
                "FOR_NETCONS",
                ", ".join(sorted(looping)),
                "a source sends to its NetCons in another order than that of their creation",
                "give ParallelContext.gid_connect no NetCon that exists already",
            )


@cache
def _place_of_list() -> int | None:
    """Word of a PreSyn at which its list begins."""
    if addresses_of_sources() is None:
        return None
    try:
        return int(in_copy(_find))
    except ChildFailedError:
        return None


def _find() -> int:
    """For a copy of the process only."""
    before, known = set(addresses_of_sources() or ()), len(addresses("NetCon") or ())
    stim, target = h.NetStim(), h.IntFire1()
    wires = [h.NetCon(stim, target) for _ in range(3)]
    (mine,) = set(addresses_of_sources() or ()) - before
    made = (addresses("NetCon") or [])[known:]
    size = 8 * len(wires)
    found = [
        k
        for k in range(_WORDS - 1)
        if read_word(mine + 8 * k + 8) - read_word(mine + 8 * k) == size and _read_list(mine, k) == made
    ]
    if len(found) != 1:
        raise ValueError(f"{len(found)} words of a PreSyn lead to its NetCons")
    return found[0]


def _read_list(source: int, word: int) -> list[int]:
    begin, end = read_word(source + 8 * word), read_word(source + 8 * word + 8)
    return [read_word(at) for at in range(begin, end, 8)]
