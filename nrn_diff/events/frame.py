"""What a running block works on: the variables of its instance, its own LOCALs, and where its events go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableSequence, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from mod_translator import ir
from nrn_diff.snapshot import FunctionTable

from .process_stream import ProcessStream
from .random_stream import RandomStream

Variables = dict[str, float | list[float]]


class EventHost(Protocol):
    """Where a running block sends its events."""

    def net_send(self, frame: Frame, time: float, flag: float) -> None:
        """net_send(delay, flag), with the absolute time."""
        ...

    def net_event(self, frame: Frame, time: float) -> None:
        """net_event(time)."""
        ...

    def net_move(self, frame: Frame, time: float) -> None:
        """net_move(time)."""
        ...

    def netcons(self) -> Sequence[MutableSequence[float]]:
        """The weight vectors of all NetCons to the instance, in the order of FOR_NETCONS."""
        ...


@dataclass(slots=True, frozen=True)
class Slot:
    """One variable: a scalar of its holder, or an element (from 0 on) of an array of it."""

    holder: Variables
    name: str
    element: int = -1

    def get(self) -> float:
        """Its value."""
        value = self.holder[self.name]
        return value[self.element] if isinstance(value, list) else value

    def set(self, value: float) -> None:
        """Assign it."""
        items = self.holder[self.name]
        if isinstance(items, list):
            items[self.element] = value
        else:
            self.holder[self.name] = value


@dataclass(slots=True)
class Instance:
    """The variables of one instance. `globals_` is shared by all instances of its mechanism.

    vectors: the HOC Vectors that its C code reads, by the variable in which they are hidden. tables: what its
    FUNCTION_TABLEs hold, by `table_<name>`. pointees: what its POINTERs lead to.
    """

    label: str
    values: Variables
    globals_: Variables
    random: dict[str, RandomStream] = field(default_factory=dict)
    process: Callable[[], ProcessStream] | None = None
    steps: int = 0
    vectors: Mapping[str, Sequence[float]] = field(default_factory=dict)
    tables: Mapping[str, FunctionTable] = field(default_factory=dict)
    pointees: Mapping[str, Slot] = field(default_factory=dict)


@dataclass(slots=True)
class Frame:
    """One running block; `weights` are the arguments of NET_RECEIVE, None for a self event sent by INITIAL.

    looped: of the FOR_NETCONS around, outermost first, the weights of the NetCon whose turn it is.
    """

    instance: Instance
    host: EventHost
    t: float
    flag: float = 0.0
    weights: MutableSequence[float] | None = None
    locals: Variables = field(default_factory=dict)
    looped: tuple[MutableSequence[float], ...] = ()


def variables(values: Mapping[str, object], symbols: Mapping[str, ir.Symbol], role: ir.Role) -> Variables:
    """Fresh storage for the variables of one role: the live values where known, else as NEURON allocates them (0)."""
    out: Variables = {}
    for name, symbol in symbols.items():
        if symbol.role is not role:
            continue
        start = symbol.default if symbol.block == "PARAMETER" else 0.0
        value = values.get(name, [start] * symbol.length if symbol.length else start)
        out[name] = _as_floats(value)
    return out


def _as_floats(value: object) -> float | list[float]:
    if isinstance(value, list | tuple) or getattr(value, "ndim", 0) == 1:
        return [float(x) for x in value]  # type: ignore[attr-defined]
    return float(value)  # type: ignore[arg-type]
