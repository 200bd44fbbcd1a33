"""The IR as JSON: data only, an exact round trip, validated on load.

Every node is an object whose "node" names its class; the other keys are its fields. Numbers are Python's shortest
exact decimals; a limit that is not finite is the string "inf", "-inf" or "nan". Nothing is looked up outside of the
table below, so a file can only ever become an IR.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import types
import typing
from typing import Any

from mod_translator import ir
from mod_translator.validate import InvalidIR, validate

FORMAT = "mod_translator.ir"
VERSION = 1

_NODES: dict[str, type] = {
    cls.__name__: cls
    for cls in (
        *(ir.Loc, ir.Num, ir.Var, ir.Element, ir.Unary, ir.Binary, ir.Call),
        *(ir.Assign, ir.If, ir.While, ir.ForNetcons, ir.CallRoutine, ir.Derivative, ir.SolveImplicit),
        *(ir.Symbol, ir.IonUse, ir.Current, ir.Diffusion, ir.Table, ir.Routine, ir.Mechanism),
    )
}
_HINTS = {name: typing.get_type_hints(cls, vars(ir)) for name, cls in _NODES.items()}
_NOT_FINITE = {"inf": float("inf"), "-inf": float("-inf"), "nan": float("nan")}


class SerializeError(InvalidIR):
    """Text or data that is no serialized IR, is damaged, or breaks a rule of the IR. The message says where."""


def to_json(mechanism: ir.Mechanism) -> dict[str, Any]:
    """Return the mechanism as JSON data: objects, lists, strings, numbers, booleans, null."""
    return {"format": FORMAT, "version": VERSION, "mechanism": _encode(mechanism)}


def from_json(data: object) -> ir.Mechanism:
    """Return the mechanism of `to_json`'s data. Raises SerializeError for anything else."""
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise SerializeError(f"not a serialized mechanism: no format {FORMAT!r}")
    if data.get("version") != VERSION:
        raise SerializeError(f"format version {str(data.get('version'))[:20]}; this program reads version {VERSION}")
    try:
        mechanism = _decode(data.get("mechanism"), ir.Mechanism, "mechanism")
        validate(mechanism)
    except RecursionError:
        raise SerializeError("nested too deep") from None
    except SerializeError:
        raise
    except InvalidIR as error:
        raise SerializeError(str(error)) from error
    result: ir.Mechanism = mechanism
    return result


def dumps(mechanism: ir.Mechanism) -> str:
    """Return the mechanism as JSON text: ASCII, the same for the same IR."""
    return json.dumps(to_json(mechanism), allow_nan=False, separators=(",", ":"))


def loads(text: str | bytes) -> ir.Mechanism:
    """Return the mechanism of `dumps`'s text. Raises SerializeError for anything else."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SerializeError(f"not JSON: {str(error)[:100]}") from error
    return from_json(data)


def _encode(item: Any) -> Any:
    if dataclasses.is_dataclass(item):
        fields = {f.name: _encode(getattr(item, f.name)) for f in dataclasses.fields(item)}
        return {"node": type(item).__name__, **fields}
    if isinstance(item, enum.Enum):
        return item.value
    if isinstance(item, dict):
        return {key: _encode(value) for key, value in item.items()}
    if isinstance(item, tuple):
        return [_encode(value) for value in item]
    if isinstance(item, float) and not -_NOT_FINITE["inf"] < item < _NOT_FINITE["inf"]:
        return str(item)
    return item


def _wrong(data: object, wanted: str, where: str) -> SerializeError:
    return SerializeError(f"{where}: {type(data).__name__} {str(data)[:40]!r} where {wanted} belongs")


def _decode(data: Any, hint: Any, where: str) -> Any:
    origin, options = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _union(data, options, where)
    if dataclasses.is_dataclass(hint):
        return _node(data, (hint,), where)
    if origin is tuple:
        return _tuple(data, options, where)
    if origin is dict:
        if not isinstance(data, dict):
            raise _wrong(data, "an object", where)
        return {key: _decode(value, options[1], f"{where}, {key[:40]}") for key, value in data.items()}
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        for member in hint:
            if member.value == data and isinstance(data, str):
                return member
        raise _wrong(data, hint.__name__, where)
    if hint is float:
        return _float(data, where)
    if type(data) is not hint:  # a bool is no int here
        raise _wrong(data, hint.__name__, where)
    return data


def _float(data: Any, where: str) -> float:
    if isinstance(data, str) and data in _NOT_FINITE:
        return _NOT_FINITE[data]
    if type(data) is float or (type(data) is int and abs(data) < 2**53):
        return float(data)
    raise _wrong(data, "a number", where)


def _tuple(data: Any, options: tuple[Any, ...], where: str) -> tuple[Any, ...]:
    if not isinstance(data, list):
        raise _wrong(data, "a list", where)
    if options[-1] is Ellipsis:
        return tuple(_decode(value, options[0], where) for value in data)
    if len(data) != len(options):
        raise _wrong(data, f"a list of {len(options)}", where)
    return tuple(_decode(value, option, where) for value, option in zip(data, options, strict=True))


def _union(data: Any, options: tuple[Any, ...], where: str) -> Any:
    if data is None and type(None) in options:
        return None
    kept = tuple(o for o in options if o is not type(None))
    if all(dataclasses.is_dataclass(o) for o in kept):
        return _node(data, kept, where)
    return _decode(data, kept[0], where)


def _node(data: Any, allowed: tuple[Any, ...], where: str) -> Any:
    wanted = " or ".join(c.__name__ for c in allowed)
    name = data.get("node") if isinstance(data, dict) else None
    cls = _NODES.get(name) if isinstance(name, str) else None
    if cls is None or cls not in allowed:
        raise _wrong(data, wanted, where)
    hints = _HINTS[cls.__name__]
    unknown = set(data) - set(hints) - {"node"}
    if unknown:
        raise SerializeError(f"{where}: {cls.__name__} has no field {min(unknown)[:40]!r}")
    inside = where if cls is not ir.Routine else f"{where}, {str(data.get('name'))[:40]}"
    fields = {key: _decode(data[key], hint, inside) for key, hint in hints.items() if key in data}
    try:
        return cls(**fields)
    except TypeError:
        required = [f for f in dataclasses.fields(cls) if f.default is f.default_factory is dataclasses.MISSING]
        missing = [f.name for f in required if f.name not in fields]
        raise SerializeError(f"{where}: {cls.__name__} without {', '.join(missing)}") from None
