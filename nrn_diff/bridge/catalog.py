"""The mechanisms that this NEURON process knows: type numbers, NMODL text, names of their variables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from neuron import h

from nrn_diff.bridge.reference import reference

_GLOBAL, _ALL, _PARAMETER, _ASSIGNED, _STATE = -1, 0, 1, 2, 3


@dataclass(frozen=True)
class Variable:
    """A variable that HOC can read. name: without suffix. hoc_name: as HOC knows it. length: 0 for a scalar."""

    name: str
    hoc_name: str
    length: int = 0


@dataclass(frozen=True)
class MechanismType:
    """One mechanism type.

    internal_type: NEURON's number. code: NMODL text ('' if it has none). file: where it was compiled.
    """

    name: str
    internal_type: int
    point: bool
    artificial: bool
    is_ion: bool
    code: str
    file: str

    @cached_property
    def instance_variables(self) -> tuple[Variable, ...]:
        """PARAMETER, ASSIGNED and STATE with one value for each instance, in NEURON's order."""
        everything = self._variables(_ALL)
        if self.is_ion or not self.code:  # ion_style and KSChan change the type of their variables
            return everything
        numbers = {v.name for vartype in (_PARAMETER, _ASSIGNED, _STATE) for v in self._variables(vartype)}
        return tuple(v for v in everything if v.name in numbers)

    @cached_property
    def references(self) -> tuple[str, ...]:
        """Names of the POINTER and RANDOM variables, which hold no number of the mechanism's own."""
        numbers = set(self.instance_variables)
        return tuple(v.name for v in self._variables(_ALL) if v not in numbers)

    @cached_property
    def globals_(self) -> tuple[Variable, ...]:
        """Variables with one value for the mechanism, usetable_<suffix> included."""
        return self._variables(_GLOBAL)

    def _variables(self, vartype: int) -> tuple[Variable, ...]:
        standard = h.MechanismStandard(self.name, vartype)
        name, found = reference(""), []
        for i in range(int(standard.count())):
            size = int(standard.name(name, i))
            hoc_name = str(name[0])
            # nocmodl appends the suffix to every name of a density mechanism and to every global.
            suffixed = not self.is_ion and (vartype == _GLOBAL or not self.point)
            short = hoc_name.removesuffix(f"_{self.name}") if suffixed else hoc_name
            # MechanismStandard.is_array(i) looks among the instance variables also for globals, and beyond their end.
            array = not isinstance(getattr(h, hoc_name), float) if vartype == _GLOBAL else standard.is_array(i)
            found.append(Variable(short, hoc_name, size if array else 0))
        return tuple(found)


def mechanism_types() -> tuple[MechanismType, ...]:
    """Every registered mechanism, ordered by NEURON's type number. Changes nothing in NEURON."""
    found = []
    name: Any = reference("")
    for point in (False, True):
        types = h.MechanismType(int(point))
        for i in range(int(types.count())):
            types.select(i)
            types.selected(name)
            found.append(
                MechanismType(
                    name=str(name[0]),
                    internal_type=int(types.internal_type()),
                    point=point,
                    artificial=point and bool(types.is_artificial(i)),
                    is_ion=not point and bool(types.is_ion()),
                    code=types.code() or "",
                    file=types.file() or "",
                )
            )
    return tuple(sorted(found, key=lambda t: t.internal_type))
