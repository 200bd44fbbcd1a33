"""The instructions of the HOC machine: numbers, variables, control flow, sections (code.cpp, cabcode.cpp)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from neuron import h

from mod_translator import ir
from nrn_diff.bridge.native import symbol_name
from nrn_diff.bridge.own_init import program
from nrn_diff.bridge.own_init.machine import (
    ZERO,
    Break,
    Continue,
    Machine,
    Return,
    Subscripts,
    Symbol,
    arithmetic,
)
from nrn_diff.bridge.own_init.values import NotFollowedError, Value, combine, compared, plain
from nrn_diff.events.time_grid import HOC_EPSILON

Code = tuple[int, ...]
Instruction = Callable[[Machine, Code, int], int]

# HOC's function -> that of formulas.
_FUNCTIONS = {"exp": "exp", "log": "log", "log10": "log10", "sqrt": "sqrt", "sin": "sin", "cos": "cos", "abs": "fabs"}


def _relative(code: Code, at: int) -> int:
    return at + program.integer(code[at])


# ------------------------------------------------------------------------------------------------------------ numbers


def _constant(m: Machine, code: Code, at: int) -> int:
    m.stack.append(Value(program.constant(code[at])))
    return at + 1


def _zero(m: Machine, _code: Code, at: int) -> int:
    m.stack.append(ZERO)
    return at


def _string(m: Machine, code: Code, at: int) -> int:
    word = code[at]
    if not word:
        m.stack.append(None)
    else:
        name = symbol_name(word) if program.at_top_level(word) else None
        m.stack.append(str(getattr(h, name)) if name else program.text(word))
    return at + 1


def _pop(m: Machine, _code: Code, at: int) -> int:
    m.pop()
    return at


def _arithmetic(op: str) -> Instruction:
    def do(m: Machine, _code: Code, at: int) -> int:
        right, left = m.pop_value(), m.pop_value()
        m.stack.append(arithmetic(op, left, right))
        return at

    return do


def _compare(op: str) -> Instruction:
    def do(m: Machine, _code: Code, at: int) -> int:
        right, left = m.pop(), m.pop()
        if isinstance(left, str) and isinstance(right, str) and op in ("==", "!="):
            m.stack.append(Value(float((left == right) == (op == "=="))))
            return at
        if not isinstance(left, Value) or not isinstance(right, Value):
            raise NotFollowedError("compares objects")
        found = combine(op, left, right, compared(op, left.number, right.number, m.epsilon))
        if found.formula is not None and m.epsilon != HOC_EPSILON:
            raise NotFollowedError(f"compares variables of the model with float_epsilon = {m.epsilon:g}")
        m.stack.append(found)
        return at

    return do


def _logical(op: str, left: Value, right: Value) -> Value:
    a, b = left.number != 0, right.number != 0
    return combine(op, left, right, float(a and b if op == "&&" else a or b))


def _both(op: str) -> Instruction:
    def do(m: Machine, _code: Code, at: int) -> int:
        right, left = m.pop_value(), m.pop_value()
        m.stack.append(_logical(op, left, right))
        return at

    return do


def _not(m: Machine, _code: Code, at: int) -> int:
    x = m.pop_value()
    m.stack.append(Value(float(x.number == 0), None if x.formula is None else ir.Unary("!", x.formula)))
    return at


def _negate(m: Machine, _code: Code, at: int) -> int:
    x = m.pop_value()
    m.stack.append(Value(-x.number, None if x.formula is None else ir.Unary("-", x.formula)))
    return at


def _modulus(m: Machine, _code: Code, at: int) -> int:
    b, a = m.pop_plain("an operand of %"), m.pop_plain("an operand of %")
    if b <= 0:
        raise NotFollowedError("computes a % b with b <= 0")
    r = a
    if r >= b:
        r = a - math.floor(a / b) * b
    elif r <= -b:
        r = a + math.floor(-a / b) * b
    r = r - b if r > b else r
    m.stack.append(Value(r + b if r < 0 else r))
    return at


def _builtin(m: Machine, code: Code, at: int) -> int:
    name, x = symbol_name(code[at]), m.pop_value()
    number = float(getattr(h, name)(x.number))
    if x.formula is None:
        m.stack.append(Value(number))
    elif name in _FUNCTIONS:
        m.stack.append(Value(number, ir.Call(_FUNCTIONS[name], (x.formula,))))
    else:
        raise NotFollowedError(f"computes {name}() of a variable of the model")
    return at + 1


# ---------------------------------------------------------------------------------------------------------- variables


def _variable(m: Machine, code: Code, at: int) -> int:
    m.stack.append(Symbol(code[at]))
    return at + 1


def _subscripts(n: int | None) -> Instruction:
    def do(m: Machine, code: Code, at: int) -> int:
        count = n
        if count is None:
            count, at = program.integer(code[at]), at + 1
        now = program.n_subscripts(code[at]) if program.is_array(code[at]) else 0
        if now != count:
            raise NotFollowedError(f"uses {symbol_name(code[at])} with {count} subscripts")
        m.stack.append(Subscripts(count))
        return at + 1

    return do


def _evaluate(m: Machine, _code: Code, at: int) -> int:
    m.stack.append(m.read_symbol(m.pop_symbol()))
    return at


def _assign(m: Machine, code: Code, at: int) -> int:
    word, value = m.pop_symbol(), m.pop_value()
    m.stack.append(m.assign_symbol(word, value, program.integer(code[at])))
    return at + 1


def _argument_number(m: Machine, code: Code, at: int) -> int:
    i = program.integer(code[at]) or int(m.pop_plain("the number of an argument"))
    if not 1 <= i <= len(m.frames[-1].arguments):
        raise NotFollowedError(f"uses argument ${i}, which is not given")
    return i - 1


def _argument(m: Machine, code: Code, at: int) -> int:
    m.stack.append(m.frames[-1].arguments[_argument_number(m, code, at)])
    return at + 1


def _assign_argument(m: Machine, code: Code, at: int) -> int:
    i, arguments = _argument_number(m, code, at), m.frames[-1].arguments
    arguments[i] = m.operate(program.integer(code[at + 1]), arguments[i], m.pop_value())
    m.stack.append(arguments[i])
    return at + 2


def _range_value(middle: bool) -> Instruction:
    def do(m: Machine, code: Code, at: int) -> int:
        x = 0.5 if middle else m.pop_plain("a place in a section")
        element, section = _element(m), m.pop_section()
        m.stack.append(m.read_range(symbol_name(code[at]), section, x, element))
        return at + 1

    return do


def _element(m: Machine) -> int | None:
    subscripts = m.pop_subscripts()
    return subscripts[0] if subscripts else None


def _range_in_section(m: Machine, code: Code, at: int) -> int:
    value, element, section = m.pop_value(), _element(m), m.pop_section()
    operator = program.integer(code[at + 1])
    m.stack.append(m.assign_range(symbol_name(code[at]), section, None, element, value, operator))
    return at + 2


def _range_at(m: Machine, code: Code, at: int) -> int:
    value, x = m.pop_value(), m.pop_plain("a place in a section")
    element, section = _element(m), m.pop_section()
    m.assign_range(symbol_name(code[at]), section, x, element, value, program.integer(code[at + 1]))
    return at + 2


# ------------------------------------------------------------------------------------------------------- control flow


def _body(m: Machine, code: Code, at: int) -> bool:
    """One pass through the body of a loop; whether to go on."""
    depth = len(m.sections)
    try:
        m.execute(code, at)
    except Break:
        del m.sections[depth:]
        return False
    except Continue:
        del m.sections[depth:]
    return True


def _loop(m: Machine, code: Code, at: int) -> int:
    def condition() -> bool:
        m.execute(code, at + 3)
        return m.log.condition(m.pop_value())

    while condition():
        if not _body(m, code, _relative(code, at)):
            break
        if program.integer(code[at + 2]):
            m.execute(code, _relative(code, at + 2))
    return _relative(code, at + 1)


def _if(m: Machine, code: Code, at: int) -> int:
    m.execute(code, at + 3)
    if m.log.condition(m.pop_value()):
        m.execute(code, _relative(code, at))
    elif program.integer(code[at + 1]):
        m.execute(code, _relative(code, at + 1))
    return _relative(code, at + 2)


def _counter(m: Machine, word: int) -> None:
    if m.stack and isinstance(m.stack[-1], Subscripts):
        raise NotFollowedError(f"counts a loop in an element of the array {symbol_name(word)}")


def _for(m: Machine, code: Code, at: int) -> int:
    end, begin = m.pop_plain("the end of a loop") + m.epsilon, m.pop_plain("the begin of a loop")
    word = m.pop_symbol()
    _counter(m, word)
    m.assign_symbol(word, Value(begin))
    while plain(m.read_symbol(word), "the counter of a loop") <= end:
        if not _body(m, code, _relative(code, at)):
            break
        m.assign_symbol(word, Value(m.read_symbol(word).number + 1.0))
    return _relative(code, at + 1)


def _for_segments(inner: bool | None) -> Instruction:
    def do(m: Machine, code: Code, at: int) -> int:
        only = abs(m.pop_plain("the second number of for (x, n)")) < m.epsilon if inner is None else inner
        word = m.pop_symbol()
        _counter(m, word)
        n = int(m.sections[-1].nseg)
        dx = 1.0 / n
        m.assign_symbol(word, Value(dx / 2.0 if only else 0.0))
        for i in range(1 if only else 0, n + 2):
            if i == n + 1:
                if only:
                    break
                m.assign_symbol(word, Value(1.0))
            if not _body(m, code, _relative(code, at)):
                break
            step = dx / 2.0 if i == 0 else dx
            if i <= n:
                m.assign_symbol(word, Value(m.read_symbol(word).number + step))
        return _relative(code, at + 1)

    return do


def _raise(make: Callable[[], Exception]) -> Instruction:
    def do(_m: Machine, _code: Code, _at: int) -> int:
        raise make()

    return do


def _return_value(m: Machine, _code: Code, _at: int) -> int:
    raise Return(m.pop_value())


# ----------------------------------------------------------------------------------------------------------- sections


def section_of(m: Machine, word: int) -> Any:
    """The section of that name; subscripts are on the stack."""
    name, subscripts = symbol_name(word), m.pop_subscripts()
    if not program.at_top_level(word):
        raise NotFollowedError(f"uses the section {name} of an object")
    found: Any = getattr(h, name)
    for k in subscripts:
        found = found[k]
    return found


def _push_section(m: Machine, code: Code, at: int) -> int:
    m.sections.append(section_of(m, code[at]) if code[at] else m.sections[-1])
    return at + 1


def _pop_section(m: Machine, _code: Code, at: int) -> int:
    m.pop_section()
    return at


def _access(m: Machine, _code: Code, at: int) -> int:
    m.sections[-2:] = m.sections[-1:]
    m.section_seen = False
    return at


def _chosen(m: Machine) -> Iterator[Any]:
    """The sections that a pattern on the stack, or a SectionList, stands for."""
    which = m.pop()
    if which is None:
        yield from list(h.allsec())
    elif isinstance(which, str):
        yield from (s for s in list(h.allsec()) if h.issection(f".*{which}.*", sec=s))
    elif str(which).startswith("SectionList["):
        yield from list(which)
    else:
        raise NotFollowedError("goes through sections in a way that cannot be followed")


def _for_sections(m: Machine, code: Code, at: int) -> int:
    for section in _chosen(m):
        m.sections.append(section)
        depth = len(m.sections)
        goes_on = _body(m, code, _relative(code, at))
        del m.sections[depth - 1 :]
        if not goes_on:
            break
    return _relative(code, at + 1)


def _if_section(m: Machine, code: Code, at: int) -> int:
    if m.sections[-1] in list(_chosen(m)):
        m.execute(code, _relative(code, at))
    return _relative(code, at + 1)


def _insert(m: Machine, code: Code, at: int) -> int:
    name, section = symbol_name(code[at]), m.sections[-1]
    if not section.has_membrane(name):
        raise NotFollowedError(f"inserts {name} into {section.name()}, where it is not yet")
    return at + 1


TABLE: dict[str, Instruction] = {
    "hoc_constpush": _constant, "hoc_pushzero": _zero, "hoc_push_string": _string, "hoc_nopop": _pop,
    "hoc_add": _arithmetic("+"), "hoc_sub": _arithmetic("-"), "hoc_mul": _arithmetic("*"),
    "hoc_div": _arithmetic("/"), "hoc_power": _arithmetic("^"), "hoc_cyclic": _modulus, "hoc_negate": _negate,
    "hoc_gt": _compare(">"), "hoc_lt": _compare("<"), "hoc_ge": _compare(">="), "hoc_le": _compare("<="),
    "hoc_eq": _compare("=="), "hoc_ne": _compare("!="), "hoc_and": _both("&&"), "hoc_or": _both("||"), "hoc_not": _not,
    "hoc_bltin": _builtin, "hoc_varpush": _variable, "hoc_eval": _evaluate, "hoc_assign": _assign,
    "hoc_chk_sym_has_ndim1": _subscripts(1), "hoc_chk_sym_has_ndim2": _subscripts(2),
    "hoc_chk_sym_has_ndim": _subscripts(None), "hoc_arg": _argument, "hoc_stringarg": _argument,
    "hoc_objectarg": _argument, "hoc_argassign": _assign_argument, "rangevareval": _range_value(False),
    "rangepoint": _range_value(True), "range_const": _range_in_section, "range_interpolate_single": _range_at,
    "hoc_forcode": _loop, "hoc_ifcode": _if, "hoc_shortfor": _for, "for_segment": _for_segments(False),
    "for_segment1": _for_segments(None), "hoc_Break": _raise(Break), "hoc_Continue": _raise(Continue),
    "hoc_procret": _raise(Return), "hoc_funcret": _return_value, "sec_access_push": _push_section,
    "sec_access_pop": _pop_section, "sec_access": _access, "sec_access_object": _access,
    "forall_section": _for_sections, "forall_sectionlist": _for_sections, "hoc_ifsec": _if_section,
    "hoc_ifseclist": _if_section, "mech_access": _insert, "hoc_prexpr": _pop, "hoc_prstr": _pop,
    "hoc_print": _pop, "hoc_newline": lambda _m, _code, at: at, "hoc_cmp_otype": lambda _m, _code, at: at + 1,
    "hoc_known_type": lambda _m, _code, at: at + 1,
}  # fmt: skip
