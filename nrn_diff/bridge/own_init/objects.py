"""The instructions of the HOC machine that call functions and use objects (code.cpp, hoc_oop.cpp)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import neuron
from neuron import h

from nrn_diff.bridge.clock import stdrun_dt
from nrn_diff.bridge.native import symbol_name
from nrn_diff.bridge.own_init import program
from nrn_diff.bridge.own_init.machine import ZERO, Machine, Subscripts
from nrn_diff.bridge.own_init.statements import Code, Instruction
from nrn_diff.bridge.own_init.values import NotFollowedError, Value, plain

# Functions of HOC that only read -> the parameters whose numbers are in what they return.
_READING = {
    "ismembrane": (),
    "issection": (),
    "area": ("diam", "L"),
    "ri": ("diam", "L", "Ra"),
    "distance": ("L",),
    "strcmp": (),
    "section_exists": (),
    "section_orientation": (),
}
_NEURONS = str(Path(neuron.__file__).parent)  # whose Python functions print
_OF_SECTIONS = frozenset({"L", "Ra", "nseg", "rallbranch"})
# Those of stdrun.hoc and its like that draw.
_DRAWING = frozenset({"cvode_simgraph", "initPlot", "Plot", "flushPlot", "fastflushPlot", "screen_update"})
_IDLE = frozenset({"doNotify", "doEvents"})
# Methods that have no part in a run: class -> names, None: all of them.
_NO_PART = {
    "Graph": None, "PlotShape": None, "Shape": None, "RangeVarPlot": None, "VBox": None, "HBox": None, "Deck": None,
    "Timer": None, "CVode": frozenset({"re_init", "simgraph"}),
}  # fmt: skip
_LOOKING = {
    "List": frozenset({"count", "o", "object"}),
    "Vector": frozenset({"size", "get", "min", "max", "sum", "mean"}),
    "CVode": frozenset({"active", "current_method", "use_fast_imem"}),
    "SectionRef": frozenset({"nchild", "has_parent"}),
}


@dataclass(frozen=True)
class Attribute:
    """A variable of an object on the stack, before it is evaluated."""

    owner: Any
    name: str
    element: int | None


@dataclass(frozen=True)
class InSection:
    """A variable of the current section, named through an object; x None: not given."""

    name: str
    element: int | None
    x: float | None


def without_python(do: Callable[[], Any]) -> Callable[[], None]:
    """`do`, a function of NEURON's: a Python function that NEURON calls meanwhile would not be followed."""

    def run() -> None:
        called: list[str] = []

        def note(frame: Any, event: str, _argument: Any) -> None:
            if event == "call" and not frame.f_code.co_filename.startswith(_NEURONS):
                called.append(frame.f_code.co_name)

        sys.setprofile(note)
        try:
            do()
        finally:
            sys.setprofile(None)
        if called:
            raise NotFollowedError(f"makes NEURON call the Python function {called[0]}()")

    return run


def _call(m: Machine, code: Code, at: int) -> int:
    word, n = code[at], program.integer(code[at + 1])
    name = symbol_name(word)
    arguments = [m.pop() for _ in range(n)][::-1]
    if not program.at_top_level(word):
        raise NotFollowedError(f"calls {name}() of an object")
    m.stack.append(_called(m, name, arguments))
    return at + 2


def _called(m: Machine, name: str, arguments: list[Any]) -> Any:
    if name in m.stock and name in _STOCK:
        return _STOCK[name](m, arguments)
    if name in _DRAWING:
        return ZERO
    if m.code_of(name) is not None:
        return m.call(name, arguments)
    if name == "finitialize":
        v = arguments[0] if arguments else None
        if v is not None and not isinstance(v, Value):
            raise NotFollowedError("calls finitialize() with something that is no number")
        given = () if v is None else (v.number,)
        m.log.initialise(v, without_python(partial(h.finitialize, *given)))
        return Value(1.0)
    if name in ("fcurrent", "frecord_init") and not arguments:
        fact = "currents" if name == "fcurrent" else "record"
        m.log.event([fact], without_python(getattr(h, name)))
        return Value(1.0)
    if name == "fadvance" and not arguments:
        if not m.initialising and m.following_run:
            return _step_of_the_run(m)
        m.log.event(["step", float(h.dt)], without_python(h.fadvance))
        return Value(1.0)
    if name == "numarg":
        return Value(float(len(m.frames[-1].arguments)))
    if name in _IDLE:
        return ZERO
    if name not in _READING:
        raise NotFollowedError(f"calls {name}(), which cannot be followed")
    m.log.fixed.update(_READING[name])
    return Value(float(getattr(h, name)(*_plain(arguments, f"{name}()"), sec=m.sections[-1])))


def _step_of_the_run(m: Machine) -> Value:
    """A step that a captured run makes: only t goes on."""
    if not m.log.running and h.t != 0:
        raise NotFollowedError(f"begins the run at t = {h.t:g} ms; a captured one starts at t = 0")
    m.log.begin_run()
    h.t = (h.t + h.dt / 2) + h.dt / 2
    return Value(1.0)


def _stock_step(m: Machine, _arguments: list[Any]) -> Value:
    for _ in range(stdrun_dt(h.dt, h.steps_per_ms)[1]):
        _called(m, "advance", [])
    return ZERO


def _stock_continuerun(m: Machine, arguments: list[Any]) -> Value:
    end = plain(arguments[0], "an argument of continuerun()") - h.dt / 2
    while h.t < end - m.epsilon:
        _called(m, "step", [])
    return ZERO


def _plain(arguments: list[Any], where: str) -> list[Any]:
    return [a if isinstance(a, str) else plain(a, f"an argument of {where}") for a in arguments]


def _object(m: Machine, code: Code, at: int) -> int:
    word, name = code[at], symbol_name(code[at])
    if not program.at_top_level(word):
        raise NotFollowedError(f"uses {name}, an object of its own")
    found: Any = getattr(h, name)
    for k in m.pop_subscripts():
        found = found[k]
    m.stack.append(found)
    return at + 1


def _numbered_object(m: Machine, code: Code, at: int) -> int:
    k = int(m.pop_plain("the number of an object") + m.epsilon)
    m.stack.append(getattr(h, symbol_name(code[at]))[k])
    return at + 1


def _component(m: Machine, code: Code, at: int) -> int:
    name = symbol_name(code[at])
    n_subscripts, n_arguments, is_call = (program.integer(code[at + k]) for k in (1, 2, 5))
    if m.stack and isinstance(m.stack[-1], Subscripts):
        m.pop()
    if m.section_seen:
        m.section_seen = False
        x = m.pop_plain("a place in a section") if n_arguments else None
        element = int(m.pop_plain("a subscript") + m.epsilon) if n_subscripts else None
        m.stack.append(InSection(name, element, x))
        return at + 6
    arguments = [m.pop() for _ in range(n_subscripts or n_arguments)][::-1]
    owner = m.pop()
    kind = str(owner).partition("[")[0]
    if owner is None or isinstance(owner, (Value, str)):
        raise NotFollowedError(f"uses {name} of an object that is not there")
    if _has_no_part(kind, name, arguments):
        m.stack.append(ZERO)
    elif name in _LOOKING.get(kind, ()) and not (kind == "CVode" and arguments):
        found = getattr(owner, name)(*_plain(arguments, f"{kind}.{name}()"))
        m.stack.append(Value(float(found)) if isinstance(found, (int, float)) else found)
    elif is_call & 1 and not isinstance(getattr(owner, name), (int, float)):
        raise NotFollowedError(f"calls {name}() of {owner}, which cannot be followed")
    else:
        _attribute(m, owner, name, arguments)
    return at + 6


def _has_no_part(kind: str, name: str, arguments: list[Any]) -> bool:
    if kind == "CVode" and name == "event":
        return len(arguments) == 1 and isinstance(arguments[0], Value)  # an event that does nothing
    if kind == "CVode" and name == "active" and len(arguments) == 1:
        return plain(arguments[0], "an argument of active()") == float(h.CVode().active())
    if kind not in _NO_PART:
        return False
    names = _NO_PART[kind]
    return names is None or name in names


def _attribute(m: Machine, owner: Any, name: str, arguments: list[Any]) -> None:
    subscripts = [int(plain(a, "a subscript") + m.epsilon) for a in arguments]
    found, element = _item(getattr(owner, name), subscripts), subscripts[0] if subscripts else None
    if hasattr(found, "has_membrane"):
        m.sections.append(found)
        m.section_seen = True
    elif isinstance(found, (int, float)) or m.places.of_object(owner, name, element) is not None:
        m.stack.append(Attribute(owner, name, element))
    elif "[" in str(found):
        m.stack.append(found)
    else:
        raise NotFollowedError(f"uses {name} of {owner}, which cannot be followed")


def _item(found: Any, subscripts: list[int]) -> Any:
    for k in subscripts:
        found = found[k]
    return found


def _evaluate(m: Machine, _code: Code, at: int) -> int:
    target = m.stack[-1]
    if isinstance(target, InSection):
        m.pop()
        m.stack.append(_in_section(m, target))
    elif isinstance(target, Attribute):
        m.pop()
        place = m.places.of_object(target.owner, target.name, target.element)
        m.stack.append(Value(_number(m, target)) if place is None else m.log.read(place))
    return at


def _number(m: Machine, target: Attribute) -> float:
    """A number of an object that is no variable of the model."""
    kind = str(target.owner).partition("[")[0]
    if kind == "NetCon" and target.name in ("delay", "threshold"):
        m.log.fixed.add(f"NetCon.{target.name}")
    elif kind != "Vector" or target.name != "x":
        raise NotFollowedError(f"uses {target.name} of {target.owner}, which cannot be followed")
    found: Any = getattr(target.owner, target.name)
    return float(found if target.element is None else found[target.element])


def _in_section(m: Machine, target: InSection) -> Value:
    section = m.pop_section()
    if target.name in _OF_SECTIONS:
        return m.read_shape(target.name, section, None)
    return m.read_range(target.name, section, 0.5 if target.x is None else target.x, target.element)


def _assign(m: Machine, code: Code, at: int) -> int:
    operator, value, target = program.integer(code[at]), m.pop_value(), m.pop()
    if isinstance(target, InSection):
        section = m.pop_section()
        if target.name in _OF_SECTIONS:
            before = float(getattr(section, target.name))
            value = m.keep_shape(target.name, section, before, m.operate(operator, Value(before), value))
        else:
            value = m.assign_range(target.name, section, target.x, target.element, value, operator)
    elif isinstance(target, Attribute):
        place = m.places.of_object(target.owner, target.name, target.element)
        if place is None:
            before = _number(m, target)
            value = m.operate(operator, Value(before), value)
            if value.formula is not None or value.number != before:
                raise NotFollowedError(f"sets {target.name} of {target.owner}")
            m.log.overwritten.add(f"{str(target.owner).partition('[')[0]}.{target.name}")
        else:
            value = m.operate(operator, m.log.read(place), value) if operator else value
            m.log.assign(place, value)
    else:
        raise NotFollowedError("assigns to an object")
    m.stack.append(value)
    return at + 1


def _section_statement(m: Machine, _code: Code, at: int) -> int:
    if not m.section_seen:
        m.pop()
        m.sections.append(m.sections[-1])
    m.section_seen = False
    return at


# Procedures of stdrun.hoc; setdt() has been called before init() is followed.
_STOCK: dict[str, Callable[[Machine, list[Any]], Value]] = {
    "setdt": lambda _m, _arguments: ZERO,
    "step": _stock_step,
    "continuerun": _stock_continuerun,
}

TABLE: dict[str, Instruction] = {
    "hoc_call": _call, "hoc_objectvar": _object, "hoc_constobject": _numbered_object,
    "hoc_object_component": _component, "hoc_object_eval": _evaluate, "hoc_object_asgn": _assign,
    "ob_sec_access": _section_statement,
}  # fmt: skip
