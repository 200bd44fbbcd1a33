"""The variables of a model as HOC code names them: by section, x and name, by object and name, or by name alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from neuron import h

from mod_translator import ir
from nrn_diff.bridge.inventory import Inventory
from nrn_diff.bridge.own_init.values import NotFollowedError
from nrn_diff.bridge.topology import Topology
from nrn_diff.bridge.variables import Block, every_variable
from nrn_diff.snapshot import Record

# Numbers of the shape, which phases do not set; names as of parameters.
SHAPE = frozenset({"diam", "cm", "Ra", "L", "rallbranch", "nseg"})


@dataclass(frozen=True)
class Place:
    """Value `index` of block `block`."""

    block: int
    index: int


class Places:
    """Finds the variables. unchanging: (mechanism, variable) of PARAMETERs that no block of their file assigns."""

    def __init__(self, inventory: Inventory, lowered: Mapping[str, ir.Mechanism]) -> None:
        self.blocks: Sequence[Block] = every_variable(inventory)
        self.topology: Topology = inventory.topology
        self._unchanging = {
            (m.name, s.name)
            for m in lowered.values()
            for s in m.symbols.values()
            if s.block == "PARAMETER" and not any(s.name in r.writes for r in _routines(m))
        }
        self._names: dict[str, list[int]] = {}
        self._of_process: dict[str, int] = {}
        self._of_object: dict[tuple[str, str], Place] = {}
        for number, block in enumerate(self.blocks):
            first = block.owners[0] if len(block.owners) else None
            if first is h:
                self._of_process[block.name] = number
            elif hasattr(first, "sec"):
                self._names.setdefault(block.name, []).append(number)
            elif block.put is None:
                for row, owner in enumerate(block.owners):
                    self._of_object[owner.hname(), block.name] = Place(number, row * (block.length or 1))
        self._rows: dict[str, dict[int, tuple[int, int]]] = {}

    def in_section(self, name: str, section: Any, x: float, element: int | None) -> Place:
        """A range variable. Raises NotFollowedError where there is none that a snapshot holds."""
        if not 0 <= x <= 1:
            raise NotFollowedError(f"takes {name} at x = {x:g}")
        if name not in self._names:
            raise NotFollowedError(f"uses {name}, which a captured model does not hold")
        place = self.topology.node_of(section, x) if name == "v" else self.topology.segment_of(section, x)
        found = self._rows_of(name).get(place)
        if found is None:
            raise NotFollowedError(f"uses {name} where it does not exist, in {self.topology.place(section, x)}")
        return self._element(*found, element)

    def of_section(self, name: str, section: Any, element: int | None) -> list[Place]:
        """Everything that `name = number` assigns in a section, in its order (nrn_rangeconst in cabcode.cpp)."""
        n = int(section.nseg)
        xs = [(k + 0.5) / n for k in range(n)]
        return [self.in_section(name, section, x, element) for x in ([0.0, 1.0, *xs] if name == "v" else xs)]

    def of_object(self, owner: Any, name: str, element: int | None) -> Place | None:
        """A variable of a point process or NetCon; None if a snapshot does not hold it."""
        found = self._of_object.get((owner.hname(), name)) if hasattr(owner, "hname") else None
        length = self.blocks[found.block].length if found else 0
        if found is None or (element or 0) >= (length or 1):
            return None
        return Place(found.block, found.index + (element or 0))

    def of_process(self, name: str, element: int | None) -> Place | None:
        """A GLOBAL of a mechanism, or celsius; None if it is neither."""
        number = self._of_process.get(name)
        return None if number is None else self._element(number, 0, element)

    def record(self, place: Place) -> Record:
        """The variable as a snapshot has it."""
        label, record = self.blocks[place.block].at(place.index)
        if record is None:
            raise NotFollowedError(f"uses {label}, which a captured model does not hold")
        return record

    def label(self, place: Place) -> str:
        """'soma(0.5).v'."""
        return self.blocks[place.block].at(place.index)[0]

    def parameter(self, place: Place) -> str:
        """Its name as a parameter: 'e_pas', 'IClamp.amp', 'NetCon.weight'."""
        block, record = self.blocks[place.block], self.record(place)
        if record.kind == "weight":
            return "NetCon.weight"
        on_its_own = block.owners[0] is h or hasattr(block.owners[0], "sec")
        return block.name if on_its_own or record.kind != "mechanism" else f"{record.owner}.{record.variable}"

    def never_changes(self, place: Place) -> bool:
        """Whether only HOC code changes it."""
        record = self.record(place)
        return record.kind == "celsius" or (record.owner, record.variable) in self._unchanging

    def _element(self, block: int, row: int, element: int | None) -> Place:
        length = self.blocks[block].length
        if not 0 <= (element or 0) < (length or 1):
            raise NotFollowedError(f"uses {self.blocks[block].name}[{element}]")
        return Place(block, row * (length or 1) + (element or 0))

    def _rows_of(self, name: str) -> dict[int, tuple[int, int]]:
        """Node (of v) or segment -> block and row."""
        if name not in self._rows:
            rows: dict[int, tuple[int, int]] = {}
            for number in self._names[name]:
                block = self.blocks[number]
                if block.put is not None:
                    raise NotFollowedError(f"uses {name}, which cannot be followed")
                for row, owner in enumerate(block.owners):
                    at = row if name == "v" else self.topology.segment_of(owner.sec, owner.x)
                    rows[at] = (number, row)
            self._rows[name] = rows
        return self._rows[name]


def _routines(mechanism: ir.Mechanism) -> list[ir.Routine]:
    blocks = (getattr(mechanism, name) for name in ir.BLOCKS)
    return [*mechanism.routines.values(), *(b for b in blocks if b is not None)]
