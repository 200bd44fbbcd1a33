"""What was done to the variables of the model, in order, and what each of them holds as a formula.

A fact is a list of JSON values: ['set', [[block, index, formula], ...]], all at once; ['initialise', formula or None];
['currents']; ['record']; ['step', dt]; ['time', t]; ['guard', formula, holds, text]. A name in a formula is 'v_init',
or 'block:index' of a variable as it is when the fact comes up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mod_translator import ir
from mod_translator.printer import expression
from nrn_diff.bridge.own_init.places import Place, Places
from nrn_diff.bridge.own_init.values import NotFollowedError, Value, mapped, names, packed

V_INIT = "v_init"
# Kinds of Records that phases may set.
SET_IN_A_RUN = frozenset({"v", "mechanism", "ion", "global", "start", "celsius", "weight"})


class Log:
    """facts: see the module. fixed, overwritten: names of parameters read as numbers, and set.

    running: the run itself has begun, which is not followed: nothing may be read or set any more.
    """

    def __init__(self, places: Places) -> None:
        self.facts: list[list[Any]] = []
        self.fixed: set[str] = set()
        self.overwritten: set[str] = set()
        self._places = places
        self._pending: dict[Place, Value] = {}
        self._epoch = 0
        self.running = False
        self._read: dict[str, float] = {}

    def read(self, place: Place) -> Value:
        """What a variable holds."""
        self._before_the_run("reads", place)
        number = self._places.blocks[place.block].read(place.index)
        if place in self._pending:
            return Value(number, self._pending[place].formula)
        self._places.record(place)  # raises if a snapshot has no place for it
        name = f"{self._epoch}:{place.block}:{place.index}"
        self._read[name] = number
        return Value(number, ir.Var(name))

    def assign(self, place: Place, value: Value) -> None:
        """A variable takes a value, in NEURON too."""
        self._before_the_run("sets", place)
        value = Value(value.number, self._current(value.formula))
        if self._places.record(place).kind not in SET_IN_A_RUN:
            if value.formula is not None or value.number != self._places.blocks[place.block].read(place.index):
                raise NotFollowedError(f"sets {self._places.label(place)} to another value than it has now")
            self.overwritten.add(self._places.parameter(place))
            return
        self._places.blocks[place.block].write(place.index, value.number)
        self._pending[place] = value
        self.overwritten.add(self._places.parameter(place))

    def _before_the_run(self, what: str, place: Place | None = None) -> None:
        if self.running:
            which = f" {self._places.label(place)}" if place else ""
            raise NotFollowedError(f"{what}{which} after the first step of the run")

    def initialise(self, v: Value | None, do: Callable[[], None]) -> None:
        """finitialize(v)."""
        self._before_the_run("calls finitialize()")
        formula = None if v is None else Value(v.number, self._current(v.formula))
        if formula is not None and any(p in self._pending for p in self._in(formula.formula)):
            raise NotFollowedError("gives finitialize() what it has since overwritten")
        self._flush()
        self.facts.append(["initialise", None if formula is None else self._packed(formula.expression)])
        do()
        self._epoch += 1

    def event(self, fact: list[Any], do: Callable[[], None]) -> None:
        """Something that all variables may depend on, or change with."""
        self._before_the_run(f"does more than steps ({fact[0]})")
        self._flush()
        self.facts.append(fact)
        do()
        self._epoch += 1

    def time(self, t: float) -> None:
        """t is set."""
        self._before_the_run("sets t")
        self.facts.append(["time", t])

    def condition(self, value: Value) -> bool:
        """Whether a branch is taken, which is noted where it may come out otherwise."""
        holds = value.number != 0
        formula = self._current(value.formula)
        if formula is not None:
            self.facts.append(["guard", self._packed(formula), holds, self._shown(formula)])
        return holds

    def begin_run(self) -> None:
        """The first step of the run itself, and the others."""
        if not self.running:
            self._flush()
        self.running = True

    def finish(self) -> None:
        """Nothing more comes."""
        self._flush()

    def _flush(self) -> None:
        if self._pending:
            entries = [[p.block, p.index, self._packed(v.expression)] for p, v in self._pending.items()]
            self.facts.append(["set", entries])
            self._pending = {}
            self._epoch += 1

    def _place_of(self, name: str) -> tuple[int, Place]:
        epoch, block, index = map(int, name.split(":"))
        return epoch, Place(block, index)

    def _in(self, formula: ir.Expr | None) -> Iterator[Place]:
        for name in names(formula) if formula is not None else ():
            if name != V_INIT:
                yield self._place_of(name)[1]

    def _current(self, formula: ir.Expr | None) -> ir.Expr | None:
        """Over variables as they are now. What only HOC code changes may be kept as a number from before."""
        if formula is None or all(n == V_INIT or self._place_of(n)[0] == self._epoch for n in names(formula)):
            return formula

        def leaf(found: ir.Var | ir.Num) -> ir.Expr:
            if isinstance(found, ir.Num) or found.name == V_INIT:
                return found
            epoch, place = self._place_of(found.name)
            if epoch == self._epoch:
                return found
            if not self._places.never_changes(place):
                raise NotFollowedError(f"keeps {self._places.label(place)} and uses it when the model has gone on")
            self.fixed.add(self._places.parameter(place))
            return ir.Num(self._read[found.name])

        made = mapped(formula, leaf)
        return made if any(True for _ in names(made)) else None

    def _packed(self, formula: ir.Expr) -> list[Any]:
        return packed(self._renamed(formula, lambda place: f"{place.block}:{place.index}"))

    def _shown(self, formula: ir.Expr) -> str:
        return expression(self._renamed(formula, self._places.label))

    def _renamed(self, formula: ir.Expr, name: Callable[[Place], str]) -> ir.Expr:
        def leaf(found: ir.Var | ir.Num) -> ir.Expr:
            if isinstance(found, ir.Num) or found.name == V_INIT:
                return found
            return ir.Var(name(self._place_of(found.name)[1]))

        return mapped(formula, leaf)
