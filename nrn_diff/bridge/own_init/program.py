"""The code of a HOC procedure: instructions and operands, and what the symbols among the operands are.

Layout of Symbol and Arrayinfo: hocdec.h. Instructions: code.cpp, hoc_oop.cpp, cabcode.cpp, compiled by parse.ypp.
"""

from __future__ import annotations

import ctypes
from functools import cache

from nrn_diff.bridge.native import function_name, neuron_library, procedure_code, read_word, symbol_name

_SUBTYPE, _VALUE, _ARRAY_INFO = 10, 16, 32
_N_SUBSCRIPTS = 8
SECTION_PROPERTY = 3  # USERPROPERTY
HOC_VARIABLE = 0  # NOTUSER: what HOC code declares


@cache
def instruction(word: int) -> str:
    """The name of an instruction, as of its C++ function; '' if it is none."""
    return function_name(word) or ""


def code_of(name: str) -> tuple[int, ...] | None:
    """The code of a procedure or function at the top level; None for one of NEURON's own."""
    return procedure_code(name) or None


def integer(word: int) -> int:
    """An operand that is an int in a wider union."""
    return ctypes.c_int32(word & 0xFFFFFFFF).value


def constant(word: int) -> float:
    """The number that a symbol of a constant holds."""
    return ctypes.c_double.from_address(read_word(word + _VALUE)).value


def text(word: int) -> str:
    """The string constant that a symbol holds."""
    return ctypes.string_at(read_word(word + _VALUE)).decode()


def at_top_level(word: int) -> bool:
    """Whether HOC code at the top level finds this symbol by its name: neither a local variable nor a constant."""
    library = neuron_library()
    return library is not None and library.nrn_symbol(symbol_name(word).encode()) == word


def local_number(word: int) -> int:
    """Which of the local variables of its procedure a symbol is."""
    return integer(read_word(word + _VALUE))


def subtype(word: int) -> int:
    """Who holds a variable: HOC_VARIABLE, SECTION_PROPERTY, others for numbers of NEURON's own."""
    return ctypes.c_short.from_address(word + _SUBTYPE).value


def is_array(word: int) -> bool:
    """Whether the symbol is an array now."""
    return bool(read_word(word + _ARRAY_INFO))


def n_subscripts(word: int) -> int:
    """How many subscripts the array of a symbol has."""
    return ctypes.c_int.from_address(read_word(word + _ARRAY_INFO) + _N_SUBSCRIPTS).value
