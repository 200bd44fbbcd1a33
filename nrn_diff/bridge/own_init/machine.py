"""HOC's stack machine in Python, in a copy of the process. It follows values; NEURON reads, assigns and computes.

As code.cpp has it, with floats in the same order. Whatever is not known here raises NotFollowedError.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from neuron import h

from mod_translator import ir
from nrn_diff.bridge.native import symbol_name
from nrn_diff.bridge.own_init import program
from nrn_diff.bridge.own_init.log import V_INIT, Log
from nrn_diff.bridge.own_init.places import SHAPE, Place, Places
from nrn_diff.bridge.own_init.values import NotFollowedError, Value, combine, plain

ZERO = Value(0.0)


class Break(Exception):  # noqa: N818  not an error
    """`break`."""


class Continue(Exception):  # noqa: N818
    """`continue`."""


class Return(Exception):  # noqa: N818
    """`return`, also at the end of a procedure."""

    def __init__(self, value: Value = ZERO) -> None:
        super().__init__()
        self.value = value


@dataclass(frozen=True)
class Symbol:
    """A variable on the stack, before it is evaluated."""

    word: int


@dataclass(frozen=True)
class Subscripts:
    """How many numbers below it on the stack are subscripts."""

    n: int


@dataclass
class Frame:
    """One call: of what, its arguments, first first, and its local variables by number."""

    name: str
    arguments: list[Any]
    local: dict[int, Value] = field(default_factory=dict)


class Machine:
    """The state of a program: stack, frames, accessed sections (the last is the current one).

    stock: procedures of stdrun.hoc that are as NEURON has them. following_run: steps outside of init() are the run's.
    """

    def __init__(self, places: Places, log: Log, stock: Collection[str] = ()) -> None:
        self.places, self.log, self.stock = places, log, frozenset(stock)
        self.stack: list[Any] = []
        self.frames: list[Frame] = []
        self.sections: list[Any] = [h.cas()]
        self.section_seen = self.following_run = False
        self.epsilon = float(h.float_epsilon)
        self._formulas: dict[tuple[str, tuple[int, ...]], ir.Expr | None] = {}
        self._codes: dict[str, tuple[int, ...] | None] = {}
        self._known: dict[str, Callable[[Machine, tuple[int, ...], int], int]] = {}

    def learn(self, table: dict[str, Callable[[Machine, tuple[int, ...], int], int]]) -> None:
        """Add instructions: (machine, code, position after the instruction) -> position to go on at."""
        self._known |= table

    def execute(self, code: tuple[int, ...], at: int) -> None:
        """Until the end of a piece of code (hoc_execute)."""
        while code[at]:
            name = program.instruction(code[at])
            do = self._known.get(name)
            if do is None:
                raise NotFollowedError(f"does something that cannot be followed ({_MEANING.get(name, name)})")
            at = do(self, code, at + 1)

    def code_of(self, name: str) -> tuple[int, ...] | None:
        """`program.code_of`, read once."""
        if name not in self._codes:
            self._codes[name] = program.code_of(name)
        return self._codes[name]

    @property
    def initialising(self) -> bool:
        """Whether this is in init() or stdinit()."""
        return any(frame.name in ("init", "stdinit") for frame in self.frames)

    def call(self, name: str, arguments: list[Any]) -> Value:
        """A procedure or function of the user's, or of NEURON's HOC library."""
        code = self.code_of(name)
        if code is None:
            raise NotFollowedError(f"calls {name}(), which has no code")
        if len(self.frames) > 200:
            raise NotFollowedError(f"calls {name}() from within itself")
        depth, below = len(self.sections), len(self.stack)
        self.frames.append(Frame(name, arguments))
        try:
            self.execute(code, 0)
        except Return as done:
            return done.value
        finally:
            self.frames.pop()
            del self.sections[depth:], self.stack[below:]
        return ZERO

    def pop(self) -> Any:
        """The top of the stack."""
        return self.stack.pop()

    def pop_value(self) -> Value:
        """A number from the stack."""
        value = self.stack.pop()
        if not isinstance(value, Value):
            raise NotFollowedError("computes with something that is no number")
        return value

    def pop_plain(self, purpose: str) -> float:
        """A number that is no variable of the model."""
        return plain(self.pop_value(), purpose)

    def pop_symbol(self) -> int:
        """A variable."""
        found = self.stack.pop()
        if not isinstance(found, Symbol):
            raise NotFollowedError("uses a variable in a way that cannot be followed")
        return found.word

    def pop_subscripts(self) -> list[int]:
        """Those on top of the stack, if there are any (hoc_araypt)."""
        if not self.stack or not isinstance(self.stack[-1], Subscripts):
            return []
        n = self.stack.pop().n
        return [int(self.pop_plain("a subscript") + self.epsilon) for _ in range(n)][::-1]

    def pop_section(self) -> Any:
        """The current section, once."""
        return self.sections.pop()

    # ------------------------------------------------------------------------------- variables of HOC by their symbol

    def read_symbol(self, word: int) -> Value:
        """hoc_eval; subscripts are on the stack."""
        name = symbol_name(word)
        if not program.at_top_level(word):
            return self.frames[-1].local.get(program.local_number(word), ZERO)
        if program.subtype(word) == program.SECTION_PROPERTY:
            return self.read_shape(name, self.pop_section(), None)
        subscripts = self.pop_subscripts()
        place = self._place(name, subscripts)
        if place is not None:
            return self.log.read(place)
        number = self._number(name, subscripts)
        key = (name, tuple(subscripts))
        if name == V_INIT and key not in self._formulas:
            return Value(number, ir.Var(V_INIT))
        return Value(number, self._formulas.get(key))

    def assign_symbol(self, word: int, value: Value, operator: int = 0) -> Value:
        """hoc_assign; subscripts are on the stack."""
        name = symbol_name(word)
        if not program.at_top_level(word):
            local, number = self.frames[-1].local, program.local_number(word)
            local[number] = value = self.operate(operator, local.get(number, ZERO), value)
            return value
        if program.subtype(word) == program.SECTION_PROPERTY:
            section = self.pop_section()
            value = self.operate(operator, Value(float(getattr(section, name))), value)
            return self.keep_shape(name, section, float(getattr(section, name)), value)
        subscripts = self.pop_subscripts()
        place = self._place(name, subscripts)
        if place is not None:
            value = self.operate(operator, self.log.read(place), value) if operator else value
            self.log.assign(place, value)
            return value
        key, before = (name, tuple(subscripts)), self._number(name, subscripts)
        value = self.operate(operator, Value(before, self._formulas.get(key)), value)
        if name in ("t", "dt"):
            plain(value, name)
            if self.log.running:
                raise NotFollowedError(f"sets {name} after the first step of the run")
        elif program.subtype(word) != program.HOC_VARIABLE:
            if value.formula is not None or value.number != before:
                raise NotFollowedError(f"sets {name}")
            return value
        self._put(name, subscripts, value.number)
        self._formulas[key] = value.formula
        if name == "t":
            self.log.time(value.number)
        return value

    def operate(self, operator: int, old: Value, new: Value) -> Value:
        """hoc_opasgn: 0, or the character of + - * /."""
        if not operator:
            return new
        return arithmetic(chr(operator), old, new)

    def read_shape(self, name: str, section: Any, x: float | None) -> Value:
        """A number of the shape: of a section, or (x) of a segment."""
        if name != "nseg":
            self.log.fixed.add(name)
        return Value(float(getattr(section if x is None else section(x), name)))

    def keep_shape(self, name: str, section: Any, before: float, value: Value) -> Value:
        """A number of the shape is set, to what it is."""
        if value.formula is not None or value.number != before:
            raise NotFollowedError(
                f"sets {name} of {section.name()} to {value.number:g} (now {before:g}); shapes do not change in a run"
            )
        self.log.overwritten.add(name)
        return value

    def _place(self, name: str, subscripts: list[int]) -> Place | None:
        if len(subscripts) > 1:
            return None
        return self.places.of_process(name, subscripts[0] if subscripts else None)

    @staticmethod
    def _number(name: str, subscripts: list[int]) -> float:
        found: Any = getattr(h, name)
        for k in subscripts:
            found = found[k]
        if not isinstance(found, (int, float)):
            raise NotFollowedError(f"uses {name}, which cannot be read as a number")
        return float(found)

    @staticmethod
    def _put(name: str, subscripts: list[int], number: float) -> None:
        if not subscripts:
            setattr(h, name, number)
            return
        array: Any = getattr(h, name)
        for k in subscripts[:-1]:
            array = array[k]
        array[subscripts[-1]] = number

    # ------------------------------------------------------------------------------------------------ range variables

    def read_range(self, name: str, section: Any, x: float, element: int | None) -> Value:
        """name(x) of a section."""
        if name in SHAPE:
            return self.read_shape(name, section, x)
        return self.log.read(self.places.in_section(name, section, x, element))

    def assign_range(self, name: str, section: Any, x: float | None, element: int | None, new: Value, op: int) -> Value:
        """name(x) = new, or name = new in the whole section. Returns what the expression has as its value."""
        value = new
        if name in SHAPE:
            for at in [s.x for s in section] if x is None else [x]:
                before = float(getattr(section(at), name))
                value = self.keep_shape(name, section, before, self.operate(op, Value(before), new))
            return value
        one = self.places.of_section if x is None else None
        places = one(name, section, element) if one else [self.places.in_section(name, section, x or 0.0, element)]
        for place in places:
            value = self.operate(op, self.log.read(place), new) if op else new
            self.log.assign(place, value)
        return value


def arithmetic(op: str, left: Value, right: Value) -> Value:
    """HOC's + - * / ^."""
    a, b = left.number, right.number
    if op == "/" and b == 0:
        raise NotFollowedError("divides by zero")
    try:
        number = {
            "+": lambda: a + b,
            "-": lambda: a - b,
            "*": lambda: a * b,
            "/": lambda: a / b,
            "^": lambda: math.pow(a, b),
        }[op]()
    except (ValueError, OverflowError) as error:
        raise NotFollowedError(f"computes {a:g} {op} {b:g}: {error}") from None
    return combine(op, left, right, number)


_MEANING = {
    "hoc_newobj": "it makes an object, with new",
    "hoc_newobj_ret": "it makes an object, with new",
    "connectsection": "it connects sections",
    "simpleconnectsection": "it connects sections",
    "add_section": "it makes sections",
    "hoc_iterator": "it uses an iterator",
    "hoc_varread": "it reads a number from the keyboard",
    "range_interpolate": "it assigns along a section, as in v(0:1) = 1:2",
    "mech_uninsert": "it uninserts a mechanism",
    "hoc_Stop": "it stops",
}
