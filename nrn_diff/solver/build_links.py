"""From the links of a snapshot (POINTER, target_var) to what the solver follows, and what it cannot follow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mod_translator import ir
from mod_translator.passes.walk import blocks, calls, expressions, names, statements
from nrn_diff.errors import Refusal
from nrn_diff.snapshot import Capture, Link, MechanismData
from nrn_diff.solver.build_events import find_watched
from nrn_diff.solver.incidence import Incidence
from nrn_diff.solver.moment import ion_field
from nrn_diff.solver.structure import Links, LinkStructure, Place

_BEFORE_AFTER = ("BEFORE", "AFTER")
_WRITABLE = ("v", "ion", "mechanism")
_OF_EVENTS = ("net_receive", "net_initial", "watch")


@dataclass(frozen=True, eq=False)
class Linked:
    """The links of one snapshot. row, layered [n_nodes]: row of the tree, and layered row, of each node."""

    capture: Capture
    row: np.ndarray
    layered: np.ndarray

    def build(self, links: Sequence[Link], count: int) -> Links:
        """The links of a mechanism with `count` instances, by the variable that they belong to."""
        out: dict[str, tuple[LinkStructure, ...]] = {}
        for link in links:
            target = np.full(count, -1)
            target[link.row] = self._rows_of(link)
            structure = LinkStructure(place_of(link), Incidence(target, self._size(link)))
            out[link.name] = (*out.get(link.name, ()), structure)
        return out

    def _rows_of(self, link: Link) -> np.ndarray:
        of_node = {"v": self.row, "inside": self.row, "membrane": self.row, "vext": self.layered}
        return of_node[link.kind][link.index] if link.kind in of_node else link.index

    def _size(self, link: Link) -> int:
        match link.kind:
            case "ion":
                return len(next(i for i in self.capture.ions if i.name == link.owner).nodes)
            case "mechanism":
                return len(next(m for m in self.capture.mechanisms if m.name == link.owner).nodes)
            case "vext":
                return int(self.layered.max()) + 1
            case "global":
                return 1
            case "e_extracellular":
                assert self.capture.extracellular is not None
                return len(self.capture.extracellular.nodes)
        return len(self.row)

    @cached_property
    def read(self) -> frozenset[Place]:
        """What blocks read through POINTERs, the sources of transfers, and what NetCons watch."""
        watched = [record for record, _ in find_watched(self.capture)]
        return frozenset(Place(w.kind, w.owner, w.variable, w.element) for w in watched) | frozenset(
            place_of(link) for data in self.capture.mechanisms for link in (*data.pointers, *data.transfers)
        )

    @cached_property
    def written(self) -> frozenset[Place]:
        """What changes during a run because blocks write through POINTERs, and the targets of transfers."""
        targets = {Place("mechanism", d.name, link.name) for d in self.capture.mechanisms for link in d.transfers}
        return frozenset(
            targets | {p for d in self.capture.mechanisms for b in _running(d) for p in _through(d, b.writes)}
        )

    def of_mechanism(self, places: frozenset[Place], name: str) -> set[str]:
        """The variables of a mechanism among some places."""
        return {p.variable for p in places if p.source == "mechanism" and p.owner == name}

    def of_ion(self, name: str) -> set[str]:
        """The fields of an ion that are read or written from elsewhere."""
        return {p.variable for p in self.read | self.written if p.source == "ion" and p.owner == name}

    def refusals(self, data: MechanismData) -> Iterator[Refusal]:
        """What depends on an order that is not kept: of instances in one block, of events to different mechanisms."""
        where = f"mechanism {data.name}, {data.ir.file}"
        for key, block in blocks(data.ir).items():
            reads, writes = _through(data, block.reads), _through(data, block.writes)
            for place in sorted(
                (reads & _direct(data, block.writes)) | (writes & _direct(data, (*block.reads, *block.writes)))
            ):
                yield Refusal(
                    f"POINTER to {_named(place)}, which {block.kind} of {data.name} changes",
                    where,
                    "what an instance finds there depends on which instances have run before it",
                    "let another block change it, or point to a variable of another mechanism",
                )
            for place in sorted(writes):
                by_event = key in _OF_EVENTS and not (key == "net_receive" and self._of_no_other_event(data, place))
                if place.source not in _WRITABLE or by_event or self._crowded(data, place, block):
                    yield Refusal(
                        f"{block.kind} of {data.name} writes {_named(place)} through a POINTER",
                        where,
                        "written can be voltages, ion variables and variables of mechanisms, by one instance each; "
                        "from NET_RECEIVE variables of mechanisms that no other event, NetCon or Vector at times of "
                        "its own has to do with",
                        "let the mechanism that has the variable compute it, and read it through a POINTER",
                    )
            if block.kind == "NET_RECEIVE":
                for place in sorted(p for p in reads if p.variable == "current" and p.source == "ion"):
                    yield Refusal(
                        f"NET_RECEIVE of {data.name} reads the current of {place.owner} through a POINTER",
                        where,
                        "what the last step has left there is not kept",
                        "read it in BREAKPOINT",
                    )
                for other in self.capture.mechanisms:
                    if other.ir.net_receive is not None and reads & _direct(other, other.ir.net_receive.writes):
                        yield Refusal(
                            f"NET_RECEIVE of {data.name} reads a variable that NET_RECEIVE of {other.name} changes",
                            where,
                            "the order of events to different mechanisms within a step is not kept",
                            "read it in BREAKPOINT",
                        )

    def _of_no_other_event(self, data: MechanismData, place: Place) -> bool:
        """Whether events to a mechanism can change a variable: what else looks at it does so after all events."""
        for other in self.capture.mechanisms:
            used = {n for key, b in blocks(other.ir).items() if key in _OF_EVENTS for n in (*b.reads, *b.writes)}
            rows = [link.index for link in data.pointers if link.name in used and place_of(link) == place]
            if other is data and len(np.unique(np.concatenate(rows))) < sum(map(len, rows)):
                return False
            used &= set(other.ir.symbols)
            if place in _direct(other, tuple(used)) or (other is not data and place in _through(other, tuple(used))):
                return False
        seen = [record for record, _ in find_watched(self.capture)]
        seen += [record for record in self.capture.records if not record.every_step]
        seen += [play.target for play in self.capture.plays]
        free = place.source == "mechanism" and data.ir.kind is not ir.Kind.ARTIFICIAL
        return free and place not in {Place(r.kind, r.owner, r.variable, r.element) for r in seen}

    def _crowded(self, data: MechanismData, place: Place, block: ir.Routine) -> bool:
        """Whether several instances of a block write one value, or a value that is one for all instances."""
        if place.source == "mechanism":
            owner = next(m for m in self.capture.mechanisms if m.name == place.owner)
            if place.variable in owner.ir.shared:
                return True
        here = [link for link in data.pointers if link.name in block.writes and place_of(link) == place]
        everywhere = np.concatenate([link.index for link in here])
        if len(np.unique(everywhere)) == len(everywhere):
            return False
        used = {link.name for link in here}
        return not (
            block.kind.startswith(_BEFORE_AFTER)
            and (used <= gathers(data, block) or (len(used) == 1 and _constant(block, *used)))
        )


def place_of(link: Link) -> Place:
    """The variable that a link leads to, whole."""
    return Place(link.kind, link.owner, link.variable, link.element)


def _running(data: MechanismData) -> list[ir.Routine]:
    return [b for name, b in blocks(data.ir).items() if name not in ("initial", "net_initial", "watch")]


def gathers(data: MechanismData, block: ir.Routine) -> frozenset[str]:
    """POINTERs through which a block of every instance adds something, and does nothing else with them: `P = P + x`."""
    own = {link.name for link in data.pointers if link.name in block.writes}
    below = {n for name in calls(block.body) if (r := data.ir.routines.get(name)) for n in (*r.reads, *r.writes)}
    return frozenset(n for n in own - below if all(_adds(s, n) for s in block.body))


def _adds(statement: ir.Stmt, name: str) -> bool:
    """Whether a statement is `name = name + x`, or has nothing to do with the name."""
    match statement:
        case ir.Assign(ir.Var(target), ir.Binary("+" | "-", ir.Var(left), added), _) if target == left == name:
            return name not in names(added)
    return name not in ir.assigned((statement,)) and not any(
        name in names(e) for s in statements((statement,)) for e in expressions(s)
    )


def _constant(block: ir.Routine, name: str) -> bool:
    """Whether a block does nothing with a name but to set it to a number."""
    return not any(name in names(e) for s in statements(block.body) for e in expressions(s)) and all(
        isinstance(s, ir.Assign) and isinstance(s.value, ir.Num) for s in block.body if name in ir.assigned((s,))
    )


def _through(data: MechanismData, names: Sequence[str]) -> set[Place]:
    return {place_of(link) for link in data.pointers if link.name in names}


def _direct(data: MechanismData, names: Sequence[str]) -> set[Place]:
    """The places that names of a mechanism stand for without a POINTER."""
    species: Mapping[str, str] = {n: use.name for use in data.ir.ions for n in (*use.reads, *use.writes)}
    found = {Place("v")} if "v" in names else set()
    for name in names:
        symbol = data.ir.symbols[name]
        for k in range(-1, symbol.length):
            found.add(Place("mechanism", data.name, name, k))
        if name in species:
            found.add(Place("ion", species[name], ion_field(species[name], name)))
    return found


def _named(place: Place) -> str:
    return "v" if place.source == "v" else f"{place.variable} of {place.owner}"
