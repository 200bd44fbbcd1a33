"""Names of the mechanism that a NeuroML element becomes, and its variables."""

from __future__ import annotations

import re

from mod_translator import ir
from mod_translator.neuroml.document import Element
from mod_translator.passes import walk
from mod_translator.semantic.names import EXTERNALS, INTRINSICS

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,59}\Z")


def identifier(element: Element, attribute: str = "id") -> str:
    """An attribute that becomes a name. Raises UnsupportedConstruct for what cannot be one."""
    name = element.get(attribute)
    if not _IDENTIFIER.match(name):
        raise element.refuse("N304", f"{attribute}={name[:60]!r} cannot be a name", "use letters, digits and _")
    return name


class Names:
    """The symbols of one mechanism; every name in it once."""

    def __init__(self) -> None:
        self.symbols = {n: ir.Symbol(n, ir.Role.EXTERNAL, "", unit) for n, unit in EXTERNALS.items()}
        self.symbols["flag"] = ir.Symbol("flag", ir.Role.EXTERNAL)
        self._used = {*self.symbols, *INTRINSICS}

    def fresh(self, wanted: str) -> str:
        """A name that nothing else has, for a local or a routine."""
        return walk.fresh(wanted, self._used)

    def add(
        self,
        element: Element,
        name: str,
        block: str,
        unit: str = "",
        value: float = 0.0,
        role: ir.Role = ir.Role.INSTANCE,
        *,
        visible: bool = True,
    ) -> str:
        """Declare a variable. Raises UnsupportedConstruct if the name is taken."""
        if name in self._used:
            raise element.refuse("N305", f"the name {name} is used twice, or NEURON's own", "rename it")
        self._used.add(name)
        self.symbols[name] = ir.Symbol(name, role, block, unit, value, visible=visible)
        return name
